"""Operations on a population: the one of the settings, or with identity the organisation's own."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import engine_of, prospects_asked
from api.errors import NotReady
from api.identity.caller import caller_of
from api.policy import Caller
from api.populations import current_folder, only_seen
from api.runs import given
from api.settings import Settings
from api.workers.prospects import Place, Ranking
from recommender import Engine

router = APIRouter()


@router.post("/v1/products/{product_id}/prospects", operation_id="prospects")
async def prospects(request: Request, product_id: str) -> Response:
    """The companies to call about a product; ranked in a worker process."""
    options, stated = await prospects_asked(request, product_id)
    engine = engine_of(request)
    engine.catalogue.product(product_id)
    ranking: Ranking = request.app.state.ranking
    if request.app.state.store is None:
        found = await ranking.prospects(Place(_settings(request).population), product_id, options)
        body = found.body
    else:
        caller, store = caller_of(request), request.app.state.store
        place = await _own(request, caller, engine)
        found = await ranking.prospects(place, product_id, options)
        body = found.body
        if found.status == 200:
            body = await store.reading(lambda c: only_seen(c, caller, found.body))
    if found.status == 200:
        return await given(request, "prospects", stated, body)
    headers = {"Retry-After": str(NotReady.retry_after)} if found.status == 503 else None
    return Response(found.body, found.status, headers=headers, media_type=found.media_type)


async def _own(request: Request, caller: Caller, engine: Engine) -> Place:
    """The population and the engine of the caller's organisation and branch."""
    folder = await request.app.state.store.reading(
        lambda c: current_folder(c, _settings(request), caller.organisation_id, caller.branch_id)
    )
    versions = (engine.catalogue.version, engine.model_version)
    return Place(folder, caller.organisation_id, versions)


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
