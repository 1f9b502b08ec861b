"""Makes plans in a worker process; the serving process names it by string and imports no solver."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson

from api.engine_versions import earlier_engine
from api.loading import Versions, load_engine
from api.serving import engine_of_organisation
from api.settings import Settings
from api.store.registry import StoreShelf
from api.store.store import Store
from recommender import Company, Engine
from recommender.errors import CorridorError, InvalidInput, Problem
from recommender.plan_options import PlanOptions
from recommender.planning import Planner
from recommender.registry.registry import Registry

KEPT = 4
logger = logging.getLogger("corridor")
_planners: OrderedDict[tuple[str | None, Versions], Planner] = OrderedDict()


def plan(
    settings: Settings,
    versions: Versions,
    organisation_id: str | None,
    company: Company,
    options: PlanOptions,
) -> tuple[bytes | None, tuple[Problem, ...]]:
    """The answer as JSON, or what is wrong with the request; neither when the fault is ours.

    versions: of catalogue and model of the serving process; another engine is loaded when the one
    here has others. organisation_id: whose registry that is; None for the folder of the settings.
    """
    return _planned(_planner(settings, versions, organisation_id), company, options)


def plan_again(
    settings: Settings,
    versions: Mapping[str, Any],
    organisation_id: str,
    company: Company,
    options: PlanOptions,
) -> tuple[bytes | None, tuple[Problem, ...]]:
    """`plan` as it was once: with the versions of a run, as far as they are kept."""
    store = Store(settings.store)
    try:
        registry = Registry(StoreShelf(store, organisation_id))
        engine = earlier_engine(settings, registry, versions, load_engine(settings))
    finally:
        store.close()
    return _planned(Planner(engine), company, options)


def _planned(
    planner: Planner, company: Company, options: PlanOptions
) -> tuple[bytes | None, tuple[Problem, ...]]:
    try:
        answer = planner.plan(company, options)
    except InvalidInput as error:
        return None, error.problems
    except CorridorError as error:
        logger.error("no plan: %s", error)
        return None, ()
    return orjson.dumps(answer), ()


def _planner(settings: Settings, versions: Versions, organisation_id: str | None) -> Planner:
    key = (organisation_id, versions)
    if key not in _planners:
        engine: Engine = (
            load_engine(settings)
            if organisation_id is None
            else engine_of_organisation(settings, organisation_id, versions)
        )
        _planners[key] = Planner(engine)
        if len(_planners) > KEPT:
            _planners.popitem(last=False)
    _planners.move_to_end(key)
    return _planners[key]
