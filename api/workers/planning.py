"""Makes plans in a worker process; the serving process names it by string and imports no solver."""

from __future__ import annotations

import logging
from collections import OrderedDict

import orjson

from api.loading import Versions, load_engine
from api.serving import engine_of_organisation
from api.settings import Settings
from recommender import Company, Engine
from recommender.errors import CorridorError, InvalidInput, Problem
from recommender.plan_options import PlanOptions
from recommender.planning import Planner

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
    try:
        answer = _planner(settings, versions, organisation_id).plan(company, options)
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
