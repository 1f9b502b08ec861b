"""Operations on a population; there only where the settings name one."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import RETRY_SECONDS, engine_of, prospects_asked
from api.prospect_worker import Ranking
from api.runs import given

router = APIRouter()


@router.post("/v1/products/{product_id}/prospects", operation_id="prospects")
async def prospects(request: Request, product_id: str) -> Response:
    """The companies to call about a product; ranked in a worker process."""
    options, stated = await prospects_asked(request, product_id)
    engine_of(request).catalogue.product(product_id)
    ranking: Ranking = request.app.state.ranking
    found = await ranking.prospects(product_id, options)
    if found.status == 200:
        return await given(request, "prospects", stated, found.body)
    headers = {"Retry-After": RETRY_SECONDS} if found.status == 503 else None
    return Response(found.body, found.status, headers=headers, media_type=found.media_type)
