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
    """The report on a file of companies, as `read_in` gives it. Raises ImportBusy."""
    facts = dict(engine_of(request).catalogue.facts)
    return await read_in(request, IMPORTER, path, facts, wanted.model_dump())


async def read_in(request: Request, importer: str, path: Path, *wanted: Any) -> dict[str, Any]:
    """The report row by row, or what is wrong with the file as a problem with its `status`.

    importer: names the function of a worker process; called with settings, caller, path, what is
    wanted, and language. path: of the file, with one of ENDINGS. Raises ImportBusy.
    """
    state = request.app.state
    given = (state.settings, caller_of(request), path, *wanted, language_of(request))
    try:
        found: dict[str, Any] = await state.imports.run(importer, *given)
    except PlanBusy:
        raise ImportBusy from None
    return found
