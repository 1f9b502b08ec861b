"""Operations on one company profile."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import asked, placed, written
from api.schemas.requests import EligibilityRequest, RecommendationRequest, WhatIfRequest

router = APIRouter()


@router.post("/v1/recommendations", operation_id="recommend")
async def recommend(request: Request) -> Response:
    """Ranked products by lane, with reasons."""
    query = await asked(request, RecommendationRequest)
    return written(query.engine.recommend(query.company, query.options), run=True)


@router.post("/v1/eligibility", operation_id="eligibility")
async def eligibility(request: Request) -> Response:
    """Every product with every rule."""
    query = await asked(request, EligibilityRequest)
    return written(query.engine.eligibility(query.company, query.options), run=True)


@router.post("/v1/what-if", operation_id="what_if")
async def what_if(request: Request) -> Response:
    """The answer before and after a change."""
    query = await asked(request, WhatIfRequest)
    with placed("set"):
        answer = query.engine.what_if(query.company, query.changes, query.options)
    return written(answer, run=True)
