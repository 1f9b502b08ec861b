"""The audit log: what happened, and whether the log is whole."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api import cursors
from api.bodies import language_of, query_of, written
from api.identity.caller import caller_of
from api.schemas.runs import AuditQuery
from api.store import events
from api.verifying import shown, verified

router = APIRouter()
SHOWN = ("chain", "sequence", "at", "actor", "action", "subject", "hash")


@router.get("/v1/audit", operation_id="audit")
async def audit(request: Request) -> Response:
    """Events of the caller's organisation, newest first."""
    query, organisation_id = query_of(request, AuditQuery), caller_of(request).organisation_id
    after: Any = None
    if query.cursor is not None:
        after = tuple(cursors.read(query.cursor, (str, str, int)))
    found = await request.app.state.store.reading(
        lambda c: events.listed(c, organisation_id, query.action, after, query.limit + 1)
    )
    page, more = found[: query.limit], len(found) > query.limit
    last = [page[-1][name] for name in ("at", "chain", "sequence")] if more else []
    told = [
        {**{name: row[name] for name in SHOWN}, "detail": orjson.Fragment(row["detail"])}
        for row in page
    ]
    return written({"events": told, "next": cursors.written(last) if more else None})


@router.post("/v1/audit/verify", operation_id="verify_audit")
async def verify(request: Request) -> Response:
    """Check every chain and every seal, the copies in the file of the seals too."""
    found = await verified(request)
    return written(shown(found, language_of(request)))
