"""Days that were typed into a search, as moments; what is no day is said beside its field."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import NamedTuple

from api.web.words import say
from recommender.options import SHANGHAI
from recommender.texts import Language


class Days(NamedTuple):
    """since: first moment; until: the moment after the last day. None: not asked."""

    since: datetime.datetime | None
    until: datetime.datetime | None
    problems: dict[str, list[str]]


def days_of(typed: Mapping[str, str], language: Language) -> Days:
    """Both days of Shanghai from the fields `since` and `until`."""
    found: dict[str, datetime.datetime | None] = {}
    problems: dict[str, list[str]] = {}
    for name in ("since", "until"):
        try:
            day = datetime.date.fromisoformat(typed[name]) if typed[name] else None
            later = datetime.timedelta(days=1 if name == "until" else 0)
            found[name] = None if day is None else _midnight(day + later)
        except (ValueError, OverflowError):
            problems[name] = [say(language, "This is no day. Write it as 2026-05-22.")]
    since, until = found.get("since"), found.get("until")
    if since is not None and until is not None and since >= until:
        problems["until"] = [say(language, "The last day lies before the first.")]
    return Days(since, until, problems)


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), SHANGHAI)
