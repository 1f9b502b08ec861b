"""What a manager records about a company: talks, outcomes, consents, a word of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.bodies import engine_of, language_of, record_in
from api.identity.caller import caller_of
from api.policy import PURPOSES
from api.refusals import Conflict
from api.schemas.applications import ApplicationRequest
from api.schemas.companies import ConsentRequest, ContactRequest
from api.schemas.outcomes import OutcomeEntry
from api.schemas.overrides import OverrideRequest
from api.store import (
    application_views,
    applications,
    company_changes,
    contacts,
    idempotency,
    outcomes,
    overrides,
)
from api.store.writer import Write
from api.web import access, forms, pages
from api.web.forms import Form
from api.web.manager import company as company_pages
from api.web.manager import wording
from recommender.errors import InvalidInput, NotFound
from recommender.texts import error_text

router = APIRouter(include_in_schema=False)
Work = Callable[[Write], dict[str, Any]]
PLACE = "/companies/{company_id}"


@router.post(f"{PLACE}/contacts", dependencies=[access.needs("add_contact")])
async def contact(request: Request, company_id: str) -> Response:
    """A talk; then back to where it was recorded."""
    form, caller = await forms.received(request), caller_of(request)
    try:
        asked = record_in(_given(form, "product_id", "note"), ContactRequest)
    except InvalidInput as error:
        return await _refused(request, company_id, form, "contact", error)
    await _once(
        request, form, "add_contact",
        lambda write: contacts.add(write, caller, company_id, asked.product_id, asked.note),
    )  # fmt: skip
    return _back(form, f"/companies/{company_id}#history")


@router.post(f"{PLACE}/products/{{product_id}}/outcome", dependencies=[
    access.needs("record_outcomes", "company_recommendations"),
])  # fmt: skip
async def outcome(request: Request, company_id: str, product_id: str) -> Response:
    """What became of a product."""
    form, caller = await forms.received(request), caller_of(request)
    given = _given(form, "outcome", "reason_code", "decided_on", "run_id")

    def work(write: Write) -> dict[str, Any]:
        named = {"company_id": company_id, "product_id": product_id}
        entry = record_in({**given, **named}, OutcomeEntry)
        return outcomes.record(write, caller, [("", entry)])

    place = f"/companies/{company_id}#history"
    return await _of_product(request, company_id, product_id, form, "record_outcomes", work, place)


@router.post(f"{PLACE}/products/{{product_id}}/override", dependencies=[
    access.needs("add_override", "company_recommendations"),
])  # fmt: skip
async def override(request: Request, company_id: str, product_id: str) -> Response:
    """A manager's own word on a product."""
    form, caller = await forms.received(request), caller_of(request)
    given, catalogue = _given(form, "decision", "reason", "run_id"), _catalogue(request)

    def work(write: Write) -> dict[str, Any]:
        asked = record_in({**given, "product_id": product_id}, OverrideRequest)
        return overrides.add(write, caller, company_id, asked, catalogue)

    place = f"/companies/{company_id}/products/{product_id}#word"
    return await _of_product(request, company_id, product_id, form, "add_override", work, place)


@router.post(
    f"{PLACE}/overrides/{{override_id}}/withdraw", dependencies=[access.needs("withdraw_override")]
)
async def withdraw(request: Request, company_id: str, override_id: str) -> Response:
    """That word taken back."""
    form, caller = await forms.received(request), caller_of(request)

    def work(write: Write) -> dict[str, Any]:
        overrides.withdraw(write, caller, company_id, override_id)
        return {}

    await _once(request, form, "withdraw_override", work)
    return _back(form, f"/companies/{company_id}#words")


