"""Whether the process runs, whether it can answer, and what it counts."""

from __future__ import annotations

import datetime
import hmac
import ipaddress
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import language_of, written
from api.identity.caller import bearer
from api.operation import readiness
from api.operation.metrics import MEDIA_TYPE, Metrics
from api.refusals import NotAuthenticated
from api.store import jobs, seals
from recommender import Engine, __version__
from recommender.errors import CorridorError
from recommender.texts import label

# What a proxy adds; with any of them a request from this machine came from elsewhere.
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
router = APIRouter()
counted = APIRouter(include_in_schema=False)


@router.get("/healthz", operation_id="health")
async def health() -> Response:
    """The process runs."""
    return written({"status": "ok"})


@router.get("/readyz", operation_id="ready")
async def ready(request: Request) -> Response:
    """The service can answer, or what it lacks."""
    request.app.state.look()
    missing = await _missing(request.app.state)
    if missing:
        return written(readiness.told(missing, language_of(request)), 503)
    engine: Engine = request.app.state.engine
    return written(
        {
            "status": "ready",
            "engine_version": __version__,
            "catalogue_version": engine.catalogue.version,
            "model_version": engine.model_version,
        }
    )


@counted.get("/metrics", operation_id="metrics")
async def metrics(request: Request) -> Response:
    """What is counted, for Prometheus; raises NotAuthenticated for whoever may not read it."""
    _check_reader(request)
    state = request.app.state
    found: Metrics = state.metrics
    found.ready.set(0 if await _missing(state) else 1)
    free = readiness.free_disk(state.settings)
    if free is not None:
        found.free_disk.set(free)
    if state.store is not None:
        await _count_store(state.store, found)
    return Response(found.text(), media_type=MEDIA_TYPE)


async def _missing(state: Any) -> list[readiness.Missing]:
    found = await readiness.missing_parts(state.settings, state.store)
    if state.engine is not None:
        return found
    loading = [(name, readiness.said(error)) for name, error in state.missing]
    named = [name for name, _ in loading]
    nothing = label("api.part.model")
    engine = loading or [(nothing, label("api.not_loaded"))]
    return [*engine, *(part for part in found if part[0] not in named)]


async def _count_store(store: Any, found: Metrics) -> None:
    try:
        counts = await store.reading(jobs.counts)
        sealed = await store.reading(seals.last_sealed)
    except CorridorError:
        return  # corridor_store_up says so
    found.jobs(counts)
    at = datetime.datetime.fromisoformat(sealed).timestamp() if sealed else 0
    found.last_seal.set(at)


def _check_reader(request: Request) -> None:
    """With a token it is asked for; without one this machine may read, but nobody through it."""
    wanted = request.app.state.settings.metrics_token
    if wanted is not None:
        if not hmac.compare_digest(bearer(request).encode(), wanted.encode()):
            raise NotAuthenticated
    elif not _local(request):
        raise NotAuthenticated


def _local(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
