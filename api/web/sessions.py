"""Logging in and out, the demo's doors, and the choices of language and theme."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.errors import NoRoute, problem_body, status_of
from api.identity import sessions
from api.identity.caller import caller_of
from api.policy import ROLES
from api.refusals import TooManyFailures, WrongPassword
from api.store import users
from api.web import access, forms, pages
from recommender.errors import CorridorError
from recommender.texts import LANGUAGES

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def login_page(request: Request) -> Response:
    """The way in."""
    await access.visitor(request)
    place = access.local(request.query_params.get("next", "/"))
    return await _page(request, next=place)


@router.post("/login")
async def login(request: Request) -> Response:
    """A session for a login and its password, and on to where the visitor was going."""
    access.speak(request)
    form, store = await forms.open_form(request), request.app.state.store
    name, password = form.one("login"), dict(form.pairs).get("password", "")
    target, carried = access.local(form.one("next")), form.one("carried")
    try:
        issued = await run_in_threadpool(sessions.start, store, name, password)
    except (WrongPassword, TooManyFailures) as error:
        return await _refused(request, error, login=name, next=target, carried=carried)
    return await _entered(request, issued["token"], target, carried)


@router.post("/login/demo")
async def enter_demo(request: Request) -> Response:
    """A session of one of the demo's users; there in the demo only, and on this machine only."""
    access.speak(request)
    form = await forms.open_form(request)
    role = next((role for role in ROLES if role == form.one("role")), None)
    if not request.app.state.demo or not access.on_loopback(request) or role is None:
        raise NoRoute(path=request.url.path)
    store, name = request.app.state.store, sessions.demo_login(role)
    issued = await run_in_threadpool(sessions.enter, store, name)
    target = access.local(form.one("next"))
    return await _entered(request, issued["token"], target, form.one("carried"))


@router.post("/logout", dependencies=[access.needs("end_session")])
async def logout(request: Request) -> Response:
    """The end of a session, here and in the record."""
    await forms.received(request)
    caller = caller_of(request)
    await request.app.state.store.writing(
        lambda write: users.revoke(write, caller.token_id, caller.user_id)
    )
    request.app.state.callers.forget()
    answer = RedirectResponse("/", 303)
    access.forget(request, answer)
    return answer


@router.post("/preferences")
async def preferences(request: Request) -> Response:
    """Language or theme, and back to the same page."""
    form = await forms.open_form(request)
    answer = RedirectResponse(access.local(form.one("back")), 303)
    for name, allowed in (("language", LANGUAGES), ("theme", access.THEMES)):
        if form.one(name) in allowed:
            access.prefer(request, answer, name, form.one(name))
    return answer


async def _entered(request: Request, token: str, target: str, carried: str) -> Response:
    """On to the target; with a form that was kept, to the page that sends it."""
    answer: Response = RedirectResponse(target, 303)
    if carried:
        request.state.caller = await request.app.state.callers.of(token)
        answer = await pages.shown(
            request,
            "send_again.html",
            target=target,
            fields=[pair for pair in forms.carried_back(carried) if pair[0] != forms.FORGERY],
            own_forgery=access.forgery_token(token),
        )
    access.remember(request, answer, token)
    return answer


async def _refused(request: Request, error: CorridorError, **context: Any) -> Response:
    problem = problem_body(error, request.state.language)
    page = await _page(
        request, status_of(error), problems={"password": [problem["detail"]]}, **context
    )
    if isinstance(error, TooManyFailures):
        page.headers["Retry-After"] = str(error.params["seconds"])
    return page


async def _page(request: Request, status: int = 200, **context: Any) -> Response:
    empty = {"login": "", "next": "/", "carried": "", "problems": {}, "expired": False}
    return await pages.shown(request, "login.html", status, **{**empty, **context})
