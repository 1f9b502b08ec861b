"""Makes plans in a worker process; the serving process names it by string and imports no solver."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import orjson

from api.engine_versions import engine_of_versions
from api.loading import load_engine
from api.settings import Settings
from recommender import Company, Engine
from recommender.errors import CorridorError, InvalidInput, Problem
from recommender.plan_options import PlanOptions
from recommender.planning import Planner

Versions = tuple[str, str]
logger = logging.getLogger("corridor")
_planners: dict[Versions, Planner] = {}


def plan(
    settings: Settings, versions: Versions, company: Company, options: PlanOptions
) -> tuple[bytes | None, tuple[Problem, ...]]:
    """The answer as JSON, or what is wrong with the request; neither when the fault is ours.

    versions: of catalogue and model of the serving process; another engine is loaded when the one
    here has others.
    """
    return _planned(_planner(settings, versions), company, options)


def plan_again(
    settings: Settings, versions: Mapping[str, Any], company: Company, options: PlanOptions
) -> tuple[bytes | None, tuple[Problem, ...]]:
    """`plan` as it was once: with the versions of a run, as far as they are kept."""
    engine = engine_of_versions(settings, versions, load_engine(settings))
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


def _planner(settings: Settings, versions: Versions) -> Planner:
    if versions not in _planners:
        engine: Engine = load_engine(settings)
        _planners.clear()
        _planners[versions] = Planner(engine)
    return _planners[versions]
