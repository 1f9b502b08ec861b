"""Each similarity against a hand-computed example, and what holds for all of them."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from catalogue_strategies import both, engine_of, parameters, situations
from hypothesis import HealthCheck, assume, given, settings
from strategies import AS_OF, PAPERS

from recommender import Company
from recommender.codes import collateral_type
from recommender.company.derived import coverage
from recommender.matching.affinities import OPEN
from recommender.matching.matcher import Matcher
from recommender.matching.similarity import FEATURES, NAMES

DAY = date.fromisoformat(AS_OF)
RULE = {"f": "staff", "op": "at_least", "v": 1}
SOFT = [
    {"f": "ownership", "op": "one_of", "v": ["private"], "hard": False},
    {"f": "years_operating", "op": "at_least", "v": 3, "hard": False},
]


def product(lane="financing", name="p", **more):
    """A product open to everybody in everything that is not given."""
    covers = {"insurance": {"covers": "cargo"}, "guarantee": {"covers": "loan"}}
    return {
        "id": name,
        "name_zh": "甲",
        "name_en": "A",
        "lane": lane,
        "category": "test",
        "provider": {"zh": "行", "en": "B"},
        "summary": {"zh": "乙", "en": "C"},
        "family": "none",
        "formula": "none",
        "currencies": ["CNY"],
        "amount": {},
        "rules": [RULE],
        **covers.get(lane, {}),
        **more,
    }


def engine(*products):
    papers = [
        {"id": name, "label": both(name), "kind": "trade", "character": "title"} for name in PAPERS
    ]
    return engine_of({"products": list(products), "facts": [], "documents": papers})


def value(feature, offered, company):
    """One similarity of one product for one company; None when unknown."""
    answer = engine(offered).recommend(
        Company.parse(company), as_of=AS_OF, include_ineligible=True, limit=1000
    )
    match = answer["lanes"][0]["matches"][0]
    parts = {part["feature"]: part["value"] for part in match["contributions"]}
    return parts[feature]


def trade(**more):
    return {"trade": more}


def need(amount, currency="CNY", **more):
    return {"need": {"amount": amount, "currency": currency, **more}}


def routes(*modes):
    return trade(routes=[{"mode": mode} for mode in modes])


MADE_FOR = product(
    routes=["RSI"],
    stages=["post_shipment"],
    settlement_methods=["DA"],
    sizes=["small"],
    hs=["8432"],
    documents=["LC", "OCEAN_BL"],
    tenor_days={"low": 30, "high": 180},
    amount={"low": 500_000, "high": 5_000_000},
)
SMALL = {"industry": "C35", "staff": 45, "revenue_cny": 38_000_000}
MICRO = {"industry": "C35", "staff": 5, "revenue_cny": 1_000_000}


@pytest.mark.parametrize(
    ("feature", "company", "expected"),
    [
        ("route", routes("RSI"), 1.0),
        ("route", routes("XBR"), 0.5),
        ("route", routes("RSI", "XBR"), 0.75),
        ("route", routes("RSI", "AIR"), 0.5),
        ("route", routes(), 0.0),
        ("route", {}, None),
        ("stage", trade(stage="post_shipment"), 1.0),
        ("stage", trade(stage="in_transit"), 0.4),
        ("stage", trade(stage="stock"), 0.0),
        ("stage", {}, None),
        ("settlement", trade(settlement_methods=["DA"]), 1.0),
        ("settlement", trade(settlement_methods=["OA", "LC"]), 0.25),
        ("settlement", {}, None),
        ("size", SMALL, 1.0),
        ("size", MICRO, 0.5),
        ("size", {}, None),
        ("cargo", trade(hs=["8432"]), 1.0),
        ("cargo", trade(hs=["843221"]), 1.0),
        ("cargo", trade(hs=["84"]), 0.8),
        ("cargo", trade(hs=["8418", "85"]), 0.55),
        ("cargo", trade(hs=["08"]), 0.0),
        ("cargo", trade(hs=[]), 0.0),
        ("cargo", {}, None),
        ("documents", {"documents": [{"type": "LC"}]}, 0.5),
        ("documents", {"documents": [{"type": "LC"}, {"type": "OCEAN_BL"}]}, 1.0),
        ("documents", {"documents": []}, 0.0),
        ("documents", {}, None),
        ("tenor", {"need": {"tenor_days": 90}}, 1.0),
        ("tenor", {"need": {"tenor_days": 15}}, 0.5),
        ("tenor", {"need": {"tenor_days": 360}}, 0.5),
        ("tenor", {}, None),
        ("amount", need(1_000_000), 1.0),
        ("amount", need(500_000), 0.5),
        ("amount", need(100_000), 0.0),
        ("amount", need(5_000_000), 0.5),
        ("amount", need(0), 0.0),
        ("amount", need(1_000_000, "VND"), None),
        ("amount", {}, None),
        ("peers", SMALL, None),
    ],
)
def test_hand_computed(feature, company, expected):
    assert value(feature, MADE_FOR, company) == (
        None if expected is None else pytest.approx(expected)
    )


@pytest.mark.parametrize("feature", ["route", "stage", "settlement", "size", "cargo"])
def test_a_product_open_to_all_fits_less_than_one_made_for_it(feature):
    assert value(feature, product(), {}) == OPEN
    assert 0 < OPEN < 1


STANDBY = {"type": "bank_guarantee_sblc", "value": 1_000_000, "currency": "CNY"}
LENDS_ON_STANDBY = product(accepts={"bank_guarantee_sblc": {"low": 0.9, "high": 0.9}})
LENDS_ON_BOTH = product(
    accepts={n: {"low": 0.9, "high": 0.9} for n in ("bank_guarantee_sblc", "export_receivable")}
)
OWED = {"type": "export_receivable", "value": 1e6, "currency": "CNY", "senior_claim": 0}
PLANT = {"type": "industrial_plant", "value": 8_000_000, "currency": "CNY"}
LENDS_ON_PLANT = product(accepts={"industrial_plant": {"low": 0.5, "high": 0.5}})


@pytest.mark.parametrize(
    ("offered", "company", "expected"),
    [
        # first mortgage of 3.0m on 8.0m at 0.5 leaves 1.0m, not 2.5m
        (LENDS_ON_PLANT, {**need(2e6), "collateral": [{**PLANT, "senior_claim": 3e6}]}, 0.5),
        (LENDS_ON_PLANT, {**need(2e6), "collateral": [{**PLANT, "senior_claim": 0}]}, 1.0),
        (LENDS_ON_PLANT, {**need(2e6), "collateral": [PLANT]}, None),
        (LENDS_ON_PLANT, {**need(2e6), "collateral": []}, 0.0),
        (LENDS_ON_PLANT, {**need(0), "collateral": []}, 1.0),
        (LENDS_ON_PLANT, need(2e6), None),
        (LENDS_ON_PLANT, {"collateral": []}, None),
        # a guarantee held is cover where it is accepted, beside the trade it was given for
        (LENDS_ON_STANDBY, {**need(2e6), "collateral": [STANDBY]}, 0.45),
        (LENDS_ON_STANDBY, {**need(2e6), "collateral": [{**STANDBY, "senior_claim": 4e5}]}, 0.25),
        (LENDS_ON_STANDBY, {**need(2e6), "collateral": []}, 0.0),
        (LENDS_ON_PLANT, {**need(2e6), "collateral": [STANDBY]}, 0.0),
        (
            LENDS_ON_BOTH,
            {**need(2e6), "collateral": [{**STANDBY, "trade": "T"}, {**OWED, "trade": "T"}]},
            0.9,
        ),
        # without security: half, and more the larger the gap; a guarantee is for the gap alone
        (product(), {**need(2e6), "collateral": []}, 1.0),
        (product(), {**need(4e6), "collateral": [{**PLANT, "senior_claim": 2e6}]}, 0.75),
        (product("guarantee"), {**need(4e6), "collateral": []}, 1.0),
        (product("guarantee"), {**need(4e6), "collateral": [{**PLANT, "senior_claim": 2e6}]}, 0.5),
    ],
)
def test_collateral(offered, company, expected):
    assert value("collateral", offered, company) == (
        None if expected is None else pytest.approx(expected)
    )


def position(currency, receipts, **more):
    flows = {"receipts": receipts, "payables": 0, "fx_debt": 0, "bought": 0, "sold": 0}
    return {"currency": currency, "bucket": "1-3m", **flows, "documented": True, **more}


def exposed(*positions):
    return {"positions": list(positions), "collateral": []}


USD, EUR = (float(parameters().rate(c, DAY).cny_per_unit) for c in ("USD", "EUR"))
HEDGE = product("hedge", currencies=["USD"])
SETTLEMENT = product("settlement", currencies=["CNY"])


@pytest.mark.parametrize(
    ("offered", "company", "expected"),
    [
        (HEDGE, exposed(position("USD", 100)), 1.0),
        (HEDGE, exposed(position("USD", 100), position("EUR", 100)), USD / (USD + EUR)),
        (HEDGE, exposed(position("USD", 100, sold=60), position("EUR", 40)), USD / (USD + EUR)),
        (HEDGE, exposed(position("EUR", 100)), 0.0),
        (HEDGE, exposed(), 0.0),
        (HEDGE, exposed(position("USD", None)), None),
        (HEDGE, exposed(position("VND", 100)), None),
        (HEDGE, {}, None),
        (SETTLEMENT, exposed(position("USD", 100)), 1.0),
        (SETTLEMENT, exposed(), 0.2),
        (SETTLEMENT, {}, None),
        (product(currencies=["USD"]), exposed(position("USD", 100)), 1.0),
        (product(currencies=["USD"]), exposed(position("USD", 9), position("EUR", 9)), 0.5),
        (product(currencies=["USD"]), exposed(), 0.0),
        (product(currencies=["USD"]), {}, None),
    ],
)
def test_fx(offered, company, expected):
    both_quoted = engine(offered, product(name="q", currencies=["EUR", "USD"]))
    answer = both_quoted.recommend(Company.parse(company), as_of=AS_OF, include_ineligible=True)
    match = next(m for part in answer["lanes"] for m in part["matches"] if m["product_id"] == "p")
    found = {part["feature"]: part["value"] for part in match["contributions"]}["fx"]
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-6))


@pytest.mark.parametrize(
    ("company", "expected"),
    [
        ({"ownership": "private", "years_operating": 5}, 1.0),
        ({"ownership": "state", "years_operating": 5}, 0.5),
        ({"ownership": "state"}, 0.25),
        ({}, None),
    ],
)
def test_preferences_are_the_soft_rules_met_and_half_of_those_open(company, expected):
    assert value("preferences", product(rules=[RULE, *SOFT]), company) == expected
    assert value("preferences", product(), company) == 1.0


def test_text_is_the_share_of_the_description_found_again_weighted_by_rarity():
    tillers = product(keywords=["微耕机"], summary={"zh": "丙", "en": "Q"})
    fish = product(name="q", keywords=["冻鱼"], summary={"zh": "丙", "en": "Q"})
    described = Company.parse(trade(description="微耕机"))
    answer = engine(tillers, fish).recommend(described, as_of=AS_OF)
    found = {
        match["product_id"]: part["value"]
        for match in answer["lanes"][0]["matches"]
        for part in match["contributions"]
        if part["feature"] == "text"
    }
    assert found == {"p": 1.0, "q": 0.0}
    assert value("text", tillers, {}) is None
    assert value("text", tillers, trade(description="???")) == 0.0


def test_peers_need_outcomes():
    assert value("peers", product(), SMALL) is None
    assert value("peers", product("hedge"), SMALL) is None


def test_there_are_thirteen_each_with_unit_formula_and_source():
    assert len(FEATURES) == len(set(NAMES)) == 13
    for feature in FEATURES:
        assert feature.unit
        assert feature.formula
        assert feature.source
        assert 0 <= feature.neutral <= 1
        assert all(half.strip() for half in feature.label)


# --- for every company and catalogue -------------------------------------------------------------

often = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def values_of(s):
    matcher = Matcher(s.engine.catalogue, parameters())
    case = matcher.read(s.company, DAY)
    return matcher, case, matcher.values(matcher.situation([case]))[0]


@often
@given(situations())
def test_every_similarity_is_a_share_or_not_known(s):
    _, _, values = values_of(s)
    known = values[~np.isnan(values)]
    assert ((known >= 0) & (known <= 1)).all()


@often
@given(situations())
def test_what_a_secured_product_lends_is_the_coverage_of_the_derived_figures(s):
    """To the cent per item; a letter of credit is a source of repayment, not cover."""
    matcher, case, values = values_of(s)
    held = [collateral_type(item.type) for item in case.company.collateral or ()]
    assume(not any(kind.needs_control for kind in held))
    wanted = case.derived.need.number
    for j, offered in enumerate(matcher.products):
        spans = matcher.spans(offered.id, DAY)
        if offered.lane != "financing" or not spans or not wanted or "export_lc" in spans:
            continue
        middle = {kind: (low + high) / 2 for kind, (low, high) in spans.items()}
        exact = coverage(case.company, middle, case.rates).number
        found = values[j, NAMES.index("collateral")]
        if exact is None:
            assert np.isnan(found)
        else:
            share = min(Decimal(1), exact / wanted)
            assert abs(found - float(share)) * float(wanted) <= 0.1 * len(case.company.collateral)
