"""Finding goods by name or code, for the profile: a page without scripts, a list with them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api.bodies import language_of
from api.web import access, pages
from recommender.codes.goods_search import search
from recommender.texts import show

router = APIRouter(include_in_schema=False)


@router.get("/goods", dependencies=[access.needs("get_company")])
async def goods(request: Request) -> Response:
    """What a query finds."""
    query = request.query_params.get("q", "")
    language = language_of(request)
    found = [(item.code, show(item.label, language)) for item in search(query)]
    if "application/json" in request.headers.get("accept", ""):
        rows = [{"code": code, "name": name} for code, name in found]
        return JSONResponse({"goods": rows}, headers=pages.HEADERS)
    return await pages.shown(request, "enterprise/goods.html", query=query, found=found)
