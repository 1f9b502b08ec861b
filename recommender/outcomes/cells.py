"""Cells of a table of outcomes: text or typed values in, checked values or a Problem out."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import Any

import orjson

from recommender import codes
from recommender.errors import Problem
from recommender.records import day_of, handy

OUTCOMES = ("taken", "declined", "withdrawn", "no_answer", "refused_by_bank")
REFUSALS = (
    "credit_record",
    "collateral_short",
    "papers_missing",
    "no_credit_line",
    "screening",
    "unprofitable",
    "other",
)
LONGEST = 200


def _name(value: Any) -> Any:
    text = str(value).strip()
    return text if 0 < len(text) <= LONGEST else Problem("text_too_long", "", text[:50], LONGEST)


def _text(value: Any) -> Any:
    return str(value)[:2_000]


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return Problem("not_number", "", value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return Problem("not_number", "", handy(value))
    return number if math.isfinite(number) else Problem("not_finite", "", str(value))


def _count(value: Any) -> Any:
    number = _number(value)
    if isinstance(number, Problem) or number != int(number):
        return Problem("not_integer", "", handy(value))
    return int(number) if 1 <= number <= 1_000_000 else Problem("below_minimum", "", int(number), 1)


def _chance(value: Any) -> Any:
    number = _number(value)
    if isinstance(number, Problem):
        return number
    if number <= 0:
        return Problem("not_above", "", number, 0)
    return number if number <= 1 else Problem("above_maximum", "", number, 1)


def _amount(value: Any) -> Any:
    number = _number(value)
    if not isinstance(number, Problem) and number < 0:
        return Problem("below_minimum", "", number, 0)
    return number


def _day(value: Any) -> Any:
    given = value.date() if isinstance(value, datetime.datetime) else value
    day = day_of(given)
    return Problem("not_date", "", handy(value)) if day is None else day


def _one_of(names: tuple[str, ...]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        known = isinstance(value, str) and value in names
        return value if known else Problem("not_one_of", "", handy(value), list(names))

    return read


def _yes_no(value: Any) -> Any:
    said = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    found = said.get(str(value).strip().lower())
    return Problem("not_yes_no", "", handy(value)) if found is None else found


def _currency(value: Any) -> Any:
    problem = codes.currency_problem(str(value))
    return str(value) if problem is None else problem


def _profile(value: Any) -> Any:
    try:
        raw = orjson.loads(value)
    except (TypeError, ValueError):
        raw = None
    return value if isinstance(raw, dict) else Problem("not_record", "", handy(value))


KINDS: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "text": _text,
    "count": _count,
    "chance": _chance,
    "amount": _amount,
    "day": _day,
    "outcome": _one_of(OUTCOMES),
    "refusal": _one_of(REFUSALS),
    "yes_no": _yes_no,
    "currency": _currency,
    "profile": _profile,
}
