"""Operations on one company profile."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.asking import tried
from api.bodies import asked
from api.runs import JSON, given
from api.schemas.requests import EligibilityRequest, RecommendationRequest, WhatIfRequest

router = APIRouter()


@router.post("/v1/recommendations", operation_id="recommend")
async def recommend(request: Request) -> Response:
    """Ranked products by lane, with reasons."""
    query = await asked(request, RecommendationRequest)
    answer = query.engine.recommend(query.company, query.options)
    return await given(request, "recommend", query.stated, orjson.dumps(answer), answer)


@router.post("/v1/eligibility", operation_id="eligibility")
async def eligibility(request: Request) -> Response:
    """Every product with every rule."""
    query = await asked(request, EligibilityRequest)
    answer = query.engine.eligibility(query.company, query.options)
    return await given(request, "eligibility", query.stated, orjson.dumps(answer), answer)


@router.post("/v1/what-if", operation_id="what_if")
async def what_if(request: Request) -> Response:
    """The answer before and after a change."""
    query = await asked(request, WhatIfRequest)
    run_id, answer = await tried(
        request, query.engine, query.company, query.changes, query.options, query.stated
    )
    return Response(orjson.dumps(answer), headers={"Run-Id": run_id}, media_type=JSON)
