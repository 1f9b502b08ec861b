"""Every field of a profile as rules see it: known, not known, or known in part."""

import datetime
from decimal import Decimal
from functools import cache
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import COMPLETE

from recommender.catalogue.checks import LITERALS, OPERATORS
from recommender.company.derived import summary
from recommender.company.fields import BY_ID, FIELDS, read_from
from recommender.company.profile import Company
from recommender.company.readings import UNKNOWN, Codes, Profile
from recommender.parameters import Parameters
from recommender.texts import LANGUAGES, Label, show, table
from recommender.vocabulary import Insured, Issuer

DAY = datetime.date(2026, 11, 23)


@cache
def parameters():
    return Parameters.load()


def profile(raw):
    company, known = Company.parse(raw), parameters()
    advances = {"deposit_cny": Decimal("0.9"), "public_guarantee": Decimal(1)}
    return Profile(company, summary(company, known, DAY, advances, known.rates(DAY)), DAY)


def read(name, raw):
    return BY_ID[name].read(profile(raw))


def flow(**more):
    """One position with nothing left open by what is not stated."""
    nothing = dict.fromkeys(("receipts", "payables", "fx_debt", "bought", "sold"), 0)
    return {"currency": "USD", "bucket": "1-3m", "documented": True, **nothing, **more}


NEED = {"amount": 1_000, "currency": "CNY"}
SISTER = {"share_pct": 40, "related": True}
STRANGER = {"share_pct": 60, "related": False}
OWN = {"facts": {"net_assets_cny": 1_000_000, "foreign_debt_outstanding_usd": 0}}
TURNOVER = {
    "profit_margin_pct": 10,
    "sales_growth_pct": 20,
    "working_capital_turns": 4,
    "own_funds_cny": 5_000_000,
    "existing_wc_loans_cny": 600_000,
}
SMALL = {"industry": "C35", "staff": 45, "revenue_cny": 38_000_000}

# --- known ---------------------------------------------------------------------------------------

