"""The operations on overrides."""

from __future__ import annotations

from typing import Any

from api.descriptions.applications import AT, COMPANY, KEY, MANAGER, RUN
from api.descriptions.operation import REFUSALS, Operation, Parameter
from api.errors import InvalidRequest
from api.refusals import AlreadyThere
from api.schemas.overrides import OverrideAnswer, OverrideRequest, OverridesAnswer
from recommender import Engine
from recommender.errors import NotFound, Problem
from recommender.texts import Language

ID = "a8f6d6f0-2b0b-4d24-9f5d-9d3b7c3f3f0e"
PATH = Parameter("company_id", "path", COMPANY, required=True)
ONE = Parameter("override_id", "path", ID, required=True)
SAID = {
    "product_id": "cor-ilstc-loan",
    "decision": "advise_against",
    "reason": "新订单以人民币结算，贸易贷更合适。",
    "run_id": RUN,
}
GONE = NotFound(kind="company", id="no-such-company")


def _one(_engine: Engine, _language: Language) -> Any:
    return {**SAID, "id": ID, "company_id": COMPANY, "by": MANAGER, "at": AT}


OPERATIONS = (
    Operation(
        "add_override",
        "applications",
        OverrideAnswer,
        _one,
        OverrideRequest,
        (
            *REFUSALS[:3],
            InvalidRequest([Problem("missing", "reason")]),
            GONE,
            AlreadyThere(kind="override", id="cor-ilstc-loan"),
        ),
        lambda _: dict(SAID),
        status=201,
        parameters=(PATH, KEY),
    ),
    Operation(
        "overrides",
        "applications",
        OverridesAnswer,
        lambda e, lang: {"overrides": [_one(e, lang)]},
        errors=(GONE,),
        parameters=(PATH,),
    ),
    Operation(
        "withdraw_override",
        "applications",
        None,
        lambda _e, _l: None,
        errors=(NotFound(kind="override", id="no-such-override"),),
        status=204,
        parameters=(PATH, ONE),
    ),
)
