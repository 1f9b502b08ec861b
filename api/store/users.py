"""Organisations, branches, users and their tokens."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from api.policy import Caller
from api.refusals import AlreadyThere
from api.store.audit import Event
from api.store.references import SYSTEM, reference
from api.store.tables import (
    branches,
    failed_logins,
    organisations,
    tokens,
    user_identities,
    users,
)
from api.store.writer import Write
from recommender.errors import NotFound

Row = Mapping[Any, Any]


def by_token(connection: sa.Connection, token_hash: str) -> Row | None:
    """Whom a token stands for: the fields of a caller; None for one that is no good."""
    query = (
        sa.select(
            users.c.id.label("user_id"),
            users.c.organisation_id,
            users.c.branch_id,
            users.c.role,
            tokens.c.scope,
            tokens.c.id.label("token_id"),
            tokens.c.expires_at,
        )
        .join(users, users.c.id == tokens.c.user_id)
        .where(
            tokens.c.hash == token_hash,
            tokens.c.revoked_at.is_(None),
            users.c.disabled_at.is_(None),
        )
    )
    return connection.execute(query).mappings().one_or_none()


def by_identity(connection: sa.Connection, issuer: str, subject: str) -> Row | None:
    """The user linked to a subject of an identity provider: seat and role; None for nobody."""
    query = (
        sa.select(
            users.c.id.label("user_id"), users.c.organisation_id, users.c.branch_id, users.c.role
        )
        .join(user_identities, user_identities.c.user_id == users.c.id)
        .where(
            user_identities.c.issuer == issuer,
            user_identities.c.subject == subject,
            users.c.disabled_at.is_(None),
        )
    )
    return connection.execute(query).mappings().one_or_none()


def by_login(connection: sa.Connection, login: str) -> Row:
    """A user by login; raises NotFound."""
    query = sa.select(users).where(users.c.login == login)
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFound(kind="user", id=login)
    return found


def by_id(connection: sa.Connection, user_id: str) -> Row:
    """A user by id; raises NotFound."""
    found = connection.execute(sa.select(users).where(users.c.id == user_id)).mappings()
    row = found.one_or_none()
    if row is None:
        raise NotFound(kind="user", id=user_id)
    return row


def as_caller(connection: sa.Connection, user_id: str) -> Caller:
    """A user with the role and branch of today, to see what it sees; raises NotFound."""
    user = by_id(connection, user_id)
    seat = (user["id"], user["organisation_id"], user["branch_id"], user["role"])
    return Caller(*seat, "read", "", datetime.datetime.max.replace(tzinfo=datetime.UTC))


def listed(connection: sa.Connection, organisation_id: str | None) -> list[Row]:
    """Users by organisation and login; of one organisation if it is named."""
    query = sa.select(users).order_by(users.c.organisation_id, users.c.login)
    if organisation_id is not None:
        organisation(connection, organisation_id)
        query = query.where(users.c.organisation_id == organisation_id)
    return list(connection.execute(query).mappings())


def organisations_listed(connection: sa.Connection) -> list[Row]:
    """Organisations by id, each with the ids of its branches."""
    rows = connection.execute(sa.select(organisations).order_by(organisations.c.id)).mappings()
    query = sa.select(branches.c.organisation_id, branches.c.id).order_by(branches.c.id)
    inside = connection.execute(query).all()
    return [
        {**row, "branches": ", ".join(b.id for b in inside if b.organisation_id == row["id"])}
        for row in rows
    ]


def organisation(connection: sa.Connection, organisation_id: str) -> Row:
    """An organisation; raises NotFound."""
    query = sa.select(organisations).where(organisations.c.id == organisation_id)
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFound(kind="organisation", id=organisation_id)
    return found


def branches_of(connection: sa.Connection, organisation_id: str) -> list[Row]:
    """The branches of an organisation, by id."""
    own = branches.c.organisation_id == organisation_id
    query = sa.select(branches).where(own).order_by(branches.c.id)
    return list(connection.execute(query).mappings())


def add_organisation(write: Write, row: Row) -> None:
    """A new organisation: id, kind, name_zh, name_en, synthetic. Raises AlreadyThere."""
    _insert(write, organisations, {**row, "created_at": write.at}, "organisation", row["id"])
    _audit(write, row["id"], "organisation.added", None, {"kind": row["kind"]})


def add_branch(write: Write, row: Row) -> None:
    """A new branch: organisation_id, id, name_zh, name_en. Raises NotFound or AlreadyThere."""
    organisation(write.connection, row["organisation_id"])
    _insert(write, branches, {**row, "created_at": write.at}, "branch", row["id"])
    _audit(write, row["organisation_id"], "branch.added", None, {"branch": row["id"]})


def add_user(write: Write, row: Row) -> str:
    """A new user: organisation_id, branch_id, login, name, role, password_hash; its id.

    Raises NotFound for an organisation or branch that is not there, and AlreadyThere.
    """
    organisation(write.connection, row["organisation_id"])
    if row["branch_id"] is not None:
        _branch(write.connection, row["organisation_id"], row["branch_id"])
    user_id = str(uuid.uuid4())
    _insert(write, users, {**row, "id": user_id, "created_at": write.at}, "user", row["login"])
    _audit(write, row["organisation_id"], "user.added", user_id, {"role": row["role"]})
    return user_id


def disable(write: Write, user_id: str, actor: str | None = None) -> None:
    """Turn a user away from now on; raises NotFound."""
    user = by_id(write.connection, user_id)
    write.execute(sa.update(users).where(users.c.id == user_id).values(disabled_at=write.at))
    _audit(write, user["organisation_id"], "user.disabled", user_id, {}, actor)


def add_token(
    write: Write, user_id: str, token_hash: str, scope: str, label: str, lasts: datetime.timedelta
) -> datetime.datetime:
    """A new token of a user; when it expires. Raises NotFound."""
    user = by_id(write.connection, user_id)
    expires = write.at + lasts
    row = {"id": str(uuid.uuid4()), "user_id": user_id, "hash": token_hash, "scope": scope}
    more = {"label": label, "created_at": write.at, "expires_at": expires}
    write.execute(sa.insert(tokens), {**row, **more})
    detail = {"scope": scope, "expires_at": expires.isoformat()}
    _audit(write, user["organisation_id"], "token.issued", user_id, detail, user_id)
    return expires


def revoke(write: Write, token_id: str, user_id: str) -> None:
    """End a token of a user."""
    user = by_id(write.connection, user_id)
    owned = (tokens.c.id == token_id, tokens.c.user_id == user_id)
    write.execute(sa.update(tokens).where(*owned).values(revoked_at=write.at))
    _audit(write, user["organisation_id"], "token.revoked", user_id, {}, user_id)


def revoke_all(write: Write, user_id: str) -> None:
    """End every token of a user."""
    user = by_id(write.connection, user_id)
    open_ = (tokens.c.user_id == user_id, tokens.c.revoked_at.is_(None))
    write.execute(sa.update(tokens).where(*open_).values(revoked_at=write.at))
    _audit(write, user["organisation_id"], "token.revoked", user_id, {"all": True}, user_id)


def link(write: Write, user_id: str, issuer: str, subject: str) -> None:
    """Let a subject of an identity provider act as a user; raises NotFound and AlreadyThere."""
    user = by_id(write.connection, user_id)
    row = {"issuer": issuer, "subject": subject, "user_id": user_id, "created_at": write.at}
    _insert(write, user_identities, row, "identity", subject)
    _audit(write, user["organisation_id"], "identity.linked", user_id, {"issuer": issuer})


def unlink(write: Write, user_id: str, issuer: str, subject: str) -> None:
    """Undo a link; raises NotFound where there is none."""
    user = by_id(write.connection, user_id)
    same = (user_identities.c.issuer == issuer, user_identities.c.subject == subject)
    own = user_identities.c.user_id == user_id
    if not write.execute(sa.delete(user_identities).where(*same, own)).rowcount:
        raise NotFound(kind="identity", id=subject)
    _audit(write, user["organisation_id"], "identity.unlinked", user_id, {"issuer": issuer})


def failures(connection: sa.Connection, login: str) -> tuple[int, datetime.datetime | None]:
    """How often a login failed in a row, and when last."""
    query = sa.select(failed_logins).where(failed_logins.c.login == login)
    found = connection.execute(query).mappings().one_or_none()
    return (0, None) if found is None else (found["failures"], found["last_at"])


def failed(write: Write, login: str) -> None:
    """Count a login that failed."""
    count, _ = failures(write.connection, login)
    succeeded(write, login)
    row = {"login": login, "failures": count + 1, "last_at": write.at}
    write.execute(sa.insert(failed_logins), row)


def succeeded(write: Write, login: str) -> None:
    """Forget the failures of a login."""
    write.execute(sa.delete(failed_logins).where(failed_logins.c.login == login))


def _branch(connection: sa.Connection, organisation_id: str, branch_id: str) -> None:
    owned = (branches.c.organisation_id == organisation_id, branches.c.id == branch_id)
    if connection.execute(sa.select(branches.c.id).where(*owned)).first() is None:
        raise NotFound(kind="branch", id=branch_id)


def _insert(write: Write, table: sa.Table, row: Row, kind: str, id_: str) -> None:
    try:
        write.execute(sa.insert(table), dict(row))
    except IntegrityError:
        raise AlreadyThere(kind=kind, id=id_) from None


def _audit(
    write: Write,
    organisation_id: str,
    action: str,
    user_id: str | None,
    detail: Row,
    actor: str | None = None,
) -> None:
    """Chain what was done; actor None: the one who runs the command line."""
    done_by = SYSTEM if actor is None else reference(write, organisation_id, "user", actor)
    subject = None if user_id is None else reference(write, organisation_id, "user", user_id)
    write.audit(Event(organisation_id, done_by, action, subject, detail))
