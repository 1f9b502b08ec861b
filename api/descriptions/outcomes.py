"""The operations on outcomes."""

from __future__ import annotations

from typing import Any

from api.descriptions.applications import COMPANY, KEY, PAGE, REUSED, RUN, shown
from api.descriptions.companies import UPLOADS
from api.descriptions.operation import REFUSALS, Operation, Parameter
from api.errors import ImportBusy, InvalidRequest, TooLarge, WrongImportType
from api.schemas.outcomes import (
    OutcomesAnswer,
    OutcomesImportAnswer,
    OutcomesKept,
    OutcomesRequest,
    OutcomeTable,
)
from recommender import Engine
from recommender.errors import Problem
from recommender.texts import Language, problem_text

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


def _imported(_engine: Engine, language: Language) -> dict[str, Any]:
    problem = Problem("run_unknown", "run_id", "no-such")
    said = problem_text(problem, language)
    line = {"row": 17, "field": "run_id", "value": "no-such", "allowed": None, "message": said}
    counts = {"rows": 3_000, "created": 2_899, "unchanged": 100, "refused": 1}
    return {"dry_run": False, **counts, "problems": [line], "problems_found": 1}


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
        "import_outcomes",
        "applications",
        OutcomesImportAnswer,
        _imported,
        errors=(
            TooLarge(limit=512 << 20),
            WrongImportType(given="text/plain"),
            InvalidRequest([Problem("unknown_field", "dry", "dry", ["dry_run"])]),
            ImportBusy(),
        ),
        parameters=(Parameter("dry_run", "query", False, kind="boolean"),),
        uploads=UPLOADS,
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
