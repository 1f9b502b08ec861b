"""A company that was recorded twice becomes one: nothing is lost, and every answer stays exact.

The versions of the one that goes are put behind those of the one that stays, and what points at
them (runs, applications, outcomes) is renumbered with them: an answer still points at the profile
it saw. The profile that counts is the one of the company that stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import sqlalchemy as sa

from api.errors import InvalidRequest
from api.policy import Caller
from api.store import consents, relations
from api.store.companies import visible
from api.store.company_changes import advance, audit, default_source, version_row
from api.store.facilities import carried, project, rows_of
from api.store.profiles import sourced, written
from api.store.tables import (
    applications,
    companies,
    company_versions,
    contacts,
    facilities,
    outcomes,
    overrides,
    review_requests,
    runs,
)
from api.store.tables import consents as consents_table
from api.store.writer import Write
from recommender.errors import Problem

Row = Mapping[Any, Any]
VERSIONED = (runs, applications, outcomes)
POINTING = (*VERSIONED, overrides, review_requests, contacts, consents_table)
NOTE = "merged"


def merge(write: Write, caller: Caller, company_id: str, into: str) -> None:
    """Let one company go into another; raises what `visible` raises, and InvalidRequest for itself.

    Only consents of the company that stays remain in force.
    """
    if company_id == into:
        raise InvalidRequest([Problem("merge_with_itself", "into", into)])
    gone, stays = (visible(write.connection, caller, name) for name in (company_id, into))
    consents.end(write, caller, [company_id], NOTE)
    change = {"merged_into": into, "uscc": None, "name_zh": None, "name_en": None}
    advance(write, caller, company_id, gone["version"], {**change, "updated_at": write.at})
    latest = stays["version"] + gone["version"] + 1
    advance(write, caller, into, stays["version"], {"version": latest, "updated_at": write.at})
    _renumber(write, caller, company_id, into, stays["version"])
    _repeat(write, caller, gone, stays, latest)
    relations.take_over(write, caller, company_id, into)
    audit(write, caller, company_id, "company.merged", {"version": gone["version"]})
    audit(write, caller, into, "company.changed", {"version": latest})


def _renumber(write: Write, caller: Caller, company_id: str, into: str, by: int) -> None:
    _take_versions(write, caller, company_id, into, by)
    _end_overrides(write, caller, company_id, into)
    for table in POINTING:
        change: dict[str, Any] = {"company_id": into}
        if table in VERSIONED:
            change["company_version"] = table.c.company_version + by
        write.execute(sa.update(table).where(*_of(table, caller, company_id)).values(**change))
    write.execute(sa.delete(facilities).where(*_of(facilities, caller, company_id)))
    # What had been merged into the one that goes now points where it went.
    earlier = companies.c.merged_into == company_id
    own = companies.c.organisation_id == caller.organisation_id
    write.execute(sa.update(companies).where(own, earlier).values(merged_into=into))


def _end_overrides(write: Write, caller: Caller, company_id: str, into: str) -> None:
    """Where both have a word on a product, that of the company that stays goes on standing."""
    columns, standing = overrides.c, overrides.c.withdrawn_at.is_(None)
    said = sa.select(columns.product_id).where(*_of(overrides, caller, into), standing)
    clash = (*_of(overrides, caller, company_id), standing, columns.product_id.in_(said))
    write.execute(sa.update(overrides).where(*clash).values(withdrawn_at=write.at))


def _take_versions(write: Write, caller: Caller, company_id: str, into: str, by: int) -> None:
    change = {"company_id": into, "version": company_versions.c.version + by}
    owned = _of(company_versions, caller, company_id)
    write.execute(sa.update(company_versions).where(*owned).values(**change))


def _repeat(write: Write, caller: Caller, gone: Row, stays: Row, version: int) -> None:
    """The profile that stays, with the drawn loans of the company that goes."""
    before, sources = orjson.loads(stays["profile"]), orjson.loads(stays["sources"])
    profile = carried(before, orjson.loads(gone["profile"]))
    default = default_source(caller, write.at)
    texts = (written(profile), written(sourced(profile, {}, default, (before, sources))))
    row = version_row(write, caller, stays["id"], version, texts)
    write.execute(sa.insert(company_versions), row)
    project(write, caller.organisation_id, {stays["id"]: rows_of(profile)})


def _of(table: sa.Table, caller: Caller, company_id: str) -> list[sa.ColumnElement[bool]]:
    owned = table.c.organisation_id == caller.organisation_id
    return [owned, table.c.company_id == company_id]
