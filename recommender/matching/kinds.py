"""What kinds of firms a model may tell apart: the tokens of a company, and its segment of peers.

A kind is one question about a firm (which goods, how large) with tokens at each of its levels. What
the firm does not say has no token. Adding a kind is one entry in KINDS and its texts
`feature.kind_<name>.*`; models learned before it go on serving without it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from recommender.company.readings import Codes, Value
from recommender.matching.eligibility import FLAG_TRUE
from recommender.matching.encoding import as_number
from recommender.matching.tokens import amount_tokens, group, hats, levels

Row = Mapping[str, Value]
AMOUNTS = (4.5, 5.5, 6.0, 6.5, 7.0, 7.5, 8.5)
AGES = (0.0, 1.0, 3.0, 10.0, 30.0)
MIXED = "mixed"


class Firm(NamedTuple):
    """What a model may know a company by.

    tokens: with their values. segment: where its peers are, each place within the one before it.
    """

    tokens: Mapping[str, float]
    segment: tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """One question about a firm. groups: of its tokens; read: the tokens of a profile."""

    name: str
    groups: tuple[str, ...]
    read: Callable[[Row], dict[str, float]]


def _codes(name: str, place: str, *widths: int) -> Kind:
    """Codes of a field, at levels of leading characters; several share the weight of one."""

    def read(row: Row) -> dict[str, float]:
        value, found = row.get(place), dict[str, float]()
        held = value.has if isinstance(value, Codes) and value.may is not None else ()
        for code in held:
            for token in levels(name, code, widths) if widths else (f"{name}={code}",):
                found[token] = found.get(token, 0.0) + 1.0 / len(held)
        return found

    return Kind(name, tuple(f"{name}{width}" for width in widths) or (name,), read)


def _age(row: Row) -> dict[str, float]:
    years = as_number(row.get("years_operating"))
    return {} if math.isnan(years) else hats("age", years, AGES)


def _amount(row: Row) -> dict[str, float]:
    """How much is needed, in CNY, and how round the sum asked for is in its own currency."""
    cny, asked = as_number(row.get("need_cny")), as_number(row.get(ASKED))
    marks = {t: v for t, v in amount_tokens(asked, AMOUNTS).items() if group(t) in ROUND}
    if math.isnan(cny):
        return marks
    return marks | (hats("amount", math.log10(cny), AMOUNTS) if cny > 0 else {"amount_none=1": 1.0})


def _history(row: Row) -> dict[str, float]:
    value = row.get("has_bank_loan_history")
    if not isinstance(value, Codes) or value.may is None:
        return {}
    return {f"history={'yes' if FLAG_TRUE in value.has else 'no'}": 1.0}


ASKED, ROUND = "need.amount", ("amount_zeros", "amount_digits")
KINDS: tuple[Kind, ...] = (
    _codes("direction", "trade.directions"),
    _codes("goods", "trade.hs", 2, 4),
    _codes("route", "trade.routes"),
    _codes("region", "registered_province", 2),
    _codes("industry", "industry", 1, 3),
    _codes("size", "size_class"),
    _codes("ownership", "ownership"),
    _codes("purpose", "need.purpose"),
    Kind("age", ("age",), _age),
    Kind("amount", ("amount", "amount_none", *ROUND), _amount),
    Kind("history", ("history",), _history),
)
KIND_NAMES = tuple(kind.name for kind in KINDS)
KIND_OF: Mapping[str, str] = {name: kind.name for kind in KINDS for name in kind.groups}


def firm(row: Row, amount: Decimal | None = None) -> Firm:
    """What a model may know a company by. row: its values by field; amount: as asked for."""
    asked: Row = {**row, ASKED: amount}
    tokens: dict[str, float] = {}
    for kind in KINDS:
        tokens |= kind.read(asked)
    return Firm(tokens, _segment(row))


def _segment(row: Row) -> tuple[str, ...]:
    """Direction, chapter of goods, mode of transport and size, as far as they are known."""
    found: list[str] = []
    for name, width in (("trade.directions", 0), ("trade.hs", 2), ("trade.routes", 0)):
        place = _place(row.get(name), width)
        if place is None:
            return tuple(found)
        found.append(f"{name}={place}")
    place = _place(row.get("size_class"), 0)
    return (*found, f"size_class={place}") if place else tuple(found)


def _place(value: Value, width: int) -> str | None:
    """One code, `mixed` for several; None where it is not known or there is none."""
    if not isinstance(value, Codes) or value.may is None or not value.has:
        return None
    held = {code[:width] if width else code for code in value.has}
    return held.pop() if len(held) == 1 else MIXED
