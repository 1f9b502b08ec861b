"""The company that a firm's pages are about: which one, as it stands, saved as a new version."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from fastapi import Request

from api.errors import InvalidRequest
from api.identity.caller import caller_of
from api.policy import PURPOSES, Purpose
from api.store import companies, company_changes, consents
from api.store.conditions import Condition
from api.store.idempotency import Claim, kept
from api.store.writer import Write
from recommender.company.profile import Company
from recommender.errors import NotFound

Json = dict[str, Any]
COOKIE = "firm"


class Firm(NamedTuple):
    """A company of the caller. id: None where there is none yet; etag: of what was read.

    profile: plain values as they were kept; agreed: purposes that are agreed to.
    """

    id: str | None
    etag: str
    profile: Json
    synthetic: bool
    version: int
    agreed: frozenset[str]


NOBODY = Firm(None, "", {}, synthetic=False, version=0, agreed=frozenset())


async def own(request: Request) -> Firm:
    """The company chosen on the home page, else the first of the caller's; NOBODY without one."""
    caller, wanted = caller_of(request), request.cookies.get(COOKIE)

    def find(connection: sa.Connection) -> Firm:
        listed = [row["id"] for row in companies.listed(connection, caller, {}, None, 50)]
        if not listed:
            return NOBODY
        company_id = wanted if wanted and wanted in listed else listed[0]
        row = companies.visible(connection, caller, company_id)
        history = consents.history(connection, caller.organisation_id, [row["id"]])
        return Firm(
            row["id"],
            companies.etag(connection, row),
            orjson.loads(row["profile"]),
            bool(row["synthetic"]),
            row["version"],
            frozenset(consents.in_force(history)),
        )

    found: Firm = await request.app.state.store.reading(find)
    return found


async def chosen(request: Request) -> Firm:
    """The company of the caller; raises NotFound where there is none yet."""
    found = await own(request)
    if found.id is None:
        raise NotFound(kind="company", id="-")
    return found


async def saved(
    request: Request,
    firm: Firm,
    profile: Mapping[str, Any],
    etag: str,
    claim: Claim | None,
    agreed: frozenset[str] | None = None,
) -> str:
    """Keep a profile as the next version of a company, or as the first of a new one; its id.

    etag: of the version that was changed, empty for none. agreed: the purposes agreed to from now
    on, None to leave them. Raises InvalidRequest, Stale, UsccTaken and what `put` raises.
    """
    company = checked(profile)
    caller = caller_of(request)
    company_id = firm.id or f"firm-{uuid.uuid4().hex[:12]}"
    condition = Condition(frozenset({etag})) if etag else Condition(none=True)
    given = () if agreed is None else agreed - firm.agreed
    wanted: dict[str, str | None] = dict.fromkeys(p for p in PURPOSES if p in given)
    ended: list[Purpose] = [p for p in PURPOSES if agreed is not None and p in firm.agreed - agreed]

    def work(write: Write) -> Json:
        said = company_changes.Statement(company, consents=wanted)
        company_changes.put(write, caller, company_id, said, condition)
        for purpose in ended:
            company_changes.withdraw(write, caller, company_id, purpose, None)
        return {"id": company_id}

    answer = await kept(request.app.state.store, claim, work, 200)
    return str(orjson.loads(answer.answer)["id"])


def checked(profile: Mapping[str, Any]) -> Company:
    """A profile as a company; raises InvalidRequest with every problem at once."""
    company, problems = Company.examine(profile)
    if problems or company is None:
        raise InvalidRequest(problems)
    return company


def with_fact(profile: Json, name: str, value: Any, as_of: str) -> Json:
    """The profile with the firm's own answer to one question."""
    after = copy.deepcopy(profile)
    after.setdefault("facts", {})[name] = {"value": value, "source": "company", "as_of": as_of}
    return after
