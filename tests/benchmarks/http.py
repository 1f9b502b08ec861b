"""E: the same over HTTP, against a server that does nothing but send as many bytes."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

from api.examples import EXPORTER, SMALL
from tests.benchmarks.serving import RAW, Served, ask, percentile, request, server, service
from tests.benchmarks.timing import Line, significant

DAY = "2026-11-23"
ASKED: dict[str, dict[str, Any]] = {
    "one match": {"company": SMALL, "options": {"as_of": DAY, "limit": 1, "lanes": ["hedge"]}},
    "one lane": {"company": EXPORTER, "options": {"as_of": DAY, "lanes": ["financing"]}},
    "all lanes": {"company": EXPORTER, "options": {"as_of": DAY}},
}
MANY = 16


def run(*, small: bool) -> Iterator[Line]:
    """Lines of case E, one for each length of answer and number of connections."""
    with service() as ours:
        for name, body in ASKED.items():
            wanted = request(body)
            length = len(ask(ours.port, wanted, 2, 1)[1])
            with server(RAW, str(length)) as raw:
                for connections in (1, 2) if small else (1, MANY):
                    measured = compared(ours, raw, wanted, connections, small=small)
                    yield {"case": "E", "what": name, **measured, "answer_bytes": length}


def compared(ours: Served, raw: Served, wanted: bytes, connections: int, *, small: bool) -> Line:
    """Both servers in turn, round after round: medians of the rounds' percentiles."""
    rounds, requests = (1, 4) if small else (5, max(60, 20 * connections))
    times: dict[Served, list[list[float]]] = {ours: [], raw: []}
    for _ in range(rounds):
        for one in (raw, ours):
            times[one].append(ask(one.port, wanted, requests, connections)[0])
    middle, most = (
        {one: median(percentile(t, share) for t in found) for one, found in times.items()}
        for share in (0.5, 0.99)
    )
    return {
        "connections": connections,
        "ratio": significant(middle[ours] / middle[raw]),
        "against": "raw ASGI, the same bytes",
        "p50_ms": significant(middle[ours] * 1e3),
        "against_p50_ms": significant(middle[raw] * 1e3),
        "p99_ms": significant(most[ours] * 1e3),
        "against_p99_ms": significant(most[raw] * 1e3),
    }
