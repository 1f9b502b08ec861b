"""What could be answered to each question of a catalogue, before anything is known of a company.

Flags have two answers, choices one for each option, numbers one for each cell between the bounds
that rules and products set, codes one for each that anything asks about, and one for all others.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, sqrt
from typing import get_args

from recommender.catalogue.product import FactDefinition
from recommender.company.fields import BY_ID
from recommender.company.readings import Codes, Value
from recommender.matching.eligibility import operand
from recommender.matching.matcher import Matcher, fact_value
from recommender.rules import Predicate
from recommender.vocabulary import (
    Direction,
    Incoterm,
    Mode,
    Ownership,
    Purpose,
    SettlementMethod,
    SizeClass,
    Stage,
)

CELLS = 12
CLOSED: Mapping[str, tuple[str, ...]] = {
    "trade.directions": get_args(Direction),
    "trade.routes": get_args(Mode),
    "trade.incoterms": get_args(Incoterm),
    "trade.settlement_methods": get_args(SettlementMethod),
    "trade.stage": get_args(Stage),
    "need.purpose": get_args(Purpose),
    "ownership": get_args(Ownership),
    "size_class": get_args(SizeClass),
}
# The similarity that an answer settles, by the field it answers.
SETTLES: Mapping[str, str] = {
    "trade.routes": "route",
    "trade.stage": "stage",
    "trade.settlement_methods": "settlement",
    "trade.hs": "cargo",
    "need_cny": "amount",
    "need.tenor_days": "tenor",
    "size_class": "size",
    "documents": "documents",
    "documented_positions": "fx",
    "collateral": "collateral",
}
_NEVER = ("as_of", "document_issuers")
_MONTH = 30.0


@dataclass(frozen=True)
class Answer:
    """One answer to one question: what the profile then says; what it owns and is exposed to.

    pledged: kind of an item worth the need, "" for none; open_in: currency and bucket of the one
    open position, "" for none. Both None where the question is about something else.
    """

    question: str
    values: Mapping[str, Value]
    pledged: str | None = None
    open_in: str | None = None


def answers(matcher: Matcher) -> tuple[Answer, ...]:
    """The answers to every question the company can be asked; those that settle a similarity first.

    In the order of the names of the questions, apart from that.
    """
    found = [answer for name in sorted(_asked(matcher)) for answer in _answers(matcher, name)]
    return tuple(sorted(found, key=lambda answer: answer.question not in SETTLES))


def _asked(matcher: Matcher) -> set[str]:
    facts = matcher.catalogue.facts
    named = {name for rule in matcher.rules for p in rule.predicates for name in (p.f, p.v_field)}
    named |= set(SETTLES)
    return {
        name
        for name in named
        if name and name not in _NEVER and (name not in facts or facts[name].asked_of == "company")
    }


def _answers(matcher: Matcher, name: str) -> Iterator[Answer]:
    if name == "documents":
        yield from _papers(matcher)
    elif name == "collateral":
        yield from _pledges(matcher)
    elif name == "documented_positions":
        yield from _flows(matcher)
    elif name == "insurance":
        for held in ((), ("in_force",), ("declared_and_paid", "in_force", "limit_free")):
            yield Answer(name, {name: Codes(held)})
    elif name in matcher.catalogue.facts:
        for value in _of_fact(matcher, matcher.catalogue.facts[name]):
            yield Answer(name, {name: value})
    else:
        for value in _of_field(matcher, name):
            yield Answer(name, {name: value})


def _of_fact(matcher: Matcher, fact: FactDefinition) -> Iterator[Value]:
    if fact.type == "flag":
        yield from (fact_value(fact, True), fact_value(fact, False))
    elif fact.type in ("choice", "choices"):
        yield from (Codes((option.id,)) for option in fact.options or ())
    else:
        yield from _cells(matcher, fact.id, day=fact.type == "date")


def _of_field(matcher: Matcher, name: str) -> Iterator[Value]:
    if BY_ID[name].kind != "codes":
        yield from _cells(matcher, name, day=BY_ID[name].kind == "day")
    elif name in CLOSED:
        yield from (Codes((code,)) for code in CLOSED[name])
    else:
        yield from (Codes((code,)) for code in matcher.layout.codes[name].bits)
        yield Codes()


def _cells(matcher: Matcher, name: str, *, day: bool) -> Iterator[Value]:
    """A number of each cell between the neighbouring bounds anything asks about."""
    found = {bound for p in _predicates(matcher) if p.f == name for bound in _bounds(p)}
    offers = matcher.offers
    scope = {"need_cny": offers.amount, "need.tenor_days": offers.tenor}.get(name)
    if scope is not None:
        found |= {bound for bound in scope.ravel().tolist() if 0 < bound < inf}
    bounds = sorted(found)
    if len(bounds) > CELLS:
        bounds = [bounds[i * (len(bounds) - 1) // (CELLS - 1)] for i in range(CELLS)]
    for point in _points(bounds, _MONTH if day else None):
        yield datetime.date.fromordinal(int(point)) if day else point


def _predicates(matcher: Matcher) -> Iterator[Predicate]:
    return (p for rule in matcher.rules for p in rule.predicates)


def _bounds(p: Predicate) -> list[float]:
    values = p.v if isinstance(p.v, tuple) else (p.v,)
    return [] if p.v_field is not None else [operand(value) for value in values]


def _points(bounds: Sequence[float], step: float | None) -> list[float]:
    """One number of each cell.

    >>> _points([0.0], None), _points([100.0, 400.0], None)
    ([0.0, 1.0], [50.0, 200.0, 800.0])
    """
    if not bounds:
        return []
    low, high = bounds[0], bounds[-1]
    if step is not None:
        between = [(a + b) // 2 for a, b in pairwise(bounds)]
        return [low - step, *between, high + step]
    between = [sqrt(a * b) if a > 0 else (a + b) / 2 for a, b in pairwise(bounds)]
    return [low / 2 if low > 0 else low, *between, max(2 * high, high + 1)]


def _papers(matcher: Matcher) -> Iterator[Answer]:
    """No paper that is asked for, or one: by each who may have issued it where that is asked."""
    tokens = {code for p in _predicates(matcher) if p.f == "documents" for code in _listed(p)}
    issued = {
        code for p in _predicates(matcher) if p.f == "document_issuers" for code in _listed(p)
    }
    tokens -= {code.partition(":")[0] for code in issued}
    yield Answer("documents", {"documents": Codes(), "document_issuers": Codes()})
    for code in sorted(tokens | issued):
        kind, _, issuer = code.partition(":")
        by = Codes((code,)) if issuer else Codes((f"{kind}:other",))
        yield Answer("documents", {"documents": Codes((kind,)), "document_issuers": by})


def _listed(p: Predicate) -> list[str]:
    return [str(value) for value in (p.v if isinstance(p.v, tuple) else (p.v,))]


def _pledges(matcher: Matcher) -> Iterator[Answer]:
    """Nothing, or one item that some product takes, worth as much as is needed."""
    yield Answer("collateral", {"collateral": Codes()}, pledged="")
    for kind in sorted({kind for product in matcher.products for kind in product.accepts}):
        yield Answer("collateral", {"collateral": Codes((kind,))}, pledged=kind)


def _flows(matcher: Matcher) -> Iterator[Answer]:
    """Nothing in foreign currency, or one documented receipt."""
    name = "documented_positions"
    yield Answer(name, {name: Codes()}, open_in="")
    for token in matcher.layout.codes[name].bits:
        own = Codes((token.partition(":")[0],), None)
        yield Answer(name, {name: Codes((token,)), "receivable_currencies": own}, open_in=token)
