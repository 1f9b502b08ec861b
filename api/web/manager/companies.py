"""The companies a caller sees, found by name, credit code or id."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import cursors
from api.errors import InvalidRequest
from api.identity.caller import caller_of
from api.store import companies
from api.web import access, forms, pages
from api.web.manager.rights import may
from recommender import codes
from recommender.texts import Language

router = APIRouter(include_in_schema=False)
ON_A_PAGE = 50
LONGEST = 200


# Analysts know companies by pseudonyms, and firms their own: this list is for those who call them.
@router.get("/companies", dependencies=[access.needs("list_companies", "list_contacts")])
async def listed(request: Request) -> Response:
    """A page of companies by id."""
    text = request.query_params.get("text", "").strip()[:LONGEST]
    caller, problems = caller_of(request), {}
    after = None
    try:
        after = _after(request)
    except InvalidRequest as error:
        language: Language = access.speak(request)
        problems = forms.beside(error, language)
    found = await request.app.state.store.reading(
        lambda c: companies.listed(c, caller, _filters(text), after, ON_A_PAGE + 1)
    )
    shown, following = found[:ON_A_PAGE], None
    if len(found) > ON_A_PAGE:
        given: dict[str, Any] = {"text": text} if text else {}
        following = urlencode({**given, "cursor": cursors.written([shown[-1]["id"]])})
    return await pages.shown(
        request, "manager/companies.html", 422 if problems else 200, companies=shown, text=text,
        following=following, later=after is not None, problems=problems,
        can_import=may(caller, "import_companies"),
    )  # fmt: skip


def _filters(text: str) -> dict[str, Any]:
    """A credit code finds its company; anything else is part of a name or begins an id."""
    code = text.upper()
    if len(code) == 18 and codes.uscc_problem(code) is None:
        return {"uscc": code}
    return {"text": text or None}


def _after(request: Request) -> str | None:
    cursor = request.query_params.get("cursor")
    return None if not cursor else str(cursors.read(cursor, (str,))[0])
