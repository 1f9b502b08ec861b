"""Operations on a population; there only where the settings name one."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import engine_of, prospects_asked, run_headers
from api.workers.prospects import Ranking

router = APIRouter()


@router.post("/v1/products/{product_id}/prospects", operation_id="prospects")
async def prospects(request: Request, product_id: str) -> Response:
    """The companies to call about a product; ranked in a worker process."""
    options = await prospects_asked(request)
    engine_of(request).catalogue.product(product_id)
    ranking: Ranking = request.app.state.ranking
    found = await ranking.prospects(product_id, options)
    headers = run_headers(found.status)
    return Response(found.body, found.status, headers=headers, media_type=found.media_type)
