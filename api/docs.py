"""The interactive documentation, served without any other host.

Swagger UI comes from the files of the fastapi_swagger package, started by a small script of our
own, so that the page needs neither inline scripts nor foreign hosts.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import orjson
from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from api.bodies import language_of
from api.errors import NoRoute
from recommender.texts import Language

OWN = Path(__file__).parent / "assets"
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
    "docs.js": "text/javascript",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/")
async def front(request: Request) -> Response:
    """The service has no page of its own yet; its documentation is the way in."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


@router.get("/docs")
async def page(request: Request) -> Response:
    """The page."""
    html = (OWN / "docs.html").read_text("utf-8").replace("{language}", language_of(request))
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})


@router.get("/docs/{name}")
async def asset(name: str) -> Response:
    """A script, style or icon of the page."""
    if name not in ASSETS:
        raise NoRoute(path=f"/docs/{name}"[:100])
    headers = {"Cache-Control": "no-cache"}
    return FileResponse(_place(name), media_type=ASSETS[name], headers=headers)


@router.get("/openapi.json")
async def description(request: Request) -> Response:
    """The OpenAPI document in the language of the caller."""
    from api.openapi import document  # deferred: the forty shapes of answers take 50 ms to build

    app, language = request.app, language_of(request)
    made: dict[Language, bytes] = app.state.documents
    if language not in made:
        identified = app.state.settings.identity == "on"
        found = document(app.state.operations, app.state.engine, language, identified=identified)
        made[language] = orjson.dumps(found)
    return Response(made[language], media_type="application/json")


@lru_cache(maxsize=len(ASSETS))
def _place(name: str) -> Path:
    own = OWN / name
    return own if own.exists() else Path(str(files("fastapi_swagger.resources") / name))
