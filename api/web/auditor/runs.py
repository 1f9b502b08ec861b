"""Runs: find one, see it as it was shown, and have it computed again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import Response

from api import cursors
from api.bodies import engine_of, language_of
from api.identity.caller import caller_of
from api.policy import Caller
from api.refusals import Erased, PopulationGone
from api.replays import COMPARED, replayed
from api.store import companies, runs
from api.store.registry import logins
from api.store.runs import Wanted
from api.web import access, forms, pages
from api.web.auditor.days import days_of
from recommender.errors import CorridorError
from recommender.texts import error_text

LIMIT, CHOICES = 25, 20
FIELDS = ("company", "product", "user", "operation", "since", "until")
OPERATIONS = ("recommend", "eligibility", "what_if", "plans", "prospects")
router = APIRouter(include_in_schema=False)
Json = dict[str, Any]


@router.get("/audit/runs", dependencies=[access.needs("runs", "audit")])
async def find(request: Request) -> Response:
    """Runs by company, product, day and user, newest first."""
    caller, language = caller_of(request), language_of(request)
    typed = {name: request.query_params.get(name, "").strip()[:200] for name in FIELDS}
    days = days_of(typed, language)
    cursor = request.query_params.get("cursor")
    after = None if not cursor else cursors.read(cursor, (str, str))

    def asked(connection: sa.Connection) -> Json:
        company, choices = _company(connection, caller, typed["company"])
        since, until = (days.since, days.until) if not days.problems else (None, None)
        place = None if after is None else (cursors.moment(after[0]), str(after[1]))
        product, user, operation = (typed[n] or None for n in ("product", "user", "operation"))
        wanted = Wanted(company, product, user, operation, since, until, place)
        many = (
            [] if choices or days.problems else runs.listed(connection, caller, wanted, LIMIT + 1)
        )
        names = names_of(connection, caller, many)
        own = logins(connection, caller.organisation_id)
        return {"runs": many[:LIMIT], "more": len(many) > LIMIT, "choices": choices,
                "names": names, "logins": own}  # fmt: skip

    found = await request.app.state.store.reading(asked)
    last = found["runs"][-1] if found["more"] else None
    following = last and cursors.written([last["at"].isoformat(), last["id"]])
    query = {name: value for name, value in typed.items() if value}
    context = {
        **found, "typed": typed, "problems": days.problems, "asked": bool(query),
        "following": following and urlencode({**query, "cursor": following}),
        "first": urlencode(query) if cursor else None,
        "query": urlencode({k: v for k, v in query.items() if k != "company"}),
        "products": engine_of(request).catalogue.products.values(), "operations": OPERATIONS,
    }  # fmt: skip
    status = 422 if days.problems else 200
    return await pages.shown(request, "auditor/runs.html", status, **context)


@router.get("/audit/runs/{run_id}", dependencies=[access.needs("run", "audit")])
async def run(request: Request, run_id: str) -> Response:
    """One run as it was shown."""
    return await _page(request, run_id)


@router.post("/audit/runs/{run_id}", dependencies=[access.needs("replay", "audit")])
async def replay(request: Request, run_id: str) -> Response:
    """The same computed again: identical, or where it differs first."""
    await forms.received(request)
    caller = caller_of(request)
    try:
        row = await request.app.state.store.reading(lambda c: runs.visible(c, caller, run_id))
        found = await replayed(request.app.state, row)
    except Erased:
        return await _page(request, run_id)
    except PopulationGone as error:
        return await _page(request, run_id, refusal=error_text(error, language_of(request)))
    return await _page(request, run_id, replay=found)


async def _page(request: Request, run_id: str, **context: Any) -> Response:
    caller = caller_of(request)

    def asked(connection: sa.Connection) -> Json:
        note = runs.noted(connection, caller, run_id)
        names = names_of(connection, caller, [note])
        own = logins(connection, caller.organisation_id)
        shared = {"note": note, "names": names, "who": own.get(note["user_id"])}
        try:
            row = runs.visible(connection, caller, run_id)
        except Erased:
            return {**shared, "run": None}
        return {**shared, "run": {name: orjson.loads(row[name]) for name in ("request", "answer")}}

    found = await request.app.state.store.reading(asked)
    asker = found.pop("who")
    whole = {**found, "asker": asker, "compared": COMPARED, "replay": None, "refusal": None}
    if found["run"] is None:
        return await pages.shown(request, "auditor/erased.html", 410, **whole)
    answer = found["run"]["answer"]
    pretty = {
        n: orjson.dumps(v, option=orjson.OPT_INDENT_2).decode() for n, v in found["run"].items()
    }
    shown = answer.get("after", answer)
    company = found["run"]["request"].get("company") or {}
    more = {"answer": answer, "shown": shown, "company": company, "pretty": pretty}
    return await pages.shown(request, "auditor/run.html", **{**whole, **more, **context})


def _company(connection: sa.Connection, caller: Caller, text: str) -> tuple[str | None, list[Json]]:
    """The company that a text means, or those to choose from; the text itself where none is known.

    Runs of companies that are gone by now are found by their number.
    """
    if not text:
        return None, []
    try:
        return str(companies.visible(connection, caller, text)["id"]), []
    except CorridorError:
        found = companies.listed(connection, caller, {"text": text}, None, CHOICES)
    if len(found) == 1:
        return str(found[0]["id"]), []
    return (text, []) if not found else (None, found)


def names_of(connection: sa.Connection, caller: Caller, rows: list[Any]) -> dict[str, Any]:
    """Companies of some runs by id, with their names; those that are gone are left out."""
    found: dict[str, Any] = {}
    for company_id in {row["company_id"] for row in rows if row["company_id"]}:
        try:
            found[company_id] = companies.visible(connection, caller, company_id)
        except CorridorError:
            continue
    return found
