"""Several worker processes behind one port: started one by one, and started again when they end.

All of them accept from one socket. The first runs the jobs. A worker that says nothing for a while
is ended and started again; when the supervisor is gone, they end by themselves.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import NoReturn

from prometheus_client.multiprocess import mark_process_dead

from api.operation.metrics import FOLDER
from api.settings import Settings
from recommender.errors import CorridorError

SILENT_SECONDS = 30.0
MARGIN_SECONDS = 5.0  # beyond the grace, for what a worker closes
PAUSES = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0)
READY, ALIVE = b"ready", b"alive"
# What runs in a worker: settings, socket, how to say that it lives; returns its exit code.
Work = Callable[[Settings, socket.socket, Callable[[bool], None]], int]
logger = logging.getLogger("corridor.workers")


class WorkerFailed(CorridorError):
    """A worker that could not be started, and has said why."""

    code = "worker_failed"


class _Worker:
    """One worker process. number: 0 for the one that runs jobs."""

    def __init__(self, number: int, settings: Settings, work: Work, listening: socket.socket):
        self.number, self._work, self._listening = number, work, listening
        self._settings = settings if number == 0 else settings.model_copy(update={"jobs": 0})
        self.failures, self.due = 0, 0.0
        self.process: BaseProcess | None = None
        self.ready = False

    def start(self) -> None:
        context = get_context("spawn")
        self.ready, self.heard_at = False, time.monotonic()
        self.said, own = context.Pipe()
        given = (self._work, self._settings, self._listening, own)
        self.process = context.Process(target=_run, args=given, name=f"worker {self.number}")
        self.process.start()
        own.close()

    def listen(self) -> None:
        """Take what it said since."""
        with contextlib.suppress(EOFError, OSError):
            while self.said.poll():
                self.heard_at = time.monotonic()
                if self.said.recv_bytes() == READY:
                    self.ready, self.failures = True, 0

    def ended(self) -> None:
        """Clear up after it; when it is to be started again."""
        process = self.process
        self.process = None
        self.said.close()
        if process is not None and process.pid is not None:
            mark_process_dead(process.pid)  # type: ignore[no-untyped-call]
        self.due = time.monotonic() + PAUSES[min(self.failures, len(PAUSES) - 1)]
        self.failures += 1


class Supervisor:
    """Keeps `settings.workers` workers running on a socket until it is told to stop."""

    def __init__(self, settings: Settings, listening: socket.socket, work: Work) -> None:
        self._settings, self._listening = settings, listening
        self._workers = [_Worker(n, settings, work, listening) for n in range(settings.workers)]
        self._stopping = threading.Event()

    def run(self, announce: Callable[[], None]) -> None:
        """Run until a signal; raises WorkerFailed where the first worker cannot be started.

        announce: called once all of them accept connections.
        """
        first, *others = self._workers
        with _signals(self._stopping), _metrics_folder():
            try:
                # Alone: what keeps it from starting is said once, and it makes the tables.
                self._start(first)
                for worker in others:
                    worker.start()
                announced = False
                while not self._stopping.is_set():
                    if not announced and all(worker.ready for worker in self._workers):
                        announced = True
                        announce()
                    self._attend()
            finally:
                self._stop()

    def _start(self, worker: _Worker) -> None:
        worker.start()
        while not (worker.ready or self._stopping.is_set()):
            self._hear([worker])
            if not _runs(worker):
                raise WorkerFailed

    def _attend(self) -> None:
        self._hear(self._workers)
        now = time.monotonic()
        for worker in self._workers:
            if worker.process is None:
                if now >= worker.due:
                    worker.start()
            elif not _runs(worker):
                code = worker.process.exitcode
                logger.error("worker %d ended with %s and is started again", worker.number, code)
                worker.ended()
            elif now - worker.heard_at > SILENT_SECONDS:
                logger.error("worker %d is silent and is ended", worker.number)
                worker.process.kill()
                worker.process.join()

    def _hear(self, workers: list[_Worker]) -> None:
        """Wait a moment for what they say, or for one to end."""
        running = [worker for worker in workers if worker.process is not None]
        signs: list[Connection | int] = [w.said for w in running]
        signs += [w.process.sentinel for w in running if w.process is not None]
        if not signs:
            time.sleep(0.1)
            return
        wait(signs, timeout=0.2)
        for worker in running:
            worker.listen()

    def _stop(self) -> None:
        """Accept no more, let every worker finish what it answers, and end whoever does not."""
        self._listening.close()
        processes = [worker.process for worker in self._workers if worker.process is not None]
        for process in processes:
            process.terminate()
        until = time.monotonic() + self._settings.grace + MARGIN_SECONDS
        for process in processes:
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                logger.error("%s did not end in time and was killed", process.name)
                process.kill()
                process.join()


def _runs(worker: _Worker) -> bool:
    return worker.process is not None and worker.process.is_alive()


def _run(work: Work, settings: Settings, listening: socket.socket, said: Connection) -> NoReturn:
    """What a worker process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the supervisor passes on the end
    threading.Thread(target=_end_with_supervisor, args=(said,), daemon=True).start()

    def alive(ready: bool) -> None:
        with contextlib.suppress(OSError):
            said.send_bytes(READY if ready else ALIVE)

    raise SystemExit(work(settings, listening, alive))


def _end_with_supervisor(said: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        said.recv_bytes()
    os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def _signals(stopping: threading.Event) -> Iterator[None]:
    """Stop on a signal, once."""
    known = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.signal(one, lambda *_: stopping.set()) for one in known}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextlib.contextmanager
def _metrics_folder() -> Iterator[None]:
    """A folder in which the workers count together; see `api.operation.metrics`."""
    folder = tempfile.mkdtemp(prefix="corridor-metrics-")
    os.environ[FOLDER] = folder
    try:
        yield
    finally:
        del os.environ[FOLDER]
        shutil.rmtree(folder, ignore_errors=True)
