"""The analyst's home: what serves now."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from api.bodies import engine_of
from api.identity.caller import caller_of, permit
from api.web import pages


async def home(request: Request) -> Response:
    """Catalogue and model that answer, with their size."""
    permit(caller_of(request), "models")
    engine = engine_of(request)
    lanes: dict[str, int] = {}
    for product in engine.catalogue.products.values():
        lanes[product.lane] = lanes.get(product.lane, 0) + 1
    return await pages.shown(request, "analyst/home.html", lanes=lanes)
