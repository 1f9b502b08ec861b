"""The operations on the companies of the record."""

from __future__ import annotations

from typing import Any

from api import examples
from api.descriptions.operation import REFUSALS, Operation, Parameter
from api.errors import ImportBusy, InvalidRequest, TooLarge, WrongImportType
from api.refusals import ConditionNeeded, Erased, Stale, UsccTaken
from api.schemas.companies import (
    CompaniesAnswer,
    CompanyAnswer,
    CompanyRequest,
    ConsentRequest,
    Contact,
    ContactRequest,
    ContactsAnswer,
    ExportAnswer,
    FacilitiesAnswer,
    ImportAnswer,
    MergeRequest,
    OwnerAnswer,
    OwnerRequest,
)
from recommender import Engine
from recommender.errors import NotFound, Problem
from recommender.texts import Language, problem_text

AT = "2026-11-23T08:15:00+00:00"
COMPANY, USER = "example-1", "5d1c7ed4-6a4e-4b6c-9a7c-0f5a3f4c2b1e"
OWNER = {"id": USER, "name": "李娜", "role": "enterprise"}
RELATION = {
    "manager": "Li",
    "group": None,
    "last_contacted": "2026-09-01",
    "last_declined": None,
    "lanes_held": ["insurance"],
}
SOURCE = {"source": "company", "as_of": "2026-11-23"}
CONSENT = {
    "purpose": "matching",
    "given_at": AT,
    "withdrawn_at": None,
    "user_id": USER,
    "note": "A-17",
    "withdrawn_by": None,
    "withdrawn_note": None,
}
ID = Parameter("company_id", "path", COMPANY, required=True)
PURPOSE = Parameter("purpose", "path", "matching", required=True)
BRANCH = Parameter("branch_id", "query", "liangjiang")
LIMIT, CURSOR = (
    Parameter("limit", "query", 50, kind="integer"),
    Parameter("cursor", "query", "WyJ4Il0"),
)
IF_MATCH = Parameter("If-Match", "header", '"1-3f9a0c11"')
NOTE = Parameter("note", "query", "A-17")
ABSENT = (
    NotFound(kind="company", id="no-such"),
    Erased(kind="company", id=COMPANY),
)
UPLOADS = (
    "text/csv",
    "application/x-ndjson",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)


def _company(_engine: Engine, _language: Language) -> dict[str, Any]:
    return {
        "id": COMPANY,
        "version": 1,
        "branch_id": "liangjiang",
        "synthetic": True,
        "profile": {"id": COMPANY, **examples.EXPORTER, "consents": {"data_use": ["matching"]}},
        "sources": {"staff": SOURCE, "need.amount": SOURCE},
        "consents": [CONSENT],
        "relation": RELATION,
        "updated_at": AT,
    }


def _line(_engine: Engine, _language: Language) -> dict[str, Any]:
    names = {name: examples.EXPORTER[name] for name in ("name_zh", "name_en")}
    own = {"id": COMPANY, **names, "uscc": None, "branch_id": "liangjiang", "version": 1}
    line = {**own, "synthetic": True, "consents": ["matching"], "updated_at": AT}
    return {"companies": [line], "next": None}


def _contact(_engine: Engine, _language: Language) -> dict[str, Any]:
    about = {"id": "7d0c", "company_id": COMPANY, "product_id": None, "user_id": USER}
    return {**about, "note": "called back in a week", "at": AT}


def _facilities(_engine: Engine, _language: Language) -> dict[str, Any]:
    names = {name: examples.EXPORTER[name] for name in ("name_zh", "name_en")}
    own = {"company_id": COMPANY, "position": 0, **names, "synthetic": True, "lender": "Bank"}
    terms = {"kind": "working_capital", "currency": "CNY", "limit": 3_000_000, "drawn": 1_200_000}
    more = {"maturity": "2027-01-31", "application": None, "as_of": None}
    return {"facilities": [{**own, **terms, **more}], "next": None}


def _imported(_engine: Engine, language: Language) -> dict[str, Any]:
    problem = Problem("below_minimum", "staff", -3, 0)
    row = {"row": 7, "id": "c-6", "field": "staff", "value": -3, "allowed": 0}
    counts = {"rows": 100, "created": 90, "changed": 4, "unchanged": 5, "refused": 1}
    listed = [{**row, "message": problem_text(problem, language)}]
    return {
        "dry_run": False,
        **counts,
        "problems": listed,
        "problems_found": 1,
    }


