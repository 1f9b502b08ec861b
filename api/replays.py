"""Asking again what was asked before: the same answer to the last byte, or the first difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool

from api.engine_versions import earlier_engine
from api.errors import problem_body
from api.populations import current_folder, only_seen
from api.refusals import PopulationGone
from api.store import users
from api.store.registry import StoreShelf
from api.store.runs import VERSIONS
from api.workers.prospects import Place
from recommender import Company, Engine
from recommender.errors import CorridorError, InvalidInput
from recommender.options import Options
from recommender.plan_options import PlanOptions
from recommender.population.population import Population
from recommender.prospects.options import ProspectOptions
from recommender.registry.registry import Registry

PLAN_WORKER = "api.workers.planning:plan_again"
COMPARED = (*VERSIONS, "population_version")
Json = dict[str, Any]
Run = Mapping[Any, Any]


async def replayed(state: Any, run: Mapping[Any, Any]) -> Json:
    """What comes of a run now, beside what was shown.

    state: of the application. Raises PopulationGone where the companies that a list was made of
    are others by now, and NotReady or PlanBusy where nothing can be computed.
    """
    request = orjson.loads(run["request"])
    asked = {"plans": _plans, "prospects": _prospects}.get(run["operation"], _companies)
    versions = {name: run[name] for name in COMPARED}
    shelf = StoreShelf(state.store, run["organisation_id"])
    body = await asked(state, shelf, run, request, versions)
    return {"run_id": run["id"], "operation": run["operation"], **compared(run, body)}


def compared(run: Mapping[Any, Any], body: bytes) -> Json:
    """Whether a body has the bytes of a run; else where it differs first, and in which versions."""
    identical = body == str(run["answer"]).encode()
    shown, now = orjson.loads(run["answer"]), orjson.loads(body)
    before = {name: run[name] for name in COMPARED}
    head = now.get("before", now)
    after = {name: head.get(name) for name in COMPARED}
    return {
        "identical": identical,
        "difference": None if identical else first_difference(shown, now) or _by_bytes(run, body),
        "versions": {"shown": before, "now": after},
        "differing": [name for name in COMPARED if before[name] != after[name]],
    }


def first_difference(shown: Any, now: Any, path: str = "") -> Json | None:
    """The first place, in the order of what was shown, where two values differ.

    >>> first_difference({"a": [1, 2]}, {"a": [1, 3]})
    {'path': 'a[1]', 'shown': 2, 'now': 3}
    >>> first_difference({"a": 1}, {"a": 1}) is None
    True
    """
    if type(shown) is not type(now):
        return {"path": path, "shown": shown, "now": now}
    if isinstance(shown, dict):
        places = [(f"{path}.{name}".lstrip("."), name) for name in (*shown, *(now.keys() - shown))]
        pairs = ((place, shown.get(name), now.get(name)) for place, name in places)
    elif isinstance(shown, list):
        longest = max(len(shown), len(now))
        padded = [[*values, *[None] * (longest - len(values))] for values in (shown, now)]
        pairs = ((f"{path}[{i}]", *pair) for i, pair in enumerate(zip(*padded, strict=True)))
    else:
        return None if shown == now else {"path": path, "shown": shown, "now": now}
    found = (first_difference(a, b, place) for place, a, b in pairs)
    return next((difference for difference in found if difference is not None), None)


def _by_bytes(run: Mapping[Any, Any], body: bytes) -> Json:
    """Equal values in other bytes, such as another order of fields: the text around the first."""
    text = str(run["answer"]).encode()
    at = next((i for i, (a, b) in enumerate(zip(text, body, strict=False)) if a != b), 0)
    around = slice(max(0, at - 20), at + 20)
    shown, now = (whole[around].decode("utf-8", "replace") for whole in (text, body))
    return {"path": "", "shown": shown, "now": now}


async def _companies(
    state: Any, shelf: StoreShelf, run: Run, request: Json, versions: Json
) -> bytes:
    def work() -> bytes:
        engine = earlier_engine(state.settings, Registry(shelf), versions, state.engine)
        return answered(engine, run["operation"], request)

    return await run_in_threadpool(work)


def answered(engine: Engine, operation: str, request: Json) -> bytes:
    """The body of `recommend`, `eligibility` or `what_if`; a refusal of today's engine as one."""
    asks: Mapping[str, Callable[[Company, Options], Json]] = {
        "recommend": engine.recommend,
        "eligibility": engine.eligibility,
        "what_if": lambda company, options: engine.what_if(company, request["set"], options),
    }
    try:
        company = Company.parse(request["company"])
        return orjson.dumps(asks[operation](company, engine.options(request["options"])))
    except InvalidInput as error:
        return orjson.dumps(problem_body(error, request["options"]["language"]))


async def _plans(state: Any, shelf: StoreShelf, _run: Run, request: Json, versions: Json) -> bytes:
    try:
        company = Company.parse(request["company"])
        options = PlanOptions.parse(request["options"])
    except InvalidInput as error:
        return orjson.dumps(problem_body(error, request["options"]["language"]))
    body, problems = await state.workers.run(
        PLAN_WORKER, state.settings, versions, shelf.organisation_id, company, options
    )
    if body is None:
        refusal = InvalidInput(problems) if problems else CorridorError()
        return orjson.dumps(problem_body(refusal, request["options"]["language"]))
    return bytes(body)


async def _prospects(
    state: Any, shelf: StoreShelf, run: Run, request: Json, versions: Json
) -> bytes:
    """A list of the same companies: the population has to be the one of the run."""
    caller = await state.store.reading(lambda c: users.as_caller(c, run["user_id"]))
    own = (caller.organisation_id, caller.branch_id)
    folder = await state.store.reading(lambda c: current_folder(c, state.settings, *own))
    shown = versions["population_version"]
    now = "-" if folder is None else await run_in_threadpool(_version, folder)
    if now != shown:
        raise PopulationGone(shown=shown, now=now)
    serving = (state.engine.catalogue.version, state.engine.model_version)
    place, options = Place(folder, shelf.organisation_id, serving), request["options"]
    found = await state.ranking.prospects(
        place, request["product_id"], ProspectOptions.parse(options), versions
    )
    kept: bytes = await state.store.reading(lambda c: only_seen(c, caller, found.body))
    return kept


def _version(folder: Path) -> str:
    return Population.open(folder).version