@router.post(f"{PLACE}/products/{{product_id}}/application", dependencies=[
    access.needs("start_application", "company_recommendations"),
])  # fmt: skip
async def apply(request: Request, company_id: str, product_id: str) -> Response:
    """An application for a product."""
    form, caller = await forms.received(request), caller_of(request)
    given, catalogue = _given(form, "amount", "currency", "due_on", "run_id"), _catalogue(request)
    if "amount" in given:
        given["amount"] = _number(given["amount"])
    else:
        given.pop("currency", None)

    def work(write: Write) -> dict[str, Any]:
        named = {"company_id": company_id, "product_id": product_id}
        asked = record_in({**given, **named}, ApplicationRequest)
        found = applications.start(write, caller, asked, catalogue)
        return application_views.described(write.connection, caller, found, catalogue)

    return await _of_product(request, company_id, product_id, form, "start_application", work, None)


@router.post(
    f"{PLACE}/consents/{{purpose}}",
    dependencies=[access.needs("give_consent", "withdraw_consent")],
)
async def consent(request: Request, company_id: str, purpose: str) -> Response:
    """A consent, or its end."""
    form, caller = await forms.received(request), caller_of(request)
    known = next((name for name in PURPOSES if name == purpose), None)
    if known is None:
        raise NotFound(kind="purpose", id=purpose)
    given = form.one("agrees") == "yes"
    try:
        note = record_in(_given(form, "note"), ConsentRequest).note
    except InvalidInput as error:
        return await _refused(request, company_id, form, "consent", error, purpose)

    def work(write: Write) -> dict[str, Any]:
        change = company_changes.give if given else company_changes.withdraw
        change(write, caller, company_id, known, note)
        return {}

    await _once(request, form, "give_consent", work)
    gone = not given and known == "matching" and caller.role == "manager"
    return RedirectResponse("/companies" if gone else f"/companies/{company_id}#consents", 303)


async def _of_product(
    request: Request,
    company_id: str,
    product_id: str,
    form: Form,
    operation: str,
    work: Work,
    place: str | None,
) -> Response:
    """Make something of a product, or show its page again with what is wrong beside its field.

    place: where to go on; None for the page of the application that was made.
    """
    try:
        answer = await _once(request, form, operation, work)
    except InvalidInput as error:
        problems = wording.problems(error, language_of(request))
    except Conflict as error:
        problems = {"": [error_text(error, language_of(request))]}
    else:
        if place is None:
            place = f"/board/{answer['id']}"
        return RedirectResponse(place, 303)
    named = {f"{operation}.{name}" if name else "": said for name, said in problems.items()}
    typed = {"form": operation, **dict(form.pairs)}
    return await company_pages.product_page(request, company_id, product_id, 422, named, typed)


async def _once(request: Request, form: Form, operation: str, work: Work) -> dict[str, Any]:
    claim = forms.claim(request, form, operation)
    kept = await idempotency.kept(request.app.state.store, claim, work)
    answer: dict[str, Any] = orjson.loads(kept.answer)
    return answer


async def _refused(
    request: Request,
    company_id: str,
    form: Form,
    action: str,
    error: InvalidInput,
    about: str = "",
) -> Response:
    """A form of its own with what was typed, and what is wrong beside it."""
    problems: Mapping[str, list[str]] = wording.problems(error, language_of(request))
    return await pages.shown(
        request, "manager/again.html", 422, problems=problems, typed=dict(form.pairs),
        action=action, company_id=company_id, about=about, purposes=company_pages.AGREED,
        choices=company_pages.choices(_catalogue(request), language_of(request)),
    )  # fmt: skip


def _given(form: Form, *names: str) -> dict[str, Any]:
    """The fields that were filled in."""
    return {name: form.one(name) for name in names if form.one(name)}


def _number(text: str) -> Any:
    """An amount as people type it; what is none is left as it is, to be refused in words."""
    try:
        found = Decimal(text.replace(",", "").replace("，", ""))
    except InvalidOperation:
        return text
    return found if found.is_finite() else text


def _back(form: Form, place: str) -> Response:
    return RedirectResponse(access.local(form.one("back") or place), 303)


def _catalogue(request: Request) -> Any:
    return engine_of(request).catalogue.products
