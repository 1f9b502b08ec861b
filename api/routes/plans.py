"""Plans: read and checked here, made in a worker process."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import asked, placed
from api.errors import InvalidRequest
from api.identity.caller import organisation_of
from api.runs import given
from api.schemas.plans import PlansRequest
from recommender.errors import CorridorError, InvalidInput
from recommender.plan_options import PlanOptions

WORKER = "api.workers.planning:plan"

router = APIRouter()


@router.post("/v1/plans", operation_id="plans")
async def plans(request: Request) -> Response:
    """Up to three plans that meet the whole need of a firm."""
    query = await asked(request, PlansRequest, PlanOptions.parse)
    engine = query.engine
    with placed("options"):
        problems = query.options.unknown_products(engine.catalogue.products)
        if problems:
            raise InvalidInput(problems)
    state = request.app.state
    versions = (engine.catalogue.version, engine.model_version)
    body, problems = await state.workers.run(
        WORKER, state.settings, versions, organisation_of(request), query.company, query.options
    )
    if body is None:
        raise InvalidRequest(problems) if problems else CorridorError()
    return await given(request, "plans", query.stated, body)
