"""Applications: a recommendation taken up and followed to its end. Every end is an outcome."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from api.errors import InvalidRequest
from api.policy import Caller
from api.refusals import Erased, IllegalStep, NotAllowed, Stale, TakenUp
from api.schemas.applications import ApplicationRequest, Status, StepRequest
from api.schemas.outcomes import Ending
from api.store import outcomes, shown
from api.store.companies import seen, visible
from api.store.company_changes import revise
from api.store.conditions import Condition
from api.store.facilities import APPLICATION, with_loan, without_loan
from api.store.references import about_company
from api.store.tables import application_events, applications, companies, users
from api.store.writer import Write
from recommender.catalogue.product import Product
from recommender.errors import NotFound, Problem
from recommender.texts import Label, label

Row = Mapping[Any, Any]
Products = Mapping[str, Product]
NEXT: Mapping[Status, tuple[Status, ...]] = {
    "referred": ("documents", "withdrawn"),
    "documents": ("submitted", "withdrawn"),
    "submitted": ("approved", "refused", "withdrawn"),
    "approved": ("drawn", "withdrawn"),
    "drawn": ("repaid",),
    "refused": (),
    "repaid": (),
    "withdrawn": (),
}
MANAGED = ("owner_id", "due_on")


def ending(before: Status, after: Status) -> Ending | None:
    """The outcome of a step; None where nothing ends. Who withdraws from an offer declines it."""
    if after == "withdrawn":
        return "declined" if before == "approved" else "withdrawn"
    endings: Mapping[Status, Ending] = {"drawn": "taken", "refused": "refused_by_bank"}
    return endings.get(after)


def allowed(caller: Caller, status: Status) -> tuple[Status, ...]:
    """Where a caller may take an application: managers anywhere it can go, enterprises away."""
    if caller.role == "manager":
        return NEXT[status]
    return tuple(s for s in NEXT[status] if caller.role == "enterprise" and s == "withdrawn")


def start(write: Write, caller: Caller, asked: ApplicationRequest, catalogue: Products) -> str:
    """A new application; its id.

    Raises NotFound for a company, product or run that is not the caller's, TakenUp for a
    recommendation that was applied for before, InvalidRequest and NotAllowed.
    """
    company = visible(write.connection, caller, asked.company_id)
    if asked.product_id not in catalogue:
        raise NotFound(kind="product", id=asked.product_id)
    given = {name for name in MANAGED if getattr(asked, name) is not None}
    _check_managed(write.connection, caller, company, given, asked.owner_id)
    run = _run(write, company, asked)
    row = {
        "id": str(uuid.uuid4()),
        "organisation_id": caller.organisation_id,
        "company_id": company["id"],
        "company_version": company["version"],
        "run_id": None if run is None else run["id"],
        "product_id": asked.product_id,
        "lane": catalogue[asked.product_id].lane,
        "status": "referred",
        "version": 1,
        "owner_id": asked.owner_id or (caller.user_id if caller.role == "manager" else None),
        "due_on": asked.due_on,
        "amount_hundredths": None if asked.amount is None else int(asked.amount.scaleb(2)),
        "currency": asked.currency,
        "reason_code": None,
    }
    try:
        write.execute(sa.insert(applications), {**row, **_times(write)})
    except IntegrityError:
        raise TakenUp(run=row["run_id"], product=asked.product_id) from None
    _event(write, caller, row, None, {}, None)
    return str(row["id"])


def _times(write: Write) -> dict[str, datetime.datetime]:
    return {"created_at": write.at, "updated_at": write.at}


def _run(write: Write, company: Row, asked: ApplicationRequest) -> Row | None:
    """The run that showed the product: the one named, else the latest not taken up yet."""
    if asked.run_id is None:
        found = shown.latest(write.connection, company, asked.product_id, write.at)
        if found is None or _taken_up(write.connection, found["id"], asked.product_id):
            return None
        return found
    run = shown.of_company(write.connection, company, asked.run_id)
    products = shown.products(run["answer"])
    if asked.product_id not in products:
        problem = Problem("product_not_shown", "product_id", asked.product_id, sorted(products))
        raise InvalidRequest([problem])
    if _taken_up(write.connection, run["id"], asked.product_id):
        raise TakenUp(run=run["id"], product=asked.product_id)
    return run


def _taken_up(connection: sa.Connection, run_id: str, product_id: str) -> bool:
    same = (applications.c.run_id == run_id, applications.c.product_id == product_id)
    return connection.execute(sa.select(applications.c.id).where(*same)).first() is not None


def step(
    write: Write,
    caller: Caller,
    application_id: str,
    condition: Condition,
    asked: StepRequest,
    catalogue: Products,
) -> None:
    """Move an application, or change who looks after it and until when.

    What is drawn becomes a facility of the company's profile, what is repaid ends there.
    condition: holds the version that the caller read. Raises NotFound, Erased, ConditionNeeded,
    Stale, IllegalStep, NotAllowed and InvalidRequest.
    """
    row = found(write.connection, caller, application_id)
    condition.check(etag(row["version"]))
    given = asked.model_fields_set & set(MANAGED)
    company = {"branch_id": row["branch_id"]}
    _check_managed(write.connection, caller, company, given, asked.owner_id)
    status = _status(caller, row["status"], asked)
    wanted = {name: getattr(asked, name) for name in sorted(given)}
    changed = {n: [_plain(row[n]), _plain(v)] for n, v in wanted.items() if row[n] != v}
    after = {**row, **wanted, "status": status, "version": row["version"] + 1}
    after["reason_code"] = asked.reason_code or row["reason_code"]
    _update(write, row, after)
    _event(write, caller, after, row["status"], changed, asked.note)
    _end(write, caller, row, after)
    _hold(write, caller, row["status"], after, catalogue)


def etag(version: int) -> str:
    """The tag of a version.

    >>> etag(3)
    '"3"'
    """
    return f'"{version}"'


def _status(caller: Caller, before: Status, asked: StepRequest) -> Status:
    """The status asked for; raises IllegalStep or NotAllowed."""
    if asked.status is None:
        if caller.role != "manager":
            raise NotAllowed(role=caller.role, operation="step_application")
        return before
    if asked.status not in NEXT[before]:
        able = [status_label(status) for status in NEXT[before]]
        raise IllegalStep(
            before=status_label(before),
            after=status_label(asked.status),
            allowed=able or label("application.no_step"),
        )
    if asked.status not in allowed(caller, before):
        raise NotAllowed(role=caller.role, operation=f"step_application: {asked.status}")
    return asked.status


def status_label(status: str) -> Label:
    """A status in words, with its code."""
    words = label(f"application.status.{status}")
    return Label(f"{words.zh}（{status}）", f"{words.en} ({status})")


def _update(write: Write, row: Row, after: Row) -> None:
    """Keep the new state where the old one is still there; raises Stale."""
    kept = ("status", "version", "owner_id", "due_on", "reason_code")
    same = (applications.c.id == row["id"], applications.c.version == row["version"])
    values = {**{name: after[name] for name in kept}, "updated_at": write.at}
    done = write.execute(sa.update(applications).where(*same).values(**values))
    if done.rowcount != 1:
        # Another replica was faster; its version is known once this transaction has ended.
        raise Stale(given=etag(row["version"]), current="-")


def _event(
    write: Write, caller: Caller, row: Row, before: str | None, changed: Row, note: str | None
) -> None:
    event = {
        "application_id": row["id"],
        "version": row["version"],
        "status": row["status"],
        "reason_code": row["reason_code"],
        "note": note,
        "change": orjson.dumps(
            {"before": before, "changed": changed}, option=orjson.OPT_SORT_KEYS
        ).decode(),
        "user_id": caller.user_id,
        "at": write.at,
    }
    write.execute(sa.insert(application_events), event)
    action = "application.started" if before is None else "application.changed"
    detail = {"application": row["id"], "status": row["status"], "changed": sorted(changed)}
    about_company(write, caller, action, row["company_id"], detail)


def _end(write: Write, caller: Caller, before: Row, after: Row) -> None:
    """Keep the outcome of a step that ends something."""
    outcome = ending(before["status"], after["status"])
    if outcome is None or before["status"] == after["status"]:
        return
    row = {
        **{name: after[name] for name in outcomes.COPIED},
        "application_id": after["id"],
        "outcome": outcome,
        "reason_code": after["reason_code"],
        "decided_on": shown.day_in_shanghai(write.at),
    }
    outcomes.keep(write, caller, [row])


def _hold(write: Write, caller: Caller, before: str, row: Row, catalogue: Products) -> None:
    """Keep a loan among the facilities of its company from the day it is drawn to its end."""
    name, company_id = str(row["id"]), str(row["company_id"])
    if row["status"] == before:
        return
    if row["status"] == "repaid":
        revise(write, caller, company_id, lambda profile: without_loan(profile, name))
    loan = drawn_facility(row, catalogue.get(row["product_id"]))
    if loan is not None:
        said = {key: value for key, value in loan.items() if value is not None}
        said |= {APPLICATION: name, "as_of": shown.day_in_shanghai(write.at).isoformat()}
        revise(write, caller, company_id, lambda profile: with_loan(profile, said))


def _check_managed(
    connection: sa.Connection, caller: Caller, company: Row, given: Any, owner_id: str | None
) -> None:
    """Owner and day are set by managers; an owner is a manager who sees the company's branch."""
    if given and caller.role != "manager":
        raise NotAllowed(role=caller.role, operation=", ".join(sorted(given)))
    if "owner_id" not in given or owner_id is None:
        return
    near = users.c.branch_id.is_(None) | (users.c.branch_id == company["branch_id"])
    query = sa.select(users.c.id).where(
        users.c.id == owner_id,
        users.c.organisation_id == caller.organisation_id,
        users.c.role == "manager",
        users.c.disabled_at.is_(None),
        near,
    )
    if connection.execute(query).first() is None:
        raise InvalidRequest([Problem("no_such_owner", "owner_id", owner_id)])


