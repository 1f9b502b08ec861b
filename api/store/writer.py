"""The one place that commits: a thread that puts waiting writes into one transaction.

A commit costs a flush to the disk, whatever it holds; sixteen callers that wait for it together
share the cost. Each write has a savepoint of its own, so that one that is refused takes nothing
of another with it, and is acknowledged only after the commit.
"""

from __future__ import annotations

import datetime
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from api.store.audit import Chain, Event
from api.store.database import WRITES, Database, StoreUnavailable, gone, translated
from recommender.texts import label

T = TypeVar("T")
TOGETHER = 256


class Write:
    """What one write works with. at: its time, the same for all of its rows."""

    def __init__(self, connection: sa.Connection, at: datetime.datetime) -> None:
        self.connection, self.at = connection, at
        self.events: list[Event] = []
        self.rows: list[tuple[sa.Table, Mapping[str, Any]]] = []

    def execute(self, statement: sa.Executable, /, *arguments: Any) -> sa.CursorResult[Any]:
        """Run one statement inside the transaction."""
        return self.connection.execute(statement, *arguments)

    def add(self, table: sa.Table, row: Mapping[str, Any]) -> None:
        """Insert a row together with those of the other writes, just before the commit."""
        self.rows.append((table, row))

    def audit(self, event: Event) -> None:
        """Chain an event; it is kept exactly when the write is."""
        self.events.append(event)


@dataclass
class _Asked:
    work: Callable[[Write], Any]
    answer: Future[Any] = field(default_factory=Future)
    result: Any = None


class Writer:
    """Writes of this process, in the order in which they came."""

    def __init__(self, database: Database, clock: Callable[[], datetime.datetime]) -> None:
        self._database, self._clock = database, clock
        self._chain = Chain()
        self._waiting: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, work: Callable[[Write], T]) -> Future[T]:
        """The result of `work` once it is committed.

        The future raises what `work` raises, or StoreUnavailable when nothing was kept.
        """
        asked = _Asked(work)
        with self._lock:
            if self._closed:
                raise StoreUnavailable(reason=label("api.store.closed"))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()
            self._waiting.put(asked)
        return asked.answer

    def close(self) -> None:
        """Finish what waits, then end."""
        with self._lock:
            self._closed = True
            thread = self._thread
            self._waiting.put(None)
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            together, last = self._next()
            if together:
                self._keep(together)
            if last:
                return

    def _next(self) -> tuple[list[_Asked], bool]:
        """Everything that waits, at least one; and whether it is the end."""
        found = [self._waiting.get()]
        while len(found) < TOGETHER and found[-1] is not None:
            try:
                found.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return [asked for asked in found if asked is not None], found[-1] is None

    def _keep(self, together: list[_Asked]) -> None:
        together = [a for a in together if a.answer.set_running_or_notify_cancel()]
        try:
            with translated():
                kept = self._commit(together)
        except BaseException as error:  # noqa: BLE001 - whoever waits must be told, whatever it was
            for asked in together:
                if not asked.answer.done():
                    asked.answer.set_exception(error)
            return
        for asked in kept:
            asked.answer.set_result(asked.result)

    def _commit(self, together: list[_Asked]) -> list[_Asked]:
        at, chain = self._clock(), self._chain
        kept: list[tuple[_Asked, Write]] = []
        engine = self._database.engine.execution_options(**WRITES)
        with engine.begin() as connection:
            for asked in together:
                write = Write(connection, at)
                try:
                    with connection.begin_nested():
                        asked.result = asked.work(write)
                except DBAPIError as error:
                    if gone(error):
                        raise
                    asked.answer.set_exception(error)
                except Exception as error:  # noqa: BLE001 - a refusal concerns this write alone
                    asked.answer.set_exception(error)
                else:
                    kept.append((asked, write))
            _insert(connection, (row for _, write in kept for row in write.rows))
            chain = chain.extended(connection, at, [e for _, write in kept for e in write.events])
        self._chain = chain
        return [asked for asked, _ in kept]


def _insert(connection: sa.Connection, rows: Iterable[tuple[sa.Table, Mapping[str, Any]]]) -> None:
    by_table: dict[sa.Table, list[Mapping[str, Any]]] = {}
    for table, row in rows:
        by_table.setdefault(table, []).append(row)
    for table, found in by_table.items():
        connection.execute(sa.insert(table), found)
