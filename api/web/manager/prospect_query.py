"""Which prospects a page lists: its address as options, and back as chips and links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import QueryParams

from api.web.words import say
from recommender import codes
from recommender.errors import InvalidOptions
from recommender.prospects.options import ProspectOptions
from recommender.texts import Language, show, text
from recommender.vocabulary import Mode, SizeClass

Json = dict[str, Any]
WHOLE = ("not_contacted_days", "not_declined_days", "per_group", "per_manager")
LISTS = ("size", "route")
PLAIN = ("region", "hs", "lane_held", "order")
FILTERS = ("region", "size", "hs", "route", "lane_held", *WHOLE, "first_loan")
# What a box that is not ticked by default says in the address.
TURNED: Mapping[str, str] = {"consent": "any", "near_misses": "no"}
YES_NO = {"yes": True, "no": False}
ON_A_PAGE = 20
# Provinces of the corridor, offered first; any other code can be typed.
CORRIDOR = tuple("50 51 52 53 45 46 61 62 63 64 65 54 15 43 44".split())


class Chip(NamedTuple):
    """A filter in force: what it asks, and the address without it."""

    name: str
    words: str
    value: str
    without: str


class Query(NamedTuple):
    """Filters and order as an address holds them, in a fixed order.

    cursor: the place in the list; options: None where they cannot be read.
    """

    pairs: Sequence[tuple[str, str]]
    cursor: str | None
    given: Json
    options: ProspectOptions | None
    error: InvalidOptions | None

    def values(self, name: str) -> list[str]:
        """What the address says of a filter."""
        return [value for key, value in self.pairs if key == name]

    def address(self, **changed: str | None) -> str:
        """The query with something else in the place of what it says; None takes it away."""
        kept = [(key, value) for key, value in self.pairs if key not in changed]
        more = [(key, value) for key, value in changed.items() if value is not None]
        return urlencode([*kept, *more])


def read(params: QueryParams, language: Language) -> Query:
    """The query of an address."""
    pairs = tuple(_pairs(params))
    cursor = params.get("cursor") or None
    given = {**_given(pairs), "language": language, "n": ON_A_PAGE}
    given |= {} if cursor is None else {"cursor": cursor}
    try:
        return Query(pairs, cursor, given, ProspectOptions.parse(given), None)
    except InvalidOptions as error:
        return Query(pairs, cursor, given, None, error)


def remembered(kept: str | None) -> str:
    """A query from a cookie; empty for anything that is no query of filters."""
    return urlencode(tuple(_pairs(QueryParams(parse_qsl((kept or "")[:1000])))))


def _pairs(params: QueryParams) -> Iterator[tuple[str, str]]:
    for name in ("order", *FILTERS, *TURNED):
        for value in params.getlist(name):
            if value.strip():
                yield name, value.strip()[:100]


def _given(pairs: Sequence[tuple[str, str]]) -> Json:
    found: Json = {}
    for name, value in pairs:
        if name in LISTS:
            found.setdefault(name, []).append(value)
        elif name in WHOLE:
            found[name] = int(value) if re.fullmatch(r"[0-9]{1,9}", value) else value
        elif name in TURNED:
            found[name] = value != TURNED[name]
        elif name == "first_loan":
            found[name] = YES_NO.get(value, value)
        else:
            found[name] = value
    return found


def labels(language: Language) -> dict[str, str]:
    """The names of the filters, as the options word them."""
    return {name: _label(name, language) for name in ("order", *FILTERS, *TURNED)}


def _label(name: str, language: Language) -> str:
    extra = ProspectOptions.model_fields[name].json_schema_extra
    return str(extra[f"label_{language}"]) if isinstance(extra, dict) else name


def chips(query: Query, language: Language) -> list[Chip]:
    """The filters in force, one chip each."""
    found = []
    for name in (*FILTERS, *TURNED):
        values = query.values(name)
        if values:
            said = "、" if language == "zh" else ", "
            shown = said.join(_value(name, value, language) for value in values)
            address = query.address(**{name: None}) or "order=likelihood"
            found.append(Chip(name, _label(name, language), shown, address))
    return found


def _value(name: str, value: str, language: Language) -> str:
    if name in ("size", "route") and value in (*get_args(SizeClass), *get_args(Mode)):
        return text(f"{'size_class' if name == 'size' else 'mode'}.{value}", language)
    if name == "region" and codes.division_problem(value) is None:
        return show(codes.division_label(value), language)
    if name == "hs" and codes.hs_problem(value) is None:
        return f"{value} {show(codes.hs_label(value), language)}"
    if name.endswith("_days"):
        return say(language, "%(count)s days", count=value)
    if name == "lane_held":
        return _choices(language).get(value, value)
    if name in TURNED or value in YES_NO:
        return text("common.yes" if value == "yes" else "common.no", language)
    return value


def _choices(language: Language) -> dict[str, str]:
    return {
        "exclude": say(language, "leave them out"),
        "only": say(language, "only those that do"),
    }


def choices(language: Language) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen, by filter: value and words."""
    return {
        "order": [(name, _order(name, language)) for name in ("likelihood", "fit", "value")],
        "size": [(v, text(f"size_class.{v}", language)) for v in get_args(SizeClass)],
        "route": [(v, text(f"mode.{v}", language)) for v in get_args(Mode)],
        "lane_held": list(_choices(language).items()),
        "first_loan": [(v, text(f"common.{v}", language)) for v in YES_NO],
        "region": [(v, show(codes.division_label(v), language)) for v in CORRIDOR],
    }


def _order(name: str, language: Language) -> str:
    return {
        "likelihood": say(language, "by likelihood"),
        "fit": say(language, "by fit"),
        "value": say(language, "by expected value"),
    }[name]
