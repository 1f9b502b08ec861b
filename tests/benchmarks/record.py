"""Recommendations that are kept: against the same service without a record, and a bare server.

Four things in turn, round after round: a raw ASGI server that sends as many bytes, the engine
alone in this process, the service without identity, and the service with a token, a durable run and
an audit event for every answer, on SQLite.
"""

from __future__ import annotations

import datetime
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import orjson
import psutil

from api.identity import tokens
from api.store import maintenance, users
from api.store.store import Store
from recommender import Catalogue, Engine
from tests.benchmarks.http import ASKED, MANY
from tests.benchmarks.serving import RAW, SERVE, Served, ask, percentile, request, server, service
from tests.benchmarks.timing import Line, significant

# Answers a second, seconds of each answer, processor seconds of the server for each answer.
Timed = tuple[float, list[float], float]


def run(*, small: bool) -> Iterator[Line]:
    """Lines of the case, one for each length of answer."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = f"sqlite:///{Path(folder) / 'corridor.db'}"
        token = token_of(url)
        stateless = stack.enter_context(service())
        kept = stack.enter_context(server(SERVE, "serve", "--port", "0", "--store", url))
        engine = Engine(Catalogue.load())
        for name in ("one match", "all lanes"):
            body = ASKED[name]
            plain, signed = request(body), request(body, token)
            length = len(ask(kept.port, signed, 2, 1)[1])
            with server(RAW, str(length)) as raw:
                for connections in (1, 2) if small else (1, MANY):
                    count = 4 if small else max(60, 25 * connections)
                    ways = {
                        "floor": _asking(raw, plain, count, connections),
                        "engine": _answering(engine, body, 4 if small else 60),
                        "stateless": _asking(stateless, plain, count, connections),
                        "record": _asking(kept, signed, count, connections),
                    }
                    head = {"case": "record", "what": name, "connections": connections}
                    yield {**head, **_measured(ways, 1 if small else 7), "answer_bytes": length}


def token_of(url: str) -> str:
    """The token of a manager in a new record."""
    store = Store(url)
    maintenance.ready(store.database)
    names = {"name_zh": "示例银行", "name_en": "Example Bank"}
    bank = {"id": "bank", "kind": "bank", **names, "synthetic": True}
    store.write(lambda write: users.add_organisation(write, bank))
    row = {"organisation_id": "bank", "branch_id": None, "login": "manager", "name": "manager"}
    row |= {"role": "manager", "password_hash": None}
    user_id = store.write(lambda write: users.add_user(write, row))
    token = tokens.made()
    hashed = tokens.hashed(token)
    store.write(
        lambda w: users.add_token(
            w, user_id, hashed, "write", "benchmark", datetime.timedelta(days=1)
        )
    )
    store.close()
    return token


def _asking(served: Served, wanted: bytes, count: int, connections: int) -> Callable[[], Timed]:
    process = psutil.Process(served.pid)

    def once() -> Timed:
        used, start = _used(process), perf_counter()
        times, _ = ask(served.port, wanted, count, connections)
        return count / (perf_counter() - start), times, (_used(process) - used) / count

    return once


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _answering(engine: Engine, body: dict[str, object], count: int) -> Callable[[], Timed]:
    """What an answer costs without any door: read, answer, write."""

    def once() -> Timed:
        times, used = [], process_time()
        for _ in range(count):
            start = perf_counter()
            options = engine.options(body["options"])  # type: ignore[arg-type]
            company = engine.read(body["company"], options.day)
            orjson.dumps(engine.recommend(company, options))
            times.append(perf_counter() - start)
        return count / sum(times), times, (process_time() - used) / count

    return once


def _measured(ways: dict[str, Callable[[], Timed]], rounds: int) -> Line:
    found: dict[str, list[Timed]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, once in ways.items():
            found[name].append(once())
    rate = {name: median(each for each, _, _ in timed) for name, timed in found.items()}
    p50, p95, p99 = (
        {n: median(percentile(times, share) for _, times, _ in timed) for n, timed in found.items()}
        for share in (0.5, 0.95, 0.99)
    )
    work = {name: median(used for _, _, used in timed) for name, timed in found.items()}
    line: Line = {
        "ratio": significant(p50["record"] / p50["floor"]),
        "against": "raw ASGI, the same bytes",
        "against_stateless": significant(rate["stateless"] / rate["record"]),
        "against_engine": significant(rate["engine"] / rate["record"]),
    }
    if work["stateless"]:  # a clock of ten milliseconds sees nothing of a few answers
        line["cpu_against_stateless"] = significant(work["record"] / work["stateless"])
    for name in ways:
        line[f"{name}_answers_per_s"] = significant(rate[name])
        line[f"{name}_cpu_ms"] = significant(work[name] * 1e3)
        for label, values in (("p50", p50), ("p95", p95), ("p99", p99)):
            line[f"{name}_{label}_ms"] = significant(values[name] * 1e3)
    return {**line, "processors": os.cpu_count() or 1}
