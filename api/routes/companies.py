"""Operations on the companies of the record."""

from __future__ import annotations

import base64
import binascii
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import engine_of, query_of, received_file, record_of, written
from api.company_imports import ENDINGS, IMPORTER, read_in
from api.errors import MEDIA_TYPE, InvalidRequest, WrongImportType
from api.identity.caller import caller_of
from api.policy import PURPOSES, Purpose
from api.schemas.companies import (
    CompaniesQuery,
    CompanyQuery,
    CompanyRequest,
    ConsentRequest,
    ContactRequest,
    FacilitiesQuery,
    ImportQuery,
    MergeRequest,
    OwnerRequest,
)
from api.store import (
    companies,
    company_changes,
    company_export,
    contacts,
    erasure,
    facilities,
    merging,
    owners,
)
from api.store.conditions import Condition, tags_of
from api.store.profiles import canonical, leaves
from api.store.store import Store
from api.store.writer import Write
from recommender.company.profile import Company
from recommender.errors import NotFound, Problem
from recommender.records import Identifier, Record, day_of, examined, unreadable

NAMES = ("text", "uscc")

router = APIRouter()


class _Named(Record):
    id: Identifier


@router.get("/v1/companies", operation_id="list_companies")
async def list_companies(request: Request) -> Response:
    """Companies the caller sees, a page at a time."""
    caller, query = caller_of(request), query_of(request, CompaniesQuery)
    given = query.model_dump(include={"text", "branch_id", "uscc"})
    if caller.role == "analyst" and any(given[name] for name in NAMES):
        raise InvalidRequest(
            [Problem("filter_names", name, given[name]) for name in NAMES if given[name]]
        )
    (after,) = _place(query.cursor, 1) or (None,)
    found = await store_of(request).reading(
        lambda c: companies.listed(c, caller, given, after, query.limit + 1)
    )
    more = len(found) > query.limit
    shown = found[: query.limit]
    return written({"companies": shown, "next": _cursor([shown[-1]["id"]]) if more else None})


@router.post("/v1/companies/import", operation_id="import_companies")
async def import_companies(request: Request) -> Response:
    """Companies from a file, with a report row by row; made in a worker process."""
    wanted = query_of(request, ImportQuery).model_dump()
    return await imported(request, IMPORTER, dict(engine_of(request).catalogue.facts), wanted)


