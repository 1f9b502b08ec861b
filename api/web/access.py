"""Who looks at a page: the session in a cookie, the rights of the API, language and theme."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Literal
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.responses import Response

from api.identity.caller import identified, permit, serve_own
from api.identity.sessions import LASTS
from api.language import preferred
from api.policy import Caller
from api.refusals import NotAuthenticated
from api.settings import LOOPBACK
from recommender.texts import LANGUAGES, Language

Theme = Literal["auto", "light", "dark"]
THEMES: tuple[Theme, ...] = ("auto", "light", "dark")
YEAR = 365 * 24 * 3600


def needs(*operations: str) -> Any:
    """A dependency of a page: its caller may use every one of these operations of the API.

    Sets what `caller_of`, `engine_of` and `language_of` read. Raises NotAuthenticated, NotAllowed.
    """

    async def check(request: Request) -> None:
        speak(request)
        caller = await identified(request, token)
        for operation in operations:
            permit(caller, operation)
        request.state.caller = caller
        await serve_own(request)

    return Depends(check)


async def visitor(request: Request) -> Caller | None:
    """The caller of a page that strangers see too; None for a stranger."""
    speak(request)
    try:
        caller = await identified(request, token)
    except NotAuthenticated:
        return None
    request.state.caller = caller
    await serve_own(request)
    return caller


def speak(request: Request) -> Language:
    """The language of a page: the cookie's, else the browser's; the request has it from here on."""
    chosen = request.cookies.get("language")
    found = next((name for name in LANGUAGES if name == chosen), None)
    request.state.language = found or preferred(request.headers.get("accept-language"))
    language: Language = request.state.language
    return language


def theme_of(request: Request) -> Theme:
    """The theme that was chosen, else what the system says."""
    chosen = request.cookies.get("theme")
    return next((theme for theme in THEMES if theme == chosen), "auto")


def token(request: Request) -> str:
    """The token of the session; raises NotAuthenticated."""
    found = request.cookies.get(_name(request))
    if not found:
        raise NotAuthenticated
    return found


def remember(request: Request, response: Response, given: str) -> None:
    """Let a browser carry a session."""
    _cookie(request, response, _name(request), given, int(LASTS.total_seconds()))


def forget(request: Request, response: Response) -> None:
    """End a session in the browser."""
    _cookie(request, response, _name(request), "", 0)


def prefer(request: Request, response: Response, name: str, value: str) -> None:
    """Keep a choice of language or theme for a year."""
    _cookie(request, response, name, value, YEAR)


def forgery_token(given: str) -> str:
    """What a form of a session carries, and nobody else can know."""
    return hmac.new(given.encode(), b"form", hashlib.sha256).hexdigest()


def on_loopback(request: Request) -> bool:
    """Whether the browser called this machine by a name of its own."""
    return (request.url.hostname or "") in LOOPBACK


def local(path: str) -> str:
    """A path of this service to go on to; `/` for anything that leads elsewhere.

    >>> local("/results?lane=hedge"), local("//evil.example"), local("https://evil.example")
    ('/results?lane=hedge', '/', '/')
    """
    parts = urlsplit(path) if path.isprintable() and "\\" not in path else None
    inside = parts and not parts.scheme and not parts.netloc and path.startswith("/")
    return path if inside and not path.startswith("//") else "/"


def _name(request: Request) -> str:
    return "session" if _bare(request) else "__Host-session"


def _bare(request: Request) -> bool:
    """Plain HTTP to this very machine, where a browser keeps no Secure cookie."""
    return request.url.scheme == "http" and on_loopback(request)


def _cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=not _bare(request),
        httponly=True,
        samesite="lax",
    )
