"""start: from the start of the process to its first answer, and the memory it then holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter

from api.examples import SMALL
from tests.benchmarks.serving import ROOT, ask, request, service
from tests.benchmarks.timing import Line, significant

PEERS = {
    "python alone": "pass",
    "numpy, FastAPI and uvicorn imported": "import numpy, fastapi, uvicorn, orjson",
    "peer: scikit-learn imported": "import sklearn.linear_model",
}


def run(*, small: bool) -> Iterator[Line]:
    """One line; every round starts the service and each peer once."""
    rounds = 1 if small else 7
    took: dict[str, list[float]] = {"ours": [], **{name: [] for name in PEERS}}
    held: list[float] = []
    for _ in range(rounds):
        for name, code in PEERS.items():
            took[name].append(imported(code))
        seconds, megabytes = first_answer()
        took["ours"].append(seconds)
        held += [] if megabytes is None else [megabytes]
    middle = {name: median(times) for name, times in took.items()}
    floor = "numpy, FastAPI and uvicorn imported"
    yield {
        "case": "start",
        "what": "process start to first answer",
        "ratio": significant(middle["ours"] / middle[floor]),
        "against": floor,
        "ms": significant(middle["ours"] * 1e3),
        **{f"{name}, ms": significant(middle[name] * 1e3) for name in PEERS},
        "megabytes": significant(median(held)) if held else None,
    }


def imported(code: str) -> float:
    """Seconds of a fresh interpreter that runs this."""
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return perf_counter() - start


def first_answer() -> tuple[float, float | None]:
    """Seconds from starting the service to a whole answer, and its megabytes then."""
    start = perf_counter()
    with service() as ours:
        ask(ours.port, request({"company": SMALL}), 1, 1)
        return perf_counter() - start, ours.megabytes()
