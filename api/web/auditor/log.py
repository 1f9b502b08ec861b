"""The audit log: what was done, by whom, about which company."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import Response

from api import cursors
from api.bodies import language_of
from api.identity.caller import caller_of
from api.store import events, references
from api.store.events import Sought
from api.store.references import SYSTEM
from api.store.registry import logins
from api.web import access, pages
from api.web.auditor.days import days_of
from api.web.words import N_

LIMIT = 50
FIELDS = ("action", "company", "user", "run", "since", "until")
# What the record writes down, in words.
ACTIONS: Mapping[str, str] = {
    "run.given": N_("an answer was shown"),
    "company.created": N_("a company was entered"),
    "company.changed": N_("a company was changed"),
    "company.contacted": N_("a contact was noted"),
    "company.merged": N_("companies were merged"),
    "company.erased": N_("a company was erased"),
    "companies.imported": N_("companies were imported"),
    "consent.given": N_("consent was given"),
    "consent.withdrawn": N_("consent was withdrawn"),
    "application.started": N_("an application was started"),
    "application.changed": N_("an application moved on"),
    "outcome.recorded": N_("an outcome was recorded"),
    "override.added": N_("a manager decided otherwise"),
    "override.withdrawn": N_("a manager's decision was withdrawn"),
    "review.requested": N_("a review was asked for"),
    "review.answered": N_("a review was answered"),
    "model.kept": N_("a model was kept"),
    "model.promoted": N_("a model was promoted"),
    "catalogue.kept": N_("a catalogue was kept"),
    "catalogue.used": N_("a catalogue was put in use"),
    "registry.undone": N_("a decision was undone"),
    "job.asked": N_("a job was asked for"),
    "job.done": N_("a job was done"),
    "job.failed": N_("a job failed"),
    "job.cancelled": N_("a job was cancelled"),
    "user.added": N_("a user was added"),
    "user.disabled": N_("a user was disabled"),
    "token.issued": N_("a session or token was opened"),
    "token.revoked": N_("a session or token was ended"),
    "organisation.added": N_("an organisation was added"),
    "branch.added": N_("a branch was added"),
}
router = APIRouter(include_in_schema=False)
Json = dict[str, Any]


@router.get("/audit/log", dependencies=[access.needs("audit")])
async def log(request: Request) -> Response:
    """Events of the organisation, newest first."""
    caller, language = caller_of(request), language_of(request)
    typed = {name: request.query_params.get(name, "").strip()[:100] for name in FIELDS}
    days, cursor = days_of(typed, language), request.query_params.get("cursor")
    after: Any = tuple(cursors.read(cursor, (str, str, int))) if cursor else None
    since, until = (None if one is None else _utc(one) for one in (days.since, days.until))
    company, user, run = (typed[name] or None for name in ("company", "user", "run"))
    sought = Sought(company, user, run, since, until)
    own = caller.organisation_id

    def asked(connection: sa.Connection) -> Json:
        if days.problems:
            return {"events": [], "more": False, "logins": logins(connection, own)}
        action = typed["action"] or None
        found = events.listed(connection, own, action, after, LIMIT + 1, sought)
        named = logins(connection, own)
        rows = found[:LIMIT]
        asked = {row[part] for row in rows for part in ("actor", "subject") if row[part]}
        known = references.named(connection, own, asked)
        shown = [_event(row, known, named) for row in rows]
        return {"events": shown, "more": len(found) > LIMIT, "logins": named}

    found = await request.app.state.store.reading(asked)
    last = found["events"][-1] if found["more"] else None
    following = last and cursors.written([last[name] for name in ("at", "chain", "sequence")])
    query = {name: value for name, value in typed.items() if value}
    context = {
        **found, "typed": typed, "problems": days.problems, "actions": ACTIONS,
        "following": following and urlencode({**query, "cursor": following}),
        "first": urlencode(query) if cursor else None, "asked": bool(query),
    }  # fmt: skip
    return await pages.shown(request, "auditor/log.html", 422 if days.problems else 200, **context)


def _event(
    row: Mapping[Any, Any], known: Mapping[str, tuple[str, str]], named: Mapping[str, str]
) -> Json:
    """An event with its references as people know them; None: nobody, or a key that is gone."""
    actor, subject = known.get(row["actor"]), known.get(row["subject"] or "")
    who = SYSTEM if row["actor"] == SYSTEM else None
    if actor is not None:
        who = named.get(actor[1], actor[1])
    about = None if subject is None else subject[1]
    names = ("chain", "sequence", "at", "action", "hash")
    told = {**{name: row[name] for name in names}, "detail": orjson.loads(row["detail"])}
    return {**told, "who": who, "about": about, "erased": bool(row["subject"]) and about is None}


def _utc(at: datetime.datetime) -> str:
    """As events have their times."""
    return at.astimezone(datetime.UTC).isoformat(timespec="microseconds")
