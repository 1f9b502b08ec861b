"""A company: what suits it, what was said and done, what is known and from whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.asking import Recommended, recommended
from api.bodies import engine_of, language_of
from api.identity.caller import caller_of
from api.policy import PURPOSES, Caller
from api.schemas.applications import REASONS, BoardQuery
from api.schemas.outcomes import Ending
from api.schemas.overrides import Decision
from api.schemas.reviews import ReviewQuery
from api.store import application_views, companies, contacts, outcomes, overrides, reviews
from api.store.people import named
from api.web import access, pages
from api.web.manager import known
from api.web.manager.rights import may
from api.web.words import N_
from recommender.errors import NotFound
from recommender.options import Options
from recommender.texts import Language

router = APIRouter(include_in_schema=False)
Json = dict[str, Any]
MOST = 200
ENDINGS: tuple[Ending, ...] = get_args(Ending)
DECISIONS: tuple[Decision, ...] = get_args(Decision)
# What a company may agree to, as a firm reads it.
AGREED: Mapping[str, str] = {
    "contact": N_("To be contacted"),
    "matching": N_("To be shown to managers of its branch"),
    "learning": N_("To be learned from"),
    "peers": N_("To be counted among its peers"),
}
READS = ("get_company", "list_contacts", "outcomes", "applications", "overrides", "reviews")
WRITES = (
    "add_contact", "record_outcomes", "give_consent", "withdraw_consent", "start_application",
    "add_override", "withdraw_override", "answer_review",
)  # fmt: skip


@router.get("/companies/{company_id}", dependencies=[access.needs(*READS)])
async def shown(request: Request, company_id: str) -> Response:
    """All that is known of a company."""
    caller, language = caller_of(request), language_of(request)
    catalogue = engine_of(request).catalogue
    found = await request.app.state.store.reading(
        lambda c: _found(c, caller, company_id, catalogue.products)
    )
    answer = None
    if may(caller, "company_recommendations"):
        answer = await shown_products(request, company_id)
    return await pages.shown(
        request, "manager/company.html", **found, answer=answer, purposes=AGREED,
        known=known.fields(found["company"], catalogue, language), catalogue=catalogue.products,
        can=rights(caller), choices=choices(catalogue.products, language),
    )  # fmt: skip


@router.get(
    "/companies/{company_id}/products/{product_id}",
    dependencies=[access.needs(*READS, "company_recommendations")],
)
async def product(request: Request, company_id: str, product_id: str) -> Response:
    """One product for a company: why, what stands against it, and what to do next."""
    return await product_page(request, company_id, product_id)


async def product_page(
    request: Request,
    company_id: str,
    product_id: str,
    status: int = 200,
    problems: Mapping[str, list[str]] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The page of one product for a company. problems, typed: of a form that was refused."""
    caller, products = caller_of(request), engine_of(request).catalogue.products
    if product_id not in products:
        raise NotFound(kind="product", id=product_id)
    answer = await shown_products(request, company_id)
    found = await request.app.state.store.reading(lambda c: _found(c, caller, company_id, products))
    match = next((m for m in _matches(answer) if m["product_id"] == product_id), None)
    return await pages.shown(
        request, "manager/company_product.html", status, **found, match=match, answer=answer,
        product=products[product_id], catalogue=products, can=rights(caller),
        problems=problems or {}, typed=typed or {}, endings=ENDINGS, reasons=REASONS,
        decisions=DECISIONS,
        stands=[o for o in found["overrides"] if o["product_id"] == product_id],
        applied=[a for a in found["applications"] if a["product_id"] == product_id],
    )  # fmt: skip


async def shown_products(request: Request, company_id: str) -> Recommended:
    """The ranked products of a company as of today, kept as a run."""
    given = {"as_of": Options().day.isoformat(), "limit": MOST, "language": language_of(request)}
    return await recommended(request, company_id, given)


def _matches(answer: Recommended) -> list[Json]:
    return [match for lane in answer.answer["lanes"] for match in lane["matches"]]


def choices(products: Mapping[str, Any], language: Language) -> list[tuple[str, str]]:
    """The products by name, to choose from."""
    found = [(p.id, str(getattr(p, f"name_{language}"))) for p in products.values()]
    return sorted(found, key=lambda pair: pair[1])


def rights(caller: Caller) -> dict[str, bool]:
    """What the pages of a company may offer."""
    return {operation: may(caller, operation) for operation in WRITES}


def _found(connection: sa.Connection, caller: Caller, company_id: str, products: Any) -> Json:
    """The company and what is on record of it; raises NotFound, Erased and Merged."""
    row = companies.visible(connection, caller, company_id)
    board = BoardQuery(company=company_id, limit=MOST)
    applied = application_views.board(connection, caller, board, products)["applications"]
    asked = ReviewQuery(company=company_id, limit=MOST)
    return {
        "company": _with_names(companies.shown(connection, caller, row), row),
        "agreed": _agreed(connection, caller, row),
        "applications": applied,
        "history": _history(connection, caller, company_id),
        "overrides": overrides.listed(connection, caller, company_id)["overrides"],
        "reviews": reviews.listed(connection, caller, asked)["reviews"],
    }


def _with_names(company: Json, row: Mapping[Any, Any]) -> Json:
    names = ("name_zh", "name_en", "uscc")
    return {**company, **{name: row[name] for name in names}, "id": row["id"]}


def _agreed(connection: sa.Connection, caller: Caller, row: Mapping[Any, Any]) -> Json:
    """Each purpose: True in force, False refused or ended, None never asked."""
    found = companies.shown(connection, caller, row)["consents"]
    states: Json = dict.fromkeys(PURPOSES)
    for consent in found:
        states[consent["purpose"]] = consent["withdrawn_at"] is None
    return states


def _history(connection: sa.Connection, caller: Caller, company_id: str) -> list[Json]:
    """Talks and outcomes, the latest first, each with who recorded it."""
    talks = contacts.listed(connection, caller, company_id)
    ends = outcomes.of_company(connection, caller, company_id)
    people = named(connection, [*(t["user_id"] for t in talks), *(e["user_id"] for e in ends)])
    found = [
        {"kind": "contact", "at": t["at"], "product_id": t["product_id"], "note": t["note"],
         "outcome": None, "reason_code": None, "by": people.get(t["user_id"])}
        for t in talks
    ]  # fmt: skip
    found += [
        {"kind": "outcome", "at": e["at"].isoformat(), "product_id": e["product_id"],
         "note": None, "outcome": e["outcome"], "reason_code": e["reason_code"],
         "by": people.get(e["user_id"])}
        for e in ends
    ]  # fmt: skip
    return sorted(found, key=lambda line: str(line["at"]), reverse=True)[:MOST]
