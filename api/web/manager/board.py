"""The board: applications by status, what is due first standing first."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import engine_of
from api.identity.caller import caller_of
from api.schemas.applications import REASONS, BoardQuery, Status
from api.store import application_views
from api.web import access, pages
from api.web.manager.rights import may
from recommender.options import SHANGHAI

router = APIRouter(include_in_schema=False)
COLUMNS: tuple[Status, ...] = ("referred", "documents", "submitted", "approved", "drawn")
ENDED: tuple[Status, ...] = ("repaid", "refused", "withdrawn")
IN_A_COLUMN = 25
SOON = datetime.timedelta(days=7)
DUE: Mapping[str, datetime.timedelta] = {"late": datetime.timedelta(), "week": SOON}
Json = dict[str, Any]


@router.get("/board", dependencies=[access.needs("applications", "list_contacts")])
async def board(request: Request) -> Response:
    """The columns, each with its first applications."""
    caller, catalogue = caller_of(request), engine_of(request).catalogue.products
    whose, due = request.query_params.get("whose", ""), request.query_params.get("due", "")
    asked: Json = {"owner": caller.user_id} if whose == "mine" else {}
    store = request.app.state.store
    today = store.clock().astimezone(SHANGHAI).date()
    if due in DUE:
        asked["due_before"] = today + DUE[due] + datetime.timedelta(days=due == "week")
    status = request.query_params.get("status", "")
    columns = tuple(name for name in (*COLUMNS, *ENDED) if status in ("", name))

    def find(connection: sa.Connection) -> dict[str, Json]:
        def part(name: Status) -> Json:
            wanted = BoardQuery(status=(name,), limit=IN_A_COLUMN, offset=offset, **asked)
            return application_views.board(connection, caller, wanted, catalogue)

        return {name: part(name) for name in columns}

    offset = _offset(request) if len(columns) == 1 else 0
    found = await store.reading(find)
    return await pages.shown(
        request, "manager/board.html", columns=found, ended=ENDED, catalogue=catalogue,
        whose=whose, due=due, only=status, today=today.isoformat(), reasons=REASONS,
        can_step=may(caller, "step_application"), user_id=caller.user_id,
    )  # fmt: skip


def _offset(request: Request) -> int:
    given = request.query_params.get("offset", "")
    return int(given) if given.isdecimal() and len(given) < 7 else 0
