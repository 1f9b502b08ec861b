"""The operations on runs and on the audit log."""

from __future__ import annotations

from typing import Any

from api import examples
from api.descriptions.operation import Operation, Parameter
from api.refusals import Erased, NotAllowed, PopulationGone
from api.schemas.runs import (
    AuditAnswer,
    CompanyRecommendationsAnswer,
    ReplayAnswer,
    RunAnswer,
    RunsAnswer,
    VerifyAnswer,
)
from recommender import Engine, __version__
from recommender.errors import NotFound
from recommender.texts import Language

RUN = "0b6f5b1e-6a53-4f0e-9f1d-3a5c8f3f9a10"
COMPANY = "exporter-1"
USER = "5d1c7ed4-6a4e-4b6c-9a7c-0f5a3f4c2b1e"
AT = "2026-11-23T02:00:00+00:00"
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
GONE = (NotFound(kind="run", id=RUN), Erased(kind="run", id=RUN))
PAGE = (Parameter("limit", "query", 50, kind="integer"), Parameter("cursor", "query", "WyIyMDI2…"))


def _answer(engine: Engine, language: Language) -> Any:
    company = engine.read(examples.EXPORTER)
    return engine.recommend(company, **examples.OPTIONS, language=language)


def _note(engine: Engine) -> dict[str, Any]:
    return {
        "run_id": RUN,
        "operation": "recommend",
        "user_id": USER,
        "company_id": COMPANY,
        "company_version": 3,
        "product_id": None,
        "at": AT,
        "erased_at": None,
        "versions": _versions(engine),
    }


def _versions(engine: Engine) -> dict[str, Any]:
    return {
        "engine_version": __version__,
        "catalogue_version": engine.catalogue.version,
        "parameters_version": engine.parameters.version,
        "model_version": engine.model_version,
        "population_version": None,
    }


def _recommended(engine: Engine, language: Language) -> Any:
    override = {
        "id": USER,
        "product_id": next(iter(engine.catalogue.products)),
        "decision": "exclude",
        "reason": "…",
        "user_id": USER,
        "run_id": RUN,
        "at": AT,
    }
    answer = _answer(engine, language)
    head = {"company_id": COMPANY, "company_version": 3, "overrides": [override]}
    return {**head, "answer": answer}


def _run(engine: Engine, language: Language) -> Any:
    options = {**examples.OPTIONS, "language": language}
    asked = {"company": dict(examples.EXPORTER), "options": options}
    return {**_note(engine), "request": asked, "answer": _answer(engine, language)}


def _replayed(engine: Engine, _language: Language) -> Any:
    versions = _versions(engine)
    return {
        "run_id": RUN,
        "operation": "recommend",
        "identical": True,
        "difference": None,
        "versions": {"shown": versions, "now": versions},
        "differing": [],
    }


def _events(_engine: Engine, _language: Language) -> Any:
    event = {
        "chain": RUN,
        "sequence": 12,
        "at": AT,
        "actor": HASH,
        "action": "run.given",
        "subject": HASH,
        "detail": {"operation": "recommend", "run": RUN},
        "hash": HASH,
    }
    return {"events": [event], "next": None}


def _verified(_engine: Engine, _language: Language) -> Any:
    counts = {"events": 1200, "own_events": 800, "chains": 3, "seals": 20, "unsealed": 4}
    return {"whole": True, **counts, "findings": [], "found": 0}


OPERATIONS = (
    Operation(
        "company_recommendations",
        "company",
        CompanyRecommendationsAnswer,
        _recommended,
        errors=(
            NotFound(kind="company", id=COMPANY),
            Erased(kind="company", id=COMPANY),
        ),
        parameters=(
            Parameter("company_id", "path", COMPANY, required=True),
            Parameter("language", "query", "en"),
            Parameter("as_of", "query", "2026-11-23"),
            Parameter("lanes", "query", "financing,hedge"),
            Parameter("limit", "query", 10, kind="integer"),
            Parameter("personalised", "query", True, kind="boolean"),
            Parameter("include_ineligible", "query", False, kind="boolean"),
        ),
    ),
    Operation(
        "runs",
        "runs",
        RunsAnswer,
        lambda engine, _: {"runs": [_note(engine)], "next": None},
        parameters=(
            Parameter("company_id", "query", COMPANY),
            Parameter("product_id", "query", "product-1"),
            Parameter("user_id", "query", USER),
            Parameter("operation", "query", "recommend"),
            Parameter("since", "query", "2026-11-01"),
            Parameter("until", "query", "2026-11-30"),
            *PAGE,
        ),
    ),
    Operation(
        "run",
        "runs",
        RunAnswer,
        _run,
        errors=GONE,
        parameters=(Parameter("run_id", "path", RUN, required=True),),
    ),
    Operation(
        "replay",
        "runs",
        ReplayAnswer,
        _replayed,
        errors=(*GONE, PopulationGone(shown="3211b91df9e2", now="07a1f0c2d3e4")),
        parameters=(Parameter("run_id", "path", RUN, required=True),),
    ),
    Operation(
        "audit",
        "runs",
        AuditAnswer,
        _events,
        errors=(NotAllowed(role="manager", operation="audit"),),
        parameters=(Parameter("action", "query", "run.given"), *PAGE),
    ),
    Operation(
        "verify_audit",
        "runs",
        VerifyAnswer,
        _verified,
        errors=(NotAllowed(role="manager", operation="verify_audit"),),
    ),
)
