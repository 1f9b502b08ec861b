"""Outcomes: what became of products shown, kept once, and the table to learn from them."""

from __future__ import annotations

import datetime
import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from api.errors import InvalidRequest
from api.policy import Caller
from api.schemas.outcomes import OutcomeEntry, OutcomeQuery
from api.store import shown
from api.store.companies import seen, visible
from api.store.outcome_entries import Entries
from api.store.profiles import deidentified
from api.store.references import about_company
from api.store.tables import (
    applications,
    companies,
    company_versions,
    consents,
    outcomes,
    runs,
)
from api.store.writer import Write
from recommender.errors import Problem
from recommender.records import day_of

Row = Mapping[Any, Any]
LEARNING = "learning"
TAKEN, SILENT = "taken", "no_answer"
# What an outcome shares with the application it ends.
COPIED = ("company_id", "company_version", "run_id", "product_id", "lane", "synthetic")


def keep(write: Write, caller: Caller, rows: Sequence[Row]) -> list[str]:
    """Keep outcomes; their ids. One audit event for each company."""
    same = {"organisation_id": caller.organisation_id, "user_id": caller.user_id, "at": write.at}
    made = [{"application_id": None, **row, "id": str(uuid.uuid4()), **same} for row in rows]
    if made:
        write.execute(sa.insert(outcomes), made)
    by_company: dict[str, list[str]] = {}
    for row in made:
        by_company.setdefault(row["company_id"], []).append(row["id"])
    for company_id, ids in by_company.items():
        about_company(write, caller, "outcome.recorded", company_id, {"outcomes": ids})
    return [row["id"] for row in made]


def record(
    write: Write,
    caller: Caller,
    entries: Sequence[tuple[str, OutcomeEntry]],
    problems: Sequence[Problem] = (),
) -> dict[str, Any]:
    """Keep outcomes of products without an application, all or none; their ids.

    entries: each with its place in the request, `outcomes[3]` or "". problems: of entries that
    could not be read. Raises InvalidRequest with every problem of all of them.
    """
    read = Entries(write.connection, caller, write.at, list(problems))
    rows = [read.row(entry, place) for place, entry in entries]
    if read.problems:
        raise InvalidRequest(read.problems)
    ids = keep(write, caller, [row for row in rows if row is not None])
    return {"ids": ids, "count": len(ids)}


def listed(connection: sa.Connection, caller: Caller, asked: OutcomeQuery) -> dict[str, Any]:
    """A part of the outcomes of the companies a caller sees, the latest first.

    Analysts know companies by pseudonyms, and see those that agreed to learning.
    """
    analyst = caller.role == "analyst"
    name = (companies.c.pseudonym if analyst else companies.c.id).label("company")
    columns = ("id", "product_id", "lane", "outcome", "reason_code", "synthetic")
    applied = outcomes.c.application_id.is_not(None).label("applied")
    query = (
        sa.select(name, applied, outcomes.c.decided_on, *(outcomes.c[c] for c in columns))
        .join(companies, _same_company(outcomes))
        .where(seen(caller), companies.c.erased_at.is_(None), *_wanted(asked))
    )
    query = query.where(agreed()) if analyst else query
    total = connection.execute(sa.select(sa.func.count()).select_from(query.subquery()))
    order = (outcomes.c.decided_on.desc(), outcomes.c.at.desc(), outcomes.c.id)
    part = query.order_by(*order).limit(asked.limit).offset(asked.offset)
    found = [
        {
            **{column: row[column] for column in ("company", *columns)},
            "decided_on": row["decided_on"].isoformat(),
            "applied": bool(row["applied"]),
        }
        for row in connection.execute(part).mappings()
    ]
    page = {"limit": asked.limit, "offset": asked.offset}
    return {"outcomes": found, "total": total.scalar_one(), **page}


def of_company(connection: sa.Connection, caller: Caller, company_id: str) -> list[Row]:
    """What became of products shown to a company, the latest first; raises NotFound and Erased."""
    company = visible(connection, caller, company_id)
    columns = ("id", "product_id", "outcome", "reason_code", "decided_on", "application_id")
    query = (
        sa.select(outcomes.c.at, outcomes.c.user_id, *(outcomes.c[name] for name in columns))
        .where(
            outcomes.c.organisation_id == caller.organisation_id,
            outcomes.c.company_id == company["id"],
        )
        .order_by(outcomes.c.decided_on.desc(), outcomes.c.at.desc(), outcomes.c.id)
    )
    return list(connection.execute(query).mappings())


def _wanted(asked: OutcomeQuery) -> list[sa.ColumnElement[bool]]:
    given = {"product_id": asked.product, "outcome": asked.outcome}
    return [outcomes.c[name] == value for name, value in given.items() if value is not None]


def _same_company(table: sa.Table) -> sa.ColumnElement[bool]:
    same = companies.c.organisation_id == table.c.organisation_id
    return same & (companies.c.id == table.c.company_id)


def agreed() -> sa.ColumnElement[bool]:
    """Companies that agreed to learning and have not withdrawn it."""
    return sa.exists().where(
        consents.c.organisation_id == companies.c.organisation_id,
        consents.c.company_id == companies.c.id,
        consents.c.purpose == LEARNING,
        consents.c.withdrawn_at.is_(None),
    )


