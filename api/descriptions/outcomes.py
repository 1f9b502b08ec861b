"""The operations on outcomes."""

from __future__ import annotations

from typing import Any

from api.descriptions.applications import COMPANY, KEY, PAGE, REUSED, RUN, shown
from api.descriptions.operation import REFUSALS, Operation, Parameter
from api.errors import InvalidRequest
from api.schemas.outcomes import OutcomesAnswer, OutcomesKept, OutcomesRequest, OutcomeTable
from recommender import Engine
from recommender.errors import Problem
from recommender.texts import Language

ID = "f4f0a0c7-51d1-4a0f-8a3b-6f3f7f3f2c55"
ROW = (
    "event,company,product,position,outcome,date,source,reason,propensity,amount,currency,"
    "synthetic,snapshot\r\n"
)
EARLY = Problem("outcome_before_run", "outcomes[0].decided_on", "2026-11-01", "2026-11-24")


def _asked(_language: Language) -> Any:
    one = {"run_id": RUN, "product_id": "cor-ilstc-loan", "outcome": "declined"}
    more = {"company_id": COMPANY, "product_id": "cor-sinosure-loan", "outcome": "no_answer"}
    return {"outcomes": [{**one, "decided_on": "2026-11-24"}, more]}


def _listed(engine: Engine, _language: Language) -> Any:
    same = {name: shown(engine)[name] for name in ("product_id", "lane")}
    ended = {"outcome": "declined", "reason_code": None, "decided_on": "2026-11-24"}
    rest = {"id": ID, "company": "p-5f0c2f5e9d3b7a10", "applied": False, "synthetic": True}
    return {"outcomes": [{**rest, **same, **ended}], "total": 1, "limit": 50, "offset": 0}


OPERATIONS = (
    Operation(
        "record_outcomes",
        "applications",
        OutcomesKept,
        lambda _e, _l: {"ids": [ID], "count": 1},
        OutcomesRequest,
        (*REFUSALS[:3], InvalidRequest([EARLY]), REUSED),
        _asked,
        status=201,
        parameters=(KEY,),
    ),
    Operation(
        "outcomes",
        "applications",
        OutcomesAnswer,
        _listed,
        parameters=(
            Parameter("product", "query", "cor-ilstc-loan"),
            Parameter("outcome", "query", "declined"),
            *PAGE,
        ),
    ),
    Operation(
        "outcome_table",
        "applications",
        OutcomeTable,
        lambda _e, _l: ROW,
        media_type="text/csv",
    ),
)
