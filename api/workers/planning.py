"""Makes plans in a worker process; the serving process names it by string and imports no solver."""

from __future__ import annotations

import logging

import orjson

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
    try:
        answer = _planner(settings, versions).plan(company, options)
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
