"""What gates by lane (ruling 2), on products built here; verdicts as the engine gives them."""

import datetime
from itertools import pairwise

import pytest

from recommender import Catalogue, Company, Engine
from recommender.catalogue.gates import PUBLIC, buckets_of, gates_of
from recommender.catalogue.product import Product
from recommender.texts import LANGUAGES
from recommender.vocabulary import BUCKET_DAYS, LANES, PROVENANCES

WORDS = {"zh": "文", "en": "text"}
RULE = {"f": "staff", "op": "at_least", "v": 0}
LEAST = {
    "id": "p1",
    "name_zh": "产品",
    "name_en": "Product",
    "lane": "service",
    "category": "platform_service",
    "provider": WORDS,
    "summary": WORDS,
    "family": "none",
    "formula": "none",
    "currencies": ["CNY"],
    "rules": [RULE],
}
BY_LANE = {
    "financing": {"amount": {"low": 100_000, "high": 500_000}, "tenor_days": {"high": 180}},
    "lease": {"amount": {"low": 100_000, "high": 500_000}, "tenor_days": {"high": 180}},
    "equity": {"amount": {"low": 100_000, "high": 500_000}, "tenor_days": {"high": 180}},
    "insurance": {"covers": "receivables", "currencies": ["USD", "EUR"]},
    "guarantee": {"covers": "loan"},
    "hedge": {"currencies": ["USD"], "tenor_days": {"low": 40, "high": 200}},
    "settlement": {"amount": {"low": 100_000}, "tenor_days": {"high": 10}},
    "service": {"amount": {"low": 100_000}, "tenor_days": {"high": 10}},
}


def product(lane="service", **more):
    return Product.model_validate({**LEAST, "lane": lane, **BY_LANE[lane], **more})


def gates(lane="service", **more):
    return {gate.code: gate for gate in gates_of(product(lane, **more))}


def verdicts(item, profile, as_of="2026-11-23"):
    """Verdict of every gate of a product for a profile on a day."""
    engine = Engine(Catalogue([item]))
    [answer] = engine.eligibility(Company.parse(profile), as_of=as_of)["products"]
    codes = {gate.code for gate in gates_of(item)}
    return {rule["code"]: rule["verdict"] for rule in answer["rules"] if rule["code"] in codes}


# --- which gates there are -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lane", "codes"),
    [
        (
            "financing",
            ["currency", "amount_below_minimum", "amount_above_ceiling", "tenor_too_long"],
        ),
        ("lease", ["currency", "amount_below_minimum", "amount_above_ceiling", "tenor_too_long"]),
        ("equity", ["currency", "amount_below_minimum", "amount_above_ceiling", "tenor_too_long"]),
        ("insurance", ["receivables"]),
        ("guarantee", ["collateral_gap"]),
        ("hedge", ["open_position"]),
        ("settlement", []),
        ("service", []),
    ],
)
def test_each_lane_has_its_gates(lane, codes):
    assert list(gates(lane)) == codes


def test_every_lane_was_looked_at():
    assert set(BY_LANE) == set(LANES)


@pytest.mark.parametrize("lane", LANES)
def test_a_gate_is_hard_and_says_what_it_is(lane):
    everything = {
        "directions": ["export"],
        "routes": ["RSI"],
        "hs": ["84"],
        "provenance": {"routes": "article", "hs": "article"},
        "valid_from": "2026-01-01",
        "valid_until": "2026-12-31",
        "suspended": True,
    }
    found = gates(lane, **everything)
    assert all(gate.hard and gate.origin == "gate" for gate in found.values())
    assert all(gate.src in PROVENANCES for gate in found.values())


@pytest.mark.parametrize(
    ("lane", "covers", "codes"),
    [
        ("insurance", "cargo", []),
        ("insurance", "loan", []),
        ("guarantee", "receivables", []),
        ("guarantee", "hedge_margin", ["open_position"]),
        ("insurance", "hedge_margin", ["open_position"]),
    ],
)
def test_what_is_covered_decides_the_gate(lane, covers, codes):
    assert list(gates(lane, covers=covers)) == codes


@pytest.mark.parametrize(
    ("amount", "codes"),
    [
        ({}, set()),
        ({"low": 1}, {"amount_below_minimum"}),
        ({"high": 1}, {"amount_above_ceiling"}),
    ],
)
def test_an_open_amount_does_not_gate(amount, codes):
    found = gates("financing", amount=amount, tenor_days=None)
    assert set(found) - {"currency"} == codes


def test_the_shortest_tenor_never_gates():
    assert list(gates("financing", amount={}, tenor_days={"low": 30})) == ["currency"]


# --- scope gates only where it is public ---------------------------------------------------------


