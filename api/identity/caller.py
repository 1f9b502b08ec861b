"""The caller of a request: found by its token, and held against the table of operations."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from collections.abc import Callable

from fastapi import Request

from api.errors import NoRoute
from api.identity import tokens
from api.identity.issuer import Issuer
from api.operation.limits import PROBES, Rates
from api.policy import POLICY, PUBLIC, Caller
from api.refusals import NotAllowed, NotAuthenticated, UnknownIdentity
from api.store import users
from api.store.store import Store
from recommender.records import unreadable

REMEMBERED = 10_000
# A token that is revoked, or whose user is disabled, works at most this much longer.
SECONDS = 1.0
LONGEST_ADDRESS = 100


class Callers:
    """Callers by token, each looked up in the store at most once a second.

    issuer: the identity provider whose tokens are taken beside those of the store.
    """

    def __init__(self, store: Store, issuer: Issuer | None = None) -> None:
        self._store, self._issuer = store, issuer
        self._known: OrderedDict[str, tuple[datetime.datetime, Caller]] = OrderedDict()

    async def of(self, token: str) -> Caller:
        """The caller with a token; raises NotAuthenticated."""
        now, key = self._store.clock(), tokens.hashed(token)
        at, caller = self._known.get(key, (None, None))
        if at is None or caller is None or not 0 <= (now - at).total_seconds() < SECONDS:
            self._known.pop(key, None)
            caller = await self._found(token, key)
            self._known[key] = (now, caller)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        if caller.expires_at <= now:
            raise NotAuthenticated
        return caller

    async def _found(self, token: str, key: str) -> Caller:
        if self._issuer is not None and token.count(".") == 2:
            return await self._issued(self._issuer, token)
        found = await self._store.reading(lambda c: users.by_token(c, key))
        if found is None:
            raise NotAuthenticated
        return Caller(**found)

    async def _issued(self, issuer: Issuer, token: str) -> Caller:
        """The user who is linked to the subject of a token, with the rights of that user."""
        about = await issuer.subject(token)
        user = await self._store.reading(
            lambda c: users.by_identity(c, about.issuer, about.subject)
        )
        if user is None:
            raise UnknownIdentity
        return Caller(**user, scope="write", token_id="", expires_at=about.expires_at)

    def knows(self, token: str) -> bool:
        """Whether a token was good a moment ago."""
        return tokens.hashed(token) in self._known

    def forget(self) -> None:
        """Look everybody up again: somebody's rights changed."""
        self._known.clear()


async def guard(request: Request) -> None:
    """Let a request pass that its caller may make.

    Raises NotAuthenticated, NotAllowed, and TooManyRequests: callers are counted by user, whoever
    has no good token by address. Raises NoRoute for ids with signs that no id has.
    """
    operation = str(getattr(request.scope["route"], "operation_id", None))
    if operation in PUBLIC:
        if request.url.path not in PROBES:
            request.app.state.rates.spend(_address(request))
        return
    caller = await identified(request, bearer)
    permit(caller, operation)
    request.state.caller = caller


async def identified(request: Request, given: Callable[[Request], str]) -> Caller:
    """The caller with the token of a request, counted by user; whoever has none by address.

    given: the token as the request has it. Raises NotAuthenticated, TooManyRequests, and NoRoute
    for ids with signs that no id has.
    """
    if any(unreadable(str(part)) for part in request.path_params.values()):
        raise NoRoute(path=request.url.path[:100])
    rates: Rates = request.app.state.rates
    callers: Callers = request.app.state.callers
    address = _address(request)
    try:
        token = given(request)
        if not callers.knows(token):
            rates.check(address)  # guessing tokens must not keep the store busy
        caller = await callers.of(token)
    except NotAuthenticated:
        rates.spend(address)
        raise
    rates.spend(caller.user_id)
    return caller


def permit(caller: Caller, operation: str) -> None:
    """Let a caller use an operation; raises NotAllowed."""
    allowed = POLICY.get(operation)
    if allowed is None or caller.role not in allowed.roles:
        raise NotAllowed(role=caller.role, operation=operation)
    if allowed.writes and caller.scope != "write":
        raise NotAllowed(role=f"{caller.role} ({caller.scope})", operation=operation)


def _address(request: Request) -> str:
    return "address " + (request.client.host[:LONGEST_ADDRESS] if request.client else "-")


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
