"""What ids, logs, metrics and limits cost a request: against the same answer without them.

In this process, on processor time: the layers around an application that sends a ready answer, and
one recommendation of the engine, which is what a request is about.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import process_time
from types import SimpleNamespace
from typing import Any

import orjson

from api.operation import logs
from api.operation.limits import Limited
from api.operation.metrics import Metrics
from api.operation.observing import Observed
from api.security import SecureHeaders
from api.settings import Settings
from recommender import Catalogue, Engine
from tests.benchmarks.http import ASKED
from tests.benchmarks.timing import Line, significant

ROUTE = SimpleNamespace(operation_id="recommend")
CALLER = SimpleNamespace(organisation_id="bank-a", user_id="1c40b1cc-2953-4642-b124-727e16a2c675")
HEADERS = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"accept", b"*/*")]
START = {"type": "http.response.start", "status": 200, "headers": []}


async def answer(scope: Any, _receive: Any, send: Any) -> None:
    """An application that has its answer ready."""
    scope["route"], scope["state"]["caller"] = ROUTE, CALLER
    await send({**START})
    await send({"type": "http.response.body", "body": b"{}"})


def run(*, small: bool) -> Iterator[Line]:
    """One line: the layers with a line of the log, without one, and what they are a share of."""
    count, rounds = (20, 1) if small else (4000, 9)
    inner = SecureHeaders(answer)
    whole = Observed(SecureHeaders(Limited(answer, 256, 16_384)), Metrics(stored=False))
    engine, few = Engine(Catalogue.load()), max(1, count // 20)
    asked = orjson.dumps(ASKED["one match"])
    found: dict[str, list[float]] = {"without": [], "layers": [], "logged": [], "engine": []}
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, _logging_to(nowhere) as level:
        for _ in range(rounds):
            found["without"].append(_seconds(lambda: _asked(inner, count), count))
            level("warning")
            found["layers"].append(_seconds(lambda: _asked(whole, count), count))
            level("info")
            found["logged"].append(_seconds(lambda: _asked(whole, count), count))
            found["engine"].append(_seconds(lambda: _recommended(engine, asked, few), few))
    took = {name: median(values) for name, values in found.items()}
    added = took["logged"] - took["without"]
    yield {
        "case": "operation",
        "what": "one match",
        "ratio": significant(1 + added / took["engine"]),
        "against": "one recommendation of the engine, no door at all",
        **{f"{name}_us": significant(seconds * 1e6) for name, seconds in took.items()},
    }


@contextmanager
def _logging_to(file: Any) -> Iterator[Callable[[str], None]]:
    """Logs as the service writes them, to a file; what was set before is put back."""
    root, own = logging.getLogger(), logging.getLogger("corridor")
    handlers, levels = list(root.handlers), (root.level, own.level)
    logs.set_up(Settings(log_format="json"), file)
    try:
        yield lambda level: own.setLevel(level.upper())
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        own.setLevel(levels[1])


def _seconds(work: Callable[[], None], count: int) -> float:
    begun = process_time()
    work()
    return (process_time() - begun) / count


def _asked(app: Any, count: int) -> None:
    async def send(_message: Any) -> None:
        """Nobody takes it."""

    async def ask() -> None:
        for _ in range(count):
            await app(_scope(), None, send)

    asyncio.run(ask())


def _scope() -> dict[str, Any]:
    place = {"path": "/v1/recommendations", "raw_path": b"/v1/recommendations"}
    head = {"method": "POST", "query_string": b"", "headers": HEADERS, "state": {}}
    return {"type": "http", "client": ("127.0.0.1", 1), **place, **head}


def _recommended(engine: Engine, asked: bytes, count: int) -> None:
    for _ in range(count):
        body = orjson.loads(asked)
        company = engine.read(body["company"])
        orjson.dumps(engine.recommend(company, engine.options(body["options"])))  # type: ignore[arg-type]