def learning_table(
    connection: sa.Connection, organisation_id: str, *, whole: bool = False
) -> list[dict[str, Any]]:
    """The outcome table of data/README.md: the lists shown of which an outcome is known.

    Of companies of one organisation that agreed to learning, by pseudonym. A product of a list
    without an outcome is `no_answer`, so that nothing taken is known only where every product has
    an outcome. Where more than one of a list was taken, each further one is an event of its own,
    among those that were not taken. Facts dated after the day are left out of the snapshot.
    whole: keep in it what names the company too, for a reader that is no person.
    """
    ended = _ended(connection, organisation_id)
    query = (
        sa.select(
            runs.c.id,
            runs.c.at,
            runs.c.answer,
            companies.c.pseudonym,
            companies.c.synthetic,
            company_versions.c.profile,
        )
        .join(companies, _same_company(runs))
        .join(
            company_versions,
            (company_versions.c.organisation_id == runs.c.organisation_id)
            & (company_versions.c.company_id == runs.c.company_id)
            & (company_versions.c.version == runs.c.company_version),
        )
        .where(
            runs.c.organisation_id == organisation_id,
            runs.c.erased_at.is_(None),
            companies.c.erased_at.is_(None),
            sa.exists().where(outcomes.c.run_id == runs.c.id),
            agreed(),
        )
        .order_by(runs.c.at, runs.c.id)
    )
    rows = connection.execute(query).mappings()
    return [row for run in rows for row in _events(run, ended.get(run["id"], {}), whole)]


def _ended(connection: sa.Connection, organisation_id: str) -> dict[str, dict[str, Row]]:
    """By run and product what became of it: the end of an application, else what was said last."""
    query = (
        sa.select(outcomes, applications.c.amount_hundredths, applications.c.currency)
        .join(applications, applications.c.id == outcomes.c.application_id, isouter=True)
        .where(outcomes.c.organisation_id == organisation_id, outcomes.c.run_id.is_not(None))
        .order_by(outcomes.c.application_id.is_not(None), outcomes.c.at, outcomes.c.id)
    )
    found: dict[str, dict[str, Row]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["run_id"], {})[row["product_id"]] = row
    return found


def _events(run: Row, ended: Mapping[str, Row], whole: bool) -> Iterator[dict[str, Any]]:
    """The rows of one run; its snapshot stands in the first row of each event."""
    named: set[str] = set()
    day, profile = shown.day_in_shanghai(run["at"]), orjson.loads(run["profile"])
    for ids in shown.lists(run["answer"]).values():
        known = [id_ for id_ in ids if id_ in ended]
        taken = [id_ for id_ in known if ended[id_]["outcome"] == TAKEN]
        for turn in range(max(1, len(taken)) if known else 0):
            others = set(taken[:turn] + taken[turn + 1 :])
            event = _event_name(run, turn)
            for place, id_ in enumerate(ids, start=1):
                if id_ in others:
                    continue
                row = _row(run, event, (id_, place, day), ended.get(id_))
                if event not in named:
                    row["snapshot"] = _snapshot(profile, day, whole)
                    named.add(event)
                yield row


def _event_name(run: Row, turn: int) -> str:
    """A name for a list that does not lead back to its run."""
    made = hashlib.sha256(f"{run['pseudonym']}\n{run['id']}".encode()).hexdigest()[:16]
    return f"e-{made}" if turn == 0 else f"e-{made}-{turn + 1}"


def _row(
    run: Row, event: str, product: tuple[str, int, datetime.date], end: Row | None
) -> dict[str, Any]:
    """A row with the columns of `recommender.outcomes`, in their order."""
    id_, place, day = product
    took = end is not None and end["outcome"] == TAKEN
    hundredths = end["amount_hundredths"] if took and end is not None else None
    applied = end is not None and end["application_id"] is not None
    return {
        "event": event,
        "company": run["pseudonym"],
        "product": id_,
        "position": place,
        "outcome": SILENT if end is None else end["outcome"],
        "date": day,
        "source": "application" if applied else "run" if end is None else "outcome",
        "reason": None if end is None else end["reason_code"],
        "propensity": None,
        "amount": None if hundredths is None else hundredths / 100,
        "currency": None if hundredths is None or end is None else end["currency"],
        "synthetic": bool(run["synthetic"]),
        "snapshot": None,
    }


def _snapshot(profile: dict[str, Any], day: datetime.date, whole: bool) -> str:
    """A profile as it was on its day, as JSON."""
    kept = profile if whole else deidentified(profile)
    if "facts" in kept:
        kept = {**kept, "facts": {n: f for n, f in kept["facts"].items() if _known(f, day)}}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()


def _known(fact: Any, day: datetime.date) -> bool:
    stated = day_of(fact.get("as_of")) if isinstance(fact, Mapping) else None
    return stated is None or stated <= day


def counted(connection: sa.Connection, caller: Caller) -> dict[str, int]:
    """How many outcomes are on record by product, in the organisation of the caller."""
    query = (
        sa.select(outcomes.c.product_id, sa.func.count())
        .where(outcomes.c.organisation_id == caller.organisation_id)
        .group_by(outcomes.c.product_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
