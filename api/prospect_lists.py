"""Lists of prospects as routes and pages give them: ranked elsewhere, and kept as runs.

Companies that the caller may not be told of any more are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fastapi import Request

from api.bodies import Stated, engine_of
from api.identity.caller import caller_of
from api.populations import current_folder, only_seen
from api.runs import kept
from api.settings import Settings
from api.workers.prospects import Answered, Place, Ranking
from recommender.prospects.options import ProspectOptions


class Ranked(NamedTuple):
    """A page of prospects, or what is wrong. run_id: None where nothing was given."""

    answered: Answered
    run_id: str | None


async def ranked(
    request: Request, product_id: str, options: ProspectOptions, stated: Stated
) -> Ranked:
    """A page of the prospects of a product, kept as a run.

    Raises NotFound for a product that is not in the catalogue, and StoreUnavailable.
    """
    engine_of(request).catalogue.product(product_id)
    ranking: Ranking = request.app.state.ranking
    found = await ranking.prospects(await _place(request), product_id, options)
    if found.status != 200:
        return Ranked(found, None)
    store = request.app.state.store
    if store is not None:
        caller = caller_of(request)
        body = await store.reading(lambda c: only_seen(c, caller, found.body))
        found = found._replace(body=body)
    return Ranked(found, await kept(request, "prospects", stated, found.body))


async def own_population(request: Request) -> Path | None:
    """The folder of the population of the caller's organisation and branch; None without one."""
    caller, settings = caller_of(request), _settings(request)
    found: Path | None = await request.app.state.store.reading(
        lambda c: current_folder(c, settings, caller.organisation_id, caller.branch_id)
    )
    return found


async def _place(request: Request) -> Place:
    """With identity the population and the engine of the caller's organisation and branch."""
    if request.app.state.store is None:
        return Place(_settings(request).population)
    engine = engine_of(request)
    versions = (engine.catalogue.version, engine.model_version)
    return Place(await own_population(request), caller_of(request).organisation_id, versions)


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
