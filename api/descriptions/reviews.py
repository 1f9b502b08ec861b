"""The operations on reviews."""

from __future__ import annotations

from typing import Any

from api.descriptions.applications import AT, COMPANY, KEY, MANAGER, PAGE, RUN
from api.descriptions.operation import REFUSALS, Operation, Parameter
from api.descriptions.overrides import GONE
from api.descriptions.overrides import PATH as COMPANY_PATH
from api.errors import InvalidRequest
from api.refusals import Answered
from api.schemas.reviews import ReviewAnswer, ReviewReply, ReviewRequest, ReviewsAnswer
from recommender import Engine
from recommender.errors import NotFound, Problem
from recommender.texts import Language

ID = "c1d7b1a4-3a5e-4f0b-bb0e-5a3e1f5d7e21"
PATH = Parameter("review_id", "path", ID, required=True)
ASKER = {"id": "1b2a6d7e-90c4-4b7f-8f39-0d8a3a1f9c44", "name": "李强", "role": "enterprise"}
SAID = {
    "question": "为什么陆海新通道贷排在第三？我们有出口信用保险。",
    "run_id": RUN,
    "product_id": "cor-ilstc-loan",
}
REPLY = {"answer": "保单尚未登记；补登记后请重新获取推荐。"}
UNKNOWN = NotFound(kind="review", id="no-such-review")


def _one(_engine: Engine, _language: Language) -> Any:
    asked = {**SAID, "id": ID, "company_id": COMPANY, "by": ASKER, "at": AT}
    return {**asked, **REPLY, "answered_by": MANAGER, "answered_at": AT}


def _listed(engine: Engine, language: Language) -> Any:
    return {"reviews": [_one(engine, language)], "total": 1, "limit": 50, "offset": 0}


OPERATIONS = (
    Operation(
        "ask_review",
        "applications",
        ReviewAnswer,
        _one,
        ReviewRequest,
        (*REFUSALS[:3], InvalidRequest([Problem("missing", "question")]), GONE),
        lambda _: dict(SAID),
        status=201,
        parameters=(COMPANY_PATH, KEY),
    ),
    Operation(
        "answer_review",
        "applications",
        ReviewAnswer,
        _one,
        ReviewReply,
        (
            *REFUSALS[:3],
            InvalidRequest([Problem("missing", "answer")]),
            UNKNOWN,
            Answered(id=ID),
        ),
        lambda _: dict(REPLY),
        status=201,
        parameters=(PATH, KEY),
    ),
    Operation(
        "reviews",
        "applications",
        ReviewsAnswer,
        _listed,
        parameters=(
            Parameter("state", "query", "open"),
            Parameter("company", "query", COMPANY),
            *PAGE,
        ),
    ),
    Operation("review", "applications", ReviewAnswer, _one, errors=(UNKNOWN,), parameters=(PATH,)),
)
