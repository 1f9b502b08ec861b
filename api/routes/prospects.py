"""Operations on a population: the one of the settings, or with identity the organisation's own."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import prospects_asked
from api.errors import NotReady
from api.prospect_lists import ranked

router = APIRouter()


@router.post("/v1/products/{product_id}/prospects", operation_id="prospects")
async def prospects(request: Request, product_id: str) -> Response:
    """The companies to call about a product; ranked in a worker process."""
    options, stated = await prospects_asked(request, product_id)
    found, run_id = await ranked(request, product_id, options, stated)
    headers = {} if run_id is None else {"Run-Id": run_id}
    if found.status == 503:
        headers["Retry-After"] = str(NotReady.retry_after)
    return Response(found.body, found.status, headers=headers, media_type=found.media_type)
