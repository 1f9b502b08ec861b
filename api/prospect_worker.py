"""Lists of prospects, ranked in a process of their own.

Ranking a large population takes a second of numpy and Python together. A thread would share the
interpreter with the event loop and make everybody else wait; a worker process does not, and keeps
the mapped columns and the last lists for the next page. It follows the registry as the service
does.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from api.engine_versions import engine_of_versions
from api.errors import MEDIA_TYPE, NotReady, problem_body
from api.loading import Follower
from api.settings import Settings
from recommender import Engine
from recommender.child_processes import end_with_parent
from recommender.errors import CorridorError, UnreadableFile
from recommender.population import MANIFEST, Population
from recommender.prospect_options import ProspectOptions
from recommender.prospects import Prospects
from recommender.texts import label

JSON = "application/json"
NICE = 10  # where processors are short, lists wait for recommendations


class Answered(NamedTuple):
    """An answer as it goes out."""

    status: int
    body: bytes
    media_type: str


class Ranking:
    """The worker process of a service that has a population; started when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: ProcessPoolExecutor | None = None

    async def prospects(self, product_id: str, options: ProspectOptions) -> Answered:
        """A page of prospects, or what is wrong; a worker that died is replaced once."""
        return await self._asked(product_id, options, None)

    async def again(
        self, product_id: str, options: ProspectOptions, versions: Mapping[str, Any]
    ) -> Answered:
        """The same page with the versions of an earlier answer, as far as they are kept."""
        return await self._asked(product_id, options, dict(versions))

    async def _asked(
        self, product_id: str, options: ProspectOptions, versions: dict[str, Any] | None
    ) -> Answered:
        try:
            return await self._submitted(product_id, options, versions)
        except BrokenProcessPool:
            self.stop()
            return await self._submitted(product_id, options, versions)

    async def _submitted(
        self, product_id: str, options: ProspectOptions, versions: dict[str, Any] | None
    ) -> Answered:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            given = self._settings.model_dump()
            self._pool = ProcessPoolExecutor(1, context, _begin, (given,))
        stated = options.model_dump(mode="json")
        waiting = self._pool.submit(_answer, product_id, stated, versions)
        return await asyncio.wrap_future(waiting)

    def stop(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None


class _Worker:
    """What the worker process keeps: engine, population, and the lists made from both."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine: Engine | None = None
        self._follower = Follower(settings, self._take)
        self._prospects: Prospects | None = None
        self._stamp: tuple[int, int] | None = None

    def _take(self, engine: Engine) -> None:
        self._engine = engine

    def prospects(self) -> Prospects:
        """Lists of the population as it stands, for the engine that serves."""
        folder, engine = self._ready()
        stamp = _stamp_of(folder)
        if self._prospects is None or self._stamp != stamp or self._prospects.engine is not engine:
            self._prospects = Prospects(engine, _opened(folder))
            self._stamp = stamp
        return self._prospects

    def earlier(self, versions: Mapping[str, Any]) -> Prospects:
        """Lists of the population as it stands, for the engine of an earlier answer."""
        now, (folder, _) = self.prospects(), self._ready()
        engine = engine_of_versions(self._settings, versions, now.engine)
        return now if engine is now.engine else Prospects(engine, _opened(folder))

    def _ready(self) -> tuple[Path, Engine]:
        self._follower.look()
        if self._settings.population is None or self._engine is None:
            raise NotReady(missing=label("api.part.population"))
        return self._settings.population, self._engine


def _stamp_of(folder: Path) -> tuple[int, int] | None:
    try:
        found = (folder / MANIFEST).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _opened(folder: Path) -> Population:
    try:
        return Population.open(folder)
    except UnreadableFile as error:
        raise NotReady(missing=label("api.part.population")) from error


_WORKER: dict[str, _Worker] = {}
_SETTINGS: dict[str, Settings] = {}


def _begin(settings: dict[str, Any]) -> None:
    end_with_parent()
    os.nice(NICE)
    _SETTINGS["settings"] = Settings.model_validate(settings)


def _answer(product_id: str, options: dict[str, Any], versions: dict[str, Any] | None) -> Answered:
    """One page, in the worker process. Errors come back worded: exceptions may not travel."""
    language = options["language"]
    try:
        if "worker" not in _WORKER:
            _WORKER["worker"] = _Worker(_SETTINGS["settings"])
        worker = _WORKER["worker"]
        lists = worker.prospects() if versions is None else worker.earlier(versions)
        found = lists.top(product_id, ProspectOptions.parse(options))
    except CorridorError as error:
        body = problem_body(error, language)
        return Answered(body["status"], orjson.dumps(body), MEDIA_TYPE)
    return Answered(200, orjson.dumps(found), JSON)
