"""Reviews by a person: asked for, listed, answered."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import engine_of, query_of, record_of, written
from api.identity.caller import caller_of
from api.keyed import created, id_in
from api.schemas.reviews import ReviewQuery, ReviewReply, ReviewRequest
from api.store import reviews

router = APIRouter()


@router.post("/v1/companies/{company_id}/reviews", operation_id="ask_review", status_code=201)
async def ask(request: Request) -> Response:
    """A question to a person."""
    asked, caller = await record_of(request, ReviewRequest), caller_of(request)
    company, catalogue = id_in(request, "company"), engine_of(request).catalogue.products
    return await created(
        request,
        asked,
        lambda write: reviews.ask(write, caller, company, asked, catalogue),
        lambda answer: {"Location": f"/v1/reviews/{answer['id']}"},
    )


@router.post("/v1/reviews/{review_id}/answer", operation_id="answer_review", status_code=201)
async def answer(request: Request) -> Response:
    """The answer to a question."""
    asked, caller = await record_of(request, ReviewReply), caller_of(request)
    review = id_in(request, "review")
    return await created(request, asked, lambda write: reviews.answer(write, caller, review, asked))


@router.get("/v1/reviews", operation_id="reviews")
async def listed(request: Request) -> Response:
    """A part of the questions."""
    asked, caller = query_of(request, ReviewQuery), caller_of(request)
    store = request.app.state.store
    return written(await store.reading(lambda c: reviews.listed(c, caller, asked)))


@router.get("/v1/reviews/{review_id}", operation_id="review")
async def one(request: Request) -> Response:
    """One question with its answer."""
    review, caller = id_in(request, "review"), caller_of(request)
    return written(
        await request.app.state.store.reading(lambda c: reviews.described(c, caller, review))
    )
