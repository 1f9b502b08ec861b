"""The operations on applications."""

from __future__ import annotations

from typing import Any

from api.descriptions.engine import first_product
from api.descriptions.operation import REFUSALS, Operation, Parameter
from api.errors import InvalidRequest
from api.refusals import ConditionNeeded, IllegalStep, KeyReused, NotAllowed, Stale, TakenUp
from api.schemas.applications import (
    ApplicationCounts,
    ApplicationHistory,
    ApplicationRequest,
    ApplicationsAnswer,
    StepRequest,
)
from recommender import Engine
from recommender.errors import NotFound, Problem
from recommender.texts import Language

ID = "7d0d9f0e-62a4-4a53-9c4f-0a4f6f8d3c11"
RUN = "0b9a4e6c-0f0e-4a57-8d0e-7f2d54c1b7a2"
COMPANY = "c-0001"
AT = "2026-11-24T01:30:00+00:00"
MANAGER = {"id": "5d1c7ed4-6a4e-4b6c-9a7c-0f5a3f4c2b1e", "name": "王敏", "role": "manager"}
PATH = Parameter("application_id", "path", ID, required=True)
KEY = Parameter("Idempotency-Key", "header", "take-up-2026-11-24-1")
MATCH = Parameter("If-Match", "header", '"1"', required=True)
PAGE = (
    Parameter("limit", "query", 50, kind="integer"),
    Parameter("offset", "query", 0, kind="integer"),
)
BOARD = (
    Parameter("status", "query", "referred,documents"),
    Parameter("owner", "query", MANAGER["id"]),
    Parameter("due_before", "query", "2026-12-01"),
    Parameter("company", "query", COMPANY),
)
GONE = NotFound(kind="application", id="no-such-application")


def shown(engine: Engine) -> dict[str, Any]:
    """An application as an answer has it."""
    product = first_product(engine)
    return {
        "id": ID,
        "version": 1,
        "company": {
            "id": COMPANY,
            "name_zh": "重庆某农机出口有限公司",
            "name_en": "Example Farm Machinery Export Co.",
            "synthetic": True,
        },
        "company_version": 3,
        "product_id": product,
        "lane": engine.catalogue.products[product].lane,
        "run_id": RUN,
        "status": "referred",
        "next": ["documents", "withdrawn"],
        "amount": 2_000_000,
        "currency": "CNY",
        "owner": MANAGER,
        "due_on": "2026-12-01",
        "reason": None,
        "created_at": AT,
        "updated_at": AT,
        "facility": None,
    }


def _one(engine: Engine, _language: Language) -> Any:
    began = {
        "version": 1,
        "at": AT,
        "by": MANAGER,
        "status": "referred",
        "before": None,
        "reason": None,
        "note": None,
        "changed": {},
    }
    return {**shown(engine), "history": [began]}


def _board(engine: Engine, _language: Language) -> Any:
    return {"applications": [shown(engine)], "total": 1, "limit": 50, "offset": 0}


def _counts(engine: Engine, _language: Language) -> Any:
    one = shown(engine)
    same = {name: one[name] for name in ("product_id", "lane", "status")}
    return {"counts": [{**same, "reason_code": None, "synthetic": True, "count": 1}]}


def _start(_language: Language) -> Any:
    return {
        "company_id": COMPANY,
        "product_id": "cor-ilstc-loan",
        "run_id": RUN,
        "amount": 2_000_000,
        "currency": "CNY",
        "due_on": "2026-12-01",
    }


OPERATIONS = (
    Operation(
        "start_application",
        "applications",
        ApplicationHistory,
        _one,
        ApplicationRequest,
        (
            *REFUSALS[:3],
            InvalidRequest([Problem("missing", "currency")]),
            NotFound(kind="company", id="no-such-company"),
            TakenUp(run=RUN, product="cor-ilstc-loan"),
        ),
        _start,
        status=201,
        parameters=(KEY,),
    ),
    Operation(
        "step_application",
        "applications",
        ApplicationHistory,
        _one,
        StepRequest,
        (
            *REFUSALS[:3],
            InvalidRequest([Problem("refusal_reason", "reason_code", None, ["other"])]),
            NotAllowed(role="enterprise", operation="step_application"),
            GONE,
            IllegalStep(before="referred", after="drawn", allowed=["documents", "withdrawn"]),
            Stale(given='"1"', current='"2"'),
            ConditionNeeded(),
        ),
        lambda _: {"status": "documents", "due_on": "2026-12-08"},
        parameters=(PATH, MATCH),
    ),
    Operation(
        "applications", "applications", ApplicationsAnswer, _board, parameters=(*BOARD, *PAGE)
    ),
    Operation("application_counts", "applications", ApplicationCounts, _counts),
    Operation(
        "application", "applications", ApplicationHistory, _one, errors=(GONE,), parameters=(PATH,)
    ),
)
REUSED = KeyReused(key=str(KEY.example))
