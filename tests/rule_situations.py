"""A plain evaluator of rules, and profiles that meet a predicate, fail it or leave it open."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, get_args

from profile_writers import (
    BASE,
    DAY,
    FACTS,
    FIRMS,
    LISTS,
    PER_NET_ASSET,
    QUOTA,
    RELATED,
    WRITERS,
    Raw,
    plain,
    write,
)

from recommender import vocabulary
from recommender.rules import Predicate, Rule

DEC_1 = datetime.date(2026, 12, 1)

YES, UNKNOWN, NO = "yes", "unknown", "no"

OPPOSITE = {YES: NO, NO: YES, UNKNOWN: UNKNOWN}

READERS: dict[str, Callable[[Raw], Any]] = {
    "need_cny": lambda raw: raw["need"]["amount"],
    "collateral_gap_cny": lambda raw: minus(raw["need"]["amount"], raw["collateral"][0]["value"]),
    "size_class": lambda raw: next(
        ([size] for size, firm in FIRMS.items() if firm["staff"] == raw["staff"]), None
    ),
    "documents": lambda raw: each(raw["documents"], lambda p: p["type"]),
    "document_issuers": lambda raw: each(
        raw["documents"], lambda p: f"{p['type']}:{p.get('issuer')}"
    ),
    "documented_positions": lambda raw: each(
        raw["positions"], lambda p: f"{p['currency']}:{p['bucket']}"
    ),
    "receivable_currencies": lambda raw: each(raw["collateral"], lambda item: item["currency"]),
    "need_usd": lambda raw: raw["need"]["amount"],
    "register_search_days": lambda raw: days_since(raw["facts"]["crc_search_date"]),
    "self_borrow_room_usd": lambda raw: less(QUOTA, raw["facts"]["foreign_debt_outstanding_usd"]),
    "foreign_debt_room_usd": lambda raw: times(raw["facts"]["net_assets_cny"], PER_NET_ASSET),
    "wc_ceiling_cny": lambda raw: less(raw["revenue_cny"], raw["facts"]["own_funds_cny"]),
}


def days_since(day: str | None) -> int | None:
    return None if day is None else (datetime.date.fromisoformat(DAY) - date_of(day)).days


def date_of(day: str) -> datetime.date:
    return datetime.date.fromisoformat(day)


def less(a: float, b: float | None) -> float | None:
    return None if b is None else a - b


def times(a: float | None, b: float) -> float | None:
    return None if a is None else a * b


def minus(a: float | None, b: float) -> float | None:
    return None if a is None else max(a - b, 0)


def each(rows: list[Raw] | None, name: Callable[[Raw], str]) -> list[str] | None:
    return None if rows is None else [name(row) for row in rows]


def read(raw: Raw, name: str) -> Any:
    if name in FACTS:
        stated = raw["facts"].get(name)
        return stated["value"] if isinstance(stated, dict) else stated
    if name in READERS:
        return READERS[name](raw)
    place, _, inner = name.partition(".")
    return (raw[place] or {}).get(inner) if inner else raw[place]


BY_PREFIX = ("trade.hs", "registered_province", "industry")


def found_in(name: str, value: Any, wanted: tuple[str, ...]) -> str:
    """Whether a code, or one of several, is among those wanted; a coarser code may be."""
    held = value if isinstance(value, list) else [value]
    if name not in BY_PREFIX:
        return YES if set(held) & set(wanted) else NO
    pairs = [(code, want) for code in held for want in wanted]
    if any(code.startswith(want) for code, want in pairs):
        return YES
    return UNKNOWN if any(want.startswith(code) for code, want in pairs) else NO


def said(true: bool) -> str:
    return YES if true else NO


def one(predicate: Predicate, raw: Raw) -> str:
    """The answer to one predicate, over the plain values of a profile."""
    seen, op = read(raw, predicate.f), predicate.op
    limit = read(raw, predicate.v_field) if predicate.v_field else predicate.v
    if seen is None or (limit is None and op not in ("holds", "lacks")):
        return UNKNOWN
    answers = {
        "holds": lambda: said(seen is True),
        "lacks": lambda: said(seen is False),
        "at_least": lambda: said(seen >= limit),
        "at_most": lambda: said(seen <= limit),
        "between": lambda: said(limit[0] <= seen <= limit[1]),
        "before": lambda: said(str(seen) < str(limit)),
        "after": lambda: said(str(seen) > str(limit)),
        "one_of": lambda: found_in(predicate.f, seen, limit),
        "overlaps": lambda: found_in(predicate.f, seen, limit),
        "none_of": lambda: OPPOSITE[found_in(predicate.f, seen, limit)],
    }
    return answers[op]()


def judged(rule: Rule, raw: Raw) -> str:
    answers = {one(predicate, raw) for predicate in rule.predicates}
    return next(answer for answer in (YES, UNKNOWN, NO) if answer in answers)


CODES: dict[str, tuple[str, ...]] = {
    "trade.directions": get_args(vocabulary.Direction),
    "trade.incoterms": get_args(vocabulary.Incoterm),
    "trade.settlement_methods": get_args(vocabulary.SettlementMethod),
    "trade.stage": get_args(vocabulary.Stage),
    "trade.hs": ("8703", "0901"),
    "need.purpose": get_args(vocabulary.Purpose),
    "need.currency": ("CNY", "USD", "VND"),
    "receivable_currencies": ("CNY", "VND"),
    "documented_positions": ("VND:0-1m", "USD:12m+", "KZT:12m+"),
    "documents": ("BUSINESS_LICENCE", "AIR_WAYBILL"),
    "document_issuers": ("DIGITAL_MULTIMODAL_BL:forwarder", "RAIL_WAYBILL:corridor_operator"),
    "size_class": tuple(FIRMS),
    "registered_province": ("11", "35", "50", "500112", "500120"),
    "industry": ("A01", "C35", "F", "F51", "G"),
    "special_zone": ("Qianhai",),
    "related_buyers": tuple(RELATED),
}


def codes_of(name: str) -> tuple[str, ...]:
    return (
        tuple(option.id for option in FACTS[name].options or ()) if name in FACTS else CODES[name]
    )


def among(p: Predicate) -> list[Any]:
    """Each code asked for, and codes below one of them."""
    below = [c for c in codes_of(p.f) if found_in(p.f, c, p.v) == YES and c not in p.v]
    return [[code] for code in (*p.v, *below)]


def outside(p: Predicate) -> list[Any]:
    several = p.f in CODES and p.f in (*LISTS, *WRITERS) and p.f != "size_class"
    others = [[code] for code in codes_of(p.f) if found_in(p.f, code, p.v) == NO]
    return [*others, *([[]] if several else [])]


def too_coarse(p: Predicate) -> list[Any]:
    """Codes above one that is asked for: G may be G54."""
    codes = codes_of(p.f) if p.f in BY_PREFIX else ()
    return [[code] for code in codes if found_in(p.f, code, p.v) == UNKNOWN]


DAY_BEFORE, DAY_AFTER = DEC_1 - datetime.timedelta(1), DEC_1 + datetime.timedelta(1)

Values = Callable[[Predicate], list[Any]]

MEETS: dict[str, Values] = {
    "holds": lambda p: [True],
    "lacks": lambda p: [False],
    "at_least": lambda p: [p.v, p.v + 1],
    "at_most": lambda p: [p.v, max(p.v - 1, 0)],
    "between": lambda p: list(p.v),
    "one_of": among,
    "overlaps": among,
    "none_of": outside,
}

FAILS: dict[str, Values] = {
    "holds": lambda p: [False],
    "lacks": lambda p: [True],
    "at_least": lambda p: [p.v - 1],
    "at_most": lambda p: [p.v + 1],
    "between": lambda p: [p.v[0] - 1, p.v[1] + 1],
    "one_of": outside,
    "overlaps": outside,
    "none_of": among,
}

# Against another field: what this one says beside 100 (or the first of December) of the other.
BESIDE: dict[str, tuple[Any, dict[str, list[Any]]]] = {
    "at_least": (100, {YES: [100, 101], NO: [99]}),
    "at_most": (100, {YES: [100, 99], NO: [101]}),
    "after": (DEC_1, {YES: [DAY_AFTER], NO: [DEC_1, DAY_BEFORE]}),
    "before": (DEC_1, {YES: [DAY_BEFORE], NO: [DEC_1, DAY_AFTER]}),
}

Settings = list[tuple[str, Any]]


def settings_of(p: Predicate, answer: str) -> list[Settings]:
    """What to set in a profile so that a predicate is answered so, in each way there is."""
    if p.v_field:
        other, mine = BESIDE[p.op]
        if answer == UNKNOWN:
            return [
                [(p.v_field, other), (p.f, None)],
                [(p.v_field, None), (p.f, mine[YES][0])],
            ]
        return [[(p.v_field, other), (p.f, value)] for value in mine[answer]]
    if answer == UNKNOWN:
        return [[(p.f, value)] for value in (None, *too_coarse(p))]
    return [[(p.f, value)] for value in (MEETS if answer == YES else FAILS)[p.op](p)]


def situations(rule: Rule, answer: str) -> Iterator[Raw]:
    """Profiles in which a rule is answered so: of alternatives, each in turn makes the answer."""
    rest = UNKNOWN if answer == YES else answer
    for decisive in rule.predicates:
        for settings in settings_of(decisive, answer):
            raw = deepcopy(BASE)
            for other in rule.predicates:
                if other is not decisive:
                    apply(raw, settings_of(other, rest)[0])
            apply(raw, settings)
            yield raw


def half_open(rule: Rule) -> Iterator[Raw]:
    """Of several alternatives all fail but one, which nobody knows."""
    for open_one in rule.predicates if len(rule.predicates) > 1 else ():
        raw = deepcopy(BASE)
        for other in rule.predicates:
            apply(raw, settings_of(other, UNKNOWN if other is open_one else NO)[0])
        yield raw


def apply(raw: Raw, settings: Settings) -> None:
    for name, value in settings:
        write(raw, name, plain(value))
