"""Runs: every answer as it was given, with the request that leads to it again."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from api.policy import Caller
from api.refusals import Erased
from api.store import companies as kept_companies
from api.store.audit import Event
from api.store.references import reference
from api.store.tables import companies, overrides, runs
from api.store.writer import Write
from recommender.errors import NotFound

Row = Mapping[Any, Any]
GIVEN = "run.given"
VERSIONS = ("engine_version", "catalogue_version", "parameters_version", "model_version")
NOTED = (
    "id", "operation", "user_id", "company_id", "company_version", "product_id", *VERSIONS,
    "population_version", "at", "erased_at",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """An answer about to be given.

    request: what leads to it again, as text with every default resolved; answer: its exact text.
    company_id: of the record where company_version is stated, else as the profile names itself,
    which need not be one of the record. versions: those of VERSIONS and `population_version`.
    """

    id: str
    operation: str
    request: str
    answer: str
    versions: Mapping[str, str | None]
    company_id: str | None = None
    company_version: int | None = None
    product_id: str | None = None


class Wanted(NamedTuple):
    """Which runs to list; None asks nothing. since, until: first and last moment, until excluded.

    after: time and id of the last run of the page before.
    """

    company_id: str | None = None
    product_id: str | None = None
    user_id: str | None = None
    operation: str | None = None
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    after: tuple[datetime.datetime, str] | None = None


def keep(write: Write, caller: Caller, run: Run) -> None:
    """Keep a run and chain that it was given.

    Raises Erased for a company that was erased meanwhile, and NotFound for one of the record that
    its caller sees no longer.
    """
    company_id = _company(write, caller, run)
    organisation_id = caller.organisation_id
    row = {
        "id": run.id,
        "organisation_id": organisation_id,
        "user_id": caller.user_id,
        "operation": run.operation,
        "company_id": company_id,
        "company_version": run.company_version,
        "product_id": run.product_id,
        **run.versions,
        "request": run.request,
        "answer": run.answer,
        "at": write.at,
    }
    actor = reference(write, organisation_id, "user", caller.user_id)
    about = None
    if company_id is not None:
        about = reference(write, organisation_id, "company", company_id)
    write.add(runs, row)
    detail = {"run": run.id, "operation": run.operation, **run.versions}
    write.audit(Event(organisation_id, actor, GIVEN, about, detail))


def _company(write: Write, caller: Caller, run: Run) -> str | None:
    """The company of the record that a run is about; None where it is about none."""
    asked = run.company_id
    if asked is None:
        return None
    found = write.seen(("company", caller, asked), lambda c: _seen(c, caller, asked))
    if found is None:
        if run.company_version is not None:
            raise NotFound(kind="company", id=asked)
        return None
    if found.erased_at is not None:
        raise Erased(kind="company", id=asked)
    return asked


def _seen(connection: sa.Connection, caller: Caller, company_id: str) -> sa.Row[Any] | None:
    """A company of the record that its caller sees, until the end of the transaction.

    An erasure that comes at the same moment waits for this commit, and then erases the run too.
    """
    query = (
        sa.select(companies.c.erased_at)
        .where(companies.c.id == company_id, kept_companies.seen(caller))
        .with_for_update(read=True)
    )
    return connection.execute(query).first()


def seen(caller: Caller) -> sa.ColumnElement[bool]:
    """Which runs a caller sees at all.

    Auditors and admins: those of their organisation. Others: those about a company they see now,
    and their own about none of the record; analysts, who see companies de-identified, only those.
    """
    own = runs.c.organisation_id == caller.organisation_id
    if caller.role in ("auditor", "admin"):
        return own
    asked = runs.c.company_id.is_(None) & (runs.c.user_id == caller.user_id)
    if caller.role == "analyst":
        return own & asked
    theirs = sa.exists().where(companies.c.id == runs.c.company_id, kept_companies.seen(caller))
    return own & (asked | theirs)


def visible(connection: sa.Connection, caller: Caller, run_id: str) -> Row:
    """A run as it was given; raises NotFound, also for one of others, and Erased."""
    query = sa.select(runs).where(runs.c.id == run_id, seen(caller))
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFound(kind="run", id=run_id)
    if found["erased_at"] is not None or found["answer"] is None:
        raise Erased(kind="run", id=run_id)
    return found


def noted(connection: sa.Connection, caller: Caller, run_id: str) -> Row:
    """What is left of a run even when it was erased; raises NotFound."""
    columns = [runs.c[name] for name in NOTED]
    query = sa.select(*columns).where(runs.c.id == run_id, seen(caller))
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFound(kind="run", id=run_id)
    return found


def listed(connection: sa.Connection, caller: Caller, wanted: Wanted, limit: int) -> list[Row]:
    """Notes on the newest runs, at most `limit`, newest first."""
    columns = [runs.c[name] for name in NOTED]
    query = sa.select(*columns).where(seen(caller), *_wanted(wanted))
    query = query.order_by(runs.c.at.desc(), runs.c.id.desc()).limit(limit)
    return list(connection.execute(query).mappings())


def _wanted(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found = [
        runs.c[name] == value
        for name in ("company_id", "user_id", "operation")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.product_id is not None:
        shown = runs.c.answer.contains(f'"product_id":"{wanted.product_id}"', autoescape=True)
        found.append((runs.c.product_id == wanted.product_id) | shown)
    if wanted.since is not None:
        found.append(runs.c.at >= wanted.since)
    if wanted.until is not None:
        found.append(runs.c.at < wanted.until)
    if wanted.after is not None:
        at, run_id = wanted.after
        found.append((runs.c.at < at) | ((runs.c.at == at) & (runs.c.id < run_id)))
    return found


def last_lists(connection: sa.Connection, caller: Caller, limit: int) -> list[Row]:
    """The last list of prospects that a caller was given of each product, the latest first."""
    mine = (
        runs.c.organisation_id == caller.organisation_id,
        runs.c.user_id == caller.user_id,
        runs.c.operation == "prospects",
        runs.c.answer.is_not(None),
    )
    last = (
        sa.select(runs.c.product_id, sa.func.max(runs.c.at).label("at"))
        .where(*mine)
        .group_by(runs.c.product_id)
        .order_by(sa.func.max(runs.c.at).desc())
        .limit(limit)
        .subquery()
    )
    same = (runs.c.product_id == last.c.product_id) & (runs.c.at == last.c.at)
    query = sa.select(runs).join(last, same).where(*mine).order_by(runs.c.at.desc(), runs.c.id)
    return list(connection.execute(query).mappings())


def overrides_of(connection: sa.Connection, organisation_id: str, company_id: str) -> list[Row]:
    """Overrides of a company that are in force, oldest first."""
    names = ("id", "product_id", "decision", "reason", "user_id", "run_id", "at")
    query = (
        sa.select(*(overrides.c[name] for name in names))
        .where(
            overrides.c.organisation_id == organisation_id,
            overrides.c.company_id == company_id,
            overrides.c.withdrawn_at.is_(None),
        )
        .order_by(overrides.c.at, overrides.c.id)
    )
    return list(connection.execute(query).mappings())
