"""Rooms for foreign debt and working capital: each input, and what is not known of it."""

from datetime import date
from decimal import Decimal

import pytest

from recommender import Catalogue, Engine
from recommender.company.derived import as_json, summary
from recommender.company.fields import BY_ID
from recommender.company.headroom import NET_ASSETS, OUTSTANDING, RESTS_ON, SELECTED
from recommender.company.profile import Company
from recommender.parameters import Parameters
from recommender.texts import LANGUAGES, table

PARAMETERS = Parameters.load()
DAY = date(2026, 11, 23)
DEBT = {
    NET_ASSETS: 100_000_000,
    OUTSTANDING: 10_000_000,
    "foreign_debt_short_term_usd": 4_000_000,
    "foreign_debt_in_fx_usd": 6_000_000,
}
TURNOVER = {
    "profit_margin_pct": 10,
    "sales_growth_pct": 20,
    "working_capital_turns": 4,
    "own_funds_cny": 5_000_000,
    "existing_wc_loans_cny": 600_000,
}
LONG = {"amount": 1_000_000, "currency": "CNY", "tenor_days": 366}
WHOLE = {"need": LONG, "revenue_cny": 38_000_000, "facts": {**DEBT, **TURNOVER, SELECTED: False}}


def derived(raw, day=DAY):
    return summary(Company.parse(raw), PARAMETERS, day, {}, PARAMETERS.rates(day))


def room(name, raw, day=DAY):
    return derived(raw, day).headroom[name]


def without(fact):
    return {**WHOLE, "facts": {n: v for n, v in WHOLE["facts"].items() if n != fact}}


# --- what a firm may borrow without regard to net assets -----------------------------------------


@pytest.mark.parametrize(
    ("facts", "need", "value", "missing"),
    [
        ({OUTSTANDING: 0, SELECTED: False}, 1e6, 10_000_000, ()),
        ({OUTSTANDING: 0, SELECTED: True}, 1e6, 20_000_000, ()),
        ({OUTSTANDING: 3e6, SELECTED: True}, 1e6, 17_000_000, ()),
        ({OUTSTANDING: 15e6, SELECTED: False}, 1e6, 0, ()),
        ({OUTSTANDING: 3e6}, 7e6, 7_000_000, ()),
        ({OUTSTANDING: 3e6}, 7e6 + 1, None, (SELECTED,)),
        ({SELECTED: True}, 1e6, None, (OUTSTANDING,)),
        ({}, 1e6, None, (OUTSTANDING, SELECTED)),
        ({OUTSTANDING: -1, SELECTED: True}, 1e6, None, (OUTSTANDING,)),
    ],
)
def test_the_quota_less_what_is_owed_abroad(facts, need, value, missing):
    raw = {"need": {"amount": need, "currency": "USD"}, "facts": facts}
    figure = room("self_borrow_room_usd", raw)
    assert (figure.value, figure.missing) == (value, missing)


@pytest.mark.parametrize(
    ("day", "value"),
    [
        (date(2022, 5, 30), None),
        (date(2025, 9, 14), 10_000_000),
        (date(2025, 9, 15), 20_000_000),
    ],
)
def test_the_quota_is_that_of_the_day(day, value):
    raw = {"facts": {OUTSTANDING: 0, SELECTED: True}}
    assert room("self_borrow_room_usd", raw, day).value == value


# --- what net assets carry -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("need", "value"),
    [
        # 100m x 2 x 1.75 / 6.7758 = 51,654,417.19; less 10m + 4m x 0.5 + 6m x 0.5 = 15m
        ({"currency": "CNY", "tenor_days": 366}, "36654417.19"),
        ({"currency": "USD", "tenor_days": 366}, "24436278.13"),
        ({"currency": "CNY", "tenor_days": 365}, "24436278.13"),
        ({"currency": "USD", "tenor_days": 90}, "18327208.60"),
    ],
)
def test_short_debt_and_foreign_currency_weigh_more(need, value):
    figure = room("foreign_debt_room_usd", {"need": {"amount": 1, **need}, "facts": DEBT})
    assert figure.value == Decimal(value)


@pytest.mark.parametrize(
    ("day", "parameter"),
    [
        (date(2021, 1, 7), "1"),
        (date(2022, 10, 24), "1"),
        (date(2022, 10, 25), "1.25"),
        (date(2023, 7, 20), "1.5"),
        (date(2025, 1, 12), "1.5"),
        (date(2025, 1, 13), "1.75"),
    ],
)
def test_the_parameter_is_that_of_the_day(day, parameter):
    terms = {t.name: t for t in room("foreign_debt_room_usd", WHOLE, day).terms}
    assert terms["macro_prudential_parameter"].value == Decimal(parameter)
    assert terms["macro_prudential_parameter"].source.endswith(tuple("0123456789"))