def _exported(engine: Engine, language: Language) -> dict[str, Any]:
    company = _company(engine, language)
    texts = {"profile": company["profile"], "sources": company["sources"]}
    parts = ("contacts", "runs", "applications", "outcomes", "overrides", "review_requests")
    return {
        "company": company,
        "versions": [{"version": 1, **texts, "user_id": USER, "at": AT}],
        "consents": [{"id": "c1", **CONSENT}],
        **{name: [] for name in parts},
    }


def _put(_language: Language) -> dict[str, Any]:
    return {"profile": dict(examples.EXPORTER), "consents": {"matching": {"note": "A-17"}}}


OPERATIONS = (
    Operation(
        "list_companies",
        "record",
        CompaniesAnswer,
        _line,
        errors=REFUSALS[3:],
        parameters=(
            Parameter("text", "query", "Chongqing"),
            BRANCH,
            Parameter("uscc", "query", "91990000MA00000008"),
            LIMIT,
            CURSOR,
        ),
    ),
    Operation(
        "get_company",
        "record",
        CompanyAnswer,
        _company,
        errors=ABSENT,
        parameters=(
            ID,
            Parameter("version", "query", 1, kind="integer"),
            Parameter("If-None-Match", "header", '"1-3f9a0c11"'),
        ),
        cached=True,
    ),
    Operation(
        "put_company",
        "record",
        CompanyAnswer,
        _company,
        CompanyRequest,
        (*REFUSALS, *ABSENT, Stale(given="1", current="2"), ConditionNeeded(), UsccTaken(id="c-2")),
        _put,
        parameters=(ID, IF_MATCH, Parameter("If-None-Match", "header", "*")),
        also=(201,),
    ),
    Operation(
        "erase_company",
        "record",
        None,
        lambda _e, _l: None,
        errors=(*ABSENT, Stale(given="1", current="2")),
        status=204,
        parameters=(ID, IF_MATCH),
    ),
    Operation(
        "merge_companies",
        "record",
        CompanyAnswer,
        _company,
        MergeRequest,
        (*REFUSALS, *ABSENT),
        lambda _: {"into": COMPANY},
        parameters=(ID,),
    ),
    Operation(
        "set_company_owner",
        "record",
        OwnerAnswer,
        lambda _e, _l: {"company_id": COMPANY, "owner": OWNER},
        OwnerRequest,
        (*REFUSALS, *ABSENT),
        lambda _: {"login": "firm@example"},
        parameters=(ID,),
    ),
    Operation("export_company", "record", ExportAnswer, _exported, errors=ABSENT, parameters=(ID,)),
    Operation(
        "import_companies",
        "record",
        ImportAnswer,
        _imported,
        errors=(
            TooLarge(limit=512 << 20),
            WrongImportType(given="text/plain"),
            InvalidRequest([Problem("unknown_branch", "branch_id", "west")]),
            ImportBusy(),
        ),
        parameters=(BRANCH, NOTE, Parameter("dry_run", "query", False, kind="boolean")),
        uploads=UPLOADS,
    ),
    Operation(
        "give_consent",
        "record",
        CompanyAnswer,
        _company,
        ConsentRequest,
        (*REFUSALS, *ABSENT),
        lambda _: {"note": "A-17"},
        parameters=(ID, PURPOSE),
    ),
    Operation(
        "withdraw_consent",
        "record",
        None,
        lambda _e, _l: None,
        errors=ABSENT,
        status=204,
        parameters=(ID, PURPOSE, NOTE),
    ),
    Operation(
        "add_contact",
        "record",
        Contact,
        _contact,
        ContactRequest,
        (*REFUSALS, *ABSENT),
        lambda _: {"note": "called back in a week"},
        status=201,
        parameters=(ID,),
    ),
    Operation(
        "list_contacts",
        "record",
        ContactsAnswer,
        lambda e, lang: {"contacts": [_contact(e, lang)]},
        errors=ABSENT,
        parameters=(ID,),
    ),
    Operation(
        "list_facilities",
        "record",
        FacilitiesAnswer,
        _facilities,
        errors=REFUSALS[3:],
        parameters=(
            Parameter("maturing_before", "query", "2027-03-31", required=True),
            LIMIT,
            CURSOR,
        ),
    ),
)