def found(connection: sa.Connection, caller: Caller, application_id: str) -> Row:
    """An application with its company's names, `synthetic` and branch; NotFound or Erased."""
    query = joined(caller).where(applications.c.id == application_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(kind="application", id=application_id)
    if row["erased_at"] is not None:
        raise Erased(kind="application", id=application_id)
    return row


def joined(caller: Caller) -> sa.Select[Any]:
    """The applications of the companies a caller sees."""
    of_company = ("name_zh", "name_en", "synthetic", "branch_id", "erased_at")
    return (
        sa.select(applications, *(companies.c[name] for name in of_company))
        .join(
            companies,
            (companies.c.organisation_id == applications.c.organisation_id)
            & (companies.c.id == applications.c.company_id),
        )
        .where(applications.c.organisation_id == caller.organisation_id, seen(caller))
    )


def drawn_facility(application: Row, product: Product | None) -> dict[str, Any] | None:
    """What a drawn loan adds to the facilities of its company's profile; None: nothing.

    Fields as those of `recommender.company.holdings.Facility`. The amount is the one applied for;
    None where none was stated, and the maturity is not known: it stands in the contract.
    """
    if application["status"] != "drawn" or product is None or not product.funded:
        return None
    amount = number(application["amount_hundredths"])
    return {
        "lender": product.provider.zh[:200],
        "kind": product.id,
        "limit": amount,
        "drawn": amount,
        "currency": application["currency"],
    }


def number(hundredths: int | None) -> int | float | None:
    """Hundredths as the number JSON has."""
    if hundredths is None:
        return None
    whole, rest = divmod(hundredths, 100)
    return whole if not rest else float(Decimal(hundredths).scaleb(-2))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else value


def words(reason_code: str | None) -> dict[str, str] | None:
    """A reason for a refusal in both languages."""
    if reason_code is None:
        return None
    said = label(f"refusal.{reason_code}")
    return {"code": reason_code, "text_zh": said.zh, "text_en": said.en}