@pytest.mark.parametrize("field", ["routes", "hs"])
@pytest.mark.parametrize("word", PROVENANCES)
@pytest.mark.parametrize("sourced", [True, False])
def test_routes_and_goods_gate_only_where_a_public_source_says_so(field, word, sourced):
    sources = {"s": {"quality": word, "title": "t"}} if sourced else {}
    provenance = {field: "s" if sourced else word}
    found = gates(routes=["RSI"], hs=["84"], sources=sources, provenance=provenance)
    code = {"routes": "route", "hs": "cargo"}[field]
    assert list(found) == ([code] if word in PUBLIC else [])
    assert all(gate.src == word for gate in found.values())


def test_public_means_everything_but_illustrative():
    assert set(PROVENANCES) - set(PUBLIC) == {"illustrative"}


def test_scope_without_provenance_is_illustrative_and_does_not_gate():
    assert gates(routes=["RSI"], hs=["84"], stages=["stock"], sizes=["micro"]) == {}


def test_direction_always_gates():
    assert gates(directions=["export"])["direction"].src == "illustrative"
    assert gates(directions=["export"], provenance={"directions": "article"})["direction"].src == (
        "article"
    )


@pytest.mark.parametrize("field", ["stages", "sizes", "settlement_methods"])
def test_other_scope_never_gates(field):
    values = {"stages": ["stock"], "sizes": ["micro"], "settlement_methods": ["LC"]}
    assert gates(**{field: values[field]}, provenance={field: "article"}) == {}


def test_a_gate_carries_the_provenance_of_its_number():
    found = gates("financing", provenance={"amount": "secondary", "amount.high": "article"})
    assert found["amount_below_minimum"].src == "secondary"
    assert found["amount_above_ceiling"].src == "article"
    assert found["tenor_too_long"].src == "illustrative"


# --- the validity window -------------------------------------------------------------------------

WINDOW = {"valid_from": "2026-03-01", "valid_until": "2026-06-30"}


@pytest.mark.parametrize(
    ("day", "not_open_yet", "closed"),
    [
        ("2026-02-28", "no", "yes"),
        ("2026-03-01", "yes", "yes"),
        ("2026-05-15", "yes", "yes"),
        ("2026-06-30", "yes", "yes"),
        ("2026-07-01", "yes", "no"),
    ],
)
def test_the_first_and_the_last_day_are_inside(day, not_open_yet, closed):
    found = verdicts(product(**WINDOW), {}, day)
    assert found == {"not_open_yet": not_open_yet, "closed": closed}


def test_a_window_of_one_day_is_open_on_it():
    item = product(valid_from="2026-03-01", valid_until="2026-03-01")
    assert set(verdicts(item, {}, "2026-03-01").values()) == {"yes"}


def test_a_window_may_be_open_on_either_side():
    assert list(gates(valid_from="2026-03-01")) == ["not_open_yet"]
    assert list(gates(valid_until="2026-03-01")) == ["closed"]


def test_the_ends_of_time_do_not_gate():
    item = product(valid_from="0001-01-01", valid_until="9999-12-31")
    assert gates_of(item) == ()
    assert product(valid_from="0001-01-02", valid_until="9999-12-30").valid_from.day == 2


@pytest.mark.parametrize("day", ["0001-01-01", "2026-11-23", "9999-12-31"])
def test_a_suspended_product_is_open_on_no_day(day):
    assert verdicts(product(suspended=True), {}, day) == {"suspended": "no"}


# --- verdicts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lane", LANES)
def test_nothing_known_answers_no_gate(lane):
    item = product(lane, directions=["export"], routes=["RSI"], provenance={"routes": "article"})
    assert set(verdicts(item, {}).values()) == {"unknown"}


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        ({"amount": 99_999.99}, {"amount_below_minimum": "no", "amount_above_ceiling": "yes"}),
        ({"amount": 100_000}, {"amount_below_minimum": "yes", "amount_above_ceiling": "yes"}),
        ({"amount": 500_000}, {"amount_below_minimum": "yes", "amount_above_ceiling": "yes"}),
        ({"amount": 500_000.01}, {"amount_below_minimum": "yes", "amount_above_ceiling": "no"}),
        ({"tenor_days": 180}, {"tenor_too_long": "yes"}),
        ({"tenor_days": 181}, {"tenor_too_long": "no"}),
        ({"currency": "USD"}, {"currency": "no"}),
    ],
)
def test_amount_tenor_and_currency_gate_at_their_edges(need, expected):
    found = verdicts(product("financing"), {"need": {"currency": "CNY", **need}})
    assert {code: found[code] for code in expected} == expected


def test_the_amount_is_compared_in_cny():
    need = {"amount": 60_000, "currency": "USD"}
    assert verdicts(product("financing", currencies=["USD"]), {"need": need}) == {
        "currency": "yes",
        "amount_below_minimum": "yes",
        "amount_above_ceiling": "yes",
        "tenor_too_long": "unknown",
    }


