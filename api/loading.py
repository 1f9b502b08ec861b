"""From settings to an engine, the same for every door."""

from __future__ import annotations

from api.settings import Settings
from recommender import Catalogue, Engine
from recommender.parameters import Parameters


def load_engine(settings: Settings) -> Engine:
    """The engine on the catalogue and parameters of the settings.

    Raises UnreadableFile, InvalidCatalogue or InvalidParameters.
    """
    catalogue = Catalogue.load(settings.catalogue)
    return Engine(catalogue, parameters=Parameters.load(settings.parameters))
