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
from api.store.inserts import by_table, insert
from recommender.texts import label

T = TypeVar("T")
TOGETHER = 256


class Write:
    """What one write works with. at: its time, the same for all of its rows.

    A savepoint is made when `connection` is first used. A write that only adds rows and events,
    and looks at what `seen` shows, needs none: there is nothing of it to take back.
    """

    def __init__(
        self, connection: sa.Connection, at: datetime.datetime, known: dict[Any, Any] | None = None
    ) -> None:
        self.at = at
        self.events: list[Event] = []
        self.rows: list[tuple[sa.Table, Mapping[str, Any]]] = []
        self._connection = connection
        self._savepoint: sa.NestedTransaction | None = None
        self._known: dict[Any, Any] = {} if known is None else known

    @property
    def connection(self) -> sa.Connection:
        """The connection, to read or change anything inside the transaction."""
        if self._savepoint is None:
            self._savepoint = self._connection.begin_nested()
        self._known.clear()
        return self._connection

    def seen(self, key: Any, read: Callable[[sa.Connection], T]) -> T:
        """What `read` finds, asked once for all writes of a transaction until one changes anything.

        key: what was asked; the same key always goes with the same question. `read` only reads.
        """
        if key not in self._known:
            self._known[key] = read(self._connection)
        found: T = self._known[key]
        return found

    def end(self, *, keep: bool) -> None:
        """Keep what was done since the savepoint, or take it back."""
        if self._savepoint is not None and self._savepoint.is_active:
            self._known.clear()
            if keep:
                self._savepoint.commit()
            else:
                self._savepoint.rollback()

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


Refused = tuple[_Asked, Exception]


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
            kept, refused = self._committed(together)
        except DBAPIError as error:
            # One row that the database refuses must not take those of the others with it.
            for asked in together if len(together) > 1 else ():
                self._keep_again(asked)
            self._fail(together, error)
            return
        except BaseException as error:  # noqa: BLE001 - whoever waits must be told, whatever it was
            self._fail(together, error)
            return
        for asked, reason in refused:
            asked.answer.set_exception(reason)
        for asked in kept:
            asked.answer.set_result(asked.result)

    def _keep_again(self, asked: _Asked) -> None:
        """One write by itself, after it was refused together with others."""
        try:
            kept, refused = self._committed([asked])
        except BaseException as error:  # noqa: BLE001 - as above
            asked.answer.set_exception(error)
            return
        for one, reason in refused:
            one.answer.set_exception(reason)
        for one in kept:
            one.answer.set_result(one.result)

    @staticmethod
    def _fail(together: Iterable[_Asked], error: BaseException) -> None:
        for asked in together:
            if not asked.answer.done():
                asked.answer.set_exception(error)

    def _committed(self, together: list[_Asked]) -> tuple[list[_Asked], list[Refused]]:
        """`_commit`, and what a database says when it is gone as StoreUnavailable."""
        try:
            with translated():
                return self._commit(together)
        except StoreUnavailable:
            # The connection may have broken after the commit: nobody knows where the chain ends.
            self._chain = Chain()
            raise

    def _commit(self, together: list[_Asked]) -> tuple[list[_Asked], list[Refused]]:
        """Those that were kept, and those that were refused, once all of it is on the disk."""
        at, chain = self._clock(), self._chain
        kept: list[tuple[_Asked, Write]] = []
        refused: list[Refused] = []
        known: dict[Any, Any] = {}
        engine = self._database.engine.execution_options(**WRITES)
        with engine.begin() as connection:
            for asked in together:
                write = Write(connection, at, known)
                try:
                    asked.result = asked.work(write)
                    write.end(keep=True)
                except Exception as error:
                    if isinstance(error, DBAPIError) and gone(error):
                        raise
                    write.end(keep=False)
                    refused.append((asked, error))
                else:
                    kept.append((asked, write))
            rows = by_table(row for _, write in kept for row in write.rows)
            for table, found in rows.items():
                insert(connection, table, found)
            chain = chain.extended(connection, at, [e for _, write in kept for e in write.events])
        self._chain = chain
        return [asked for asked, _ in kept], refused
