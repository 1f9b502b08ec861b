"""The firm's home: its company, and what it applied for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import Request
from starlette.responses import Response

from api.bodies import engine_of
from api.identity.caller import caller_of, permit
from api.schemas.applications import BoardQuery
from api.store import application_views, companies
from api.web import pages

NEWEST = 5


async def home(request: Request) -> Response:
    """Companies of the caller and the applications that were touched last."""
    caller, catalogue = caller_of(request), engine_of(request).catalogue.products
    permit(caller, "list_companies")
    permit(caller, "applications")

    def find(connection: sa.Connection) -> dict[str, Any]:
        found = companies.listed(connection, caller, {}, None, NEWEST)
        board = application_views.board(connection, caller, BoardQuery(limit=NEWEST), catalogue)
        return {"companies": found, "board": board}

    found = await request.app.state.store.reading(find)
    return await pages.shown(request, "enterprise/home.html", catalogue=catalogue, **found)
