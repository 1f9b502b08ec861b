"""Every request has an id, is counted and timed, and leaves one line in the log."""

from __future__ import annotations

import logging
import re
import secrets
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.operation.limits import PROBES
from api.operation.logs import REQUEST_ID
from api.operation.masking import masked
from api.operation.metrics import NO_OPERATION, Metrics

NAMES = (b"request-id", b"x-request-id")
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{8,64}")
GONE = 499  # the caller left before there was an answer
logger = logging.getLogger("corridor.requests")


class Observed:
    """Gives requests their id, in the header `Request-Id` of the answer; counts and logs them."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and its answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        request_id = _id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        REQUEST_ID.set(request_id)
        header = (b"request-id", request_id.encode())
        status = size = 0

        async def noted(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
            else:
                size += len(message.get("body", b""))
            await send(message)

        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, noted)
        except Exception:
            status = 500  # answered outside of here, by whoever catches it
            raise
        finally:
            self._metrics.in_flight.dec()
            self._end(scope, status or GONE, size, perf_counter() - begun)

    def _end(self, scope: Scope, status: int, size: int, seconds: float) -> None:
        operation = getattr(scope.get("route"), "operation_id", None) or NO_OPERATION
        self._metrics.answered(operation, status, seconds)
        level = _level(scope["path"], status)
        if logger.isEnabledFor(level):
            fields = {"fields": _line(scope, operation, status, size, seconds)}
            # Not `logger.log`: it looks for the line that called it, a quarter of the cost.
            said = (level, __file__, 0, "request", (), None, None, fields)
            logger.handle(logger.makeRecord(logger.name, *said))


def request_id_of(request: Request) -> str | None:
    """The id of a request; None where nothing gave it one."""
    return getattr(request.state, "request_id", None)


def _id_of(scope: Scope) -> str:
    """The id that came with the request if it is well formed, else a new one."""
    for name, value in scope["headers"]:
        if name in NAMES and _WELL_FORMED.fullmatch(value):
            found: bytes = value
            return found.decode()
    return secrets.token_hex(8)


def _level(path: str, status: int) -> int:
    if status >= 500:
        return logging.WARNING
    return logging.DEBUG if path in PROBES and status < 400 else logging.INFO


def _line(scope: Scope, operation: str, status: int, size: int, seconds: float) -> dict[str, Any]:
    caller = scope["state"].get("caller")
    client = scope.get("client")
    return {
        "method": scope["method"],
        "path": masked(scope["path"][:200]),
        "operation": operation,
        "status": status,
        "ms": round(seconds * 1000, 2),
        "bytes": size,
        "address": client[0] if client else None,
        "organisation": None if caller is None else caller.organisation_id,
        "user": None if caller is None else caller.user_id,
    }
