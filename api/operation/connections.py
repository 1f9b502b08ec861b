"""Connections with deadlines: a client that sends or reads too slowly is cut off.

The head of a request has to be there within `patience` seconds, its body within as many plus one
for each `min_speed` bytes; time in which the service itself does not read is not counted. Whoever
is late gets 408 where no answer has begun, and the connection ends. A client that says nothing at
all, or does not take its answer for `patience` seconds, is cut off without a word.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sys
from typing import Any

import h11
import orjson
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.errors import (
    MEDIA_TYPE,
    BadHttp,
    HeadersTooLarge,
    RequestTooSlow,
    problem_body,
)
from api.language import preferred
from api.operation.metrics import Metrics
from recommender.errors import CorridorError
from recommender.texts import Language

LOOK_SECONDS = 0.5
logger = logging.getLogger("corridor.connections")


class Deadlines(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with deadlines. `paced` makes a class with others."""

    patience: float = 20.0
    min_speed: int = 16 * 1024

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._due: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._left, self._received = 0.0, 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client that never says anything is late too."""
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._forget(self._due)
        self._forget(self._stuck)
        self._due = self._stuck = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Start the deadline where a request is not there yet as a whole, else forget it."""
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.transport.is_closing():
            self._received += len(data)
            if self._due is None:
                self._await_request(len(data))
        elif self._due is not None:
            self._forget(self._due)
            self._due = None

    def pause_writing(self) -> None:
        """The client does not take its answer as fast as it is made."""
        super().pause_writing()
        if self._stuck is None:
            self._stuck = self.loop.call_later(self.patience, self._cut, "reading")

    def resume_writing(self) -> None:
        """It took some."""
        super().resume_writing()
        self._forget(self._stuck)
        self._stuck = None

    def on_response_complete(self) -> None:
        """An answer that ends before its request did leaves no deadline behind."""
        super().on_response_complete()
        if self.conn.their_state is not h11.SEND_BODY:
            self._forget(self._due)
            self._due = None

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, or has a head above the limit, is answered like every other error."""
        hint = getattr(sys.exc_info()[1], "error_status_hint", 400)
        logger.info("%s", msg, extra={"fields": {"address": self._address(), "status": hint}})
        self._answer(HeadersTooLarge() if hint == 431 else BadHttp())

    def _await_request(self, received: int = 0) -> None:
        self._left, self._received = self.patience, received
        self._due = self.loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """Take from the time that is left what has passed, unless it is us who do not read."""
        self._due = None
        if self.transport.is_closing():
            return
        if not self.flow.read_paused:
            self._left -= LOOK_SECONDS
        if self._left + self._received / self.min_speed <= 0:
            self._cut("sending")
            return
        self._due = self.loop.call_later(LOOK_SECONDS, self._look)

    def _cut(self, doing: str) -> None:
        self._stuck = None
        said = {"address": self._address(), "while": doing, "bytes": self._received}
        logger.warning("a client was too slow and cut off", extra={"fields": said})
        metrics: Metrics | None = self.app_state.get("metrics")
        if metrics is not None:
            metrics.slow_clients.inc()
        if doing == "sending" and self._received and not self._answered():
            self._answer(RequestTooSlow(seconds=round(self.patience)))
        else:
            self.transport.abort()

    def _answered(self) -> bool:
        """Whether the answer to the request that is being sent has begun."""
        return self.conn.their_state is h11.SEND_BODY and self.cycle.response_started

    def _answer(self, error: CorridorError) -> None:
        """Answer in place of the application and close."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        body = problem_body(error, self._language())
        request_id = secrets.token_hex(8)
        content = orjson.dumps(body | {"request_id": request_id})
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(content)).encode()),
            (b"request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        parts = (
            h11.Response(status_code=body["status"], headers=headers, reason=b""),
            h11.Data(data=content),
            h11.EndOfMessage(),
        )
        for part in parts:
            self.transport.write(self.conn.send(part) or b"")
        if self.conn.their_state is h11.SEND_BODY:
            self.cycle.disconnected = True  # what the application answers now goes nowhere
        self.transport.close()

    def _language(self) -> Language:
        """The language of the request, as far as its head is there."""
        known = self.conn.their_state is h11.SEND_BODY
        wishes = dict(self.headers).get(b"accept-language") if known else None
        return preferred(None if wishes is None else wishes.decode("latin-1"))

    def _address(self) -> str | None:
        return self.client[0] if self.client else None

    @staticmethod
    def _forget(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()


def paced(patience: float, min_speed: int) -> type[Deadlines]:
    """Connections with these deadlines: seconds, and bytes a second."""
    return type("Paced", (Deadlines,), {"patience": patience, "min_speed": min_speed})
