"""Indicative amounts: the formulas of the trade through the engine, and what bounds them."""

from decimal import Decimal

import pytest
from catalogue_strategies import parameters, situations
from hypothesis import HealthCheck, given, settings
from strategies import AS_OF

from recommender import Catalogue, Company, Engine
from recommender.tables import data_dir

SAMPLES = data_dir() / "samples"
PACKAGED = Engine(Catalogue.load(), parameters=parameters())
often = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def matches(answer):
    return {m["product_id"]: m for lane in answer["lanes"] for m in lane["matches"]}


def amount(product, company, **options):
    """Low, high and currency of one product of the packaged catalogue."""
    read = company if isinstance(company, Company) else Company.parse(company)
    answer = PACKAGED.recommend(
        read, as_of=AS_OF, include_ineligible=True, limit=1000, language="en", **options
    )
    found = matches(answer)[product]["indicative_amount"]
    return found["low"], found["high"], found["currency"]


def derived(company, **options):
    return PACKAGED.recommend(Company.parse(company), as_of=AS_OF, **options)["derived"]


def need(value, currency="CNY"):
    return {"need": {"amount": value, "currency": currency}}


# --- formulas ------------------------------------------------------------------------------------


def test_farm_machinery_is_covered_by_the_strict_base_of_the_insured_receivable():
    """80 % x 90 % x min(250k, 250k, 200k) = USD 144k at 6.7758, not 250k x 0.9."""
    company = Company.load(SAMPLES / "farm_machinery.yaml")
    answer = PACKAGED.recommend(company, as_of=AS_OF)
    assert answer["derived"]["collateral_coverage"] == 975_715.2
    assert answer["derived"]["collateral_gap"] == 1_024_284.8
    assert answer["derived"]["funding_gap"] == 2_000_000
    assert amount("eci-xbe", company) == (853_750.8, 975_715.2, "CNY")


def test_a_guarantee_stands_behind_the_gap_divided_by_its_share():
    company = Company.load(SAMPLES / "farm_machinery.yaml")
    assert amount("gua-policy", company) == (1_280_356, 1_280_356, "CNY")


def test_a_packing_loan_is_70_to_80_percent_of_the_letter_of_credit():
    credit = {"type": "export_lc", "value": 1_000_000, "currency": "CNY", "senior_claim": 0}
    company = {**need(2_000_000), "collateral": [credit]}
    assert amount("exp-packing", company) == (700_000, 800_000, "CNY")
    assert derived(company)["collateral_coverage"] == 0


def test_a_letter_of_credit_in_dollars_lends_in_the_currency_of_the_need():
    credit = {"type": "export_lc", "value": 100_000, "currency": "USD", "senior_claim": 0}
    dollars = {**need(300_000, "USD"), "collateral": [credit]}
    yuan = {**need(3_000_000), "collateral": [credit]}
    assert amount("exp-packing", dollars) == (70_000, 80_000, "USD")
    assert amount("exp-packing", yuan) == (474_306, 542_064, "CNY")


def test_a_rebate_loan_rests_on_the_refundable_amount():
    """Of 1,200k exempt-credit-refund only 200k is refundable: 140k to 190k."""
    facts = {"facts": {"rebate_refundable_confirmed_cny": 200_000}}
    assert amount("exp-taxrebate", {**need(1_200_000), **facts}) == (140_000, 190_000, "CNY")
    assert amount("exp-taxrebate", need(1_200_000)) == (None, None, "CNY")


def test_a_senior_claim_is_an_amount_taken_off_after_the_haircut():
    plant = {"type": "industrial_plant", "value": 8_000_000, "currency": "CNY"}
    mortgaged = {**plant, "senior_claim": 3_000_000}
    assert derived({"collateral": [mortgaged]})["collateral_coverage"] == 1_000_000
    assert derived({"collateral": [plant]})["collateral_coverage"] is None