async def imported(request: Request, importer: str, *wanted: Any) -> Response:
    """The report on the file that a request holds, made by a function of a worker process.

    It is called with settings, caller, path, what is wanted, and language. Raises WrongImportType,
    TooLarge and ImportBusy.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ENDINGS or "content-encoding" in request.headers:
        raise WrongImportType(given=(kind or "-")[:100])
    with tempfile.TemporaryDirectory(prefix="corridor-import-") as folder:
        path = Path(folder) / f"rows{ENDINGS[kind]}"
        await received_file(request, request.app.state.settings.max_import, path)
        found = await read_in(request, importer, path, *wanted)
    if "rows" in found:
        return written(found)
    return Response(orjson.dumps(found), found["status"], media_type=MEDIA_TYPE)


@router.get("/v1/companies/{company_id}", operation_id="get_company")
async def get_company(request: Request, company_id: str) -> Response:
    """A company as it is, or as it was at one version."""
    caller, query = caller_of(request), query_of(request, CompanyQuery)

    def find(connection: sa.Connection) -> tuple[dict[str, Any], str]:
        row = companies.visible(connection, caller, company_id)
        if query.version is not None and query.version != row["version"]:
            row = companies.at_version(connection, row, query.version)
        return companies.shown(connection, caller, row), companies.etag(connection, row)

    answer, tag = await store_of(request).reading(find)
    if tag in tags_of(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers={"ETag": tag})
    return _tagged(answer, tag)


@router.put("/v1/companies/{company_id}", operation_id="put_company")
async def put_company(request: Request, company_id: str) -> Response:
    """Create a company, or change it as a whole."""
    caller = caller_of(request)
    asked = await record_of(request, CompanyRequest, lambda r: _problems(r, company_id))
    said, condition = _statement(asked), Condition.of(request.headers)

    def put(write: Write) -> tuple[bool, dict[str, Any], str]:
        kept = company_changes.put(write, caller, company_id, said, condition)
        row = companies.visible(write.connection, caller, company_id)
        answer = companies.shown(write.connection, caller, row)
        return kept.created, answer, companies.etag(write.connection, row)

    created, answer, tag = await store_of(request).writing(put)
    return _tagged(answer, tag, 201 if created else 200)


@router.delete("/v1/companies/{company_id}", operation_id="erase_company", status_code=204)
async def erase_company(request: Request, company_id: str) -> Response:
    """Erase a company and what is on record about it."""
    caller, condition = caller_of(request), Condition.of(request.headers)
    await store_of(request).writing(lambda w: erasure.erase(w, caller, company_id, condition))
    return Response(status_code=204)


@router.post("/v1/companies/{company_id}/merge", operation_id="merge_companies")
async def merge_companies(request: Request, company_id: str) -> Response:
    """Let a company that was recorded twice go into the other one."""
    caller, asked = caller_of(request), await record_of(request, MergeRequest)

    def merge(write: Write) -> tuple[dict[str, Any], str]:
        merging.merge(write, caller, company_id, asked.into)
        row = companies.visible(write.connection, caller, asked.into)
        answer = companies.shown(write.connection, caller, row)
        return answer, companies.etag(write.connection, row)

    return _tagged(*await store_of(request).writing(merge))


@router.put("/v1/companies/{company_id}/owner", operation_id="set_company_owner")
async def set_company_owner(request: Request, company_id: str) -> Response:
    """Let a company belong to a user of an enterprise, or to nobody."""
    caller, asked = caller_of(request), await record_of(request, OwnerRequest)
    return written(
        await store_of(request).writing(
            lambda write: owners.set_owner(write, caller, company_id, asked.login)
        )
    )


@router.get("/v1/companies/{company_id}/export", operation_id="export_company")
async def export_company(request: Request, company_id: str) -> Response:
    """Everything the record holds about a company."""
    caller = caller_of(request)
    found = await store_of(request).reading(
        lambda c: company_export.exported(c, caller, company_id)
    )
    return written(found)


@router.put("/v1/companies/{company_id}/consents/{purpose}", operation_id="give_consent")
async def give_consent(request: Request, company_id: str, purpose: str) -> Response:
    """Record that a company agrees."""
    caller, known = caller_of(request), _purpose(purpose)
    asked = await record_of(request, ConsentRequest)

    def give(write: Write) -> tuple[dict[str, Any], str]:
        company_changes.give(write, caller, company_id, known, asked.note)
        row = companies.visible(write.connection, caller, company_id)
        answer = companies.shown(write.connection, caller, row)
        return answer, companies.etag(write.connection, row)

    return _tagged(*await store_of(request).writing(give))


@router.delete(
    "/v1/companies/{company_id}/consents/{purpose}",
    operation_id="withdraw_consent",
    status_code=204,
)
async def withdraw_consent(request: Request, company_id: str, purpose: str) -> Response:
    """Record that a company does not agree, or no longer; the note comes as a parameter."""
    caller, known = caller_of(request), _purpose(purpose)
    note = query_of(request, ConsentRequest).note
    await store_of(request).writing(
        lambda write: company_changes.withdraw(write, caller, company_id, known, note)
    )
    return Response(status_code=204)


@router.post("/v1/companies/{company_id}/contacts", operation_id="add_contact", status_code=201)
async def add_contact(request: Request, company_id: str) -> Response:
    """Record a talk with a company."""
    caller, asked = caller_of(request), await record_of(request, ContactRequest)
    found = await store_of(request).writing(
        lambda write: contacts.add(write, caller, company_id, asked.product_id, asked.note)
    )
    return written(found, 201)


@router.get("/v1/companies/{company_id}/contacts", operation_id="list_contacts")
async def list_contacts(request: Request, company_id: str) -> Response:
    """The talks with a company."""
    caller = caller_of(request)
    found = await store_of(request).reading(lambda c: contacts.listed(c, caller, company_id))
    return written({"contacts": found})


@router.get("/v1/facilities", operation_id="list_facilities")
async def list_facilities(request: Request) -> Response:
    """Facilities that end before a day, a page at a time."""
    caller, query = caller_of(request), query_of(request, FacilitiesQuery)
    place, after = _place(query.cursor, 3), None
    if place is not None:
        day = day_of(place[0])
        if day is None or not isinstance(place[2], int):
            raise InvalidRequest([Problem("bad_cursor", "cursor", query.cursor)])
        after = (day, str(place[1]), place[2])
    found = await store_of(request).reading(
        lambda c: facilities.maturing(c, caller, query.maturing_before, after, query.limit + 1)
    )
    shown = found[: query.limit]
    last = shown[-1] if len(found) > query.limit else None
    keys = ("maturity", "company_id", "position")
    return written({"facilities": shown, "next": last and _cursor([last[key] for key in keys])})


def store_of(request: Request) -> Store:
    """The store of the application."""
    store: Store = request.app.state.store
    return store


def _tagged(answer: dict[str, Any], tag: str, status: int = 200) -> Response:
    response = written(answer, status)
    response.headers["ETag"] = tag
    return response


def _problems(asked: CompanyRequest, company_id: str) -> Iterator[Problem]:
    """What the models do not see: a wrong id, contradictions, sources of what is not there."""
    _, found = examined(_Named, {"id": company_id})
    yield from found
    stated = asked.profile.id
    if stated is not None and stated != company_id:
        yield Problem("id_differs", "profile.id", stated, company_id)
    _, contradictions = Company.examine(asked.profile)
    for problem in contradictions:
        yield Problem(problem.code, f"profile.{problem.field}", problem.value, problem.allowed)
    known = sorted(name for name, _ in leaves(canonical(asked.profile)[1]))
    for name in asked.sources:
        if name not in known:
            yield Problem("source_without_field", f"sources.{name}", name, known)


def _statement(asked: CompanyRequest) -> company_changes.Statement:
    stated = "branch_id" in asked.model_fields_set
    noted = {
        name: s.model_dump(mode="json", exclude_none=True) for name, s in asked.sources.items()
    }
    return company_changes.Statement(
        asked.profile,
        (asked.branch_id,) if stated else (),
        noted,
        {purpose: consent.note for purpose, consent in asked.consents.items()},
    )


def _purpose(given: str) -> Purpose:
    found = next((purpose for purpose in PURPOSES if purpose == given), None)
    if found is None:
        raise NotFound(kind="purpose", id=given)
    return found


def _cursor(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _place(cursor: str | None, length: int) -> list[Any] | None:
    """Where a page begins; raises InvalidRequest for a cursor that no page has given."""
    if cursor is None:
        return None
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        found = None
    if (
        not isinstance(found, list)
        or len(found) != length
        or not isinstance(found[0], str)
        or any(isinstance(part, str) and unreadable(part) for part in found)
    ):
        raise InvalidRequest([Problem("bad_cursor", "cursor", cursor)])
    return found
