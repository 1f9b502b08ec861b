"""The firm's home: its company, and what it applied for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.bodies import engine_of
from api.identity.caller import caller_of, permit
from api.schemas.applications import BoardQuery
from api.store import application_views, companies
from api.web import access, forms, pages
from api.web.enterprise import firm as firms

NEWEST = 5
MOST = 50
router = APIRouter(include_in_schema=False)


async def home(request: Request) -> Response:
    """Companies of the caller and the applications that were touched last."""
    caller, catalogue = caller_of(request), engine_of(request).catalogue.products
    permit(caller, "list_companies")
    permit(caller, "applications")

    def find(connection: sa.Connection) -> dict[str, Any]:
        found = companies.listed(connection, caller, {}, None, MOST)
        board = application_views.board(connection, caller, BoardQuery(limit=NEWEST), catalogue)
        return {"companies": found, "board": board}

    found = await request.app.state.store.reading(find)
    firm = await firms.own(request)
    return await pages.shown(
        request, "enterprise/home.html", catalogue=catalogue, chosen=firm.id, **found
    )


@router.post("/firm", dependencies=[access.needs("list_companies")])
async def choose(request: Request) -> Response:
    """Which of several companies the pages are about."""
    form = await forms.received(request)
    answer = RedirectResponse("/", 303)
    access.prefer(request, answer, firms.COOKIE, form.one("company")[:64])
    return answer
