"""A service under load: recommendations alone and mixed with other reads and writes.

A real `corridor serve` with identity and a durable record is asked over 16 and 128 connections that
stay open, in turn with a single one. Two replicas on one PostgreSQL are held against one.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import orjson
import psutil

from tests.benchmarks.http import ASKED
from tests.benchmarks.record import token_of
from tests.benchmarks.serving import PATH, SERVE, Served, percentile, posted, server
from tests.benchmarks.timing import Line, significant
from tests.databases import PostgreSQL

SECONDS, ROUNDS = 60.0, 6
COMPANY = {"profile": ASKED["one match"]["company"], "consents": {"matching": {"note": "A-1"}}}
ONE = ASKED["one match"]["options"]
Requests = Iterator[bytes]
_numbers = itertools.count(1)


@dataclass
class Loaded:
    """What came of a load.

    seconds: how long it took; used: processor seconds of the client; served: of the servers.
    """

    times: list[float] = field(default_factory=list)
    errors: int = 0
    seconds: float = 0.0
    used: float = 0.0
    served: float = 0.0

    def add(self, other: Loaded) -> None:
        """What came of it together with another load."""
        self.times += other.times
        self.errors += other.errors
        self.seconds += other.seconds
        self.used += other.used
        self.served += other.served

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.times) / self.seconds

    def line(self) -> Line:
        """Rate, percentiles and errors."""
        shares = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        return {
            "answers_per_s": significant(self.rate),
            **{f"{n}_ms": significant(percentile(self.times, s) * 1e3) for n, s in shares},
            "requests": len(self.times),
            "errors": self.errors,
            "client_cpu_share": significant(self.used / self.seconds),
            "server_cpu_ms": significant(self.served / len(self.times) * 1e3),
            "server_cpu_share": significant(self.served / self.seconds),
        }


def run(*, small: bool) -> Iterator[Line]:
    """Lines of the case: what is asked by number of connections, then replicas."""
    rounds, share = (1, 0.5) if small else (ROUNDS, SECONDS / ROUNDS)
    many = (2, 4) if small else (16, 128)
    with recorded() as (token, served):
        for what, requests in (("recommendations", asking(token)), ("mixed", mixing(token))):
            yield from _by_connections(what, served[0], requests, many, rounds, share)
    with PostgreSQL() as database, recorded(database.made(), 2) as (token, served):
        yield _replicas(served, mixing(token), many[0], rounds, share)


def _by_connections(
    what: str,
    served: Served,
    requests: Callable[[], Requests],
    many: Sequence[int],
    rounds: int,
    share: float,
) -> Iterator[Line]:
    found = {connections: Loaded() for connections in (1, *many)}
    most: dict[int, float] = dict.fromkeys(found, 0.0)
    load([served], requests, 2, count=8)
    for _ in range(rounds):
        for connections, loaded in found.items():
            seconds = share if connections > 1 else share / 4
            loaded.add(load([served], requests, connections, seconds=seconds))
            most[connections] = max(most[connections], memory(served))
    for connections in many:
        yield {
            "case": "load",
            "what": f"{what}, {connections} connections",
            "ratio": significant(found[connections].rate / found[1].rate),
            "against": "answers a second on one connection",
            **found[connections].line(),
            "one_connection_answers_per_s": significant(found[1].rate),
            "one_connection_p50_ms": found[1].line()["p50_ms"],
            "memory_mb": significant(most[connections]),
            "processors": os.cpu_count() or 1,
        }


def _replicas(
    served: Sequence[Served],
    requests: Callable[[], Requests],
    connections: int,
    rounds: int,
    share: float,
) -> Line:
    """One of two replicas alone, and both, in turn."""
    found = {1: Loaded(), 2: Loaded()}
    load(served, requests, 4, count=16)
    for _ in range(rounds):
        for count, loaded in found.items():
            loaded.add(load(served[:count], requests, connections, seconds=share))
    return {
        "case": "load",
        "what": f"mixed, two replicas on one PostgreSQL, {connections} connections",
        "ratio": significant(found[2].rate / found[1].rate),
        "against": "answers a second of one replica",
        **found[2].line(),
        **{f"one_replica_{name}": value for name, value in found[1].line().items()},
        "processors": os.cpu_count() or 1,
    }


@contextmanager
def recorded(url: str | None = None, replicas: int = 1) -> Iterator[tuple[str, list[Served]]]:
    """Replicas on one record, and the token of a manager; by default on an SQLite file."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        store = url or f"sqlite:///{Path(folder) / 'corridor.db'}"
        token = token_of(store)
        command = (SERVE, "serve", "--port", "0", "--store", store)
        yield token, [stack.enter_context(server(*command)) for _ in range(replicas)]


