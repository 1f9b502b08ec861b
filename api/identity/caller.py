"""The caller of a request: found by its token, and held against the table of operations."""

from __future__ import annotations

import datetime
from collections import OrderedDict

from fastapi import Request

from api.identity import tokens
from api.policy import POLICY, PUBLIC, Caller
from api.refusals import NotAllowed, NotAuthenticated
from api.store import users
from api.store.store import Store

REMEMBERED = 10_000
# A token that is revoked, or whose user is disabled, works at most this much longer.
SECONDS = 1.0


class Callers:
    """Callers by token, each looked up in the store at most once a second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[str, tuple[datetime.datetime, Caller]] = OrderedDict()

    async def of(self, token: str) -> Caller:
        """The caller with a token; raises NotAuthenticated."""
        now, key = self._store.clock(), tokens.hashed(token)
        at, caller = self._known.get(key, (None, None))
        if at is None or caller is None or not 0 <= (now - at).total_seconds() < SECONDS:
            found = await self._store.reading(lambda c: users.by_token(c, key))
            if found is None:
                self._known.pop(key, None)
                raise NotAuthenticated
            caller = Caller(**found)
            self._known[key] = (now, caller)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        if caller.expires_at <= now:
            raise NotAuthenticated
        return caller

    def forget(self) -> None:
        """Look everybody up again: somebody's rights changed."""
        self._known.clear()


async def guard(request: Request) -> None:
    """Let a request pass that its caller may make; raises NotAuthenticated or NotAllowed."""
    operation = str(getattr(request.scope["route"], "operation_id", None))
    if operation in PUBLIC:
        return
    caller = await request.app.state.callers.of(bearer(request))
    permit(caller, operation)
    request.state.caller = caller


def permit(caller: Caller, operation: str) -> None:
    """Let a caller use an operation; raises NotAllowed."""
    allowed = POLICY.get(operation)
    if allowed is None or caller.role not in allowed.roles:
        raise NotAllowed(role=caller.role, operation=operation)
    if allowed.writes and caller.scope != "write":
        raise NotAllowed(role=f"{caller.role} ({caller.scope})", operation=operation)


def bearer(request: Request) -> str:
    """The token of a request; raises NotAuthenticated without one."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise NotAuthenticated
    return token.strip()


def caller_of(request: Request) -> Caller:
    """The caller that `guard` let pass."""
    caller: Caller = request.state.caller
    return caller


def organisation_of(request: Request) -> str | None:
    """The organisation whose models and catalogue answer; None without identity or a caller."""
    caller: Caller | None = getattr(request.state, "caller", None)
    return None if caller is None else caller.organisation_id


async def serve_own(request: Request) -> None:
    """Let a request be answered by the engine of its caller's organisation, from here to its end.

    One that changes meanwhile is for the next request. None where it cannot be loaded.
    """
    organisation_id = organisation_of(request)
    engines = request.app.state.engines
    if organisation_id is not None and engines is not None:
        request.state.engine = await engines.of(organisation_id)
