"""The audit log: what happened, and whether the log is whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api import cursors
from api.bodies import language_of, query_of, written
from api.identity.caller import caller_of
from api.schemas.runs import AuditQuery
from api.store import events, seals, verification
from api.store.store import Store
from recommender.texts import Language, text

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
    shown = [
        {**{name: row[name] for name in SHOWN}, "detail": orjson.Fragment(row["detail"])}
        for row in page
    ]
    return written({"events": shown, "next": cursors.written(last) if more else None})


@router.post("/v1/audit/verify", operation_id="verify_audit")
async def verify(request: Request) -> Response:
    """Check every chain and every seal, the copies in the file of the seals too."""
    state = request.app.state
    organisation_id = caller_of(request).organisation_id
    file = seals.place(state.store.database, state.settings.seals)
    copies = None
    if file is not None:
        copies = await run_in_threadpool(seals.read, file) if file.exists() else []
    found = await state.store.calling(lambda: _verified(state.store, copies, organisation_id))
    return written(shown(found, language_of(request)))


def _verified(
    store: Store, copies: list[seals.Seal] | None, organisation_id: str
) -> verification.Checked:
    return store.read(lambda c: verification.verified(c, copies, organisation_id))


def shown(found: verification.Checked, language: Language) -> dict[str, Any]:
    """What a check found as JSON, each finding with its sentence."""
    findings = [
        {**asdict(one), "message": text(f"audit.{one.kind}", language, **asdict(one))}
        for one in found.findings
    ]
    return {"whole": found.whole, **asdict(found), "findings": findings}
