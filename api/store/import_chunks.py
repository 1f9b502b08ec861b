"""A chunk of checked rows against what is there: what is new, changed, the same, or refused."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa

from api.policy import Caller
from api.store import consents, relations
from api.store.audit import Event
from api.store.companies import SHARED, seen
from api.store.company_changes import (
    advance,
    branch_of,
    default_source,
    new_row,
    next_texts,
    version_row,
)
from api.store.facilities import project, rows_of, uncarried
from api.store.import_rows import Checked
from api.store.profiles import written
from api.store.references import reference
from api.store.tables import companies, company_versions
from api.store.tables import consents as consents_table
from api.store.writer import Write
from recommender.errors import Problem

Row = Mapping[Any, Any]
FACILITIES = "facilities"
Texts = tuple[str, str]
# The branch that was asked for; empty where none was.
Branch = tuple[str | None, ...]


@dataclass
class Decided:
    """What is to become of a chunk. changed: with the row that is there and the next texts.

    related: of whom only the relation changes; relations: by company, those to be kept.
    """

    new: list[tuple[Checked, Texts]] = field(default_factory=list)
    changed: list[tuple[Checked, Row, Texts]] = field(default_factory=list)
    same: list[Checked] = field(default_factory=list)
    related: list[Checked] = field(default_factory=list)
    relations: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[tuple[Checked, Problem]] = field(default_factory=list)


def decided(
    connection: sa.Connection,
    caller: Caller,
    rows: Sequence[Checked],
    branch: Branch,
    at: datetime.datetime,
) -> Decided:
    """Hold rows against the companies of the organisation; nothing is written."""
    found, there = Decided(), _there(connection, caller, [row.id for row in rows])
    owners = _owners(connection, caller, [row.head["uscc"] for row in rows])
    source = default_source(caller, at)
    known = relations.known(connection, caller.organisation_id, [row.id for row in rows])
    for row in rows:
        stated = {**known.get(row.id, {}), **row.relation}
        differs = stated != known.get(row.id, {})
        current = there.get(row.id)
        problem = _problem(caller, row, current) or _taken(row, owners)
        if problem is not None:
            found.refused.append((row, problem))
            continue
        if differs:
            found.relations[row.id] = stated
        if current is None:
            sources = written(dict.fromkeys(row.fields, source))
            found.new.append((row, (row.profile, sources)))
        elif _same(texts := next_texts(row.profile, {}, source, current), caller, branch, current):
            (found.related if differs else found.same).append(row)
        else:
            found.changed.append((row, current, texts))
    return found


def _same(texts: Texts, caller: Caller, branch: Branch, current: Row) -> bool:
    kept = (current["profile"], current["sources"], current["branch_id"])
    return (*texts, branch_of(caller, branch, current)) == kept


def keep(
    write: Write, caller: Caller, rows: Sequence[Checked], branch: Branch, note: str | None
) -> Decided:
    """Write what is to be written of a chunk; raises Stale where another writer was faster."""
    found = decided(write.connection, caller, rows, branch, write.at)
    place = branch_of(caller, branch, None)
    made = [new_row(write, caller, row.id, place, row.head) for row, _ in found.new]
    _insert(write, companies, made)
    versions = [version_row(write, caller, r.id, 1, texts) for r, texts in found.new]
    for row, current, texts in found.changed:
        version = current["version"] + 1
        change = {
            "version": version,
            "branch_id": branch_of(caller, branch, current),
            **row.head,
            "synthetic": current["synthetic"] or row.head["synthetic"],
            "updated_at": write.at,
        }
        advance(write, caller, row.id, current["version"], change)
        versions.append(version_row(write, caller, row.id, version, texts))
    _insert(write, company_versions, versions)
    written_rows = [*(r for r, _ in found.new), *(r for r, _, _ in found.changed)]
    texts_of = {row["company_id"]: row["profile"] for row in versions}
    facilities = {id_: rows_of(orjson.loads(text)) for id_, text in texts_of.items()}
    project(write, caller.organisation_id, facilities)
    relations.keep(write, caller, found.relations)
    written_rows += found.related
    _agree(write, caller, [*written_rows, *found.same], note)
    if written_rows:
        actor = reference(write, caller.organisation_id, "user", caller.user_id)
        changed = len(found.changed) + len(found.related)
        counts = {"created": len(found.new), "changed": changed}
        event = Event(caller.organisation_id, actor, "companies.imported", None, counts)
        write.audit(event)
    return found


def _there(connection: sa.Connection, caller: Caller, ids: Sequence[str]) -> dict[str, Row]:
    columns = company_versions.c
    current = (
        (columns.organisation_id == companies.c.organisation_id)
        & (columns.company_id == companies.c.id)
        & (columns.version == companies.c.version)
    )
    query = (
        sa.select(companies, columns.profile, columns.sources, seen(caller).label("seen"))
        .join(company_versions, current, isouter=True)
        .where(companies.c.organisation_id == caller.organisation_id, companies.c.id.in_(ids))
    )
    return {row["id"]: row for row in connection.execute(query).mappings()}


def _owners(
    connection: sa.Connection, caller: Caller, codes: Sequence[str | None]
) -> dict[str, tuple[str, bool]]:
    """By code, the company that has it, and whether the caller sees that one."""
    query = sa.select(companies.c.uscc, companies.c.id, seen(caller).label("seen")).where(
        companies.c.organisation_id == caller.organisation_id,
        companies.c.uscc.in_([code for code in codes if code is not None]),
    )
    return {row.uscc: (row.id, row.seen) for row in connection.execute(query)}


def _problem(caller: Caller, row: Checked, current: Row | None) -> Problem | None:
    if current is None:
        lacks = caller.role == "manager" and not row.agreed.get(SHARED)
        return Problem("consent_needed", f"consents.{SHARED}") if lacks else _loans(row, None)
    if not current["seen"]:
        return Problem("row_not_yours", "id", row.id)
    if current["erased_at"] is not None:
        return Problem("row_erased", "id", row.id)
    if current["merged_into"] is not None:
        return Problem("row_merged", "id", row.id)
    return _loans(row, current)


def _loans(row: Checked, current: Row | None) -> Problem | None:
    """What is wrong with the facilities of a row, those drawn under applications among them."""
    if FACILITIES not in row.fields:
        return None
    before = {} if current is None else orjson.loads(current["profile"])
    return next(uncarried(orjson.loads(row.profile), before), None)


def _taken(row: Checked, owners: Mapping[str, tuple[str, bool]]) -> Problem | None:
    code = row.head["uscc"]
    owner, shown = owners.get(code or "", (row.id, True))
    if owner == row.id:
        return None
    if shown:
        return Problem("row_uscc_taken", "uscc", code, None, {"id": owner})
    return Problem("row_uscc_taken_unseen", "uscc", code)


def _agree(write: Write, caller: Caller, rows: Sequence[Checked], note: str | None) -> None:
    """Record consents that nobody recorded yet; a no ends one, a yes never brings one back."""
    ids = [row.id for row in rows if row.agreed]
    known: dict[str, list[Row]] = {}
    for consent in consents.history(write.connection, caller.organisation_id, ids):
        known.setdefault(consent["company_id"], []).append(consent)
    made = [new for row in rows for new in _new_consents(write, caller, row, known, note)]
    _insert(write, consents_table, made)


def _new_consents(
    write: Write,
    caller: Caller,
    row: Checked,
    known: Mapping[str, Sequence[Row]],
    note: str | None,
) -> Iterator[dict[str, Any]]:
    earlier = known.get(row.id, ())
    asked, agreed = {c["purpose"] for c in earlier}, consents.in_force(earlier)
    for purpose, given in row.agreed.items():
        if purpose not in asked:
            yield consents.row_of(write, caller, row.id, purpose, note, given=given)
        elif purpose in agreed and not given:
            consents.withdraw(write, caller, row.id, purpose, note)


def _insert(write: Write, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        write.execute(sa.insert(table), rows)
