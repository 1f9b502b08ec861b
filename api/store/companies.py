"""Companies and their versions: an answer always points at the profile it saw."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from api.policy import Caller
from api.refusals import Erased, Merged
from api.store import consents as agreements
from api.store import relations
from api.store.profiles import deidentified, written
from api.store.tables import companies, company_versions, consents
from api.store.writer import Write
from recommender.errors import NotFound, Problem

Row = Mapping[Any, Any]
Json = dict[str, Any]
SHARED = "matching"
_TOMBSTONE = (
    sa.select(companies.c.erased_at)
    .where(
        companies.c.organisation_id == sa.bindparam("organisation_id"),
        companies.c.id == sa.bindparam("company_id"),
    )
    .with_for_update(read=True)
)


def seen(caller: Caller) -> sa.ColumnElement[bool]:
    """Which companies a caller sees at all; the same for every query on them.

    Enterprises: their own. Managers: those of their branch that consented to matching, and those
    whose branch is not stated only from the whole organisation. Others: their organisation's.
    Companies that are erased or merged are among them, so that their ids say so.
    """
    own = companies.c.organisation_id == caller.organisation_id
    if caller.role == "enterprise":
        return own & (companies.c.owner_id == caller.user_id)
    if caller.role != "manager":
        return own
    agreed = sa.exists().where(
        consents.c.organisation_id == companies.c.organisation_id,
        consents.c.company_id == companies.c.id,
        consents.c.purpose == SHARED,
        consents.c.withdrawn_at.is_(None),
    )
    branch = sa.true() if caller.branch_id is None else companies.c.branch_id == caller.branch_id
    return own & branch & (agreed | ~live())


def live() -> sa.ColumnElement[bool]:
    """Companies that are neither erased nor merged into another."""
    return companies.c.erased_at.is_(None) & companies.c.merged_into.is_(None)


def named(caller: Caller) -> sa.ColumnElement[str]:
    """What a caller knows a company by: its id, and for analysts its pseudonym."""
    return companies.c.pseudonym if caller.role == "analyst" else companies.c.id


def visible(connection: sa.Connection, caller: Caller, company_id: str) -> Row:
    """A company as it is now, with `profile` (without consents) and `sources` as text.

    company_id: for analysts the pseudonym; the row has the id nevertheless, so `shown` words it.
    Raises NotFound, also for one that is there but not for this caller, Erased, and Merged.
    """
    query = (
        sa.select(companies, company_versions.c.profile, company_versions.c.sources)
        .join(
            company_versions,
            (company_versions.c.organisation_id == companies.c.organisation_id)
            & (company_versions.c.company_id == companies.c.id)
            & (company_versions.c.version == companies.c.version),
            isouter=True,
        )
        .where(named(caller) == company_id, seen(caller))
    )
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFound(kind="company", id=company_id)
    if found["erased_at"] is not None:
        raise Erased(kind="company", id=company_id)
    if found["merged_into"] is not None:
        raise Merged([_pointer(connection, caller, company_id, found["merged_into"])])
    return found


def _pointer(connection: sa.Connection, caller: Caller, company_id: str, into: str) -> Problem:
    """Where a merged company went, as far as the caller may know."""
    query = sa.select(named(caller)).where(companies.c.id == into, seen(caller))
    other = connection.execute(query).scalar_one_or_none()
    if other is None:
        return Problem("merged_unseen", "id", company_id)
    return Problem("merged_into", "id", company_id, other)


def still_there(write: Write, organisation_id: str, company_id: str) -> bool:
    """Whether what is written in this transaction about a company may be kept: it is not erased.

    The row stays locked until the commit, so that an erasure elsewhere either comes before, and
    the answer is no, or waits and then finds what was written.
    """
    given = {"organisation_id": organisation_id, "company_id": company_id}
    found = write.execute(_TOMBSTONE, given).one_or_none()
    return found is not None and found[0] is None


def at_version(connection: sa.Connection, row: Row, version: int) -> Row:
    """A company as it was at one of its versions; raises NotFound."""
    columns = company_versions.c
    query = sa.select(columns.profile, columns.sources, columns.version, columns.at).where(
        columns.organisation_id == row["organisation_id"],
        columns.company_id == row["id"],
        columns.version == version,
    )
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFound(kind="version", id=version)
    return {**row, **found, "updated_at": found["at"]}


def listed(
    connection: sa.Connection, caller: Caller, filters: Json, after: str | None, limit: int
) -> list[Json]:
    """Companies a caller sees, by id, each with the purposes it agreed to.

    filters: text (part of a name or the beginning of an id), branch_id, uscc; None: any. after: the
    id that was seen last.
    """
    name = named(caller)
    query = sa.select(companies, name.label("name")).where(seen(caller), live(), *_chosen(filters))
    if after is not None:
        query = query.where(name > after)
    rows = list(connection.execute(query.order_by(name).limit(limit)).mappings())
    ids = [row["id"] for row in rows]
    agreed: dict[str, list[Row]] = {}
    for consent in agreements.history(connection, caller.organisation_id, ids):
        agreed.setdefault(consent["company_id"], []).append(consent)
    return [_line(caller, row, agreed.get(row["id"], [])) for row in rows]


def _chosen(filters: Json) -> list[sa.ColumnElement[bool]]:
    columns, text = companies.c, filters.get("text")
    found = [columns[n] == filters[n] for n in ("branch_id", "uscc") if filters.get(n) is not None]
    if text:
        parts = [c.icontains(text, autoescape=True) for c in (columns.name_zh, columns.name_en)]
        found.append(sa.or_(*parts, columns.id.startswith(text, autoescape=True)))
    return found


def _line(caller: Caller, row: Row, agreed: Sequence[Row]) -> Json:
    known = ("name_zh", "name_en", "uscc") if caller.role != "analyst" else ()
    return {
        "id": row["name"],
        **{name: row[name] if name in known else None for name in ("name_zh", "name_en", "uscc")},
        "branch_id": row["branch_id"],
        "version": row["version"],
        "synthetic": row["synthetic"],
        "consents": sorted(agreements.in_force(agreed)),
        "updated_at": row["updated_at"].isoformat(),
    }


def shown(connection: sa.Connection, caller: Caller, row: Row) -> Json:
    """A company as an answer has it; for analysts without what names it."""
    agreed = agreements.history(connection, caller.organisation_id, [row["id"]])
    analyst = caller.role == "analyst"
    name = row["pseudonym"] if analyst else row["id"]
    profile, sources = orjson.loads(row["profile"]), orjson.loads(row["sources"])
    if analyst:
        profile = deidentified(profile)
        sources = {field: s for field, s in sources.items() if field.partition(".")[0] in profile}
    consented = agreements.stated(agreed)
    return {
        "id": name,
        "version": row["version"],
        "branch_id": row["branch_id"],
        "synthetic": row["synthetic"],
        "profile": {"id": name, **profile, **({"consents": consented} if consented else {})},
        "sources": sources,
        "consents": [_consent(c, noted=not analyst) for c in agreed],
        "relation": None if analyst else _relation(connection, caller, row["id"]),
        "updated_at": row["updated_at"].isoformat(),
    }


def _relation(connection: sa.Connection, caller: Caller, company_id: str) -> Json | None:
    known = relations.known(connection, caller.organisation_id, [company_id]).get(company_id)
    return None if known is None else {**dict.fromkeys(relations.FIELDS), **known}


def _consent(row: Row, *, noted: bool) -> Json:
    who = ("user_id", "note", "withdrawn_by", "withdrawn_note")
    days = {n: row[n].isoformat() if row[n] else None for n in ("given_at", "withdrawn_at")}
    said = {name: row[name] if noted else None for name in who}
    return {"purpose": row["purpose"], **days, **said}


def etag(connection: sa.Connection, row: Row) -> str:
    """The tag of a company as it stands, consents included: `"<version>-<short hash>"`."""
    agreed = agreements.stated(agreements.history(connection, row["organisation_id"], [row["id"]]))
    whole = written([row["profile"], row["sources"], row["branch_id"], agreed])
    return f'"{row["version"]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"'
