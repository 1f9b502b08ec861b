"""The record as the doors use it: read a snapshot, or write through the one writer."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import sqlalchemy as sa

from api.store.database import READERS, Database
from api.store.writer import Write, Writer

T = TypeVar("T")


def utc_now() -> datetime.datetime:
    """The present, aware."""
    return datetime.datetime.now(datetime.UTC)


class Store:
    """One database with one writer. clock: the present, for tests that need another."""

    def __init__(self, url: str, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        """Prepare it; nothing is opened yet. Raises StoreUrl."""
        self.database = Database(url)
        self.clock = clock
        self._writer = Writer(self.database, clock)
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

        A caller who leaves does not undo what it asked for: the write goes on.
        """
        return await asyncio.shield(asyncio.wrap_future(self._writer.submit(work)))

    def close(self) -> None:
        """Finish the writes that wait and let the connections go."""
        self._writer.close()
        self._readers.shutdown(wait=True)
        self.database.close()
