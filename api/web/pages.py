"""A page from its template: what every page knows, and the headers that every page carries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.errors import NotReady
from api.identity import sessions
from api.policy import Caller
from api.refusals import NotAuthenticated
from api.web import access, formats, forms, navigation, static_files, words
from recommender import Engine, __version__
from recommender.texts import LANGUAGES, Language, show, text

TEMPLATES = Path(__file__).parent / "templates"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Forms say where they come from only under a policy that lets them.
HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
# How a sentence ends, and what stands between the parts of one.
MARKS: Mapping[Language, Mapping[str, str]] = {
    "zh": {"stop": "。", "comma": "、", "colon": "：", "semicolon": "；"},
    "en": {"stop": ". ", "comma": ", ", "colon": ": ", "semicolon": "; "},
}
HTML_LANGUAGE: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}


@lru_cache(maxsize=2)
def environment(language: Language) -> Environment:
    """The templates in a language."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    said = words.catalogue(language)
    made.install_gettext_callables(  # type: ignore[attr-defined]
        lambda phrase: said.get(phrase, phrase),
        lambda one, many, n: said.get(one if n == 1 else many, one if n == 1 else many),
        newstyle=True,
    )
    for name in ("amount", "span", "date", "moment", "percent", "count", "plain_amount"):
        made.filters[name] = partial(_spoken, getattr(formats, name), language)
    made.filters["fields"] = forms.carried_back
    made.filters["said"] = lambda value: show(value, language)
    made.globals.update(
        static=static_files.address,
        label=lambda key: text(key, language),
        unknown=lambda: formats.unknown(language),
        marks=MARKS[language],
        notices={name: text("notice.not_a_decision", name) for name in LANGUAGES},
    )
    return made


def _spoken(form: Any, language: Language, *values: Any, **more: Any) -> Any:
    return form(*values, language=language, **more)


async def shown(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page. context: what its template names, beside what `_frame` gives to all of them."""
    frame = await _frame(request)
    page = environment(frame["language"]).get_template(template)
    return HTMLResponse(page.render(**frame, **context), status, headers=HEADERS)


async def _frame(request: Request) -> dict[str, Any]:
    language = getattr(request.state, "language", None) or access.speak(request)
    caller: Caller | None = getattr(request.state, "caller", None)
    who = None if caller is None else await _who(request, caller)
    query = f"?{request.url.query}" if request.url.query else ""
    return {
        "language": language,
        "html_language": HTML_LANGUAGE[language],
        "theme": access.theme_of(request),
        "who": who,
        "entries": () if caller is None else navigation.entries(request.app, caller.role),
        "forgery": _forgery(request, caller),
        "new_key": forms.new_key,
        "here": request.url.path,
        "back": request.url.path + query if request.method == "GET" else request.url.path,
        "versions": _versions(request),
        "demo": request.app.state.demo,
    }


async def _who(request: Request, caller: Caller) -> dict[str, Any] | None:
    """Who is logged in, for the head of a page; None where the store does not answer."""
    try:
        found: dict[str, Any] = await request.app.state.store.reading(
            lambda c: sessions.described(c, caller)
        )
    except NotReady:
        return None
    return found


def _forgery(request: Request, caller: Caller | None) -> str:
    if caller is None:
        return ""
    try:
        return access.forgery_token(access.token(request))
    except NotAuthenticated:
        return ""


def _versions(request: Request) -> dict[str, str]:
    """What answers: the service, its catalogue and its model, as far as they are loaded."""
    engine: Engine | None = getattr(request.state, "engine", None) or request.app.state.engine
    found = {"service": __version__}
    if engine is not None:
        found |= {"catalogue": engine.catalogue.version, "model": engine.model_version}
    return found
