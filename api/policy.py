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
# What a company may agree to: to be contacted, to be shown to managers, to be learned from, to be
# counted among peers.
Purpose = Literal["contact", "matching", "learning", "peers"]
ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)
ORGANISATION_KINDS: tuple[OrganisationKind, ...] = get_args(OrganisationKind)

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True)
class Caller:
    """Who asks.

    branch_id: None for the whole organisation; token_id: empty for a token of somebody else.
    """

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
KEEPS: tuple[Role, ...] = ("enterprise", "manager", "admin")
# The two sides of an application, and whoever may see a company by its name.
SIDES: tuple[Role, ...] = ("enterprise", "manager")
NAMED: tuple[Role, ...] = (*SIDES, "auditor", "admin")
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
    "list_companies": Allowed(EVERYBODY),
    "get_company": Allowed(EVERYBODY),
    "put_company": _for(*KEEPS, writes=True),
    "erase_company": _for("enterprise", "admin", writes=True),
    "merge_companies": _for("admin", writes=True),
    "set_company_owner": _for("admin", writes=True),
    "export_company": _for("enterprise", "manager", "auditor", "admin"),
    "import_companies": _for("manager", "admin", writes=True),
    "give_consent": _for(*KEEPS, writes=True),
    "withdraw_consent": _for(*KEEPS, writes=True),
    "add_contact": _for("manager", "admin", writes=True),
    "list_contacts": _for("manager", "auditor", "admin"),
    "list_facilities": _for("manager", "auditor", "admin"),
    "end_session": Allowed(EVERYBODY),
    "start_application": _for(*SIDES, writes=True),
    "step_application": _for(*SIDES, writes=True),
    "applications": _for(*NAMED),
    "application": _for(*NAMED),
    "application_counts": _for("manager", "analyst", "auditor", "admin"),
    "record_outcomes": _for(*SIDES, "admin", writes=True),
    "import_outcomes": _for("manager", "admin", writes=True),
    "outcomes": Allowed(EVERYBODY),
    "outcome_table": _for("analyst", "auditor"),
    "add_override": _for("manager", writes=True),
    "overrides": _for(*NAMED),
    "withdraw_override": _for("manager", writes=True),
    "ask_review": _for(*SIDES, writes=True),
    "answer_review": _for("manager", writes=True),
    "reviews": _for(*NAMED),
    "review": _for(*NAMED),
    "company_recommendations": _for("enterprise", "manager", "admin"),
    "runs": Allowed(EVERYBODY),
    "run": Allowed(EVERYBODY),
    "replay": _for("manager", "analyst", "auditor", "admin"),
    "audit": _for("auditor", "admin"),
    "verify_audit": _for("auditor", "admin"),
    "models": _for("analyst", "auditor", "admin"),
    "model": _for("analyst", "auditor", "admin"),
    "compare_models": _for("analyst", "auditor", "admin"),
    "promote_model": _for("analyst", "admin", writes=True),
    "roll_back": _for("analyst", "admin", writes=True),
    "catalogues": _for("analyst", "auditor", "admin"),
    "add_catalogue": _for("analyst", "admin", writes=True),
    "compare_catalogues": _for("analyst", "auditor", "admin"),
    "use_catalogue": _for("analyst", "admin", writes=True),
    "start_job": _for("manager", "analyst", "admin", writes=True),
    "jobs": _for("manager", "analyst", "auditor", "admin"),
    "job": _for("manager", "analyst", "auditor", "admin"),
    "job_events": _for("manager", "analyst", "auditor", "admin"),
    "cancel_job": _for("manager", "analyst", "admin", writes=True),
    "put_job_file": _for("manager", "analyst", "admin", writes=True),
    "job_file": _for("manager", "analyst", "auditor", "admin"),
}
# Who may ask for a job, by its kind; others do not even see it, but for auditors.
JobKind = Literal["catalogue", "train", "evaluate", "promote", "population", "plans"]
JOBS: Mapping[str, frozenset[Role]] = {
    "catalogue": frozenset({"analyst", "admin"}),
    "train": frozenset({"analyst", "admin"}),
    "evaluate": frozenset({"analyst", "admin"}),
    "promote": frozenset({"analyst", "admin"}),
    "population": frozenset({"admin"}),
    "plans": frozenset({"manager", "admin"}),
}
# Open to callers without a token: what says that the service runs, and how to get a token.
PUBLIC = frozenset({"health", "ready", "notice", "start_session"})
