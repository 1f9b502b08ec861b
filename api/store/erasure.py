"""A company is erased on request: what it said and what was said to it goes, and a mark remains.

The row of the company is locked first. A run that is being written elsewhere either comes before,
and is found here, or comes after, and learns from `companies.still_there` that it may not be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from api.policy import Caller
from api.store import consents as agreements
from api.store.companies import etag, visible
from api.store.company_changes import advance, audit
from api.store.conditions import Condition
from api.store.references import sever
from api.store.tables import (
    application_events,
    applications,
    companies,
    company_versions,
    consents,
    contacts,
    facilities,
    idempotency_keys,
    job_files,
    jobs,
    outcomes,
    overrides,
    relations,
    review_requests,
    runs,
    users,
)
from api.store.writer import Write

REMOVED = (company_versions, facilities, relations, contacts, outcomes, overrides)


def erase(write: Write, caller: Caller, company_id: str, condition: Condition) -> None:
    """Erase a company with whatever was merged into it; raises what `visible` raises, and Stale.

    Removed: profiles with sources, facilities, the relation, contacts, outcomes, overrides.
    Emptied: names and code, notes of consents and applications, texts of reviews, requests and
    answers of runs; plans that a job made lose its line. The dates of consents and the steps of
    applications remain, without words.
    """
    row = visible(write.connection, caller, company_id)
    condition.check(etag(write.connection, row), needed=False)
    empty = {"name_zh": None, "name_en": None, "uscc": None}
    change = {**empty, "updated_at": write.at, "erased_at": write.at}
    advance(write, caller, company_id, row["version"], change)
    ids = [company_id, *_merged(write, caller, company_id, change)]
    agreements.end(write, caller, ids, None)
    for table in REMOVED:
        write.execute(sa.delete(table).where(*_of(table, caller, ids)))
    _empty(write, caller, ids)
    _take_from_plans(write, caller, ids)
    # A repeated call would get the first answer again, word for word.
    write.execute(sa.delete(idempotency_keys).where(_answers_about(caller, ids)))
    audit(write, caller, company_id, "company.erased", {})
    write.erases = True
    for name in ids:
        sever(write, caller.organisation_id, "company", name)


def _merged(write: Write, caller: Caller, company_id: str, change: dict[str, Any]) -> list[str]:
    own = (
        companies.c.organisation_id == caller.organisation_id,
        companies.c.merged_into == company_id,
    )
    found = write.execute(sa.select(companies.c.id).where(*own)).scalars().all()
    write.execute(sa.update(companies).where(*own).values(**change))
    return list(found)


def _empty(write: Write, caller: Caller, ids: Sequence[str]) -> None:
    changes: tuple[tuple[sa.Table, dict[str, Any]], ...] = (
        (consents, {"note": None, "withdrawn_note": None}),
        (review_requests, {"question": "", "answer": None}),
        (runs, {"request": None, "answer": None, "erased_at": write.at}),
    )
    for table, change in changes:
        write.execute(sa.update(table).where(*_of(table, caller, ids)).values(**change))
    of_them = sa.select(applications.c.id).where(*_of(applications, caller, ids))
    events = sa.update(application_events).where(application_events.c.application_id.in_(of_them))
    write.execute(events.values(note=None, change="{}"))


def _take_from_plans(write: Write, caller: Caller, ids: Sequence[str]) -> None:
    """Lists of plans that jobs made, without the lines of these companies."""
    files, plans = (
        job_files.c,
        (jobs.c.organisation_id == caller.organisation_id, jobs.c.kind == "plans"),
    )
    query = sa.select(job_files).join(jobs, jobs.c.id == files.job_id).where(*plans)
    for row in write.execute(query).mappings().all():
        lines = bytes(row["content"]).splitlines(keepends=True)
        kept = [line for line in lines if orjson.loads(line)["company_id"] not in ids]
        if len(kept) < len(lines):
            same = (files.job_id == row["job_id"], files.name == row["name"])
            write.execute(sa.update(job_files).where(*same).values(content=b"".join(kept)))


def _answers_about(caller: Caller, ids: Sequence[str]) -> sa.ColumnElement[bool]:
    own = sa.select(users.c.id).where(users.c.organisation_id == caller.organisation_id)
    columns = idempotency_keys.c
    about = sa.or_(*(columns.answer.contains(f'"{name}"', autoescape=True) for name in ids))
    return columns.user_id.in_(own) & about


def _of(table: sa.Table, caller: Caller, ids: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    owned = table.c.organisation_id == caller.organisation_id
    return [owned, table.c.company_id.in_(ids)]
