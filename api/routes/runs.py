"""Runs: what was shown, and the same computed again; the answer about a company of the record."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api import cursors
from api.asking import recommended
from api.bodies import engine_of, query_of, written
from api.identity.caller import caller_of
from api.replays import COMPARED, replayed
from api.runs import JSON
from api.schemas.runs import RunsQuery
from api.store import runs as kept_runs
from api.store.runs import Wanted
from recommender.options import SHANGHAI, Options

router = APIRouter()
Row = Mapping[Any, Any]
YES_NO = {"true": True, "false": False}


@router.get("/v1/companies/{company_id}/recommendations", operation_id="company_recommendations")
async def company_recommendations(request: Request, company_id: str) -> Response:
    """Ranked products for a company of the record, and the overrides in force beside them."""
    found = await recommended(request, company_id, _options(request.query_params))
    whole = {
        "company_id": company_id,
        "company_version": found.row["version"],
        "overrides": [_decided(row) for row in found.overrides],
        "answer": orjson.Fragment(found.body),
    }
    return Response(orjson.dumps(whole), headers={"Run-Id": found.run_id}, media_type=JSON)


@router.get("/v1/runs", operation_id="runs")
async def runs(request: Request) -> Response:
    """Runs that the caller sees, newest first."""
    query = query_of(request, RunsQuery)
    caller, wanted = caller_of(request), _wanted(query)
    found = await request.app.state.store.reading(
        lambda c: kept_runs.listed(c, caller, wanted, query.limit + 1)
    )
    page = found[: query.limit]
    more = len(found) > query.limit
    last = [page[-1]["at"].isoformat(), page[-1]["id"]] if more else []
    return written(
        {"runs": [_noted(row) for row in page], "next": cursors.written(last) if more else None}
    )


@router.get("/v1/runs/{run_id}", operation_id="run")
async def run(request: Request, run_id: str) -> Response:
    """What was asked and what was shown."""
    row = await _run(request, run_id)
    shown = {name: orjson.Fragment(row[name]) for name in ("request", "answer")}
    return written({**_noted(row), **shown})


@router.post("/v1/runs/{run_id}/replay", operation_id="replay")
async def replay(request: Request, run_id: str) -> Response:
    """The run computed again, and where it differs first."""
    engine_of(request)
    row = await _run(request, run_id)
    return written(await replayed(request.app.state, row))


async def _run(request: Request, run_id: str) -> Row:
    caller = caller_of(request)
    found: Row = await request.app.state.store.reading(
        lambda c: kept_runs.visible(c, caller, run_id)
    )
    return found


def _decided(row: Row) -> dict[str, Any]:
    names = ("id", "product_id", "decision", "reason", "user_id", "run_id")
    return {**{name: row[name] for name in names}, "at": row["at"].isoformat()}


def _noted(row: Row) -> dict[str, Any]:
    names = ("operation", "user_id", "company_id", "company_version", "product_id")
    erased = row["erased_at"]
    return {
        "run_id": row["id"],
        **{name: row[name] for name in names},
        "at": row["at"].isoformat(),
        "erased_at": None if erased is None else erased.isoformat(),
        "versions": {name: row[name] for name in COMPARED},
    }


def _wanted(query: RunsQuery) -> Wanted:
    """Days of Shanghai as moments; the last day belongs to what is asked for."""
    since, until = query.since, query.until
    after = None if query.cursor is None else cursors.read(query.cursor, (str, str))
    return Wanted(
        query.company_id,
        query.product_id,
        query.user_id,
        query.operation,
        None if since is None else _midnight(since),
        None if until is None else _midnight(until + datetime.timedelta(days=1)),
        None if after is None else (cursors.moment(after[0]), str(after[1])),
    )


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), SHANGHAI)


def _options(query: Mapping[str, str]) -> dict[str, Any]:
    """Options as a body would hold them, with the day of the answer."""
    found: dict[str, Any] = dict(query)
    for name in ("personalised", "include_ineligible"):
        if name in found:
            found[name] = YES_NO.get(found[name], found[name])
    if "lanes" in found:
        found["lanes"] = [name.strip() for name in found["lanes"].split(",")]
    if found.get("limit", "").isdecimal() and len(found["limit"]) < 10:
        found["limit"] = int(found["limit"])
    return {"as_of": Options().day.isoformat(), **found}
