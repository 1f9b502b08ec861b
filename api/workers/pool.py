"""Work for another process, named by string: what it imports never reaches the serving process."""

from __future__ import annotations

import asyncio
import contextlib
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from api.errors import PlanBusy
from api.operation import logs
from api.settings import Settings
from recommender.child_processes import end_with_parent

WAITING = 16


def call(target: str, *arguments: Any) -> Any:
    """Call `module:function` in this process."""
    module, _, function = target.partition(":")
    return getattr(import_module(module), function)(*arguments)


def _begun(settings: Settings | None) -> None:
    """What a library prints in the worker is no answer of the service; its logs are those of it."""
    end_with_parent()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if settings is not None:
        logs.set_up(settings)


class Workers:
    """One worker process, started when it is first needed and replaced when it dies."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings
        self._pool: ProcessPoolExecutor | None = None
        self._waiting = 0

    async def run(self, target: str, *arguments: Any) -> Any:
        """What `module:function` returns in the worker; raises PlanBusy when it cannot say."""
        if self._waiting >= WAITING:
            raise PlanBusy
        self._waiting += 1
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1,
                mp_context=get_context("spawn"),
                initializer=_begun,
                initargs=(self._settings,),
            )
        pool = self._pool
        try:
            return await asyncio.wrap_future(pool.submit(call, target, *arguments))
        except BrokenProcessPool:
            # Whoever waited is told one after the other; the next worker may be at work by then.
            if self._pool is pool:
                self.close()
            raise PlanBusy from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the worker go."""
        pool, self._pool = self._pool, None
        if pool is not None:
            with contextlib.suppress(Exception):
                pool.shutdown(wait=False, cancel_futures=True)
