"""Random valid companies for property tests, with unknowns everywhere.

They are plain values, as a file would hold them, so that a failing example can be pasted. Days and
amounts come from short lists: rules and companies have to meet for anything to happen.
"""

from copy import deepcopy
from functools import cache
from typing import get_args

from hypothesis import strategies as st

from recommender.vocabulary import (
    Bucket,
    Direction,
    Incoterm,
    Issuer,
    Mode,
    Ownership,
    Purpose,
    SettlementMethod,
    Stage,
)

AS_OF = "2026-11-23"
CURRENCIES = ("CNY", "USD", "EUR", "JPY", "VND")
HS = ("08", "0810", "27", "84", "8432", "843221", "85", "87", "8703", "870323")
PROVINCES = ("50", "5001", "500103", "51", "5101")
INDUSTRIES = ("C35", "C351", "C3511", "F51", "G58", "K")
KINDS = (
    "insured_receivable",
    "export_receivable",
    "goods_in_transit",
    "digital_bl",
    "export_lc",
    "tax_rebate_account",
    "industrial_plant",
    "deposit_cny",
    "public_guarantee",
)
PAPERS = ("OCEAN_BL", "DIGITAL_BL", "RAIL_WAYBILL", "LC")
DAYS = ("2026-06-30", "2026-11-23", "2027-01-31")
AMOUNTS = (0, 1, 99.99, 50_000, 250_000, 1_000_000.5, 8_000_000)
COUNTS = (0, 1, 3, 12, 90, 400)
FIGURES = (0, 1, 2.5, 100_000)
OPTIONS = ("a", "b", "c")
BUCKETS = get_args(Bucket)
LITERALS = {
    "trade.directions": get_args(Direction),
    "trade.routes": get_args(Mode),
    "trade.incoterms": get_args(Incoterm),
    "trade.settlement_methods": get_args(SettlementMethod),
    "trade.stage": get_args(Stage),
    "ownership": get_args(Ownership),
    "need.purpose": get_args(Purpose),
    "size_class": ("micro", "small", "medium", "large"),
    "trade.hs": HS,
    "registered_province": PROVINCES,
    "industry": INDUSTRIES,
    "need.currency": CURRENCIES,
    "receivable_currencies": CURRENCIES,
    "collateral": KINDS,
    "insurance": ("in_force", "declared_and_paid", "limit_free"),
    "documents": PAPERS,
    "document_issuers": tuple(f"{paper}:{by}" for paper in PAPERS[:2] for by in get_args(Issuer)),
    "documented_positions": tuple(f"{c}:{b}" for c in CURRENCIES for b in BUCKETS),
}
FACT_TYPES = {
    "flag_1": "flag",
    "flag_2": "flag",
    "flag_3": "flag",
    "flag_4": "flag",
    "bank_flag": "flag",
    "screening_flag": "flag",
    "number_1": "number",
    "choice_1": "choice",
    "choices_1": "choices",
    "date_1": "date",
}


@cache
def maybe(values):
    """A value, or not known."""
    return st.one_of(values, values, values, st.none())


@cache
def one(values):
    """One of some codes."""
    return st.sampled_from(values)


@cache
def some(values, least=0, most=3):
    """A few distinct codes, in any order."""
    return st.lists(one(values), min_size=least, max_size=most, unique=True)


def partly(**fields):
    """A record in which every field may be unknown: null, or left out."""
    full = st.fixed_dictionaries({name: maybe(values) for name, values in fields.items()})
    return st.builds(_written, full, st.booleans())


def _written(values, with_nulls):
    return {n: v for n, v in values.items() if with_nulls or v is not None}


def fully(**fields):
    """A record in which every field is known."""
    return st.fixed_dictionaries(fields)


SOURCES = one(("company", "bank", "screening", "document", "register"))


@cache
def answers(kind):
    """Answers to a fact of a type."""
    return {
        "flag": st.booleans(),
        "number": one(FIGURES),
        "choice": one(OPTIONS),
        "choices": some(OPTIONS),
        "date": one(DAYS),
    }[kind]


