"""beside: what a recommendation waits while a million companies are ranked in the worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from api.examples import EXPORTER
from recommender import Catalogue, Engine
from tests.benchmarks.http import DAY
from tests.benchmarks.prospects import FIRMS, PRODUCTS, TIMES, repeated
from tests.benchmarks.serving import SERVE, Served, ask, percentile, posted, request, server
from tests.benchmarks.timing import Line, significant

ROUNDS, REQUESTS = 5, 150
WANTED = {"company": EXPORTER, "options": {"as_of": DAY, "lanes": ["financing"]}}
FILTERS = (10, 20, 30, 40, 50, 60, 70, 80)  # a list is kept: another filter is another ranking


def run(*, small: bool) -> Iterator[Line]:
    """One line: percentiles beside a ranking that goes on and on, against the service alone."""
    engine = Engine(Catalogue.load())
    with TemporaryDirectory() as folder:
        sizes = (60, 2) if small else (FIRMS, TIMES)
        population = repeated(engine, Path(folder), *sizes)
        flags = (
            "serve",
            "--port",
            "0",
            "--identity",
            "off",
            "--population",
            str(population.folder),
        )
        with server(SERVE, *flags) as ours:
            rounds, requests = (1, 4) if small else (ROUNDS, REQUESTS)
            yield {**compared(ours, rounds, requests), "companies": population.companies}


def compared(ours: Served, rounds: int, requests: int) -> Line:
    """The service alone and beside a ranking, round after round."""
    wanted, ranked = request(WANTED), 0
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    with ranking(ours.port) as done:
        pass  # the worker is there, and has read its columns once
    for _ in range(rounds):
        alone.append(ask(ours.port, wanted, requests, 1)[0])
        with ranking(ours.port) as done:
            beside.append(ask(ours.port, wanted, requests, 1)[0])
        ranked += done[0]
    p50, p99 = (
        [median(percentile(times, share) for times in found) for found in (beside, alone)]
        for share in (0.5, 0.99)
    )
    return {
        "case": "beside",
        "what": "one lane, p99 while companies are ranked",
        "ratio": significant(p99[0] / p99[1]),
        "against": "the same, nothing else asked",
        "p99_ms": significant(p99[0] * 1e3),
        "against_p99_ms": significant(p99[1] * 1e3),
        "p50_ms": significant(p50[0] * 1e3),
        "against_p50_ms": significant(p50[1] * 1e3),
        "rankings": ranked,
    }


@contextmanager
def ranking(port: int) -> Iterator[list[int]]:
    """One list after another is asked for until the end; gives how many were answered."""
    done, stop, first = [0], threading.Event(), threading.Event()

    def rank() -> None:
        while not stop.is_set():
            number = done[0]
            body = {"options": asked(number)}
            place = f"/v1/products/{PRODUCTS[number % len(PRODUCTS)]}/prospects"
            ask(port, posted(place, orjson.dumps(body)), 1, 1)
            done[0] += 1
            first.set()

    thread = threading.Thread(target=rank)
    thread.start()
    first.wait()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def asked(number: int) -> dict[str, Any]:
    """Options of the next list: none that was made before."""
    days = FILTERS[number // len(PRODUCTS) % len(FILTERS)] + number // 32
    return {"n": 20, "consent": False, "near_misses": False, "not_contacted_days": days}
