"""The composition root of the service: the only place that puts its parts together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import orjson
from fastapi import Depends, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api import docs
from api.bodies import language_of
from api.errors import (
    MEDIA_TYPE,
    NoRoute,
    NotReady,
    WrongMethod,
    problem_body,
    retry_after,
)
from api.identity.caller import Callers, guard, serve_own
from api.identity.issuer import Issuer
from api.jobs.runner import Runner
from api.loading import Follower, packaged_engine
from api.operation.limits import Limited, Rates
from api.operation.metrics import Metrics
from api.operation.observing import GONE, Observed, request_id_of
from api.refusals import NotAuthenticated
from api.routes import (
    applications,
    audit,
    catalogue,
    companies,
    company,
    health,
    jobs,
    outcomes,
    overrides,
    plans,
    prospects,
    registry,
    reviews,
    runs,
    sessions,
)
from api.sealing import sealed_on
from api.security import HEADERS, SecureHeaders
from api.serving import Engines
from api.settings import Settings
from api.store import maintenance
from api.store.store import Store
from api.web import router as pages
from api.web.refusals import answers_page, refused_page
from api.workers.pool import Workers
from api.workers.prospects import Ranking
from recommender import Engine, __version__
from recommender.errors import CorridorError, InvalidInput, NotFound
from recommender.texts import label, problem_text

OPERATIONS = (company.router, plans.router, catalogue.router, health.router)
# There only with identity: what is kept, and for whom.
RECORD = (
    sessions.router,
    companies.router,
    applications.router,
    outcomes.router,
    overrides.router,
    reviews.router,
    runs.router,
    audit.router,
    registry.router,
    jobs.router,
)
PARTS = {
    "unreadable_file": "api.part.file",
    "invalid_catalogue": "api.part.catalogue",
    "invalid_parameters": "api.part.parameters",
    "model_mismatch": "api.part.model",
    "catalogue_mismatch": "api.part.catalogue",
    "store_unavailable": "api.part.store",
    "store_outdated": "api.part.store",
}
LOOK_SECONDS = 1.0
logger = logging.getLogger("corridor")
startup_logger = logging.getLogger("corridor.startup")


def create_app(settings: Settings | None = None, *, demo: bool = False) -> FastAPI:
    """The service. Its lifespan loads the catalogue; without one it runs, but is not ready.

    demo: whoever opens the pages on this machine may enter as any of the demo's users.
    """
    app = FastAPI(
        title="Corridor Match",
        version=__version__,
        lifespan=_lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings = settings or Settings()
    app.state.engine, app.state.missing, app.state.documents = None, [], {}
    app.state.engines, app.state.follow, app.state.stopping = None, _nothing, False
    app.state.look, app.state.workers = (lambda: None), Workers(app.state.settings)
    app.state.ranking, app.state.store = Ranking(app.state.settings), None
    app.state.imports = Workers(app.state.settings)
    identity = app.state.settings.identity == "on"
    more = (prospects.router,) if identity or app.state.settings.population else ()
    routers = (*OPERATIONS, *more, *(RECORD if identity else ()))
    app.state.operations = [route for router in routers for route in router.routes]
    for router in routers:
        guarded = [Depends(guard), Depends(serve_own)] if identity else None
        app.include_router(router, dependencies=guarded)
    app.state.demo, app.state.page_paths = demo, frozenset()
    if identity:
        for part in pages.PARTS:
            app.include_router(part)
        app.state.page_paths = pages.paths()
    app.include_router(docs.router)
    app.include_router(health.counted)
    settings = app.state.settings
    app.state.metrics = Metrics(stored=identity)
    app.state.rates = Rates(settings.rate, settings.burst)
    if identity:
        app.state.running = app.state.watching = None
        app.state.store = Store(settings.store)
        app.state.store.observe(app.state.metrics.stored)
        app.state.checks = Workers(settings)  # of models and catalogues: plans need not wait
        app.state.runner = Runner(settings, app.state.store)
        app.state.wake = app.state.runner.wake
        issuer = None if settings.oidc_issuer is None else Issuer(settings)
        app.state.callers = Callers(app.state.store, issuer)
    # Each is inside of the one below it.
    app.add_middleware(Limited, most=settings.in_flight, head=settings.max_headers)
    app.add_middleware(SecureHeaders)
    app.add_middleware(Observed, metrics=app.state.metrics)
    if settings.trusted_proxies:
        trusted = list(settings.trusted_proxies)
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=trusted)
    app.add_exception_handler(CorridorError, _refused)
    app.add_exception_handler(HTTPException, _no_operation)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _failed)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    state = app.state
    await _begin(app)
    looking = asyncio.create_task(_look_on(app))
    async with sealed_on(state.store, state.settings.seals):
        yield {"metrics": state.metrics}
    await _ended(looking)
    if state.store is not None:
        await _ended(state.running)
        await state.runner.stop()
        state.checks.close()
    state.ranking.stop()
    state.workers.close()
    state.imports.close()
    if state.store is not None:
        await _ended(state.watching)
        state.store.close()
    state.engine, state.look = None, lambda: None


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _begin(app: FastAPI) -> None:
    """Load what answers, or keep what is missing, and say it once."""
    state = app.state
    try:
        state.follow = await _begun(app)
    except CorridorError as error:
        known = [str(other) for _, other in state.missing]
        state.missing = [(label(_part(error)), error)]
        if known != [str(error)]:
            for line in _lines(error):
                startup_logger.error("%s", line)
    else:
        state.missing = []


async def _begun(app: FastAPI) -> Callable[[], Awaitable[None]]:
    """Load what answers; how to look for changes of it. Raises what cannot be loaded.

    With identity the store says what serves each organisation, without it the folder of models.
    """
    settings = app.state.settings
    if settings.identity == "on":
        await asyncio.to_thread(maintenance.ready, app.state.store.database)
        engine = packaged_engine(settings)
        engines = Engines(settings, app.state.store, engine)
        await engines.look()
        app.state.engines, app.state.engine = engines, engine
        return engines.look
    app.state.look = Follower(settings, partial(setattr, app.state, "engine")).look

    async def look() -> None:
        app.state.look()

    return look


async def _look_on(app: FastAPI) -> None:
    """Look while nobody asks, so that the first answer after a quiet night is up to date.

    A database that was not there at the start is tried again; once it is, it is watched, and jobs
    are run.
    """
    state = app.state
    while True:
        if state.missing and isinstance(state.missing[0][1], NotReady):
            await _begin(app)
        if state.store is not None and not state.missing and state.running is None:
            state.watching = asyncio.create_task(state.store.watch())
            state.running = asyncio.create_task(state.runner.run())
        _report(state)
        await asyncio.sleep(LOOK_SECONDS)
        await state.follow()


def _report(state: Any) -> None:
    """Tell the metrics what is not counted request by request."""
    metrics: Metrics = state.metrics
    if state.engine is not None:
        engine: Engine = state.engine
        metrics.serves(__version__, engine.catalogue.version, engine.model_version)
    if state.store is not None:
        metrics.queue.set(state.store.queue)
        metrics.store_up.set(0 if state.store.trouble else 1)


async def _nothing() -> None:
    """There is nothing to look at."""


def _part(error: CorridorError) -> str:
    """The label of the part of the service that an error is about."""
    if isinstance(error, NotFound):
        return f"api.part.{error.params['kind']}"
    return PARTS.get(error.code, "api.part.engine")


def _lines(error: CorridorError) -> list[str]:
    if not isinstance(error, InvalidInput):
        return [str(error)]
    return [f"{p.file}:{p.row or ''}: {problem_text(p, 'en')}" for p in error.problems]


async def _refused(request: Request, error: Exception) -> Response:
    """An error that was raised on purpose; one without a status of its own is a failure."""
    known = error if isinstance(error, CorridorError) else CorridorError()
    shown = request.app.state.settings.problems_shown
    body = problem_body(known, language_of(request), shown)
    if body["status"] == 500:
        logger.error("%s %s", request.method, request.url.path, exc_info=error)
    if answers_page(request):
        return await refused_page(request, known, _headers(known))
    return _written(request, body, _headers(known))


def _headers(error: CorridorError) -> dict[str, str]:
    seconds = retry_after(error)
    if seconds is not None:
        return {"Retry-After": seconds}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, NotAuthenticated) else {}


async def _no_operation(request: Request, error: Exception) -> Response:
    """What the router refuses: no such address, no such method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    path, given = request.url.path[:100], getattr(error, "headers", None)
    refusals: dict[int, CorridorError] = {
        404: NoRoute(path=path),
        405: WrongMethod(path=path, method=request.method),
    }
    told = refusals.get(status, CorridorError())
    if answers_page(request):
        return await refused_page(request, told, dict(given or {}))
    return _written(request, problem_body(told, language_of(request)), dict(given or {}))


async def _gone(_request: Request, _error: Exception) -> Response:
    """The caller left while its body was read; nobody sees this answer."""
    return Response(status_code=GONE)


async def _failed(request: Request, _error: Exception) -> Response:
    """Anything else is our fault; the log has it, the answer has not.

    This one is made outside of the middleware, and so brings the headers itself.
    """
    headers = {**HEADERS, "Request-Id": request_id_of(request) or "-"}
    if answers_page(request):
        return await refused_page(request, CorridorError(), headers)
    return _written(request, problem_body(CorridorError(), language_of(request)), headers)


def _written(request: Request, body: dict[str, object], headers: dict[str, str]) -> Response:
    content = orjson.dumps(body | {"request_id": request_id_of(request)})
    return Response(content, int(str(body["status"])), headers, media_type=MEDIA_TYPE)