@cache
def stated(kind):
    """A fact as a company states it: bare, with its source, or not known."""
    value = answers(kind)
    sourced = st.fixed_dictionaries({"value": maybe(value), "source": SOURCES})
    return value | sourced


def profiles(record):
    """Companies whose records are made by `partly` or `fully`."""
    trade = record(
        directions=some(get_args(Direction)),
        routes=st.lists(
            st.fixed_dictionaries({"mode": one(get_args(Mode))}), max_size=3, unique_by=str
        ),
        hs=some(HS),
        incoterms=some(get_args(Incoterm)),
        settlement_methods=some(get_args(SettlementMethod)),
        payment_term_days=one(COUNTS),
        export_12m_usd=one(AMOUNTS),
        corridor_shipments_12m=one(COUNTS),
        stage=one(get_args(Stage)),
        description=one(("出口微耕机", "durian import by rail", "?")),
    )
    need = record(
        amount=one(AMOUNTS),
        currency=one(("CNY", "CNY", *CURRENCIES)),
        tenor_days=one(COUNTS[1:]),
        date=one(DAYS),
        purpose=one(get_args(Purpose)),
    )
    item = st.builds(
        lambda kind, rest: {"type": kind, **rest},
        one(KINDS),
        record(
            trade=one(("T1", "T2")),
            value=one(AMOUNTS),
            currency=one(CURRENCIES),
            senior_claim=one(AMOUNTS[:4]),
        ),
    )
    policy = record(
        trade=one(("T1", "T2")),
        declared=one(AMOUNTS),
        free_limit=one(AMOUNTS),
        currency=one(CURRENCIES),
        cover_pct=one((70, 90)),
        premium_paid=st.booleans(),
    )
    paper = st.builds(
        lambda kind, rest: {"type": kind, **rest},
        one(PAPERS),
        record(issuer=one(get_args(Issuer)), trade=one(("T1", "T2"))),
    )
    position = st.builds(
        lambda currency, bucket, rest: {"currency": currency, "bucket": bucket, **rest},
        one(CURRENCIES),
        one(BUCKETS),
        record(
            receipts=one(AMOUNTS),
            payables=one(AMOUNTS),
            fx_debt=one((0, 50_000)),
            bought=one((0, 0.01, 50_000)),
            sold=one((0, 0.01, 50_000)),
            documented=st.booleans(),
            probability=one((0, 0.5, 1)),
        ),
    )
    facts = record(**{name: stated(kind) for name, kind in FACT_TYPES.items()})
    return record(
        registered_province=one(PROVINCES),
        industry=one(INDUSTRIES),
        ownership=one(get_args(Ownership)),
        staff=one((3, 50, 400, 5000)),
        revenue_cny=one(AMOUNTS),
        total_assets_cny=one(AMOUNTS),
        years_operating=one(COUNTS),
        trade=trade,
        need=need,
        collateral=st.lists(item, max_size=4),
        insurance=st.lists(policy, max_size=2),
        documents=st.lists(paper, max_size=3),
        positions=st.lists(position, max_size=3),
        facts=facts,
    )


COMPANIES = profiles(partly)
COMPLETE = profiles(fully)
REQUIRED = ("type", "mode", "bucket", "source")


def leaves(raw, place=()):
    """Places of everything a profile states, at any depth, that may as well be unknown."""
    for key, value in raw.items():
        if value is None or key in REQUIRED or (key == "currency" and "bucket" in raw):
            continue
        yield (*place, key)
        inner = {key: value} if isinstance(value, dict) else {}
        if isinstance(value, list):
            inner = {(key, i): item for i, item in enumerate(value) if isinstance(item, dict)}
        for step, part in inner.items():
            yield from leaves(part, (*place, *(step if isinstance(step, tuple) else (step,))))


def without(raw, places):
    """The profile with some parts not known."""
    rest = deepcopy(raw)
    for place in sorted(places, key=len, reverse=True):
        part = rest
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = None
    return rest
