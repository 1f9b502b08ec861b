"""Reviews: a question to a person about a recommendation, and the answer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from api.policy import Caller
from api.refusals import Answered
from api.schemas.reviews import ReviewQuery, ReviewReply, ReviewRequest
from api.store import shown
from api.store.companies import seen, visible
from api.store.people import named
from api.store.references import about_company
from api.store.tables import companies, review_requests
from api.store.writer import Write
from recommender.catalogue.product import Product
from recommender.errors import NotFound

Row = Mapping[Any, Any]


def ask(
    write: Write,
    caller: Caller,
    company_id: str,
    asked: ReviewRequest,
    catalogue: Mapping[str, Product],
) -> dict[str, Any]:
    """A new question, as an answer shows it.

    Raises NotFound for a company, product or run that is not the caller's, and Erased.
    """
    company = visible(write.connection, caller, company_id)
    _check(write.connection, company, asked, catalogue)
    row = {
        **asked.model_dump(),
        "id": str(uuid.uuid4()),
        "organisation_id": caller.organisation_id,
        "company_id": company["id"],
        "user_id": caller.user_id,
        "at": write.at,
    }
    write.execute(sa.insert(review_requests), row)
    about_company(write, caller, "review.requested", company["id"], {"review": row["id"]})
    return described(write.connection, caller, str(row["id"]))


def _check(
    connection: sa.Connection,
    company: Row,
    asked: ReviewRequest,
    catalogue: Mapping[str, Product],
) -> None:
    known: Sequence[str] = list(catalogue)
    if asked.run_id is not None:
        run = shown.of_company(connection, company, asked.run_id)
        known = [*catalogue, *shown.products(run["answer"])]
    if asked.product_id is not None and asked.product_id not in known:
        raise NotFound(kind="product", id=asked.product_id)


def answer(write: Write, caller: Caller, review_id: str, asked: ReviewReply) -> dict[str, Any]:
    """Answer a question, once; raises NotFound, and Answered where somebody else was faster."""
    row = _found(write.connection, caller, review_id)
    said = {"answer": asked.answer, "answered_by": caller.user_id, "answered_at": write.at}
    open_ = (review_requests.c.id == review_id, review_requests.c.answered_at.is_(None))
    done = write.execute(sa.update(review_requests).where(*open_).values(**said))
    if done.rowcount != 1:
        raise Answered(id=review_id)
    about_company(write, caller, "review.answered", row["company_id"], {"review": review_id})
    return described(write.connection, caller, review_id)


def described(connection: sa.Connection, caller: Caller, review_id: str) -> dict[str, Any]:
    """One question with its answer; raises NotFound."""
    row = _found(connection, caller, review_id)
    return _shown(row, named(connection, [row["user_id"], row["answered_by"]]))


def listed(connection: sa.Connection, caller: Caller, asked: ReviewQuery) -> dict[str, Any]:
    """A part of the questions about companies a caller sees, open ones first, then by day."""
    columns = review_requests.c
    query = _joined(caller)
    if asked.state is not None:
        is_open = columns.answered_at.is_(None)
        query = query.where(is_open if asked.state == "open" else ~is_open)
    if asked.company is not None:
        query = query.where(columns.company_id == asked.company)
    total = connection.execute(sa.select(sa.func.count()).select_from(query.subquery()))
    order = (columns.answered_at.is_not(None), columns.at, columns.id)
    part = query.order_by(*order).limit(asked.limit).offset(asked.offset)
    rows = list(connection.execute(part).mappings())
    ids = [row[name] for row in rows for name in ("user_id", "answered_by")]
    people = named(connection, ids)
    return {
        "reviews": [_shown(row, people) for row in rows],
        "total": total.scalar_one(),
        "limit": asked.limit,
        "offset": asked.offset,
    }


def _found(connection: sa.Connection, caller: Caller, review_id: str) -> Row:
    query = _joined(caller).where(review_requests.c.id == review_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(kind="review", id=review_id)
    return row


def _joined(caller: Caller) -> sa.Select[Any]:
    """The questions about companies that the caller sees and that are not erased."""
    same = (companies.c.organisation_id == review_requests.c.organisation_id) & (
        companies.c.id == review_requests.c.company_id
    )
    return (
        sa.select(review_requests)
        .join(companies, same)
        .where(
            review_requests.c.organisation_id == caller.organisation_id,
            seen(caller),
            companies.c.erased_at.is_(None),
        )
    )


def _shown(row: Row, people: Mapping[str | None, Any]) -> dict[str, Any]:
    same = ("id", "company_id", "run_id", "product_id", "question", "answer")
    at = row["answered_at"]
    return {
        **{name: row[name] for name in same},
        "by": people[row["user_id"]],
        "at": row["at"].isoformat(),
        "answered_by": people[row["answered_by"]],
        "answered_at": None if at is None else at.isoformat(),
    }
