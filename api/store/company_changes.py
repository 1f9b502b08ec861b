"""A company is created or changed: a version more, its facilities beside it, and who said so."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from api.errors import InvalidRequest
from api.policy import Caller
from api.refusals import AlreadyThere, Stale, UsccTaken, UsccTakenUnseen
from api.store import consents
from api.store.audit import Event
from api.store.companies import SHARED, etag, seen, visible
from api.store.conditions import ABSENT, Condition
from api.store.facilities import carried, project, rows_of, uncarried
from api.store.profiles import canonical, sourced, written
from api.store.references import reference
from api.store.tables import branches, companies, company_versions
from api.store.writer import Write
from recommender.company.profile import Company
from recommender.errors import Problem
from recommender.options import SHANGHAI

Row = Mapping[Any, Any]
Json = dict[str, Any]


@dataclass(frozen=True)
class Statement:
    """What a caller says of a company.

    branch: (id,), (None,) for no branch, () where it does not say. sources: by field. consents:
    purposes that the company agreed to, each with a note.
    """

    company: Company
    branch: tuple[str | None, ...] = ()
    sources: Mapping[str, Json] = field(default_factory=dict)
    consents: Mapping[str, str | None] = field(default_factory=dict)


class Kept(NamedTuple):
    """What became of a statement. changed: whether there is a new version."""

    created: bool
    changed: bool


def put(
    write: Write, caller: Caller, company_id: str, said: Statement, condition: Condition
) -> Kept:
    """Create a company or change it as a whole.

    Raises NotFound for one that is there but not for this caller, Erased, Merged, Stale,
    ConditionNeeded, UsccTaken, UsccTakenUnseen, AlreadyThere and InvalidRequest.
    """
    current = current_of(write.connection, caller, company_id)
    condition.check(None if current is None else etag(write.connection, current))
    problems = list(placed(write.connection, caller, said, current))
    if problems:
        raise InvalidRequest(problems)
    unique(write.connection, caller, company_id, said.company.uscc)
    kept = _created(write, caller, company_id, said) if current is None else None
    kept = kept or _changed(write, caller, said, current or {})
    for purpose, note in said.consents.items():
        consents.give(write, caller, company_id, purpose, note)
    return kept


def current_of(connection: sa.Connection, caller: Caller, company_id: str) -> Row | None:
    """The company that is there, None where the id is free; raises what `visible` raises."""
    owned = (companies.c.organisation_id == caller.organisation_id, companies.c.id == company_id)
    if connection.execute(sa.select(companies.c.id).where(*owned)).first() is None:
        return None
    return visible(connection, caller, company_id)


def placed(
    connection: sa.Connection, caller: Caller, said: Statement, current: Row | None
) -> list[Problem]:
    """What is wrong with a statement: its branch, its loans, or that nobody would see it."""
    found = []
    new, kept = branch_of(caller, said.branch, current), branch_of(caller, (), current)
    if new != kept and not _free_to_place(caller, new, current):
        found.append(Problem("branch_not_yours", "branch_id", new, kept))
    elif new not in (None, kept) and not branch_exists(connection, caller.organisation_id, new):
        found.append(Problem("unknown_branch", "branch_id", new))
    if current is None and caller.role == "manager" and SHARED not in said.consents:
        found.append(Problem("consent_needed", f"consents.{SHARED}"))
    before = {} if current is None else orjson.loads(current["profile"])
    loans = uncarried(canonical(said.company)[1], before)
    return [*found, *(replace(problem, field=f"profile.{problem.field}") for problem in loans)]


def branch_of(caller: Caller, said: tuple[str | None, ...], current: Row | None) -> str | None:
    """The branch a company is to belong to: as stated, else as it was, else the caller's."""
    if said:
        return said[0]
    branch: str | None = caller.branch_id if current is None else current["branch_id"]
    return branch


def _free_to_place(caller: Caller, new: str | None, current: Row | None) -> bool:
    """Enterprises may leave a new company without a branch; whose own branch is set keeps to it."""
    if caller.role == "enterprise":
        return new is None and current is None
    return caller.role == "admin" or caller.branch_id is None


def branch_exists(connection: sa.Connection, organisation_id: str, branch_id: str | None) -> bool:
    """Whether the organisation has the branch."""
    owned = (branches.c.organisation_id == organisation_id, branches.c.id == branch_id)
    return connection.execute(sa.select(branches.c.id).where(*owned)).first() is not None


def unique(connection: sa.Connection, caller: Caller, company_id: str, uscc: str | None) -> None:
    """Refuse the code of another company of the organisation, which is named if it may be seen."""
    if uscc is None:
        return
    query = sa.select(companies.c.id, seen(caller).label("seen")).where(
        companies.c.organisation_id == caller.organisation_id,
        companies.c.uscc == uscc,
        companies.c.id != company_id,
    )
    other = connection.execute(query).one_or_none()
    if other is not None:
        raise UsccTaken(id=other.id) if other.seen else UsccTakenUnseen


def default_source(caller: Caller, at: datetime.datetime) -> Json:
    """Where a field comes from that says nothing else: whoever writes it, today in Shanghai."""
    source = "company" if caller.role == "enterprise" else "bank"
    return {"source": source, "as_of": at.astimezone(SHANGHAI).date().isoformat()}


def head_of(company: Company, *, synthetic: bool) -> Json:
    """The columns of a company that repeat its profile. A company once made up stays so."""
    return {
        "name_zh": company.name_zh,
        "name_en": company.name_en,
        "uscc": company.uscc,
        "synthetic": synthetic or bool(company.synthetic),
    }


