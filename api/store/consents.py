"""What a company agreed to, purpose by purpose: who recorded it, when, and when it ended."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from api.policy import Caller
from api.store.audit import Event
from api.store.references import reference
from api.store.tables import consents
from api.store.writer import Write

Row = Mapping[Any, Any]
CONTACT = "contact"


def history(
    connection: sa.Connection, organisation_id: str, company_ids: Sequence[str]
) -> list[Row]:
    """Whatever was agreed to, refused or withdrawn, in the order in which it was recorded."""
    columns = consents.c
    query = (
        sa.select(consents)
        .where(columns.organisation_id == organisation_id, columns.company_id.in_(company_ids))
        .order_by(sa.func.coalesce(columns.given_at, columns.withdrawn_at), columns.id)
    )
    return list(connection.execute(query).mappings())


def in_force(rows: Iterable[Row]) -> set[str]:
    """Purposes agreed to and not withdrawn."""
    return {row["purpose"] for row in rows if row["withdrawn_at"] is None}


def stated(rows: Sequence[Row]) -> dict[str, Any]:
    """Consents as a profile shows them; what nobody ever asked about is left out: not known."""
    agreed, asked = in_force(rows), {row["purpose"] for row in rows}
    found: dict[str, Any] = {}
    if CONTACT in asked:
        found["contact"] = CONTACT in agreed
    if asked - {CONTACT}:
        found["data_use"] = sorted(agreed - {CONTACT})
    return found


def row_of(
    write: Write, caller: Caller, company_id: str, purpose: str, note: str | None, *, given: bool
) -> dict[str, Any]:
    """A new row: given, or refused from the start."""
    by, why = (None, None) if given else (caller.user_id, note)
    return {
        "id": str(uuid.uuid4()),
        "organisation_id": caller.organisation_id,
        "company_id": company_id,
        "purpose": purpose,
        "user_id": caller.user_id,
        "note": note if given else None,
        "given_at": write.at if given else None,
        "withdrawn_at": None if given else write.at,
        "withdrawn_by": by,
        "withdrawn_note": why,
    }


def give(write: Write, caller: Caller, company_id: str, purpose: str, note: str | None) -> None:
    """Record that the company agrees; nothing happens where it does already."""
    if purpose not in in_force(history(write.connection, caller.organisation_id, [company_id])):
        row = row_of(write, caller, company_id, purpose, note, given=True)
        write.execute(sa.insert(consents), row)
        _audit(write, caller, company_id, "consent.given", purpose)


def withdraw(write: Write, caller: Caller, company_id: str, purpose: str, note: str | None) -> None:
    """Record that the company does not agree, or no longer."""
    rows = history(write.connection, caller.organisation_id, [company_id])
    if purpose in in_force(rows):
        end(write, caller, [company_id], note, consents.c.purpose == purpose)
    elif any(row["purpose"] == purpose for row in rows):
        return
    else:
        row = row_of(write, caller, company_id, purpose, note, given=False)
        write.execute(sa.insert(consents), row)
    _audit(write, caller, company_id, "consent.withdrawn", purpose)


def end(
    write: Write,
    caller: Caller,
    company_ids: Sequence[str],
    note: str | None,
    which: sa.ColumnElement[bool] | None = None,
) -> None:
    """Withdraw what is in force, of all purposes unless `which` says more."""
    columns = consents.c
    query = sa.update(consents).where(
        columns.organisation_id == caller.organisation_id,
        columns.company_id.in_(company_ids),
        columns.withdrawn_at.is_(None),
        *(() if which is None else (which,)),
    )
    said = {"withdrawn_by": caller.user_id, "withdrawn_note": note}
    write.execute(query.values(withdrawn_at=write.at, **said))


def _audit(write: Write, caller: Caller, company_id: str, action: str, purpose: str) -> None:
    actor = reference(write, caller.organisation_id, "user", caller.user_id)
    subject = reference(write, caller.organisation_id, "company", company_id)
    write.audit(Event(caller.organisation_id, actor, action, subject, {"purpose": purpose}))
