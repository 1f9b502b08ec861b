"""Every rule of every product on a real profile: met, failed, and with nothing known.

The values come from the table of operators below, the profiles are read by the plain evaluator of
this file, and the engine has to agree with it. A rule that cannot be met, or cannot fail, is wrong.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from math import ceil
from typing import Any, get_args

import pytest

from recommender import Catalogue, Company, Engine, vocabulary
from recommender.company.profile import Need, Trade
from recommender.rules import Predicate, Rule
from recommender.tables import data_dir, read_document

DAY = "2026-11-23"
DEC_1 = datetime.date(2026, 12, 1)
CATALOGUE = Catalogue.load()
FACTS = CATALOGUE.facts
SAMPLE = read_document(data_dir() / "samples" / "electronics_insured_exporter.yaml")
BASE = {name: part for name, part in SAMPLE.items() if name != "uscc"}

Raw = dict[str, Any]
YES, UNKNOWN, NO = "yes", "unknown", "no"
OPPOSITE = {YES: NO, NO: YES, UNKNOWN: UNKNOWN}


@cache
def engine() -> Engine:
    return Engine(CATALOGUE)


# --- writing a profile: one entry per field that is not plainly a place of the profile -----------

FIRMS = {
    "micro": {"industry": "C35", "staff": 5, "revenue_cny": 1_000_000},
    "small": {"industry": "C35", "staff": 45, "revenue_cny": 38_000_000},
    "medium": {"industry": "C35", "staff": 400, "revenue_cny": 150_000_000},
    "large": {"industry": "C35", "staff": 2_000, "revenue_cny": 900_000_000},
}
NO_FIRM = dict.fromkeys(FIRMS["micro"])


def position(token: str) -> Raw:
    currency, _, bucket = token.partition(":")
    flows = {"payables": 0, "fx_debt": 0, "bought": 0, "sold": 0, "documented": True}
    return {"currency": currency, "bucket": bucket, "receipts": 100_000, **flows}


def receivable(currency: str) -> Raw:
    item = {"type": "export_receivable", "trade": "S1", "value": 100_000, "senior_claim": 0}
    return {**item, "currency": currency}


def paper(token: str) -> Raw:
    kind, _, issuer = token.partition(":")
    return {"type": kind, **({"issuer": issuer} if issuer else {})}


def amount_needed(value: float | None) -> Raw:
    return {"need": {"amount": value, "currency": "CNY"}}


def open_gap(value: float | None) -> Raw:
    """A deposit of 1,000 counts in full; the gap is what is needed beyond it."""
    deposit = {"type": "deposit_cny", "value": 1_000, "currency": "CNY", "senior_claim": 0}
    need = amount_needed(None if value is None else value + 1_000)
    return {**need, "collateral": [deposit], "insurance": []}


def searched(days: int | None) -> Raw:
    """The register was searched so many days before the day of the answer."""
    day = None if days is None else datetime.date.fromisoformat(DAY) - datetime.timedelta(days)
    return {"facts": {"crc_search_date": plain(day)}}


QUOTA = 10_000_000
SALES = BASE["revenue_cny"]
PER_NET_ASSET = (
    2 * 1.75 / 6.7758 / 1.5
)  # leverage, parameter, CNY per USD, weight of a long USD loan


def quota_left(room: float | None) -> Raw:
    owed = None if room is None else QUOTA - room
    return {"facts": {"innovation_points_selected": False, "foreign_debt_outstanding_usd": owed}}


def debt_room(room: float | None) -> Raw:
    """No foreign debt yet and net assets that carry the room, to the next yuan above."""
    assets = None if room is None else ceil(room / PER_NET_ASSET)
    facts = {"net_assets_cny": assets, "foreign_debt_outstanding_usd": 0}
    return {"facts": facts, "need": {"currency": "USD", "tenor_days": 700}}


def working_capital(ceiling: float | None) -> Raw:
    """No margin, no growth, one turn, no loans: sales less own funds is the ceiling."""
    own = None if ceiling is None else SALES - ceiling
    whole = dict.fromkeys(("profit_margin_pct", "sales_growth_pct", "existing_wc_loans_cny"), 0)
    return {"facts": {**whole, "working_capital_turns": 1, "own_funds_cny": own}}


RELATED = {"all": [True], "some": [True, False], "none": [False]}


def counterparties(tokens: list[str] | None) -> Raw:
    ties = RELATED[tokens[0]] if tokens else []
    named = [{"country": "SG", "share_pct": 100 / len(ties), "related": tie} for tie in ties]
    return {"trade": {"buyers": named if tokens else None}}


def receivables(tokens: list[str] | None) -> Raw:
    """Receivables as collateral; flows of positions would count too, so there are none."""
    if tokens is None:
        return {"collateral": None, "positions": None}
    return {"collateral": [receivable(token) for token in tokens], "positions": []}


def listed(place: str, item: Callable[[str], Raw]) -> Callable[[Any], Raw]:
    return lambda tokens: {place: None if tokens is None else [item(token) for token in tokens]}


WRITERS: dict[str, Callable[[Any], Raw]] = {
    "need_cny": amount_needed,
    "collateral_gap_cny": open_gap,
    "size_class": lambda tokens: FIRMS[tokens[0]] if tokens else NO_FIRM,
    "documents": listed("documents", paper),
    "document_issuers": listed("documents", paper),
    "documented_positions": listed("positions", position),
    "receivable_currencies": receivables,
    "insurance": lambda _: {"insurance": None},
    "need_usd": lambda value: {"need": {"amount": value, "currency": "USD"}},
    "register_search_days": searched,
    "self_borrow_room_usd": quota_left,
    "foreign_debt_room_usd": debt_room,
    "wc_ceiling_cny": working_capital,
    "related_buyers": counterparties,
}
RECORDS = ("need", "trade", "facts")
LISTS = ("trade.directions", "trade.hs", "trade.incoterms", "trade.settlement_methods")


def write(raw: Raw, name: str, value: Any) -> None:
    """Set a field or fact; what would imply the fact is made unknown, so that it stands alone."""
    if name in FACTS:
        for implication in FACTS[name].implied_by:
            write(raw, implication.f, None)
        stated = value[0] if isinstance(value, list) else value
        raw["facts"] = {
            **raw["facts"],
            name: {"value": stated, "source": FACTS[name].asked_of},
        }
    elif name in WRITERS:
        for place, part in deepcopy(WRITERS[name](value)).items():
            raw[place] = {**raw[place], **part} if place in RECORDS else part
    else:
        *above, last = name.split(".")
        node = raw[above[0]] if above else raw
        node[last] = value[0] if isinstance(value, list) and name not in LISTS else value


# --- reading a profile, and the plain evaluator ---------------------------------------------------

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


# --- values that meet a predicate, and values that fail it ---------------------------------------

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


def plain(value: Any) -> Any:
    """A value as a file has it: days as text, whole numbers without a point."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    return int(value) if isinstance(value, float) and value.is_integer() else value


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


