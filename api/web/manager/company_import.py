"""Companies from a file: sent, reported row by row, and the report kept for two days."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from api.bodies import language_of, record_in
from api.company_imports import ENDINGS, imported
from api.errors import InvalidRequest
from api.identity.caller import caller_of
from api.schemas.companies import ImportQuery
from api.store import idempotency, users
from api.web import access, forms, pages
from api.web.forms import Form
from api.web.manager import wording
from api.web.words import say
from recommender.errors import InvalidInput, NotFound, Problem
from recommender.texts import Language
from recommender.workbooks import Table, csv_bytes

router = APIRouter(include_in_schema=False)
FIRST = 50
PIECE = 1 << 20
Json = dict[str, Any]


@router.get("/companies/import", dependencies=[access.needs("import_companies")])
async def ask(request: Request) -> Response:
    """The form."""
    return await _form(request)


@router.post("/companies/import", dependencies=[access.needs("import_companies")])
async def send(request: Request) -> Response:
    """Import a file; its report has an address of its own."""
    form = await forms.received(request)
    try:
        return await _sent(request, form)
    finally:
        for file in form.files.values():
            await file.close()


async def _sent(request: Request, form: Form) -> Response:
    key = f"page:{form.once or forms.new_key()}"
    store, caller = request.app.state.store, caller_of(request)
    try:
        await store.reading(lambda c: idempotency.answer_of(c, caller.user_id, key))
    except NotFound:
        try:
            report = await _imported(request, form)
        except InvalidInput as error:
            problems = wording.problems(error, language_of(request))
            return await _form(request, 422, problems, dict(form.pairs))
        if "rows" not in report:
            said = [one["message"] for one in report["errors"]] or [report["detail"]]
            return await _form(request, report["status"], {"file": said}, dict(form.pairs))
        claim = idempotency.Claim(caller.user_id, key, "page.import_companies", "")
        await idempotency.kept(store, claim, lambda _: report)
    return RedirectResponse(f"/companies/import/{key.removeprefix('page:')}", 303)


@router.get("/companies/import/{key}", dependencies=[access.needs("import_companies")])
async def report(request: Request, key: str) -> Response:
    """What became of the rows of a file; the first problems."""
    found = await _report(request, key)
    return await pages.shown(
        request, "manager/import_report.html", report=found, first=FIRST, key=key
    )


@router.get("/companies/import/{key}/problems.csv", dependencies=[access.needs("import_companies")])
async def problems(request: Request, key: str) -> Response:
    """All problems as a table."""
    found, language = await _report(request, key), language_of(request)
    header = [
        say(language, "Row"), say(language, "Id"), say(language, "Field"),
        say(language, "Given"), say(language, "Problem"),
    ]  # fmt: skip
    rows = [
        [p["row"], p["id"], p["field"], None if p["value"] is None else str(p["value"]),
         p["message"]]
        for p in found["problems"]
    ]  # fmt: skip
    headers = {"Content-Disposition": 'attachment; filename="import-problems.csv"'}
    content = csv_bytes(Table("problems", header, rows))
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8")


async def _report(request: Request, key: str) -> Json:
    user_id = caller_of(request).user_id
    found: Json = await request.app.state.store.reading(
        lambda c: idempotency.answer_of(c, user_id, f"page:{key}")
    )
    if "problems_found" not in found:
        raise NotFound(kind="report", id=key)
    return found


async def _imported(request: Request, form: Form) -> Json:
    """The report of the worker; raises InvalidRequest for a form that has no file of a kind."""
    file = form.files.get("file")
    ending = _ending(file)
    given = {name: form.one(name) for name in ("branch_id", "note") if form.one(name)}
    wanted = record_in({**given, "dry_run": form.one("how") != "keep"}, ImportQuery)
    if file is None or ending is None:
        name = None if file is None else (file.filename or None)
        code = "missing" if not name else "outcomes_ending"
        raise InvalidRequest([Problem(code, "file", name, sorted({*ENDINGS.values()}))])
    with tempfile.TemporaryDirectory(prefix="corridor-import-") as folder:
        path = Path(folder) / f"companies{ending}"
        async with await anyio.open_file(path, "wb") as kept:
            while piece := await file.read(PIECE):
                await kept.write(piece)
        return await imported(request, path, wanted)


def _ending(file: UploadFile | None) -> str | None:
    """The ending of a file's name where it is one of those that can be imported."""
    name = "" if file is None else (file.filename or "").lower()
    return next((ending for ending in {*ENDINGS.values()} if name.endswith(ending)), None)


async def _form(
    request: Request,
    status: int = 200,
    problems: Mapping[str, list[str]] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    caller, language = caller_of(request), language_of(request)

    def branches(connection: sa.Connection) -> list[tuple[str, str]]:
        found = users.branches_of(connection, caller.organisation_id)
        return [(row["id"], _name(row, language)) for row in found]

    listed = await request.app.state.store.reading(branches)
    own = [pair for pair in listed if caller.branch_id in (None, pair[0])]
    return await pages.shown(
        request, "manager/import.html", status, problems=problems or {}, typed=typed or {},
        branches=own, branch=caller.branch_id, limit=request.app.state.settings.max_upload,
    )  # fmt: skip


def _name(row: Mapping[Any, Any], language: Language) -> str:
    other = "en" if language == "zh" else "zh"
    return str(row[f"name_{language}"] or row[f"name_{other}"] or row["id"])