KNOWN = {
    "as_of": ({}, DAY),
    "trade.directions": (
        {"trade": {"directions": ["import", "export", "import"]}},
        Codes(("export", "import")),
    ),
    "trade.routes": (
        {"trade": {"routes": [{"mode": "SEA"}, {"mode": "RSI"}, {"mode": "SEA"}]}},
        Codes(("RSI", "SEA")),
    ),
    "trade.hs": ({"trade": {"hs": ["8432", "08"]}}, Codes(("08", "8432"))),
    "trade.incoterms": ({"trade": {"incoterms": ["FOB"]}}, Codes(("FOB",))),
    "trade.settlement_methods": (
        {"trade": {"settlement_methods": ["OA", "LC"]}},
        Codes(("LC", "OA")),
    ),
    "trade.stage": ({"trade": {"stage": "stock"}}, Codes(("stock",))),
    "trade.payment_term_days": ({"trade": {"payment_term_days": 0}}, 0),
    "trade.export_12m_usd": ({"trade": {"export_12m_usd": 1.5}}, Decimal("1.5")),
    "trade.import_12m_usd": ({"trade": {"import_12m_usd": 0}}, Decimal(0)),
    "trade.corridor_shipments_12m": ({"trade": {"corridor_shipments_12m": 14}}, 14),
    "registered_province": ({"registered_province": "500103"}, Codes(("500103",))),
    "special_zone": ({"special_zone": "Liangjiang"}, Codes(("Liangjiang",))),
    "industry": ({"industry": "C35"}, Codes(("C35",))),
    "ownership": ({"ownership": "private"}, Codes(("private",))),
    "staff": ({"staff": 0}, 0),
    "revenue_cny": ({"revenue_cny": 0}, Decimal(0)),
    "total_assets_cny": ({"total_assets_cny": 99.99}, Decimal("99.99")),
    "years_operating": ({"years_operating": 6}, 6),
    "need.currency": ({"need": {"currency": "USD"}}, Codes(("USD",))),
    "need.tenor_days": ({"need": {"tenor_days": 90}}, 90),
    "need.date": ({"need": {"date": "2026-12-15"}}, datetime.date(2026, 12, 15)),
    "need.purpose": ({"need": {"purpose": "equipment"}}, Codes(("equipment",))),
    "documents": (
        {"documents": [{"type": "B"}, {"type": "A"}, {"type": "A"}]},
        Codes(("A", "B")),
    ),
    "document_issuers": (
        {"documents": [{"type": "A", "issuer": "carrier"}]},
        Codes(("A:carrier",)),
    ),
    "collateral": (
        {"collateral": [{"type": "vehicle"}, {"type": "encd"}]},
        Codes(("encd", "vehicle")),
    ),
    "insurance": (
        {"insurance": [{"declared": 1, "premium_paid": True, "free_limit": 1}]},
        Codes(("declared_and_paid", "in_force", "limit_free")),
    ),
    "size_class": (SMALL, Codes(("small",))),
    "need_cny": ({"need": NEED}, Decimal(1_000)),
    "collateral_gap_cny": ({"need": NEED, "collateral": []}, Decimal(1_000)),
    "documented_positions": ({"positions": [flow(receipts=100)]}, Codes(("USD:1-3m",))),
    "receivable_currencies": (
        {
            "collateral": [{"type": "export_receivable", "currency": "USD"}],
            "positions": [flow(currency="EUR", receipts=1), flow(currency="JPY", payables=1)],
        },
        Codes(("EUR", "USD")),
    ),
    "related_buyers": ({"trade": {"buyers": [SISTER, STRANGER]}}, Codes(("some",))),
    "register_search_days": ({"facts": {"crc_search_date": "2026-11-03"}}, 20),
    "need_usd": ({"need": {"amount": 67_758, "currency": "CNY"}}, Decimal(10_000)),
    "self_borrow_room_usd": (
        {"facts": {"foreign_debt_outstanding_usd": 4e6, "innovation_points_selected": True}},
        Decimal(16_000_000),
    ),
    "foreign_debt_room_usd": ({"need": {**NEED, "tenor_days": 400}, **OWN}, Decimal("516544.17")),
    "wc_ceiling_cny": ({"revenue_cny": 38_000_000, "facts": TURNOVER}, Decimal(4_660_000)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_field_that_is_stated_is_known(name):
    raw, value = KNOWN[name]
    assert read(name, raw) == value


def test_every_field_was_looked_at():
    assert set(KNOWN) == set(BY_ID)
    assert len(BY_ID) == len(FIELDS)


# --- not known -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(BY_ID) - {"as_of"}))
@pytest.mark.parametrize("raw", [{}, {"trade": {}, "need": {}}], ids=["nothing", "empty records"])
def test_a_field_that_is_not_stated_is_not_known(name, raw):
    assert read(name, raw) == (UNKNOWN if BY_ID[name].kind == "codes" else None)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("trade.directions", {"trade": {"directions": []}}),
        ("trade.routes", {"trade": {"routes": []}}),
        ("trade.hs", {"trade": {"hs": []}}),
        ("documents", {"documents": []}),
        ("document_issuers", {"documents": []}),
        ("collateral", {"collateral": []}),
        ("insurance", {"insurance": []}),
        ("documented_positions", {"positions": []}),
        ("receivable_currencies", {"collateral": [], "positions": []}),
    ],
)
def test_an_empty_list_is_none_and_not_unknown(name, raw):
    assert read(name, raw) == Codes((), ())


# --- known in part -------------------------------------------------------------------------------


def test_a_paper_without_issuer_may_be_of_any():
    found = read(
        "document_issuers", {"documents": [{"type": "A"}, {"type": "B", "issuer": "bank"}]}
    )
    assert found.has == ("B:bank",)
    assert set(found.may) == {f"A:{issuer}" for issuer in get_args(Issuer)}


