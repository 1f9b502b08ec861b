"""The one place that commits: a thread that puts waiting writes into one transaction.

A commit costs a flush to the disk, whatever it holds; sixteen callers that wait for it together
share the cost. Each write has a savepoint of its own, so that one that is refused takes nothing
of another with it, and is acknowledged only after the commit.
"""

from __future__ import annotations

import contextlib
import datetime
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from api.store.audit import Chain, Event
from api.store.database import WRITES, Database, StoreUnavailable, gone, translated
from api.store.inserts import by_table, insert
from recommender.texts import label

T = TypeVar("T")
TOGETHER = 256
SCRUB_SECONDS = 1.0


def _unheard(_kind: str, _seconds: float) -> None:
    """Nobody counts."""


class Write:
    """What one write works with. at: its time, the same for all of its rows.

    erases: set by a write after which nothing of what it removed may be left on the disk.

    A savepoint is made when `connection` is first used. A write that only adds rows and events,
    and looks at what `seen` shows, needs none: there is nothing of it to take back.
    """

    def __init__(
        self, connection: sa.Connection, at: datetime.datetime, known: dict[Any, Any] | None = None
    ) -> None:
        self.at = at
        self.events: list[Event] = []
        self.erases = False
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
class Asked:
    """A write that waits, and what will be known of it."""

    work: Callable[[Write], Any]
    answer: Future[Any] = field(default_factory=Future)
    result: Any = None


@dataclass
class _Handed:
    """Writes that were handed over together, and who is told when all of them are settled."""

    asked: list[Asked]
    told: Callable[[], None] | None = None


Refused = tuple[Asked, Exception]


class Writer:
    """Writes of this process, in the order in which they came."""

    def __init__(self, database: Database, clock: Callable[[], datetime.datetime]) -> None:
        self._database, self._clock = database, clock
        self._chain = Chain()
        self._waiting: queue.SimpleQueue[_Handed | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False
        self.heard: Callable[[str, float], None] = _unheard
        # When to try next to clear away what was erased; None where nothing was.
        self._scrub_at: float | None = None

    @property
    def waiting(self) -> int:
        """How many writes wait for a transaction."""
        return self._waiting.qsize()

    @property
    def alive(self) -> bool:
        """Whether writes are attended to; true before the first one."""
        return not self._closed and (self._thread is None or self._thread.is_alive())

    def submit(self, work: Callable[[Write], T]) -> Future[T]:
        """The result of `work` once it is committed.

        The future raises what `work` raises, or StoreUnavailable when nothing was kept.
        """
        asked = Asked(work)
        self._hand(_Handed([asked]))
        return asked.answer

    def submit_together(self, asked: list[Asked], told: Callable[[], None]) -> None:
        """Hand over several at once; `told` is called in the writer's thread when all are settled.

        Each is kept or refused by itself. Raises StoreUnavailable once the writer is closed.
        """
        self._hand(_Handed(asked, told))

    def _hand(self, handed: _Handed) -> None:
        with self._lock:
            if self._closed:
                raise StoreUnavailable(reason=label("api.store.closed"))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()
            self._waiting.put(handed)

    def close(self, patience: float | None = None) -> None:
        """Finish what waits, then end. patience: seconds, None to wait as long as it takes."""
        with self._lock:
            self._closed = True
            thread = self._thread
            self._waiting.put(None)
        if thread is not None:
            thread.join(patience)

    def _run(self) -> None:
        while True:
            handed, last = self._next()
            if handed:
                self._keep([asked for each in handed for asked in each.asked])
                for each in handed:
                    if each.told is not None:
                        each.told()
            self._scrub(now=last)
            if last:
                return

    def _scrub(self, *, now: bool) -> None:
        """Clear away what was erased; again with a later write where a reader is in the way."""
        if self._scrub_at is None or (not now and time.monotonic() < self._scrub_at):
            return
        with contextlib.suppress(StoreUnavailable, DBAPIError):
            if self._database.scrubbed():
                self._scrub_at = None
                return
        self._scrub_at = time.monotonic() + SCRUB_SECONDS

    def _next(self) -> tuple[list[_Handed], bool]:
        """Everything that waits, at least one; and whether it is the end."""
        found = [self._waiting.get()]
        while len(found) < TOGETHER and found[-1] is not None:
            try:
                found.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return [handed for handed in found if handed is not None], found[-1] is None

    def _keep(self, together: list[Asked]) -> None:
        together = [a for a in together if a.answer.set_running_or_notify_cancel()]
        if not together:
            return
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

    def _keep_again(self, asked: Asked) -> None:
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
    def _fail(together: Iterable[Asked], error: BaseException) -> None:
        for asked in together:
            if not asked.answer.done():
                asked.answer.set_exception(error)

    def _committed(self, together: list[Asked]) -> tuple[list[Asked], list[Refused]]:
        """`_commit`, and what a database says when it is gone as StoreUnavailable."""
        begun = time.perf_counter()
        try:
            with translated():
                found = self._commit(together)
        except (DataError, IntegrityError):
            raise  # a row was refused, and so nothing was committed
        except BaseException:
            # It may have been committed all the same: nobody knows where the chain ends, and who
            # goes on behind an end that is not the last would never be let in again.
            self._chain = Chain()
            raise
        self.heard("write", time.perf_counter() - begun)
        return found

    def _commit(self, together: list[Asked]) -> tuple[list[Asked], list[Refused]]:
        """Those that were kept, and those that were refused, once all of it is on the disk."""
        at, chain = self._clock(), self._chain
        kept: list[tuple[Asked, Write]] = []
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
        if any(write.erases for _, write in kept):
            self._scrub_at = 0.0
        return [asked for asked, _ in kept], refused
