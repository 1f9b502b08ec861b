"""The manager's home: what is due, and the questions that wait."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import Request
from starlette.responses import Response

from api.bodies import engine_of
from api.identity.caller import caller_of, permit
from api.schemas.applications import BoardQuery
from api.schemas.reviews import ReviewQuery
from api.store import application_views, reviews
from api.web import pages

FIRST = 5


async def home(request: Request) -> Response:
    """Applications by the day they are due, and open reviews."""
    caller, catalogue = caller_of(request), engine_of(request).catalogue.products
    permit(caller, "applications")
    permit(caller, "reviews")

    def find(connection: sa.Connection) -> dict[str, Any]:
        due = application_views.board(connection, caller, BoardQuery(limit=FIRST), catalogue)
        asked = reviews.listed(connection, caller, ReviewQuery(state="open", limit=FIRST))
        return {"board": due, "reviews": asked}

    found = await request.app.state.store.reading(find)
    return await pages.shown(request, "manager/home.html", catalogue=catalogue, **found)
