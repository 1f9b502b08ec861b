"""What each role finds at the top of every page: the one table, in the order in which it shows.

An entry shows where its page exists and the role may use it, so that no link leads nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from starlette.applications import Starlette

from api.policy import Role
from api.web.words import N_


class Entry(NamedTuple):
    """A link of the navigation. label: phrase; what: what the page is for, in a phrase."""

    path: str
    label: str
    what: str


NAVIGATION: Mapping[Role, tuple[Entry, ...]] = {
    "enterprise": (
        Entry("/profile", N_("Profile"), N_("Five short steps; leave and come back at any time.")),
        Entry("/results", N_("Results"), N_("What suits you, why, and what would change it.")),
        Entry("/plan", N_("Plan"), N_("Products combined so that the whole need is met.")),
        Entry("/applications", N_("Applications"), N_("What you applied for and where it stands.")),
    ),
    "manager": (
        Entry("/prospects", N_("Prospects"), N_("Whom to call about a product, and what to say.")),
        Entry("/companies", N_("Companies"), N_("What is known about each firm, with its source.")),
        Entry("/board", N_("Applications"), N_("Applications by status, with what is due.")),
        Entry("/reviews", N_("Reviews"), N_("Questions from firms that wait for a person.")),
    ),
    "analyst": (
        Entry("/catalogues", N_("Catalogues"), N_("Versions, problems, differences, activation.")),
        Entry("/models", N_("Models"), N_("Train, compare, promote and roll back.")),
        Entry("/quality", N_("Quality"), N_("Reliability, segments, drift and coverage.")),
        Entry("/jobs", N_("Jobs"), N_("What runs, what waits, and what came of it.")),
    ),
    "auditor": (
        Entry("/audit/runs", N_("Runs"), N_("Find what was shown, and replay it.")),
        Entry("/audit/log", N_("Audit log"), N_("Who did what, and when.")),
        Entry(
            "/audit/chain", N_("Audit chain"), N_("Verify that nothing was changed or left out.")
        ),
        Entry("/catalogues", N_("Catalogues"), N_("Versions, problems, differences, activation.")),
        Entry("/models", N_("Models"), N_("Train, compare, promote and roll back.")),
    ),
    "admin": (
        Entry("/prospects", N_("Prospects"), N_("Whom to call about a product, and what to say.")),
        Entry("/companies", N_("Companies"), N_("What is known about each firm, with its source.")),
        Entry("/catalogues", N_("Catalogues"), N_("Versions, problems, differences, activation.")),
        Entry("/models", N_("Models"), N_("Train, compare, promote and roll back.")),
        Entry("/jobs", N_("Jobs"), N_("What runs, what waits, and what came of it.")),
        Entry(
            "/audit/chain", N_("Audit chain"), N_("Verify that nothing was changed or left out.")
        ),
    ),
}


def entries(app: Starlette, role: Role) -> tuple[Entry, ...]:
    """The entries of a role whose pages exist."""
    there: frozenset[str] = app.state.page_paths
    return tuple(entry for entry in NAVIGATION[role] if entry.path in there)