def test_unsecured_products_go_from_their_smallest_amount_to_the_need_within_their_range():
    assert amount("cor-ilstc-loan", need(2_000_000)) == (500_000, 2_000_000, "CNY")
    assert amount("cor-ilstc-loan", need(9_000_000)) == (500_000, 5_000_000, "CNY")
    assert amount("cor-ilstc-loan", need(100_000)) == (None, None, "CNY")
    assert amount("cor-ilstc-loan", {}) == (None, None, "CNY")


def position(**flows):
    zero = dict.fromkeys(("receipts", "payables", "fx_debt", "bought", "sold"), 0)
    row = {"currency": "USD", "bucket": "1-3m", **zero, "documented": True, **flows}
    return {"positions": [row]}


@pytest.mark.parametrize(
    ("flows", "low", "high"),
    [
        ({"receipts": 250_000}, 125_000, 175_000),
        ({"payables": 250_000}, 125_000, 175_000),
        ({"receipts": 250_000, "sold": 50_000}, 75_000, 125_000),
        ({"receipts": 250_000, "sold": 150_000}, 0, 25_000),
        ({"receipts": 250_000, "sold": 200_000}, 0, 0),
        ({"receipts": 100.01}, 50, 70),
        ({"receipts": 100, "bought": 50}, 100, 120),
        ({"receipts": 250_000, "documented": False}, None, None),
        ({"receipts": None}, None, None),
    ],
)
def test_a_forward_closes_half_to_seven_tenths_of_the_documented_position(flows, low, high):
    found = amount("fxh-forward", position(**flows))
    assert found[:2] == (low, high)
    assert found[2] == "USD" or low is None


def test_the_largest_position_in_yuan_is_the_one_to_hedge():
    zero = dict.fromkeys(("payables", "fx_debt", "bought", "sold"), 0)
    rows = [
        {"currency": "JPY", "bucket": "1-3m", "receipts": 300_000, **zero, "documented": True},
        {"currency": "EUR", "bucket": "0-1m", "receipts": 20_000, **zero, "documented": True},
    ]
    assert amount("fxh-forward", {"positions": rows}) == (10_000, 14_000, "EUR")


def test_a_policy_covers_the_receivables_in_its_currencies():
    held = [
        {"type": "export_receivable", "value": 100_000, "currency": "USD"},
        {"type": "export_receivable", "value": 900_000, "currency": "THB"},
    ]
    assert amount("eci-st-policy", {"collateral": held}) == (677_580, 677_580, "CNY")


def test_a_guarantee_stands_beside_the_trade_it_was_given_for():
    """Coverage of a trade is its best item; a guarantee adds to it."""
    backing = {"type": "bank_guarantee_sblc", "value": 3_000_000, "currency": "CNY", "trade": "T"}
    twice = {**need(8_000_000), "collateral": [backing, backing]}
    assert amount("xb-scitech", twice) == (5_400_000, 6_000_000, "CNY")
    assert amount("xb-scitech", {**need(8_000_000), "collateral": []}) == (None, None, "CNY")


def shown(product, company):
    answer = PACKAGED.recommend(
        Company.parse(company), as_of=AS_OF, include_ineligible=True, limit=1000, language="en"
    )
    return matches(answer)[product]["indicative_amount"]


TURNOVER = {
    "profit_margin_pct": 10,
    "sales_growth_pct": 20,
    "working_capital_turns": 4,
    "own_funds_cny": 8_000_000,
}


def test_a_ceiling_that_is_not_known_does_not_bind_and_says_what_it_misses():
    company = {**need(2_000_000), "revenue_cny": 38_000_000, "facts": TURNOVER}
    open_ = shown("cor-ilstc-loan", company)
    assert (open_["low"], open_["high"]) == (500_000, 2_000_000)
    assert open_["missing"] == ["existing_wc_loans_cny"]
    assert "wc_ceiling_cny" in {term["name"] for term in open_["terms"]}


def test_a_ceiling_below_the_smallest_amount_is_the_reason_said():
    facts = {**TURNOVER, "existing_wc_loans_cny": 2_000_000}
    closed = shown("cor-ilstc-loan", {**need(2_000_000), "revenue_cny": 38_000_000, "facts": facts})
    assert (closed["low"], closed["high"]) == (None, None)
    assert "ceiling leaves" in closed["formula"]