@pytest.mark.parametrize(
    ("trade", "expected"),
    [
        ({"directions": ["import"]}, {"direction": "no"}),
        ({"directions": ["import", "export"]}, {"direction": "yes"}),
        ({"directions": []}, {"direction": "no"}),
        ({"routes": [{"mode": "AIR"}]}, {"route": "no"}),
        ({"routes": [{"mode": "AIR"}, {"mode": "RSI"}]}, {"route": "yes"}),
        ({"hs": ["8432"]}, {"cargo": "yes"}),
        ({"hs": ["85"]}, {"cargo": "no"}),
        ({"hs": ["87"]}, {"cargo": "unknown"}),
        ({"hs": ["8703"]}, {"cargo": "yes"}),
    ],
)
def test_direction_route_and_cargo_are_met_by_one_of_several(trade, expected):
    public = {"routes": "article", "hs": "article"}
    scope = {"directions": ["export"], "routes": ["RSI"], "hs": ["84", "8703"]}
    found = verdicts(product(**scope, provenance=public), {"trade": trade})
    assert {code: found[code] for code in expected} == expected


def position(**more):
    row = {"currency": "USD", "bucket": "1-3m", "receipts": 100, "payables": 0, "fx_debt": 0}
    return {**row, "bought": 0, "sold": 0, "documented": True, **more}


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([], "no"),
        ([{}], "yes"),
        ([{"currency": "EUR"}], "no"),
        ([{"bucket": "6-12m"}], "yes"),
        ([{"bucket": "0-1m"}], "no"),
        ([{"bucket": "12m+"}], "no"),
        ([{"sold": 100}], "no"),
        ([{"documented": False}], "no"),
    ],
)
def test_a_hedge_needs_a_documented_open_position_in_its_currency_and_reach(rows, verdict):
    profile = {"positions": [position(**row) for row in rows]}
    assert verdicts(product("hedge"), profile) == {"open_position": verdict}


@pytest.mark.parametrize(
    ("tenor", "names"),
    [
        (None, list(BUCKET_DAYS)),
        ({"low": 0, "high": 30}, ["0-1m"]),
        ({"low": 0, "high": 31}, ["0-1m", "1-3m"]),
        ({"low": 30, "high": 31}, ["0-1m", "1-3m"]),
        ({"low": 31, "high": 90}, ["1-3m"]),
        ({"low": 365, "high": 366}, ["6-12m", "12m+"]),
        ({"low": 36_500}, ["12m+"]),
    ],
)
def test_a_tenor_reaches_the_buckets_it_touches(tenor, names):
    assert buckets_of(product("hedge", tenor_days=tenor)) == names


def test_the_buckets_cover_every_day_once():
    days = sorted(BUCKET_DAYS.values())
    assert days[0][0] == 0
    assert all(last + 1 == first for (_, last), (first, _) in pairwise(days))


DEPOSIT = {"type": "deposit_cny", "value": 10_000_000, "currency": "CNY"}


@pytest.mark.parametrize(
    ("collateral", "verdict"),
    [
        ([], "yes"),
        ([{**DEPOSIT, "senior_claim": 0}], "no"),
        ([{**DEPOSIT, "senior_claim": 10_000_000}], "yes"),
        ([DEPOSIT], "unknown"),
        (None, "unknown"),
    ],
)
def test_a_guarantee_needs_a_collateral_gap(collateral, verdict):
    profile = {"need": {"amount": 100_000, "currency": "CNY"}, "collateral": collateral}
    profile["trade"] = {"directions": ["export"]}
    assert verdicts(product("guarantee"), profile) == {"collateral_gap": verdict}


@pytest.mark.parametrize(
    ("currency", "verdict"), [("USD", "yes"), ("EUR", "yes"), ("VND", "no"), (None, "unknown")]
)
def test_insurance_needs_receivables_in_its_currencies(currency, verdict):
    row = {"type": "export_receivable", "value": 1, "currency": currency}
    found = verdicts(product("insurance"), {"collateral": [row], "positions": []})
    assert found == {"receivables": verdict}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_gate_that_is_not_met_is_put_into_words(language):
    item = product("financing", valid_until="2026-01-01", directions=["export"])
    engine = Engine(Catalogue([item]))
    profile = Company.parse({"trade": {"directions": ["import"]}, "need": {"currency": "USD"}})
    [answer] = engine.eligibility(profile, as_of="2026-11-23", language=language)["products"]
    said = {rule["code"]: rule["text"] for rule in answer["rules"] if rule["verdict"] == "no"}
    assert set(said) == {"closed", "direction", "currency"}
    assert all(said.values())
    assert any("一" <= sign <= "鿿" for sign in "".join(said.values())) == (language == "zh")


def test_gates_do_not_look_at_the_clock():
    assert gates_of(product(**WINDOW)) == gates_of(product(**WINDOW))
    assert datetime.date(2026, 3, 1) == product(**WINDOW).valid_from
