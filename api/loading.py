"""From settings to an engine, the same for every door; and the promoted model, as it changes."""

from __future__ import annotations

import logging
from collections.abc import Callable

from api.settings import Settings
from recommender import Catalogue, Engine
from recommender.errors import CorridorError
from recommender.parameters import Parameters
from recommender.registry import Registry
from recommender.scoring import expert_weights

logger = logging.getLogger("corridor")


def load_engine(settings: Settings) -> Engine:
    """The engine on the catalogue and parameters of the settings, with the promoted model.

    Raises UnreadableFile, InvalidCatalogue, InvalidParameters or ModelMismatch.
    """
    catalogue = Catalogue.load(settings.catalogue)
    weights = Registry(settings.models).serving()
    return Engine(catalogue, weights=weights, parameters=Parameters.load(settings.parameters))


class Follower:
    """Keeps to the promoted model: looks at the pointer, and hands over a whole engine.

    A model that cannot be loaded is logged once, and the engine before it goes on serving.
    """

    def __init__(self, settings: Settings, take: Callable[[Engine], None]) -> None:
        self._registry, self._take = Registry(settings.models), take
        self._stamp = self._registry.stamp()
        self._engine = load_engine(settings)
        take(self._engine)

    def look(self) -> None:
        """Take the promoted model if it is another one than before."""
        stamp = self._registry.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            weights = self._registry.serving() or expert_weights()
        except CorridorError as error:
            logger.error("the promoted model cannot be loaded: %s", error)
            return
        self._engine = self._engine.serving(weights)
        self._take(self._engine)