def asking(token: str) -> Callable[[], Requests]:
    """Recommendations on a profile that is sent along."""
    wanted = posted(PATH, orjson.dumps(ASKED["one match"]), token)
    return lambda: itertools.repeat(wanted)


def mixing(token: str) -> Callable[[], Requests]:
    """Of twenty requests of a connection eleven recommendations, five reads and four writes.

    Two of the recommendations are about a company of the record that the connection has written.
    """

    def requests() -> Requests:
        asked = posted(PATH, orjson.dumps(ASKED["one match"]), token)
        while True:
            name = f"c-{next(_numbers)}"
            place = f"/v1/companies/{name}"
            about = posted(PATH, orjson.dumps({"company_id": name, "options": ONE}), token)
            question = orjson.dumps({"question": f"why, {name}?"})
            yield written("PUT", place, orjson.dumps(COMPANY), token)
            yield from [asked] * 3
            yield written("GET", place, b"", token)
            yield about
            yield written("POST", f"{place}/reviews", question, token, f"Idempotency-Key: {name}")
            yield from [asked] * 3
            yield written("GET", "/v1/runs?limit=10", b"", token)
            yield written("GET", "/v1/me", b"", token)
            yield about
            yield written("POST", f"{place}/contacts", orjson.dumps({"note": "called"}), token)
            yield from [asked] * 3
            yield written("GET", f"/v1/runs?company_id={name}", b"", token)
            yield written("GET", f"{place}/contacts", b"", token)
            yield written("PUT", f"{place}-b", orjson.dumps(COMPANY), token)

    return requests


def written(method: str, path: str, sent: bytes, token: str, more: str = "") -> bytes:
    """A request over HTTP/1.1, as bytes."""
    head = posted(path, sent, token).replace(b"POST", method.encode(), 1)
    return head.replace(b"\r\n", f"\r\n{more}\r\n".encode(), 1) if more else head


def load(
    served: Sequence[Served],
    requests: Callable[[], Requests],
    connections: int,
    *,
    seconds: float = 3600.0,
    count: int | None = None,
) -> Loaded:
    """Ask for so many seconds, or so many times, over connections dealt out to the replicas."""
    left = iter(range(count)) if count is not None else itertools.count()
    start, used, before = perf_counter(), process_time(), _used(served)
    found = asyncio.run(_load(served, requests, connections, start + seconds, left))
    found.seconds, found.used = perf_counter() - start, process_time() - used
    found.served = _used(served) - before
    return found


def _used(served: Sequence[Served]) -> float:
    times = [psutil.Process(one.pid).cpu_times() for one in served]
    return sum(each.user + each.system for each in times)


async def _load(
    served: Sequence[Served],
    requests: Callable[[], Requests],
    connections: int,
    end: float,
    left: Iterator[int],
) -> Loaded:
    ports = itertools.islice(itertools.cycle(one.port for one in served), connections)
    found = Loaded()
    await asyncio.gather(*(_connection(port, requests(), end, left, found) for port in ports))
    return found


async def _connection(
    port: int, requests: Requests, end: float, left: Iterator[int], found: Loaded
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    for wanted in requests:
        start = perf_counter()
        if start >= end or next(left, None) is None:
            break
        writer.write(wanted)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        await reader.readexactly(int(length[1]))
        found.times.append(perf_counter() - start)
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            found.errors += 1
    writer.close()
    await writer.wait_closed()


def memory(served: Served) -> float:
    """Megabytes of a server and all that it started."""
    process = psutil.Process(served.pid)
    parts: list[Any] = [process, *process.children(recursive=True)]
    return sum(part.memory_info().rss for part in parts) / 2**20
