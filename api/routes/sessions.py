"""Signing in and out, and who one is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import record_of, written
from api.identity import sessions
from api.identity.caller import caller_of
from api.refusals import SessionElsewhere
from api.schemas.sessions import SessionRequest
from api.store import users

router = APIRouter()


@router.post("/v1/sessions", operation_id="start_session", status_code=201)
async def start(request: Request) -> Response:
    """A token for a login and its password."""
    asked = await record_of(request, SessionRequest)
    store = request.app.state.store
    found = await store.calling(lambda: sessions.start(store, asked.login, asked.password))
    return written(found, 201)


@router.delete("/v1/sessions", operation_id="end_session", status_code=204)
async def end(request: Request) -> Response:
    """The token of this request ends."""
    caller = caller_of(request)
    if not caller.token_id:
        raise SessionElsewhere
    await request.app.state.store.writing(
        lambda write: users.revoke(write, caller.token_id, caller.user_id)
    )
    request.app.state.callers.forget()
    return Response(status_code=204)


@router.get("/v1/me", operation_id="me")
async def me(request: Request) -> Response:
    """The caller: user, organisation, branch, role and scope."""
    caller = caller_of(request)
    return written(await request.app.state.store.reading(lambda c: sessions.described(c, caller)))