def test_no_parameter_is_recorded_before_2021():
    figure = room("foreign_debt_room_usd", WHOLE, date(2020, 12, 31))
    assert (figure.value, figure.missing) == (None, ())


def test_a_firm_that_owes_more_than_it_is_worth_has_no_room():
    raw = {"need": LONG, "facts": {**DEBT, NET_ASSETS: -5}}
    assert room("foreign_debt_room_usd", raw).value == 0


def test_who_owes_nothing_abroad_is_not_asked_of_what_kind():
    raw = {"need": LONG, "facts": {NET_ASSETS: 100_000_000, OUTSTANDING: 0}}
    assert room("foreign_debt_room_usd", raw).value == Decimal("51654417.19")


@pytest.mark.parametrize("field", ["tenor_days", "currency"])
def test_the_weight_of_a_loan_not_described_is_not_known(field):
    need = {name: value for name, value in LONG.items() if name != field}
    figure = room("foreign_debt_room_usd", {**WHOLE, "need": need})
    assert (figure.value, figure.missing) == (None, (f"need.{field}",))


# --- working capital -----------------------------------------------------------------------------


def test_a_ceiling_by_hand():
    """38m x 0.9 x 1.2 / 4 = 10.26m, less 5m of its own and 0.6m lent already."""
    assert room("wc_ceiling_cny", WHOLE).value == 4_660_000


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("working_capital_turns", 0),
        ("working_capital_turns", -4),
        ("working_capital_turns", 1e-15),
        ("sales_growth_pct", 1e15),
        ("profit_margin_pct", -1e15),
        ("existing_wc_loans_cny", -1),
        ("own_funds_cny", None),
    ],
)
def test_an_answer_that_makes_no_sense_is_not_known(fact, value):
    figure = room("wc_ceiling_cny", {**WHOLE, "facts": {**WHOLE["facts"], fact: value}})
    assert (figure.value, figure.missing) == (None, (fact,))


# --- all of them ---------------------------------------------------------------------------------

FACTS = [(name, fact) for name, facts in RESTS_ON.items() for fact in facts if fact != SELECTED]


@pytest.mark.parametrize(("name", "fact"), FACTS)
def test_a_fact_that_is_missing_is_named_and_nothing_stands_for_it(name, fact):
    assert room(name, WHOLE).value is not None
    figure = room(name, without(fact))
    assert (figure.value, figure.missing) == (None, (fact,))


@pytest.mark.parametrize("name", RESTS_ON)
def test_a_room_is_a_field_that_names_its_facts(name):
    assert BY_ID[name].facts == RESTS_ON[name]
    assert BY_ID[name].unit.lower() == name.rpartition("_")[2]


def test_the_need_in_dollars_takes_a_rate_unless_it_is_in_dollars():
    stated = {"amount": 500, "currency": "USD"}
    bare = summary(Company.parse({"need": stated}), PARAMETERS, DAY, {}, {}).headroom["need_usd"]
    other = summary(Company.parse({"need": LONG}), PARAMETERS, DAY, {}, {}).headroom["need_usd"]
    assert bare.value == 500
    assert (other.value, "rates.USD" in other.missing) == (None, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_known_rooms_are_shown_with_formula_inputs_source_and_day(language):
    lines = {line["figure"]: line for line in as_json(derived(WHOLE), language)["terms"]}
    assert RESTS_ON.keys() <= lines.keys()
    terms = {t["name"]: t for t in lines["foreign_debt_room_usd"]["terms"]}
    assert terms["foreign_debt_leverage"]["source"].endswith("2017-01-13")
    assert terms["rate"]["source"].endswith("2026-06-30")
    named = {t["name"] for name in RESTS_ON for t in lines[name]["terms"]}
    assert {name for name in named if f"derived.term.{name}" not in table()} == set()


def test_rooms_that_are_not_known_are_left_out():
    lines = {line["figure"] for line in as_json(derived({}), "en")["terms"]}
    assert not RESTS_ON.keys() & lines


def test_a_question_names_the_products_whose_room_rests_on_it():
    used = {fact["id"]: fact["used_by"] for fact in Engine(Catalogue.load()).facts()["facts"]}
    assert used["foreign_debt_in_fx_usd"] == ["xb-offshore-loan"]
    assert used[OUTSTANDING] == ["xb-offshore-loan", "xb-scitech"]
    assert all(used.values())
