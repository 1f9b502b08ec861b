"""From settings to a catalogue and an engine, the same for every door; and both as they change."""

from __future__ import annotations

import contextlib
import gc
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from api.settings import Settings
from recommender import Catalogue, Engine
from recommender.errors import CorridorError, UnreadableFile
from recommender.matching.scoring import Weights, expert_weights
from recommender.parameters import Parameters
from recommender.registry.catalogues import PACKAGED
from recommender.registry.registry import Registry, Serving

Versions = tuple[str, str]
logger = logging.getLogger("corridor")


def load_catalogue(settings: Settings, registry: Registry | None = None) -> Catalogue:
    """The catalogue of the settings, else the one the registry says, else the packaged one.

    registry: that of the settings by default. Raises UnreadableFile, InvalidCatalogue, NotFound or
    CatalogueMismatch.
    """
    registry = registry or Registry(settings.models)
    if settings.catalogue is not None:
        return _named(settings.catalogue, registry)
    return _stored(registry, registry.state)


def load_engine(settings: Settings, registry: Registry | None = None) -> Engine:
    """The engine on the catalogue and parameters of the settings, with the promoted model.

    registry: that of the settings by default. Raises what `load_catalogue` raises,
    InvalidParameters or ModelMismatch.
    """
    registry = registry or Registry(settings.models)
    return _engine(settings, registry, registry.state)


def engine_of_versions(settings: Settings, registry: Registry, versions: Versions) -> Engine:
    """The engine on exactly these versions of catalogue and model, whatever serves by now.

    Raises what `load_engine` raises.
    """
    catalogue, model = versions
    state = Serving(
        None if model == expert_weights().version else model,
        catalogue if catalogue in registry.catalogues.versions() else None,
    )
    return _engine(settings, registry, state)


def packaged_engine(settings: Settings) -> Engine:
    """The engine with the expert weights, on the catalogue of the settings or the packaged one.

    Raises what `load_engine` raises.
    """
    return _engine(settings, Registry(settings.models), Serving())


def weights_of(registry: Registry, state: Serving) -> Weights:
    """The weights that serve in a state; raises what `Registry.load` raises."""
    return expert_weights() if state.model is None else registry.load(state.model)


def _engine(settings: Settings, registry: Registry, state: Serving) -> Engine:
    named = settings.catalogue
    catalogue = _stored(registry, state) if named is None else _named(named, registry)
    parameters = Parameters.load(settings.parameters)
    return Engine(catalogue, weights=weights_of(registry, state), parameters=parameters)


def _stored(registry: Registry, state: Serving) -> Catalogue:
    if state.catalogue is None:
        return Catalogue.load()
    return registry.catalogues.load(state.catalogue)


def _named(place: Path, registry: Registry) -> Catalogue:
    """A file or folder; where there is none, a version that was imported or the packaged one."""
    if place.exists():
        return Catalogue.load(place)
    name = str(place)
    if name in registry.catalogues.versions():
        return registry.catalogues.load(name)
    packaged = Catalogue.load()
    if name in (PACKAGED, packaged.version):
        return packaged
    raise UnreadableFile(file=name, reason="no_file_or_version")


class Follower:
    """Keeps to the registry: looks at its pointer, and hands over a whole engine when it changed.

    Another model is there at once. Another catalogue takes longer to read than a request may
    wait, and is made ready beside them. What cannot be loaded is logged once, and the engine
    before it goes on serving.
    """

    def __init__(self, settings: Settings, take: Callable[[Engine], None]) -> None:
        self._settings, self._registry, self._take = settings, Registry(settings.models), take
        self._stamp = self._registry.stamp()
        self._state = self._registry.state
        self._engine = _engine(settings, self._registry, self._state)
        self._builder: threading.Thread | None = None
        take(self._engine)

    def look(self) -> None:
        """Take what the registry names if it is something else than before; never raises."""
        if self._builder is not None and self._builder.is_alive():
            return
        stamp = self._registry.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        with _logged():
            state = self._registry.state
            if self._same_catalogue(state):
                self._swap(self._engine.serving(weights_of(self._registry, state)), state)
                return
            self._builder = threading.Thread(target=self._build, args=(state,), daemon=True)
            self._builder.start()

    def _same_catalogue(self, state: Serving) -> bool:
        return self._settings.catalogue is not None or state.catalogue == self._state.catalogue

    def _build(self, state: Serving) -> None:
        with _logged():
            self._swap(_engine(self._settings, self._registry, state), state)
            freeze_again()

    def _swap(self, engine: Engine, state: Serving) -> None:
        self._engine, self._state = engine, state
        self._take(engine)


def freeze_again() -> None:
    """Free the engine that was frozen at the start or since, and freeze the new one as it was.

    Nothing where none was frozen.
    """
    if not gc.get_freeze_count():
        return
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    try:
        yield
    except CorridorError as error:
        logger.error("what the registry names cannot be loaded: %s", error)
    except Exception:
        logger.exception("what the registry names cannot be loaded")
