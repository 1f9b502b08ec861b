"""What routes and pages both ask of the engine about a company; every answer is kept as a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from fastapi import Request

from api.bodies import Stated, company_of, engine_of, language_of, placed, stated_by
from api.errors import InvalidRequest
from api.identity.caller import caller_of, organisation_of
from api.runs import kept
from api.store import runs as kept_runs
from recommender import Company, Engine
from recommender.errors import CorridorError, InvalidInput
from recommender.plan_options import PlanOptions

Row = Mapping[Any, Any]
PLANNER = "api.workers.planning:plan"


class Recommended(NamedTuple):
    """An answer about a company of the record. body: as it was kept; overrides: in force."""

    run_id: str
    row: Row
    body: bytes
    answer: dict[str, Any]
    overrides: list[Row]


async def recommended(request: Request, company_id: str, given: Mapping[str, Any]) -> Recommended:
    """Ranked products for a company of the record. given: options, with the day of the answer.

    Raises InvalidOptions, NotFound, Erased and StoreUnavailable.
    """
    engine = engine_of(request)
    options = engine.options(given)
    options = options.model_copy(update={"language": options.language or language_of(request)})
    row = await company_of(request, company_id)
    profile = orjson.loads(row["profile"])
    answer = engine.recommend(engine.read(profile), options)
    body = orjson.dumps(answer)
    run_id = await kept(request, "recommend", stated_by(profile, options, given, row), body, answer)
    organisation_id = caller_of(request).organisation_id
    found = await request.app.state.store.reading(
        lambda c: kept_runs.overrides_of(c, organisation_id, company_id)
    )
    return Recommended(run_id, row, body, answer, found)


async def planned(
    request: Request, engine: Engine, company: Company, options: PlanOptions, stated: Stated
) -> tuple[str, bytes]:
    """Plans as JSON, made in a worker process, with the id of their run.

    Raises InvalidRequest, PlanBusy and StoreUnavailable.
    """
    with placed("options"):
        problems = options.unknown_products(engine.catalogue.products)
        if problems:
            raise InvalidInput(problems)
    state = request.app.state
    versions = (engine.catalogue.version, engine.model_version)
    body, found = await state.workers.run(
        PLANNER, state.settings, versions, organisation_of(request), company, options
    )
    if body is None:
        raise InvalidRequest(found) if found else CorridorError()
    return await kept(request, "plans", stated, body), body


async def tried(
    request: Request, engine: Engine, company: Company, changes: Mapping[str, Any],
    options: Any, stated: Stated,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """The answer before and after a change, with the id of its run.

    Raises InvalidRequest and StoreUnavailable.
    """
    with placed("set"):
        answer = engine.what_if(company, changes, options)
    run_id = await kept(request, "what_if", stated, orjson.dumps(answer), answer["before"])
    return run_id, answer
