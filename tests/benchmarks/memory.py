"""Memory of a service that goes on being asked: after many requests against after a few."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.load import load, memory, mixing, recorded
from tests.benchmarks.timing import Line, significant

CONNECTIONS = 16


def run(*, small: bool) -> Iterator[Line]:
    """One line: megabytes after all requests against those after a tenth of them."""
    few, many = (40, 400) if small else (10_000, 100_000)
    with recorded() as (token, served):
        requests = mixing(token)
        first = load(served, requests, CONNECTIONS, count=few)
        before = memory(served[0])
        rest = load(served, requests, CONNECTIONS, count=many - few)
        after = memory(served[0])
    yield {
        "case": "memory",
        "what": f"after {many:,} requests",
        "ratio": significant(after / before),
        "against": f"after {few:,} requests",
        "memory_mb": significant(after),
        "against_memory_mb": significant(before),
        "errors": first.errors + rest.errors,
        "answers_per_s": significant(rest.rate),
    }
