"""The engine of an earlier answer: catalogue, parameters and model by version, as far as kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from api.loading import load_catalogue
from api.settings import Settings
from recommender import Catalogue, Engine
from recommender.errors import CorridorError
from recommender.matching.scoring import Weights, expert_weights
from recommender.registry.registry import Registry

REMEMBERED = 2
_remembered: dict[tuple[str, str, str], Engine] = {}


def earlier_engine(
    settings: Settings, registry: Registry, versions: Mapping[str, Any], serving: Engine
) -> Engine:
    """The engine with the versions of an answer; what is gone is as it serves now.

    registry: of the organisation that was answered. versions: `catalogue_version` and
    `model_version`. Only the parameters that serve are kept.
    """
    if _has(serving, versions):
        return serving
    key = (versions["catalogue_version"], serving.parameters.version, versions["model_version"])
    found = _remembered.get(key)
    if found is None:
        catalogue = _catalogue(settings, registry, versions["catalogue_version"], serving)
        weights = _weights(registry, versions["model_version"], serving)
        found = Engine(catalogue, weights=weights, parameters=serving.parameters)
        while len(_remembered) >= REMEMBERED:
            _remembered.pop(next(iter(_remembered)))
        _remembered[key] = found
    return found


def _has(engine: Engine, versions: Mapping[str, Any]) -> bool:
    wanted = (versions["catalogue_version"], versions["model_version"])
    return wanted == (engine.catalogue.version, engine.model_version)


def _catalogue(settings: Settings, registry: Registry, version: str, serving: Engine) -> Catalogue:
    """The catalogue of a version: what serves, one of the registry, of the settings, packaged."""
    if version == serving.catalogue.version:
        return serving.catalogue
    loads: tuple[Callable[[], Catalogue], ...] = (
        partial(registry.catalogues.load, version),
        partial(load_catalogue, settings),
        Catalogue.load,
    )
    for load in loads:
        try:
            found = load()
        except CorridorError:
            continue
        if found.version == version:
            return found
    return serving.catalogue


def _weights(registry: Registry, version: str, serving: Engine) -> Weights:
    if version == serving.model_version:
        return serving.weights
    expert = expert_weights()
    if version == expert.version:
        return expert
    try:
        return registry.load(version)
    except CorridorError:
        return serving.weights
