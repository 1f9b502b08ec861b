"""What went wrong, as a page: in words, with what was typed kept, and a way on."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from api.errors import problem_body
from api.identity.caller import serve_own
from api.refusals import NotAuthenticated, StaleForm
from api.web import access, forms, pages
from recommender.errors import CorridorError

# Addresses of the API and of operation; all others are pages.
OTHERS = ("/v1/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics")


def answers_page(request: Request) -> bool:
    """Whether what goes wrong with a request is told on a page rather than as problem+json."""
    there: frozenset[str] = request.app.state.page_paths
    if not there or request.url.path.startswith(OTHERS):
        return False
    matched = getattr(request.scope.get("route"), "path", None)
    return matched in there or "text/html" in request.headers.get("accept", "")


async def refused_page(
    request: Request, error: CorridorError, headers: Mapping[str, str]
) -> Response:
    """The page of an error; a stranger is asked to log in, and keeps the form that was sent."""
    access.speak(request)
    if isinstance(error, NotAuthenticated):
        return await _login(request)
    await _recognise(request)
    body = problem_body(error, request.state.language)
    kept = await _kept(request) if isinstance(error, StaleForm) else ""
    context = {"problem": body, "carried": kept, "place": request.url.path}
    page = await pages.shown(request, "refused.html", int(body["status"]), **context)
    page.headers.update({k: v for k, v in headers.items() if k not in pages.HEADERS})
    return page


async def _login(request: Request) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    if request.method in ("GET", "HEAD"):
        place = request.url.path + query
        target = "/login" if place == "/" else f"/login?{forms.carried((('next', place),))}"
        return RedirectResponse(target, 303)
    context = {"next": request.url.path, "carried": await _kept(request), "problems": {}}
    return await pages.shown(request, "login.html", 401, expired=True, login="", **context)


async def _kept(request: Request) -> str:
    """The fields of the form that was sent; none of one that is unreadable or from elsewhere."""
    pairs: forms.Pairs | None = getattr(request.state, "form", None)
    if pairs is None:
        try:
            await forms.open_form(request)
        except CorridorError:
            return ""
        pairs = request.state.form
    return forms.carried(pairs)


async def _recognise(request: Request) -> None:
    """Let the page of an error show who is logged in, where that can be found out."""
    if getattr(request.state, "caller", None) is not None:
        return
    try:
        request.state.caller = await request.app.state.callers.of(access.token(request))
        await serve_own(request)
    except CorridorError:
        request.state.caller = None
