"""What the service tells Prometheus. Values are counted here and read as text at /metrics.

Several processes behind one port share a folder (`PROMETHEUS_MULTIPROC_DIR`, set before this module
is imported): each writes its own files there, and whichever is asked adds all of them up. Replicas
are asked one by one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
MEDIA_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LAST = "livemostrecent"  # what the process that is asked looks up when it is asked
NO_OPERATION = "none"


class Metrics:
    """The metrics of one process. stored: whether there is a store to tell of."""

    def __init__(self, *, stored: bool) -> None:
        self._registry = own = CollectorRegistry()
        kept = own if stored else None
        labels = ["operation", "status"]
        self._requests = Counter("corridor_requests", "Requests answered.", labels, registry=own)
        self._seconds = Histogram(
            "corridor_request_seconds",
            "Seconds from the head of a request to the end of its answer.",
            ["operation"],
            buckets=SECONDS,
            registry=own,
        )
        self.in_flight = self._gauge(own, "corridor_requests_in_flight", "Requests being answered.")
        self.slow_clients = Counter(
            "corridor_slow_clients", "Connections cut off as too slow.", registry=own
        )
        self._store = Histogram(
            "corridor_store_seconds",
            "Seconds of reads, and of transactions that write, waiting not included.",
            ["kind"],
            buckets=SECONDS,
            registry=kept,
        )
        self.queue = self._gauge(
            kept, "corridor_writer_queue", "Writes that wait for a transaction."
        )
        self.store_up = self._gauge(
            kept, "corridor_store_up", "1: the database answers.", mode="livemin"
        )
        self.ready = self._gauge(own, "corridor_ready", "1: /readyz answers 200.", mode=LAST)
        self.free_disk = self._gauge(
            kept, "corridor_disk_free_bytes", "Free where the service writes.", mode=LAST
        )
        self.last_seal = self._gauge(
            kept,
            "corridor_last_seal_timestamp_seconds",
            "When the audit log was last sealed, by whichever replica; 0: never.",
            mode=LAST,
        )
        self._jobs = Gauge(
            "corridor_jobs",
            "Jobs of the store, by status.",
            ["status"],
            registry=kept,
            multiprocess_mode="livemostrecent",
        )
        self._versions = Gauge(
            "corridor_build_info",
            "1 for the versions of engine, packaged catalogue and model that answer.",
            ["engine", "catalogue", "model"],
            registry=own,
            multiprocess_mode="livemax",
        )
        if FOLDER not in os.environ:
            ProcessCollector(registry=own)
        self._known: dict[tuple[str, int], Counter] = {}
        self._timed: dict[str, Histogram] = {}
        self._kinds = {kind: self._store.labels(kind) for kind in ("read", "write")}
        self._version: tuple[str, str, str] | None = None

    @staticmethod
    def _gauge(
        registry: CollectorRegistry | None, name: str, about: str, mode: str = "livesum"
    ) -> Gauge:
        return Gauge(name, about, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """Count a request. operation: its id, NO_OPERATION where the address has none."""
        key = (operation, status)
        counter = self._known.get(key)
        if counter is None:
            counter = self._known[key] = self._requests.labels(operation, str(status))
            self._timed.setdefault(operation, self._seconds.labels(operation))
        counter.inc()
        self._timed[operation].observe(seconds)

    def stored(self, kind: str, seconds: float) -> None:
        """Count a use of the store. kind: read or write."""
        self._kinds[kind].observe(seconds)

    def serves(self, engine: str, catalogue: str, model: str) -> None:
        """Say which versions answer."""
        versions = (engine, catalogue, model)
        if versions != self._version:
            if self._version is not None:
                self._versions.labels(*self._version).set(0)
            self._versions.labels(*versions).set(1)
            self._version = versions

    def jobs(self, counts: Mapping[str, int]) -> None:
        """Say how many jobs there are by status."""
        for status, count in counts.items():
            self._jobs.labels(status).set(count)

    def text(self) -> bytes:
        """Everything in the text form of Prometheus, of all processes that share the folder."""
        if FOLDER not in os.environ:
            return generate_latest(self._registry)
        every = CollectorRegistry()
        MultiProcessCollector(every)  # type: ignore[no-untyped-call]
        return generate_latest(every)
