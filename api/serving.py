"""Engines by organisation: each answers from what its own organisation promoted, or the packaged.

All of them follow the store by one query a second. What changed is loaded in a thread and swapped
in whole; until then the engine before it answers, so that no request waits for a promotion.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from typing import NamedTuple

from api.loading import Versions, engine_of_versions, freeze_again, weights_of
from api.settings import Settings
from api.store.database import StoreUnavailable
from api.store.registry import StoreShelf, last_steps
from api.store.store import Store
from recommender import Engine
from recommender.errors import CorridorError
from recommender.parameters import Parameters
from recommender.registry.registry import Registry, Serving, state_of

MOST = 64
logger = logging.getLogger("corridor")


class Kept(NamedTuple):
    """The engine of an organisation, and the number of the step that made it serve."""

    step: int
    engine: Engine


def engine_of_organisation(settings: Settings, organisation_id: str, versions: Versions) -> Engine:
    """The engine on these versions of an organisation, for a worker process.

    Raises what `load_engine` raises and StoreUnavailable.
    """
    store = Store(settings.store)
    try:
        return engine_of_versions(settings, Registry(StoreShelf(store, organisation_id)), versions)
    finally:
        store.close()


class Engines:
    """Engines by organisation, made when first needed; the last `most` that were used are kept.

    base: answers for organisations that decided nothing. To be used from one event loop.
    """

    def __init__(self, settings: Settings, store: Store, base: Engine, most: int = MOST) -> None:
        self._settings, self._store, self._base, self._most = settings, store, base, most
        self._parameters = Parameters.load(settings.parameters)
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._steps: dict[str, int] = {}
        self._failed: dict[str, int] = {}
        self._making: dict[str, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._one_by_one = threading.Lock()
        self._looked = self._unreadable = False

    async def of(self, organisation_id: str) -> Engine | None:
        """The engine of an organisation; None for one that cannot be loaded.

        Raises StoreUnavailable where it has to be loaded and the store does not answer.
        """
        kept = self._kept.get(organisation_id)
        if kept is not None:
            self._kept.move_to_end(organisation_id)
            return kept.engine
        step = self._steps.get(organisation_id, 0)
        if step == 0:
            return self._base
        if self._failed.get(organisation_id) != step:
            await self.refresh(organisation_id)
        kept = self._kept.get(organisation_id)
        return None if kept is None else kept.engine

    async def refresh(self, organisation_id: str) -> None:
        """Load what an organisation decided by now; raises StoreUnavailable."""
        task = self._making.get(organisation_id)
        if task is None:
            task = asyncio.create_task(self._load(organisation_id))
            self._making[organisation_id] = task
            task.add_done_callback(lambda _: self._making.pop(organisation_id, None))
        await asyncio.shield(task)

    async def look(self) -> None:
        """See who decided something since, and load that beside the requests; never raises."""
        try:
            found = await self._store.reading(last_steps)
        except CorridorError as error:
            if not self._unreadable:  # told once, not every second until it is back
                logger.error("the registry cannot be read: %s", error)
            self._unreadable = True
            return
        self._unreadable = False
        for organisation_id, step in found.items():
            known = self._steps.get(organisation_id)
            if known == step or self._failed.get(organisation_id) == step:
                continue
            if organisation_id in self._kept or (known is None and self._looked):
                self._begin(organisation_id)
            else:
                self._steps[organisation_id] = step
        self._looked = True

    def _begin(self, organisation_id: str) -> None:
        """Load in the background; what fails is looked at again when the store answers."""

        async def quietly() -> None:
            try:
                await self.refresh(organisation_id)
            except CorridorError as error:
                logger.error("the registry cannot be read: %s", error)

        if organisation_id not in self._making:
            task = asyncio.create_task(quietly())
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def _load(self, organisation_id: str) -> None:
        step = (await self._store.reading(last_steps)).get(organisation_id, 0)
        try:
            kept = await asyncio.to_thread(self._made, organisation_id)
        except StoreUnavailable:
            raise
        except Exception as error:
            shown = None if isinstance(error, CorridorError) else error
            logger.error(
                "what %s decided cannot be loaded: %s", organisation_id, error, exc_info=shown
            )
            self._failed[organisation_id] = step
            return
        self._steps[organisation_id] = kept.step
        self._kept[organisation_id] = kept
        self._kept.move_to_end(organisation_id)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def _made(self, organisation_id: str) -> Kept:
        """An engine on the catalogue of another one where the version is the same; in a thread."""
        with self._one_by_one:
            registry = Registry(StoreShelf(self._store, organisation_id))
            steps = registry.history()
            state = state_of(steps)
            weights = weights_of(registry, state)
            shared = self._sharing(state)
            if shared is not None:
                return Kept(len(steps), shared.serving(weights))
            catalogue = registry.catalogues.load(str(state.catalogue))
            engine = Engine(catalogue, weights=weights, parameters=self._parameters)
        freeze_again()
        return Kept(len(steps), engine)

    def _sharing(self, state: Serving) -> Engine | None:
        if self._settings.catalogue is not None or state.catalogue is None:
            return self._base
        engines = [self._base, *(kept.engine for kept in list(self._kept.values()))]
        return next((e for e in engines if e.catalogue.version == state.catalogue), None)