def test_a_room_in_dollars_bounds_a_loan_in_yuan():
    """USD 0.5 m left of the quota at 6.7758, although the standby is for more."""
    backing = {"type": "bank_guarantee_sblc", "value": 6_000_000, "currency": "CNY"}
    facts = {"foreign_debt_outstanding_usd": 9_500_000, "innovation_points_selected": False}
    company = {**need(8_000_000), "collateral": [backing], "facts": facts}
    assert amount("xb-scitech", company) == (3_387_900, 3_387_900, "CNY")


def test_margin_is_counted_over_currencies_and_is_not_known_without_a_position():
    rows = [*position(receipts=100_000)["positions"], *position(receipts=100_000)["positions"]]
    rows[1] = {**rows[1], "currency": "EUR"}
    both = amount("gua-fxhedge", {"positions": rows})
    alone = [amount("gua-fxhedge", {"positions": [row]}) for row in rows]
    assert both[1] == pytest.approx(sum(found[1] for found in alone))
    assert amount("gua-fxhedge", {}) == (None, None, "CNY")
    assert shown("gua-fxhedge", {})["missing"] == ["positions"]


@pytest.mark.parametrize("product", ["exp-order", "imp-prepay"])
def test_an_order_or_advance_nobody_stated_is_not_nothing(product):
    found = shown(product, need(1_000_000))
    assert (found["low"], found["high"]) == (None, None)
    assert set(found["missing"]) <= {"order_unpaid_cny", "import_prepayment_cny"} != set()
    assert found["missing"]


# --- bounds --------------------------------------------------------------------------------------


def most(s, product, shown, derived_):
    """The most a match may come to: need, ceiling and, where it is secured, what is pledged."""
    price = parameters().rate(shown["currency"], s.engine.options({"as_of": AS_OF}).day)
    in_yuan = [Decimal(str(derived_["need"]))]
    if product.amount and product.amount.high is not None:
        in_yuan.append(product.amount.high)
    if product.formula in ("advance", "documentary_credit", "insured_receivable"):
        worth = [v for n, v in derived_["cny"].items() if n.endswith("].value") and v is not None]
        in_yuan.append(Decimal(str(sum(worth))))
    ends = [end / price.cny_per_unit for end in in_yuan]
    if s.company.need.currency == shown["currency"]:
        ends.append(s.company.need.amount)
    return min(ends) + Decimal("0.005")


def largest_position(shown, derived_):
    open_ = [p for p in derived_["positions"] if p["currency"] == shown["currency"]]
    return max(abs(Decimal(str(p["documented"] or 0))) for p in open_)


@often
@given(situations())
def test_amounts_are_ordered_in_cents_and_within_need_ceiling_pledge_and_position(s):
    answer = s.recommend(include_ineligible=True, limit=1000)
    for match in matches(answer).values():
        shown = match["indicative_amount"]
        product = s.engine.catalogue.product(match["product_id"])
        if shown["low"] is None:
            assert shown["high"] is None
            continue
        low, high = Decimal(str(shown["low"])), Decimal(str(shown["high"]))
        assert 0 <= low <= high
        assert (low * 100, high * 100) == (int(low * 100), int(high * 100))
        if product.formula == "position":
            assert high <= largest_position(shown, answer["derived"])
        elif product.formula != "receivables":
            assert high <= most(s, product, shown, answer["derived"])


@often
@given(situations())
def test_no_amount_is_invented(s):
    """Without a need nothing is lent, without items nothing is lent on them."""
    unknown = {**s.raw, "need": None, "collateral": None, "positions": None}
    company = s.engine.read(unknown)
    answer = s.engine.recommend(company, as_of=AS_OF, include_ineligible=True, limit=1000)
    figures = ("need", "collateral_coverage", "collateral_gap", "funding_gap", "guarantees")
    assert {answer["derived"][name] for name in figures} == {None}
    for match in matches(answer).values():
        assert match["indicative_amount"]["low"] is None
        assert match["indicative_amount"]["high"] is None
