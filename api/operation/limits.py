"""Limits: how many requests wait at once, and how fast one caller may ask. Counted in each process.

Both refuse early and say when to come again, so that those inside are answered in time.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

import orjson
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import MEDIA_TYPE, HeadersTooLarge, Overloaded, problem_body, retry_after
from api.language import preferred
from api.refusals import TooManyRequests
from recommender.errors import CorridorError

REMEMBERED = 10_000
# What tells whether the service runs has to be answered above all when it is full.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class Rates:
    """Token buckets by caller or address: `rate` a second, `burst` at once; rate 0: no limit."""

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, key: str) -> None:
        """Count one request; raises TooManyRequests."""
        if not self._rate:
            return
        now = self._clock()
        left = self._now(key, now)
        if left < 1:
            raise TooManyRequests(seconds=self._wait(left))
        self._left[key] = (left - 1, now)
        self._left.move_to_end(key)
        if len(self._left) > REMEMBERED:
            self._left.popitem(last=False)

    def check(self, key: str) -> None:
        """Raise TooManyRequests where the next request would be refused; counts nothing."""
        if self._rate:
            left = self._now(key, self._clock())
            if left < 1:
                raise TooManyRequests(seconds=self._wait(left))

    def _now(self, key: str, now: float) -> float:
        left, at = self._left.get(key, (float(self._burst), now))
        return min(float(self._burst), left + max(0.0, now - at) * self._rate)

    def _wait(self, left: float) -> int:
        return max(1, math.ceil((1 - left) / self._rate))


class Limited:
    """Refuses requests with 503 while `most` of them wait for their answer to begin.

    head: bytes of names and values of headers, and of the address; above them it is 431.
    """

    def __init__(self, app: ASGIApp, most: int, head: int) -> None:
        self._app, self._most, self._head, self._waiting = app, most, head, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if there is room for it.

        Its place is free again once its answer begins: an answer that goes on, as the progress of
        a job does, waits for nothing here.
        """
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        if _size(scope) > self._head:
            await refuse(scope, send, HeadersTooLarge())
            return
        if self._waiting >= self._most:
            await refuse(scope, send, Overloaded())
            return
        self._waiting += 1
        holds = True

        async def begun(message: Message) -> None:
            nonlocal holds
            if holds:
                holds = False
                self._waiting -= 1
            await send(message)

        try:
            await self._app(scope, receive, begun)
        finally:
            if holds:
                self._waiting -= 1


def _size(scope: Scope) -> int:
    head = sum(len(name) + len(value) for name, value in scope["headers"])
    return head + len(scope["raw_path"]) + len(scope["query_string"])


async def refuse(scope: Scope, send: Send, error: CorridorError) -> None:
    """Answer without reading the request."""
    body = problem_body(error, preferred(Headers(scope=scope).get("accept-language")))
    content = orjson.dumps(body | {"request_id": scope["state"]["request_id"]})
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(content)).encode()),
    ]
    seconds = retry_after(error)
    if seconds is not None:
        headers.append((b"retry-after", seconds.encode()))
    await send({"type": "http.response.start", "status": body["status"], "headers": headers})
    await send({"type": "http.response.body", "body": content})
