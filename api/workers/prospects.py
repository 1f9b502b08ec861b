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
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from api.engine_versions import earlier_engine
from api.errors import MEDIA_TYPE, NoPopulation, NotReady, problem_body
from api.loading import Follower, Versions
from api.serving import engine_of_organisation
from api.settings import Settings
from api.store.registry import StoreShelf
from api.store.store import Store
from recommender import Engine
from recommender.child_processes import end_with_parent
from recommender.errors import CorridorError, UnreadableFile
from recommender.population.population import MANIFEST, Population
from recommender.prospects.lists import Prospects
from recommender.prospects.options import ProspectOptions
from recommender.registry.registry import Registry
from recommender.texts import label

JSON = "application/json"
KEPT = 4
NICE = 10  # where processors are short, lists wait for recommendations


class Answered(NamedTuple):
    """An answer as it goes out."""

    status: int
    body: bytes
    media_type: str


class Place(NamedTuple):
    """Which companies, and whose engine.

    folder: of the population; None where there is none. organisation_id, versions: the engine of
    an organisation as it serves; None for the one that the registry of the settings says.
    """

    folder: Path | None
    organisation_id: str | None = None
    versions: Versions | None = None


class Ranking:
    """The worker process for lists of prospects; started when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: ProcessPoolExecutor | None = None

    async def prospects(
        self,
        place: Place,
        product_id: str,
        options: ProspectOptions,
        earlier: Mapping[str, Any] | None = None,
    ) -> Answered:
        """A page of prospects, or what is wrong; a worker that died is replaced once.

        earlier: versions of an answer that was given before, which are used as far as they are
        kept.
        """
        asked = options.model_dump(mode="json")
        given: tuple[Any, ...] = (place, product_id, asked, earlier and dict(earlier))
        pool = self._begun()
        try:
            return await asyncio.wrap_future(pool.submit(_answer, *given))
        except BrokenProcessPool:
            # Somebody else who waited may have replaced it already.
            if self._pool is pool:
                self.stop()
        try:
            return await asyncio.wrap_future(self._begun().submit(_answer, *given))
        except BrokenProcessPool:
            raise NotReady(missing=label("api.part.population")) from None

    def _begun(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            settings = self._settings.model_dump()
            self._pool = ProcessPoolExecutor(1, context, _begin, (settings,))
        return self._pool

    def stop(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None


class _Worker:
    """What the worker process keeps: populations, engines, and the lists made from both."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine: Engine | None = None
        self._follower: Follower | None = None
        self._engines: OrderedDict[tuple[str, Versions], Engine] = OrderedDict()
        self._lists: OrderedDict[Path, tuple[tuple[int, int] | None, Prospects]] = OrderedDict()

    def lists(self, place: Place) -> Prospects:
        """Lists of a population as it stands, for the engine that serves."""
        if place.folder is None:
            raise NoPopulation
        engine, stamp = self._serving(place), _stamp_of(place.folder)
        kept = self._lists.get(place.folder)
        if kept is None or kept[0] != stamp or kept[1].engine is not engine:
            kept = (stamp, Prospects(engine, _opened(place.folder)))
            _remember(self._lists, place.folder, kept)
        return kept[1]

    def earlier(self, place: Place, versions: Mapping[str, Any]) -> Prospects:
        """Lists of a population as it stands, for the engine of an earlier answer."""
        now = self.lists(place)
        engine = self._earlier(place, versions, now.engine)
        return now if engine is now.engine else Prospects(engine, now.population)

    def _earlier(self, place: Place, versions: Mapping[str, Any], serving: Engine) -> Engine:
        if place.organisation_id is None:
            registry = Registry(self._settings.models)
            return earlier_engine(self._settings, registry, versions, serving)
        store = Store(self._settings.store)
        try:
            registry = Registry(StoreShelf(store, place.organisation_id))
            return earlier_engine(self._settings, registry, versions, serving)
        finally:
            store.close()

    def _serving(self, place: Place) -> Engine:
        if place.organisation_id is None or place.versions is None:
            return self._followed()
        key = (place.organisation_id, place.versions)
        engine = self._engines.get(key)
        if engine is None:
            engine = engine_of_organisation(self._settings, *key)
            _remember(self._engines, key, engine)
        return engine

    def _followed(self) -> Engine:
        if self._follower is None:
            self._follower = Follower(self._settings, self._take)
        self._follower.look()
        if self._engine is None:
            raise NotReady(missing=label("api.part.engine"))
        return self._engine

    def _take(self, engine: Engine) -> None:
        self._engine = engine


def _remember(kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > KEPT:
        kept.popitem(last=False)


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


def _answer(
    place: Place, product_id: str, options: dict[str, Any], earlier: dict[str, Any] | None
) -> Answered:
    """One page, in the worker process. Errors come back worded: exceptions may not travel."""
    language = options["language"]
    try:
        if "worker" not in _WORKER:
            _WORKER["worker"] = _Worker(_SETTINGS["settings"])
        worker = _WORKER["worker"]
        lists = worker.lists(place) if earlier is None else worker.earlier(place, earlier)
        found = lists.top(product_id, ProspectOptions.parse(options))
    except CorridorError as error:
        body = problem_body(error, language)
        return Answered(body["status"], orjson.dumps(body), MEDIA_TYPE)
    return Answered(200, orjson.dumps(found), JSON)