@pytest.mark.parametrize(
    ("row", "has", "may"),
    [
        ({}, {"in_force"}, {"declared_and_paid", "limit_free"}),
        ({"premium_paid": False}, {"in_force"}, {"limit_free"}),
        ({"declared": 0}, {"in_force"}, {"limit_free"}),
        ({"declared": 1}, {"in_force"}, {"declared_and_paid", "limit_free"}),
        ({"declared": 1, "premium_paid": True}, {"in_force", "declared_and_paid"}, {"limit_free"}),
        ({"free_limit": 0, "declared": 0}, {"in_force"}, set()),
    ],
)
def test_insurance_says_what_it_says_and_leaves_the_rest_open(row, has, may):
    found = read("insurance", {"insurance": [row]})
    assert (set(found.has), set(found.may)) == (has, may)


def test_one_policy_is_enough():
    rows = [
        {"declared": 0, "free_limit": 0},
        {"declared": 1, "premium_paid": True, "free_limit": 5},
    ]
    found = read("insurance", {"insurance": rows})
    assert found.has == ("declared_and_paid", "in_force", "limit_free")


@pytest.mark.parametrize(
    ("collateral", "positions", "has", "may"),
    [
        ([{"type": "export_receivable"}], [], (), None),
        ([{"type": "export_receivable"}], [flow(receipts=5)], ("USD",), None),
        ([], [flow(receipts=None)], (), ("USD",)),
        ([{"type": "vehicle", "currency": "EUR"}], [], (), ()),
    ],
)
def test_a_receivable_without_currency_may_be_in_any(collateral, positions, has, may):
    raw = {"collateral": collateral, "positions": positions}
    assert read("receivable_currencies", raw) == Codes(has, may)


@pytest.mark.parametrize(
    ("row", "has", "may"),
    [
        (flow(receipts=100), ("USD:1-3m",), ()),
        (flow(payables=100), ("USD:1-3m",), ()),
        (flow(receipts=100, payables=100), (), ()),
        (flow(receipts=100, sold=100), (), ()),
        (flow(receipts=100, sold=40), ("USD:1-3m",), ()),
        (flow(receipts=100, sold=160), (), ()),
        (flow(receipts=100, documented=False), (), ()),
        (flow(receipts=100, documented=None), (), ("USD:1-3m",)),
        (flow(receipts=100, sold=None), (), ("USD:1-3m",)),
        (flow(receipts=None), (), ("USD:1-3m",)),
    ],
)
def test_a_position_is_open_closed_or_perhaps_open(row, has, may):
    assert read("documented_positions", {"positions": [row]}) == Codes(has, may)


def test_a_chapter_of_the_tariff_may_be_any_of_its_headings():
    assert BY_ID["trade.hs"].matching == "prefix"
    assert {field.id for field in FIELDS if field.matching == "prefix"} == {
        "trade.hs",
        "registered_province",
        "industry",
    }


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ({"uscc": "91310115591693856A"}, Codes(("310115",))),
        ({"uscc": "91310115591693856A", "registered_province": "50"}, Codes(("50",))),
        ({"uscc": "91990000MA0000017Y"}, UNKNOWN),
    ],
)
def test_the_place_of_registration_is_stated_or_read_from_the_company_code(raw, value):
    assert read("registered_province", raw) == value


@pytest.mark.parametrize("missing", SMALL)
def test_the_size_is_not_known_when_a_measure_that_decides_is_not(missing):
    raw = {name: value for name, value in SMALL.items() if name != missing}
    assert read("size_class", raw) == UNKNOWN


@pytest.mark.parametrize(
    ("need", "value"),
    [
        ({"amount": 0, "currency": "CNY"}, Decimal(0)),
        ({"amount": 5}, None),
        ({"currency": "CNY"}, None),
        ({"amount": 5, "currency": "VND"}, None),
    ],
)
def test_the_need_in_cny_takes_amount_currency_and_a_rate(need, value):
    assert read("need_cny", {"need": need}) == value


