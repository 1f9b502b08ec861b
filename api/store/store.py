"""The record as the doors use it: read a snapshot, or write through the one writer."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from api.store.database import READERS, Database, StoreUnavailable
from api.store.writer import Asked, Write, Writer

T = TypeVar("T")


def utc_now() -> datetime.datetime:
    """The present, aware."""
    return datetime.datetime.now(datetime.UTC)


class _Waiting(NamedTuple):
    """A write of a request, and the future that the request waits for."""

    asked: Asked
    answer: asyncio.Future[Any]


def _settled_in(loop: asyncio.AbstractEventLoop, gathered: Iterable[_Waiting]) -> None:
    """Settle in the loop that waits; it may have ended meanwhile, and then nobody does."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(_settle, gathered)


def _settle(gathered: Iterable[_Waiting]) -> None:
    for asked, answer in gathered:
        if answer.done():
            continue
        error = asked.answer.exception()
        if error is None:
            answer.set_result(asked.result)
        else:
            answer.set_exception(error)


class Store:
    """One database with one writer. clock: the present, for tests that need another."""

    def __init__(self, url: str, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        """Prepare it; nothing is opened yet. Raises StoreUrl."""
        self.database = Database(url)
        self.clock = clock
        self._writer = Writer(self.database, clock)
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` finds in one snapshot; raises StoreUnavailable."""
        with self.database.reading() as connection:
            return work(connection)

    def write(self, work: Callable[[Write], T]) -> T:
        """What `work` returns, once it is committed; raises what it raises or StoreUnavailable."""
        return self._writer.submit(work).result()

    async def reading(self, work: Callable[[sa.Connection], T]) -> T:
        """`read` without holding up other requests."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read, work)

    async def writing(self, work: Callable[[Write], T]) -> T:
        """`write` without holding up other requests.

        What other requests ask for in the same turn of the event loop goes with it into one
        commit. A caller who leaves does not undo what it asked for: the write goes on.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(Asked(work), loop.create_future())
        gathered = self._gathered.setdefault(loop, [])
        if not gathered:
            loop.call_soon(self._hand_over, loop)
        gathered.append(waiting)
        found: T = await asyncio.shield(waiting.answer)
        return found

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        gathered = self._gathered.pop(loop)
        settled = partial(_settled_in, loop, gathered)
        try:
            self._writer.submit_together([waiting.asked for waiting in gathered], settled)
        except StoreUnavailable as error:
            for waiting in gathered:
                waiting.asked.answer.set_exception(error)
            _settle(gathered)

    def close(self) -> None:
        """Finish the writes that wait and let the connections go."""
        self._writer.close()
        self._readers.shutdown(wait=True)
        self.database.close()
