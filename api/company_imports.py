"""Importing companies from a file, for routes and pages: which kinds, and the work in a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request

from api.bodies import engine_of, language_of
from api.errors import ImportBusy, PlanBusy
from api.identity.caller import caller_of
from api.schemas.companies import ImportQuery

IMPORTER = "api.workers.imports:imported"
ENDINGS = {
    "text/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
}


async def imported(request: Request, path: Path, wanted: ImportQuery) -> dict[str, Any]:
    """The report row by row, or what is wrong with the file as a problem with its `status`.

    path: of the file, with one of ENDINGS. Raises ImportBusy.
    """
    state = request.app.state
    facts = dict(engine_of(request).catalogue.facts)
    given = (state.settings, caller_of(request), path, facts, wanted.model_dump())
    try:
        found: dict[str, Any] = await state.imports.run(IMPORTER, *given, language_of(request))
    except PlanBusy:
        raise ImportBusy from None
    return found
