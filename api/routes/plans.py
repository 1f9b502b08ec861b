"""Plans: read and checked here, made in a worker process."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.asking import planned
from api.bodies import asked
from api.runs import JSON
from api.schemas.plans import PlansRequest
from recommender.plan_options import PlanOptions

router = APIRouter()


@router.post("/v1/plans", operation_id="plans")
async def plans(request: Request) -> Response:
    """Up to three plans that meet the whole need of a firm."""
    query = await asked(request, PlansRequest, PlanOptions.parse)
    run_id, body = await planned(request, query.engine, query.company, query.options, query.stated)
    return Response(body, headers={"Run-Id": run_id}, media_type=JSON)
