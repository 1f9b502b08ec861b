"""The manager's day: what is due, what waits for an answer, and whom to call."""

from __future__ import annotations

import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from fastapi import Request
from starlette.responses import Response

from api.bodies import engine_of
from api.identity.caller import caller_of, permit
from api.policy import Caller
from api.schemas.applications import BoardQuery
from api.schemas.reviews import ReviewQuery
from api.store import application_views, contacts, reviews
from api.store import runs as kept_runs
from api.store.visible_companies import still_seen
from api.web import pages
from recommender.options import SHANGHAI

FIRST = 5
OPEN = ("referred", "documents", "submitted", "approved")
DUE_WITHIN = datetime.timedelta(days=7)
SILENT_FOR = datetime.timedelta(days=14)
FITS = ("eligible", "conditional")
Json = dict[str, Any]


async def home(request: Request) -> Response:
    """Today."""
    caller, catalogue = caller_of(request), engine_of(request).catalogue.products
    for operation in ("applications", "reviews", "list_contacts", "prospects"):
        permit(caller, operation)
    store = request.app.state.store
    now = store.clock()
    today = now.astimezone(SHANGHAI).date()

    def find(connection: sa.Connection) -> Json:
        soon = today + DUE_WITHIN + datetime.timedelta(days=1)
        asked = BoardQuery(status=OPEN, due_before=soon, limit=FIRST)
        return {
            "due": application_views.board(connection, caller, asked, catalogue),
            "waiting": contacts.waiting(connection, caller, now - SILENT_FOR, FIRST),
            "reviews": reviews.listed(connection, caller, ReviewQuery(state="open", limit=FIRST)),
            "focus": _focus(connection, caller),
        }

    found = await store.reading(find)
    return await pages.shown(
        request, "manager/home.html", catalogue=catalogue, today=today.isoformat(),
        days=SILENT_FOR.days, **found,
    )  # fmt: skip


def _focus(connection: sa.Connection, caller: Caller) -> list[Json]:
    """The products last looked at, each with the best companies that nobody called since."""
    found = []
    for row in kept_runs.last_lists(connection, caller, 3):
        answer = orjson.loads(row["answer"])
        fitting = [p for p in answer["prospects"] if p["fit"] in FITS]
        ids = [p["company"]["id"] for p in fitting]
        told = still_seen(connection, caller, ids)
        called = contacts.last_of(connection, caller, ids)
        told -= {id_ for id_, at in called.items() if at >= row["at"]}
        best = [p for p in fitting if p["company"]["id"] in told][:FIRST]
        found.append({"answer": answer, "at": row["at"], "best": best})
    return found
