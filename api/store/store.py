"""The record as the doors use it: read a snapshot, or write through the one writer."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from api.store.database import READERS, Database, StoreUnavailable
from api.store.pulse import Pulse
from api.store.writer import Asked, Write, Writer
from recommender.texts import Label

T = TypeVar("T")
LOOK_SECONDS = 0.1
CLOSE_SECONDS = 5.0


def utc_now() -> datetime.datetime:
    """The present, aware."""
    return datetime.datetime.now(datetime.UTC)


class _Waiting(NamedTuple):
    """A write of a request, and the future that the request waits for."""

    asked: Asked
    answer: asyncio.Future[Any]


class Store:
    """One database with one writer. clock: the present, for tests that need another."""

    def __init__(self, url: str, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        """Prepare it; nothing is opened yet. Raises StoreUrl."""
        self.database = Database(url)
        self.clock = clock
        self._writer = Writer(self.database, clock)
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
        self.pulse = Pulse(self.database)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._others = ThreadPoolExecutor(READERS, thread_name_prefix="caller")
        self._waiting: dict[asyncio.Future[Any], Future[Any]] = {}

    def observe(self, heard: Callable[[str, float], None]) -> None:
        """Tell `heard` of every read and write: its kind, and the seconds it took."""
        self._writer.heard = heard

    @property
    def trouble(self) -> Label | str | None:
        """Why the database cannot be used; None while it answers, or nobody watches it."""
        return self.pulse.trouble

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` finds in one snapshot; raises StoreUnavailable."""
        self._check()
        begun = time.perf_counter()
        with self.database.reading() as connection:
            found = work(connection)
        self._writer.heard("read", time.perf_counter() - begun)
        return found

    def write(self, work: Callable[[Write], T]) -> T:
        """What `work` returns, once it is committed; raises what it raises or StoreUnavailable."""
        self._check()
        return self._writer.submit(work).result()

    @property
    def queue(self) -> int:
        """How many writes wait for a transaction."""
        return self._writer.waiting

    @property
    def writes(self) -> bool:
        """Whether writes are attended to."""
        return self._writer.alive

    async def reading(self, work: Callable[[sa.Connection], T]) -> T:
        """`read` without holding up other requests."""
        self._check()
        return await self._answer(self._readers.submit(self.read, work))

    async def calling(self, work: Callable[[], T]) -> T:
        """What `work` returns, which reads and writes by itself and may take long."""
        self._check()
        return await self._answer(self._others.submit(work))

    async def writing(self, work: Callable[[Write], T]) -> T:
        """`write` without holding up other requests.

        What other requests ask for in the same turn of the event loop goes with it into one
        commit. A caller who leaves does not undo what it asked for: the write goes on.
        """
        self._check()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        waiting = _Waiting(Asked(work), answer)
        gathered = self._gathered.setdefault(loop, [])
        if not gathered:
            loop.call_soon(self._hand_over, loop)
        gathered.append(waiting)
        return await self._awaited(answer, waiting.asked.answer)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        gathered = self._gathered.pop(loop)
        settled = partial(_settle_in, loop, [(each.answer, each.asked.answer) for each in gathered])
        try:
            self._writer.submit_together([each.asked for each in gathered], settled)
        except StoreUnavailable as error:
            for each in gathered:
                if not each.asked.answer.done():
                    each.asked.answer.set_exception(error)
                _settle(each.answer, each.asked.answer)

    async def watch(self) -> None:
        """Turn away whoever waits for a database that does not answer, until cancelled.

        What was not begun is not done. What was begun may be kept all the same: the caller is not
        told that it was, which is what counts.
        """
        self.pulse.start()
        try:
            while True:
                begun = time.monotonic()
                await asyncio.sleep(LOOK_SECONDS)
                self.pulse.look(time.monotonic() - begun)
                reason = self.trouble
                if reason is not None and self._waiting:
                    self._turn_away(reason)
        finally:
            self.pulse.stop()

    def close(self) -> None:
        """Finish the writes that wait and let the connections go.

        Where the database does not answer, it is not waited for.
        """
        hangs = self.trouble is not None
        self.pulse.stop()
        self._writer.close(CLOSE_SECONDS if hangs else None)
        for pool in (self._readers, self._others):
            pool.shutdown(wait=not hangs, cancel_futures=hangs)
        self.database.close()

    def _check(self) -> None:
        reason = self.pulse.trouble
        if reason is not None:
            raise StoreUnavailable(reason=reason)

    async def _answer(self, asked: Future[T]) -> T:
        """The result of another thread."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        asked.add_done_callback(lambda done: _settle_in(loop, [(answer, done)]))
        return await self._awaited(answer, asked)

    async def _awaited(self, answer: asyncio.Future[T], asked: Future[Any]) -> T:
        """What is answered, unless the database falls silent first."""
        self._waiting[answer] = asked
        try:
            return await answer
        finally:
            del self._waiting[answer]

    def _turn_away(self, reason: Label | str) -> None:
        for answer, asked in list(self._waiting.items()):
            asked.cancel()
            if not answer.done():
                answer.set_exception(StoreUnavailable(reason=reason))


Pair = tuple[asyncio.Future[Any], Future[Any]]


def _settle_in(loop: asyncio.AbstractEventLoop, pairs: Iterable[Pair]) -> None:
    """Settle in the loop that waits; it may have ended meanwhile, and then nobody does."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(_settle_all, pairs)


def _settle_all(pairs: Iterable[Pair]) -> None:
    for answer, asked in pairs:
        _settle(answer, asked)


def _settle(answer: asyncio.Future[Any], asked: Future[Any]) -> None:
    if answer.done():
        return
    if asked.cancelled():
        answer.cancel()
        return
    error = asked.exception()
    if error is None:
        answer.set_result(asked.result())
    else:
        answer.set_exception(error)
