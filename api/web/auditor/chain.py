"""The chain of the audit log and its seals: checked from the first event to the last."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import language_of
from api.store import events, seals
from api.verifying import shown, verified
from api.web import access, forms, pages

SEALS = 20
router = APIRouter(include_in_schema=False)
Json = dict[str, Any]


@router.get("/audit/chain", dependencies=[access.needs("verify_audit")])
async def chain(request: Request) -> Response:
    """What a check looks at, and the newest seals."""
    return await _page(request)


@router.post("/audit/chain", dependencies=[access.needs("verify_audit")])
async def verify(request: Request) -> Response:
    """Check everything now."""
    await forms.received(request)
    found = await verified(request)
    return await _page(request, checked=shown(found, language_of(request)))


async def _page(request: Request, **context: Any) -> Response:
    state = request.app.state
    rows = await state.store.reading(lambda c: events.newest_seals(c, SEALS))
    sealed = [{**row, "chains": len(orjson.loads(row["heads"]))} for row in rows]
    file = seals.place(state.store.database, state.settings.seals)
    whole: Json = {"seals": sealed, "copied": file is not None, "checked": None, **context}
    return await pages.shown(request, "auditor/chain.html", **whole)
