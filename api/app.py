"""The composition root of the service: the only place that puts its parts together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import orjson
from fastapi import Depends, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api import docs
from api.bodies import RETRY_SECONDS, language_of
from api.errors import (
    MEDIA_TYPE,
    NoRoute,
    NotReady,
    WrongMethod,
    problem_body,
)
from api.identity.caller import Callers, guard, serve_own
from api.jobs.runner import Runner
from api.loading import Follower, packaged_engine
from api.refusals import NotAuthenticated, TooManyFailures
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
from recommender import __version__
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
    app.state.engines = None
    app.state.look, app.state.workers = (lambda: None), Workers()
    app.state.ranking, app.state.store = Ranking(app.state.settings), None
    app.state.imports = Workers()
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
    if identity:
        app.state.store = Store(app.state.settings.store)
        app.state.checks = Workers()  # of models and catalogues: plans need not wait for them
        app.state.runner = Runner(app.state.settings, app.state.store)
        app.state.wake = app.state.runner.wake
        app.state.callers = Callers(app.state.store)
    app.add_middleware(SecureHeaders)
    app.add_exception_handler(CorridorError, _refused)
    app.add_exception_handler(HTTPException, _no_operation)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _failed)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    try:
        look = await _begun(app)
    except CorridorError as error:
        app.state.missing = [(label(_part(error)), error)]
        for line in _lines(error):
            startup_logger.error("%s", line)
        look = _nothing
    background = [asyncio.create_task(_look_on(look))]
    if app.state.store is not None and not app.state.missing:
        background.append(asyncio.create_task(app.state.runner.run()))
    async with sealed_on(app.state.store, app.state.settings.seals):
        yield
    for task in background:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    if app.state.store is not None:
        await app.state.runner.stop()
        app.state.checks.close()
    app.state.ranking.stop()
    app.state.workers.close()
    app.state.imports.close()
    if app.state.store is not None:
        app.state.store.close()
    app.state.engine, app.state.look = None, lambda: None


async def _begun(app: FastAPI) -> Callable[[], Awaitable[None]]:
    """Load what answers; how to look for changes of it. Raises what cannot be loaded.

    With identity the store says what serves each organisation, without it the folder of models.
    """
    settings = app.state.settings
    if settings.identity == "on":
        maintenance.ready(app.state.store.database)
        app.state.engine = packaged_engine(settings)
        engines = Engines(settings, app.state.store, app.state.engine)
        await engines.look()
        app.state.engines = engines
        return engines.look
    app.state.look = Follower(settings, partial(setattr, app.state, "engine")).look

    async def look() -> None:
        app.state.look()

    return look


async def _nothing() -> None:
    """There is nothing to look at."""


async def _look_on(look: Callable[[], Awaitable[None]]) -> None:
    """Look while nobody asks, so that the first answer after a quiet night is up to date."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await look()


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
    return _written(body, _headers(known))


def _headers(error: CorridorError) -> dict[str, str]:
    if isinstance(error, NotReady):
        return {"Retry-After": RETRY_SECONDS}
    if isinstance(error, TooManyFailures):
        return {"Retry-After": str(error.params["seconds"])}
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
    return _written(problem_body(told, language_of(request)), dict(given or {}))


async def _gone(_request: Request, _error: Exception) -> Response:
    """The caller left while its body was read; nobody sees this answer."""
    return Response(status_code=400)


async def _failed(request: Request, _error: Exception) -> Response:
    """Anything else is our fault; the log has it, the answer has not.

    This one is made outside of the middleware, and so brings the headers itself.
    """
    if answers_page(request):
        return await refused_page(request, CorridorError(), HEADERS)
    return _written(problem_body(CorridorError(), language_of(request)), HEADERS)


def _written(body: dict[str, object], headers: dict[str, str]) -> Response:
    content = orjson.dumps(body)
    return Response(content, int(str(body["status"])), headers, media_type=MEDIA_TYPE)