@pytest.mark.parametrize(
    ("buyers", "has", "may"),
    [
        ([], (), ()),
        ([{**SISTER, "share_pct": 100}], ("all",), ()),
        ([{**STRANGER, "share_pct": 100}], ("none",), ()),
        ([SISTER, STRANGER], ("some",), ()),
        ([{**SISTER, "share_pct": 5}, {**STRANGER, "share_pct": 5}], ("some",), ()),
        ([SISTER], (), ("all", "some")),
        ([STRANGER], (), ("none", "some")),
        ([{"related": True}], (), ("all", "some")),
        ([{"share_pct": 100}], (), ("all", "none", "some")),
    ],
)
def test_buyers_not_named_may_be_related_or_not(buyers, has, may):
    assert read("related_buyers", {"trade": {"buyers": buyers}}) == Codes(has, may)


@pytest.mark.parametrize(("day", "days"), [("2026-11-23", 0), ("2026-11-24", None)])
def test_a_search_of_the_register_lies_behind(day, days):
    assert read("register_search_days", {"facts": {"crc_search_date": day}}) == days


DEPOSIT = {"type": "deposit_cny", "value": 10_000, "currency": "CNY"}


@pytest.mark.parametrize(
    ("items", "gap"),
    [
        ([], Decimal(1_000)),
        ([{**DEPOSIT, "senior_claim": 0}], Decimal(0)),
        ([{**DEPOSIT, "value": 500, "senior_claim": 0}], Decimal(550)),
        ([DEPOSIT], None),
    ],
)
def test_the_gap_is_what_the_collateral_leaves_open(items, gap):
    raw = {"need": NEED, "collateral": items, "trade": {"directions": ["export"]}}
    assert read("collateral_gap_cny", raw) == gap


def test_a_gap_that_is_closed_is_not_known_while_directions_are_not():
    raw = {"need": NEED, "collateral": [{**DEPOSIT, "senior_claim": 0}]}
    assert read("collateral_gap_cny", raw) is None
    assert read("collateral_gap_cny", {**raw, "need": {**NEED, "amount": 9e9}}) > 0


# --- what a field says of itself -----------------------------------------------------------------


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.id)
def test_a_field_has_a_name_a_question_and_operators(field):
    assert all(field.name)
    if field.id != "as_of":
        assert all(table()[f"question.{field.id}"])
    assert OPERATORS[field.kind]
    if field.kind == "number":
        assert field.unit


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.id)
def test_every_code_of_a_field_has_a_label(field):
    value = KNOWN[field.id][1]
    shown = get_args(LITERALS[field.id]) if field.id in LITERALS else ()
    shown = (*shown, *(value.has if isinstance(value, Codes) else ()))
    if field.code_label is not None:
        labels = [field.code_label(code) for code in shown]
        assert all(isinstance(pair, Label) for pair in labels)
        assert all(show(pair, language) for pair in labels for language in LANGUAGES)


def test_the_words_of_insurance_are_those_rules_may_use():
    row = {"declared": 1, "premium_paid": True, "free_limit": 1}
    assert set(read("insurance", {"insurance": [row]}).has) == set(get_args(Insured))


def test_a_field_reads_the_same_whatever_the_order_of_lists():
    lists = {"hs": ["8432", "08"], "directions": ["import", "export"], "incoterms": ["FOB", "CIF"]}
    turned = {name: values[::-1] for name, values in lists.items()}
    for name in lists:
        assert read(f"trade.{name}", {"trade": lists}) == read(f"trade.{name}", {"trade": turned})


@settings(max_examples=150, deadline=None)
@given(COMPLETE, COMPLETE, st.sampled_from(sorted(Company.model_fields)))
def test_a_field_moves_with_the_parts_it_reads_and_with_no_other(one, other, part):
    mixed = {**one, part: other[part]} if part in other else {k: one[k] for k in one if k != part}
    before, after = profile(one), profile(mixed)
    beside = [field for field in FIELDS if part not in field.reads]
    assert [f.id for f in beside if f.read(before) != f.read(after)] == []


def test_every_field_reads_some_part_of_a_profile():
    parts = {*Company.model_fields, "as_of"}
    assert all(parts.issuperset(field.reads) for field in FIELDS)
    assert read_from(frozenset({"positions"})) == tuple(
        BY_ID[name] for name in ("documented_positions", "receivable_currencies")
    )
