"""Questions to a person: which wait, and the answer."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.bodies import engine_of, language_of, record_in
from api.identity.caller import caller_of
from api.refusals import Answered
from api.schemas.reviews import ReviewQuery, ReviewReply
from api.store import companies, idempotency, reviews
from api.store.writer import Write
from api.web import access, forms, pages
from api.web.manager import wording
from api.web.manager.rights import may
from recommender.errors import InvalidInput
from recommender.texts import error_text

router = APIRouter(include_in_schema=False)
Json = dict[str, Any]
ON_A_PAGE = 20


@router.get("/reviews", dependencies=[access.needs("reviews", "list_contacts")])
async def listed(request: Request) -> Response:
    """The questions, open ones by themselves unless asked otherwise."""
    caller, catalogue = caller_of(request), engine_of(request).catalogue.products
    answered = request.query_params.get("state") == "answered"
    state: Literal["open", "answered"] = "answered" if answered else "open"
    asked = ReviewQuery(state=state, limit=ON_A_PAGE, offset=_offset(request))

    def find(connection: sa.Connection) -> Json:
        found = reviews.listed(connection, caller, asked)
        ids = {row["company_id"] for row in found["reviews"]}
        named = {id_: companies.visible(connection, caller, id_) for id_ in ids}
        return {**found, "companies": named}

    found = await request.app.state.store.reading(find)
    return await pages.shown(
        request, "manager/reviews.html", found=found, state=state, catalogue=catalogue,
        can_answer=may(caller, "answer_review"),
    )  # fmt: skip


@router.get("/reviews/{review_id}", dependencies=[access.needs("review", "list_contacts")])
async def one(request: Request, review_id: str) -> Response:
    """One question."""
    return await _page(request, review_id)


@router.post("/reviews/{review_id}/answer", dependencies=[access.needs("answer_review", "review")])
async def answer(request: Request, review_id: str) -> Response:
    """The answer to a question, once."""
    form, caller = await forms.received(request), caller_of(request)

    def work(write: Write) -> Json:
        asked = record_in({"answer": form.one("answer")}, ReviewReply)
        return reviews.answer(write, caller, review_id, asked)

    store, claim = request.app.state.store, forms.claim(request, form, "answer_review")
    language = language_of(request)
    try:
        await idempotency.kept(store, claim, work)
    except InvalidInput as error:
        problems = wording.problems(error, language)
        return await _page(request, review_id, 422, problems, form.one("answer"))
    except Answered as error:
        problems = {"": [error_text(error, language)]}
        return await _page(request, review_id, 409, problems, form.one("answer"))
    return RedirectResponse(f"/reviews/{review_id}", 303)


def _offset(request: Request) -> int:
    given = request.query_params.get("offset", "")
    return int(given) if given.isdecimal() and len(given) < 7 else 0


async def _page(
    request: Request,
    review_id: str,
    status: int = 200,
    problems: dict[str, list[str]] | None = None,
    typed: str = "",
) -> Response:
    caller, catalogue = caller_of(request), engine_of(request).catalogue.products

    def find(connection: sa.Connection) -> Json:
        found = reviews.described(connection, caller, review_id)
        company = companies.visible(connection, caller, found["company_id"])
        return {"review": found, "company": company}

    found = await request.app.state.store.reading(find)
    return await pages.shown(
        request, "manager/review.html", status, **found, catalogue=catalogue,
        problems=problems or {}, typed=typed, can_answer=may(caller, "answer_review"),
    )  # fmt: skip
