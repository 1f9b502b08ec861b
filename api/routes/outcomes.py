"""Outcomes: recording them, reading them, and the table to learn from."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import query_of, record_in, value_of, written
from api.identity.caller import caller_of
from api.keyed import created
from api.outcome_csv import csv_of
from api.routes.companies import imported
from api.schemas.outcomes import (
    MOST,
    OutcomeEntries,
    OutcomeEntry,
    OutcomeQuery,
    OutcomesImportQuery,
)
from api.store import outcomes
from api.store.writer import Write
from recommender.errors import Problem
from recommender.records import examined

IMPORTER = "api.workers.imports:outcomes_imported"
router = APIRouter()


@router.post("/v1/outcomes", operation_id="record_outcomes", status_code=201)
async def record(request: Request) -> Response:
    """One outcome, or several: all are kept, or none."""
    body, caller = await value_of(request), caller_of(request)
    entries, problems = entries_of(body)

    def work(write: Write) -> dict[str, Any]:
        return outcomes.record(write, caller, entries, problems)

    return await created(request, body, work)


@router.post("/v1/outcomes/import", operation_id="import_outcomes")
async def import_outcomes(request: Request) -> Response:
    """Outcomes from a file, with a report row by row; made in a worker process."""
    return await imported(request, IMPORTER, query_of(request, OutcomesImportQuery).model_dump())


@router.get("/v1/outcomes", operation_id="outcomes")
async def listed(request: Request) -> Response:
    """A part of the outcomes on record."""
    asked, caller = query_of(request, OutcomeQuery), caller_of(request)
    store = request.app.state.store
    return written(await store.reading(lambda c: outcomes.listed(c, caller, asked)))


@router.get("/v1/outcomes/table", operation_id="outcome_table")
async def table(request: Request) -> Response:
    """The table to learn from, as CSV."""
    own = caller_of(request).organisation_id
    content = await request.app.state.store.reading(
        lambda c: csv_of(outcomes.learning_table(c, own))
    )
    name = 'attachment; filename="outcomes.csv"'
    return Response(
        content, headers={"Content-Disposition": name}, media_type="text/csv; charset=utf-8"
    )


def entries_of(body: Any) -> tuple[list[tuple[str, OutcomeEntry]], list[Problem]]:
    """The entries that can be read with their places, and what is wrong with the others."""
    if not isinstance(body, dict) or "outcomes" not in body:
        return [("", record_in(body, OutcomeEntry))], []
    several = body["outcomes"]
    if not isinstance(several, list) or not 0 < len(several) <= MOST or len(body) > 1:
        record_in(body, OutcomeEntries)
    read: list[tuple[str, OutcomeEntry]] = []
    problems: list[Problem] = []
    for number, one in enumerate(several):
        place = f"outcomes[{number}]"
        entry, wrong = examined(OutcomeEntry, one, place)
        problems += wrong
        if entry is not None and not wrong:
            read.append((place, entry))
    return read, problems
