"""Whose company it is: the user of an enterprise who sees it and speaks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from api.errors import InvalidRequest
from api.policy import Caller
from api.refusals import CompanyOwned
from api.store.audit import Event
from api.store.companies import visible
from api.store.people import named
from api.store.references import SYSTEM, reference
from api.store.tables import companies, users
from api.store.writer import Write
from recommender.errors import Problem


def set_owner(write: Write, caller: Caller, company_id: str, login: str | None) -> dict[str, Any]:
    """Let a company belong to a user of an enterprise from now on, whoever had it; None: to nobody.

    Raises what `visible` raises, and InvalidRequest for a login that is no enterprise of the
    organisation.
    """
    company = visible(write.connection, caller, company_id)
    owner_id = None if login is None else _enterprise(write.connection, caller, login)
    if owner_id != company["owner_id"]:
        _give(write, caller.organisation_id, company_id, owner_id, caller.user_id)
    return {"company_id": company_id, "owner": named(write.connection, [owner_id])[owner_id]}


def link(write: Write, caller: Caller, company_id: str) -> None:
    """Let a company that nobody has belong to a user that is new, as the command line says.

    caller: the user. Raises NotFound, Erased, Merged, and CompanyOwned where a user has it who is
    not disabled.
    """
    everywhere = replace(caller, branch_id=None, role="admin")
    company = visible(write.connection, everywhere, company_id)
    own = (users.c.id == company["owner_id"], users.c.disabled_at.is_(None))
    if write.execute(sa.select(users.c.id).where(*own)).first() is not None:
        raise CompanyOwned(id=company_id)
    _give(write, caller.organisation_id, company_id, caller.user_id, None)


def _enterprise(connection: sa.Connection, caller: Caller, login: str) -> str:
    """The id of a user who can have a company."""
    query = sa.select(users.c.id).where(
        users.c.login == login.strip().lower(),
        users.c.organisation_id == caller.organisation_id,
        users.c.role == "enterprise",
        users.c.disabled_at.is_(None),
    )
    found: str | None = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise InvalidRequest([Problem("no_such_enterprise", "login", login)])
    return found


def _give(
    write: Write, organisation_id: str, company_id: str, owner_id: str | None, by: str | None
) -> None:
    same = (companies.c.organisation_id == organisation_id, companies.c.id == company_id)
    write.execute(sa.update(companies).where(*same).values(owner_id=owner_id))
    actor = SYSTEM if by is None else reference(write, organisation_id, "user", by)
    subject = reference(write, organisation_id, "company", company_id)
    detail: Mapping[str, Any] = {
        "owner": owner_id and reference(write, organisation_id, "user", owner_id)
    }
    write.audit(Event(organisation_id, actor, "company.owner_changed", subject, detail))