# --- the rules ------------------------------------------------------------------------------------


def distinct_rules() -> dict[str, tuple[Rule, list[tuple[str, str]]]]:
    """Every rule, stop and gate once, with the products and codes under which it stands."""
    found: dict[str, tuple[Rule, list[tuple[str, str]]]] = {}
    for name in CATALOGUE.products:
        for rule in CATALOGUE.rules(name):
            key = " or ".join(worded(predicate) for predicate in rule.predicates)
            found.setdefault(key, (rule, []))[1].append((name, rule.reason))
    return found


def worded(p: Predicate) -> str:
    operand = p.v_field or ("" if p.v is None else p.v)
    listed = ",".join(map(str, operand)) if isinstance(operand, tuple) else operand
    return f"{p.f} {p.op} {listed}".strip()


RULES = distinct_rules()


def verdicts(raw: Raw, places: list[tuple[str, str]]) -> set[str]:
    """What the engine answers to a rule, in every product that has it."""
    answer = engine().eligibility(Company.parse(raw), as_of=DAY)
    said = {
        (product["product_id"], rule["code"]): rule["verdict"]
        for product in answer["products"]
        for rule in product["rules"]
    }
    return {said[place] for place in places}


@pytest.mark.parametrize("answer", [YES, NO, UNKNOWN])
@pytest.mark.parametrize("key", RULES)
def test_every_rule_can_be_met_can_fail_and_can_be_open(key, answer):
    rule, places = RULES[key]
    profiles = [*situations(rule, answer), *(half_open(rule) if answer == UNKNOWN else ())]
    assert profiles, f"nothing this test can set makes the answer {answer}"
    for raw in profiles:
        assert judged(rule, raw) == answer
        assert verdicts(raw, places) == {answer}


def settable(name: str) -> bool:
    place, _, inner = name.rpartition(".")
    record = {"": Company, "trade": Trade, "need": Need}[place]
    return name in FACTS or name in WRITERS or inner in record.model_fields


def test_every_field_a_rule_asks_can_be_set_here():
    asked = {p for rule, _ in RULES.values() for p in rule.predicates}
    names = {p.f for p in asked} | {p.v_field for p in asked if p.v_field}
    assert sorted(n for n in names if not settable(n)) == [], "give it a writer and a reader"


def test_nothing_is_left_out():
    listed = [place for _, places in RULES.values() for place in places]
    assert len(listed) == len(set(listed))
    assert len(listed) == sum(len(CATALOGUE.rules(name)) for name in CATALOGUE.products)


IMPLICATIONS = [(fact.id, i) for fact in FACTS.values() for i in fact.implied_by]


@pytest.mark.parametrize(
    ("fact", "implication"), IMPLICATIONS, ids=[f"{n}: {i.f} {i.op}" for n, i in IMPLICATIONS]
)
def test_what_the_profile_implies_is_answered_without_asking(fact, implication):
    places = [place for _, places in RULES.values() for place in places]
    asked = [p for p in places if p[1] in (f"{fact}.holds", f"{fact}.lacks", f"{fact}.one_of")]
    raw = deepcopy(BASE)
    write(raw, fact, None)
    if implication.f == "insurance":
        raw["insurance"] = SAMPLE["insurance"] if implication.value else []
    else:
        apply(raw, settings_of(implication.predicate(), YES)[0])
    assert asked
    assert UNKNOWN not in set().union(*(verdicts(raw, [place]) for place in asked))