def _created(write: Write, caller: Caller, company_id: str, said: Statement) -> Kept:
    profile, plain = canonical(said.company)
    sources = sourced(plain, said.sources, default_source(caller, write.at))
    head = head_of(said.company, synthetic=False)
    row = new_row(write, caller, company_id, branch_of(caller, said.branch, None), head)
    try:
        write.execute(sa.insert(companies), row)
    except IntegrityError as error:
        if "uscc" in str(error.orig):
            raise UsccTakenUnseen from None
        raise AlreadyThere(kind="company", id=company_id) from None
    _version(write, caller, company_id, 1, (profile, written(sources)))
    project(write, caller.organisation_id, {company_id: rows_of(plain)})
    audit(write, caller, company_id, "company.created", {"version": 1})
    return Kept(created=True, changed=True)


def new_row(
    write: Write, caller: Caller, company_id: str, branch_id: str | None, head: Mapping[str, Any]
) -> Json:
    """The row of a company that is new."""
    return {
        "organisation_id": caller.organisation_id,
        "id": company_id,
        "version": 1,
        "branch_id": branch_id,
        "owner_id": caller.user_id if caller.role == "enterprise" else None,
        **head,
        "created_at": write.at,
        "updated_at": write.at,
    }


def next_texts(
    profile: str, given: Mapping[str, Json], default: Json, current: Row
) -> tuple[str, str]:
    """Profile and sources of the next version of a company that is there; drawn loans stay."""
    before = orjson.loads(current["profile"]), orjson.loads(current["sources"])
    after = carried(orjson.loads(profile), before[0])
    return written(after), written(sourced(after, given, default, before))


def _changed(write: Write, caller: Caller, said: Statement, current: Row) -> Kept:
    default = default_source(caller, write.at)
    texts = next_texts(canonical(said.company)[0], said.sources, default, current)
    branch = branch_of(caller, said.branch, current)
    if (*texts, branch) == (current["profile"], current["sources"], current["branch_id"]):
        return Kept(created=False, changed=False)
    head = head_of(said.company, synthetic=current["synthetic"])
    _next(write, caller, current, texts, {"branch_id": branch, **head})
    return Kept(created=False, changed=True)


def _next(write: Write, caller: Caller, current: Row, texts: tuple[str, str], head: Json) -> None:
    """Keep the next version of a company with its facilities; raises Stale."""
    company_id, version = current["id"], current["version"] + 1
    change = {"version": version, **head, "updated_at": write.at}
    advance(write, caller, company_id, current["version"], change)
    _version(write, caller, company_id, version, texts)
    rows = {company_id: rows_of(orjson.loads(texts[0]))}
    project(write, caller.organisation_id, rows)
    audit(write, caller, company_id, "company.changed", {"version": version})


def revise(
    write: Write, caller: Caller, company_id: str, change: Callable[[Json], Mapping[str, Any]]
) -> None:
    """Keep a company with a changed profile; nothing happens where the change changes nothing.

    Raises what `visible` raises, Stale, and InvalidRequest for a profile that would be none.
    """
    current = visible(write.connection, caller, company_id)
    before = orjson.loads(current["profile"]), orjson.loads(current["sources"])
    after = dict(change(before[0]))
    if after == before[0]:
        return
    _, problems = Company.examine(after)
    if problems:
        raise InvalidRequest(problems)
    sources = sourced(after, {}, default_source(caller, write.at), before)
    _next(write, caller, current, (written(after), written(sources)), {})


def advance(write: Write, caller: Caller, company_id: str, version: int, change: Json) -> None:
    """Change the row of a company that still has this version; raises Stale where it has not."""
    query = sa.update(companies).where(
        companies.c.organisation_id == caller.organisation_id,
        companies.c.id == company_id,
        companies.c.version == version,
        companies.c.erased_at.is_(None),
        companies.c.merged_into.is_(None),
    )
    try:
        if write.execute(query.values(**change)).rowcount != 1:
            raise Stale(given=str(version), current=ABSENT)
    except IntegrityError:
        raise UsccTakenUnseen from None


def _version(
    write: Write, caller: Caller, company_id: str, version: int, texts: tuple[str, str]
) -> None:
    write.execute(
        sa.insert(company_versions), version_row(write, caller, company_id, version, texts)
    )


def version_row(
    write: Write, caller: Caller, company_id: str, version: int, texts: tuple[str, str]
) -> Json:
    """The row of a version."""
    return {
        "organisation_id": caller.organisation_id,
        "company_id": company_id,
        "version": version,
        "profile": texts[0],
        "sources": texts[1],
        "user_id": caller.user_id,
        "at": write.at,
    }


def audit(write: Write, caller: Caller, company_id: str, action: str, detail: Json) -> None:
    """Chain what was done to a company."""
    actor = reference(write, caller.organisation_id, "user", caller.user_id)
    subject = reference(write, caller.organisation_id, "company", company_id)
    write.audit(Event(caller.organisation_id, actor, action, subject, detail))


def give(write: Write, caller: Caller, company_id: str, purpose: str, note: str | None) -> None:
    """Record a consent of a company; raises what `visible` raises."""
    visible(write.connection, caller, company_id)
    consents.give(write, caller, company_id, purpose, note)


def withdraw(write: Write, caller: Caller, company_id: str, purpose: str, note: str | None) -> None:
    """Record the end of a consent; raises what `visible` raises."""
    visible(write.connection, caller, company_id)
    consents.withdraw(write, caller, company_id, purpose, note)
