"""What the firm applied for and asked a person about: started here, and followed to its end."""

from __future__ import annotations

from typing import Any

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.bodies import engine_of, language_of, record_in
from api.errors import InvalidRequest
from api.identity.caller import caller_of
from api.refusals import IllegalStep, Stale, TakenUp
from api.schemas.applications import ApplicationRequest, BoardQuery, StepRequest
from api.schemas.reviews import ReviewQuery, ReviewRequest
from api.store import application_views as views
from api.store import applications, reviews
from api.store.conditions import Condition
from api.store.idempotency import kept
from api.store.writer import Write
from api.web import access, forms, pages
from api.web.enterprise import firm as firms
from api.web.enterprise.filled import number
from recommender.texts import error_text

router = APIRouter(include_in_schema=False)
Json = dict[str, Any]
READS = ("applications", "application", "reviews")
PER_PAGE = 50


@router.get("/applications", dependencies=[access.needs(*READS)])
async def listed(request: Request) -> Response:
    """Applications and questions to a person."""
    caller, catalogue = caller_of(request), engine_of(request).catalogue.products
    offset = request.query_params.get("offset", "")
    asked = BoardQuery(limit=PER_PAGE, offset=int(offset) if offset.isdecimal() else 0)

    def find(connection: sa.Connection) -> Json:
        found = reviews.listed(connection, caller, ReviewQuery(limit=PER_PAGE))
        return {"board": views.board(connection, caller, asked, catalogue), "reviews": found}

    found = await request.app.state.store.reading(find)
    return await pages.shown(request, "enterprise/applications.html", catalogue=catalogue, **found)


@router.get("/applications/{application_id}", dependencies=[access.needs(*READS)])
async def one(request: Request, application_id: str) -> Response:
    """An application with its history."""
    return await _one(request, application_id)


@router.post("/applications", dependencies=[access.needs("start_application", "get_company")])
async def started(request: Request) -> Response:
    """A product of a list applied for; the second click of the same button finds the first."""
    form, caller = await forms.received(request), caller_of(request)
    firm, catalogue = await firms.chosen(request), engine_of(request).catalogue.products
    back = f"/results/{form.one('run_id')}/{form.one('product_id')}"
    given: Json = {name: form.one(name) for name in ("product_id", "run_id")}
    given |= {"company_id": firm.id}
    if form.one("amount"):
        given |= {"amount": number(form.one("amount")), "currency": form.one("currency").upper()}
    try:
        asked = record_in(given, ApplicationRequest)

        def work(write: Write) -> Json:
            made = applications.start(write, caller, asked, catalogue)
            return views.described(write.connection, caller, made, catalogue)

        claim = forms.claim(request, form, "start_application")
        answer = await kept(request.app.state.store, claim, work)
    except (InvalidRequest, TakenUp) as error:
        return await _refused(request, error, back)
    return RedirectResponse(f"/applications/{orjson.loads(answer.answer)['id']}?new=1", 303)


@router.post(
    "/applications/{application_id}", dependencies=[access.needs("step_application", *READS)]
)
async def withdrawn(request: Request, application_id: str) -> Response:
    """An application taken back."""
    form, caller = await forms.received(request), caller_of(request)
    catalogue = engine_of(request).catalogue.products
    asked = StepRequest.model_validate({"status": "withdrawn"})
    condition = Condition(frozenset({form.one("etag")}))

    def work(write: Write) -> Json:
        applications.step(write, caller, application_id, condition, asked)
        return views.described(write.connection, caller, application_id, catalogue)

    try:
        claim = forms.claim(request, form, "step_application")
        await kept(request.app.state.store, claim, work, 200)
    except (Stale, IllegalStep) as error:
        said = {"": [error_text(error, language_of(request))]}
        return await _one(request, application_id, 412, said)
    return RedirectResponse(f"/applications/{application_id}", 303)


@router.post("/ask", dependencies=[access.needs("ask_review", "get_company")])
async def ask(request: Request) -> Response:
    """A question to a person about a product of a list."""
    form, caller = await forms.received(request), caller_of(request)
    firm, catalogue = await firms.chosen(request), engine_of(request).catalogue.products
    run_id, product_id = form.one("run_id") or None, form.one("product_id") or None
    back = f"/results/{run_id}/{product_id}" if run_id and product_id else "/results"
    try:
        given = {"question": form.one("question"), "run_id": run_id, "product_id": product_id}
        asked = record_in(given, ReviewRequest)

        def work(write: Write) -> Json:
            return reviews.ask(write, caller, str(firm.id), asked, catalogue)

        await kept(request.app.state.store, forms.claim(request, form, "ask_review"), work)
    except InvalidRequest as error:
        return await _refused(request, error, back, form.one("question"))
    return RedirectResponse("/applications#questions", 303)


async def _refused(
    request: Request, error: InvalidRequest | TakenUp, back: str, typed: str = ""
) -> Response:
    """Why it was not done, with what was typed and the way back."""
    language = language_of(request)
    problems = (
        forms.beside(error, language)
        if isinstance(error, InvalidRequest)
        else {"": [error_text(error, language)]}
    )
    status = 422 if isinstance(error, InvalidRequest) else 409
    context = {"problems": problems, "way_back": back, "typed": typed}
    return await pages.shown(request, "enterprise/not_sent.html", status, **context)


async def _one(
    request: Request, application_id: str, status: int = 200, problems: Any = None
) -> Response:
    caller, catalogue = caller_of(request), engine_of(request).catalogue.products
    found = await request.app.state.store.reading(
        lambda c: views.described(c, caller, application_id, catalogue)
    )
    return await pages.shown(
        request,
        "enterprise/application.html",
        status,
        found=found,
        etag=applications.etag(found["version"]),
        catalogue=catalogue,
        new=request.query_params.get("new") == "1",
        problems=problems or {},
    )
