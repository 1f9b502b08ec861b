"""An application with its history, and the next step of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.bodies import engine_of, language_of, record_in
from api.identity.caller import caller_of
from api.refusals import IllegalStep, Stale
from api.schemas.applications import REASONS, StepRequest
from api.store import application_views, applications, idempotency
from api.store.conditions import Condition
from api.store.writer import Write
from api.web import access, forms, pages
from api.web.forms import Form
from api.web.manager import wording
from api.web.manager.rights import may
from recommender.errors import InvalidInput
from recommender.options import SHANGHAI
from recommender.texts import error_text

router = APIRouter(include_in_schema=False)
Json = dict[str, Any]
KEEP, MINE, NOBODY = "keep", "mine", "nobody"


@router.get("/board/{application_id}", dependencies=[access.needs("application", "list_contacts")])
async def one(request: Request, application_id: str) -> Response:
    """An application."""
    return await _page(request, application_id)


@router.post(
    "/board/{application_id}/steps", dependencies=[access.needs("step_application", "application")]
)
async def step(request: Request, application_id: str) -> Response:
    """Move an application; one that somebody else moved meanwhile is shown as it stands now."""
    form, caller = await forms.received(request), caller_of(request)
    catalogue = engine_of(request).catalogue.products
    condition = Condition(frozenset({applications.etag(_version(form))}))

    def work(write: Write) -> Json:
        asked = record_in(_asked(form, caller.user_id), StepRequest)
        applications.step(write, caller, application_id, condition, asked, catalogue)
        return application_views.described(write.connection, caller, application_id, catalogue)

    store, claim = request.app.state.store, forms.claim(request, form, "step_application")
    try:
        await idempotency.kept(store, claim, work)
    except InvalidInput as error:
        problems = wording.problems(error, language_of(request))
        return await _page(request, application_id, 422, problems, dict(form.pairs))
    except (Stale, IllegalStep) as error:
        said = "" if isinstance(error, Stale) else error_text(error, language_of(request))
        typed = dict(form.pairs)
        status = 412 if isinstance(error, Stale) else 409
        return await _page(request, application_id, status, {}, typed, stale=said or True)
    place = access.local(form.one("back") or f"/board/{application_id}")
    return RedirectResponse(place, 303)


def _version(form: Form) -> int:
    given = form.one("version")
    return int(given) if given.isdecimal() and len(given) < 9 else 0


def _asked(form: Form, user_id: str) -> Json:
    """What a form says, as a step: the owner and the day only where they change."""
    given: Json = {name: form.one(name) for name in ("status", "note") if form.one(name)}
    if given.get("status") == "refused" and form.one("reason_code"):
        given["reason_code"] = form.one("reason_code")
    owner = {MINE: user_id, NOBODY: None}
    if form.one("owner") in owner:
        given["owner_id"] = owner[form.one("owner")]
    if form.one("due_on") != form.one("due_before"):
        given["due_on"] = form.one("due_on") or None
    return given


async def _page(
    request: Request,
    application_id: str,
    status: int = 200,
    problems: Mapping[str, list[str]] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    stale: str | bool = False,
) -> Response:
    """The page of an application. typed: of a form that was refused; stale: it moved meanwhile."""
    caller, catalogue = caller_of(request), engine_of(request).catalogue.products
    store = request.app.state.store

    def find(connection: sa.Connection) -> Json:
        return application_views.described(connection, caller, application_id, catalogue)

    found = await store.reading(find)
    return await pages.shown(
        request, "manager/application.html", status, application=found, catalogue=catalogue,
        problems=problems or {}, typed=typed or {}, stale=stale, reasons=REASONS,
        can_step=may(caller, "step_application"), user_id=caller.user_id,
        today=store.clock().astimezone(SHANGHAI).date().isoformat(),
    )  # fmt: skip
