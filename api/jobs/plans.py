"""Plans for every company of a branch, one line of JSON each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from api.errors import problem_body
from api.jobs.kinds import PlansJob
from api.jobs.work import Made, Work
from api.loading import load_engine
from api.store import users
from api.store.visible_companies import profiles
from recommender import Engine
from recommender.errors import CorridorError, InvalidInput
from recommender.plan_options import PlanOptions
from recommender.planning import Planner

FILE = "plans.jsonl"


def plan(work: Work) -> Made:
    """Plans of the companies that the one who asked sees; raises InvalidInput for bad options.

    A company that cannot be planned for has its problems in its line.
    """
    asked: PlansJob = work.parameters
    engine = load_engine(work.settings, work.registry)
    options = PlanOptions.parse(asked.options)
    unknown = options.unknown_products(engine.catalogue.products)
    if unknown:
        raise InvalidInput(unknown)
    planner = Planner(engine)
    caller = work.store.read(lambda c: users.as_caller(c, work.user_id))
    found = work.store.read(lambda c: list(profiles(c, caller, agreed=False)))
    told = work.meter.begin("planning", len(found))
    lines = []
    for done, (company_id, _, profile) in enumerate(found, start=1):
        lines.append({"company_id": company_id, **_planned(engine, planner, profile, options)})
        told(done)
    versions = {
        "catalogue_version": engine.catalogue.version,
        "model_version": engine.model_version,
    }
    counts = {"companies": len(lines), "refused": sum("error" in line for line in lines)}
    content = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    return Made({**versions, **counts}, {FILE: content})


def _planned(
    engine: Engine, planner: Planner, profile: str, options: PlanOptions
) -> Mapping[str, Any]:
    try:
        return {"plan": planner.plan(engine.read(orjson.loads(profile), options.day), options)}
    except CorridorError as error:
        return {"error": problem_body(error, options.language or "zh")}
