"""Roles, scopes and callers, and who may call which operation: the one table that decides.

What is not in the table is refused. Whose data a caller sees is decided beside the data: every
query of the store takes the caller and looks at its organisation, branch or company only.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

Role = Literal["enterprise", "manager", "analyst", "auditor", "admin"]
Scope = Literal["read", "write"]
OrganisationKind = Literal["bank", "insurer", "centre"]
ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)
ORGANISATION_KINDS: tuple[OrganisationKind, ...] = get_args(OrganisationKind)


@dataclass(frozen=True)
class Caller:
    """Who asks. branch_id: None for the whole organisation."""

    user_id: str
    organisation_id: str
    branch_id: str | None
    role: Role
    scope: Scope
    token_id: str
    expires_at: datetime.datetime


class Allowed(NamedTuple):
    """Who may call an operation. writes: it changes the record, so a read token is not enough."""

    roles: frozenset[Role]
    writes: bool = False


def _for(*roles: Role, writes: bool = False) -> Allowed:
    return Allowed(frozenset(roles), writes)


EVERYBODY = frozenset(ROLES)
ASKS: tuple[Role, ...] = ("enterprise", "manager", "analyst", "admin")
POLICY: Mapping[str, Allowed] = {
    "recommend": _for(*ASKS),
    "eligibility": _for(*ASKS),
    "what_if": _for(*ASKS),
    "plans": _for(*ASKS),
    "prospects": _for("manager", "admin"),
    "products": Allowed(EVERYBODY),
    "product": Allowed(EVERYBODY),
    "facts": Allowed(EVERYBODY),
    "me": Allowed(EVERYBODY),
    "end_session": Allowed(EVERYBODY),
    "company_recommendations": _for("enterprise", "manager", "admin"),
    "runs": Allowed(EVERYBODY),
    "run": Allowed(EVERYBODY),
    "replay": _for("manager", "analyst", "auditor", "admin"),
    "audit": _for("auditor", "admin"),
    "verify_audit": _for("auditor", "admin"),
}
# Open to callers without a token: what says that the service runs, and how to get a token.
PUBLIC = frozenset({"health", "ready", "notice", "start_session"})
