"""References that the audit log uses instead of ids, and their keys."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from api.policy import Caller
from api.store.audit import Event
from api.store.tables import reference_keys
from api.store.writer import Write

SYSTEM = "system"


def reference(write: Write, organisation_id: str, kind: str, id_: str) -> str:
    """The reference of a user or company, made with its key when it is first needed."""
    asked = (organisation_id, kind, id_)
    found = write.seen(("reference", *asked), lambda c: known(c, *asked))
    if found is not None:
        return found
    key = secrets.token_hex(32)
    whole = f"{organisation_id}\n{kind}\n{id_}".encode()
    made = hmac.new(bytes.fromhex(key), whole, hashlib.sha256).hexdigest()
    row = {"organisation_id": organisation_id, "kind": kind, "id": id_}
    write.execute(_added(write), {**row, "key": key, "reference": made})
    # Another replica may have made one at the same moment: the first one counts.
    return known(write.connection, organisation_id, kind, id_) or made


def _added(write: Write) -> sa.Insert:
    if write.connection.dialect.name == "sqlite":
        return sqlite.insert(reference_keys).on_conflict_do_nothing()
    return postgresql.insert(reference_keys).on_conflict_do_nothing()


def about_company(
    write: Write, caller: Caller, action: str, company_id: str, detail: Mapping[str, Any]
) -> None:
    """Chain what a caller did that concerns a company."""
    organisation = caller.organisation_id
    actor = reference(write, organisation, "user", caller.user_id)
    subject = reference(write, organisation, "company", company_id)
    write.audit(Event(organisation, actor, action, subject, detail))


def known(connection: sa.Connection, organisation_id: str, kind: str, id_: str) -> str | None:
    """The reference, None where none was ever made or its key is destroyed."""
    keys = reference_keys.c
    query = sa.select(keys.reference).where(
        keys.organisation_id == organisation_id, keys.kind == kind, keys.id == id_
    )
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def sever(write: Write, organisation_id: str, kind: str, id_: str) -> None:
    """Destroy the key: nobody can say any more whom the reference meant."""
    keys = reference_keys.c
    write.execute(
        sa.delete(reference_keys).where(
            keys.organisation_id == organisation_id, keys.kind == kind, keys.id == id_
        )
    )


def named(
    connection: sa.Connection, organisation_id: str, asked: Iterable[str]
) -> dict[str, tuple[str, str]]:
    """Kind and id by reference, of those whose keys are not destroyed."""
    keys = reference_keys.c
    query = sa.select(keys.reference, keys.kind, keys.id).where(
        keys.organisation_id == organisation_id, keys.reference.in_(sorted(set(asked)))
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}
