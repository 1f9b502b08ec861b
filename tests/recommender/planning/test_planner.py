"""Whole plans: random companies and catalogues, made-up firms, plans that were tampered with."""

import json
from functools import cache

import orjson
import pytest
from catalogue_strategies import Situation, situations
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st
from plan_peers import greedy
from strategies import AS_OF

from recommender import Catalogue, Company, Engine
from recommender.catalogue.files import as_json
from recommender.errors import InvalidCatalogue, InvalidOptions, InvalidProfile
from recommender.planning import Planner, PlanOptions
from recommender.simulation import company as made_up
from recommender.tables import data_dir, read_document

often = settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)
OPTIONS = {"as_of": AS_OF, "language": "en"}
ROUNDING = 0.5  # CNY: cents of foreign currencies


@cache
def planner():
    return Planner(Engine(Catalogue.load()))


def sample(name):
    return Company.load(data_dir() / "samples" / f"{name}.yaml")


def raw_of(number):
    """A made-up firm without facts that contradict its profile."""
    raw = made_up(7, number, 0.2)
    company = Company.parse(raw)
    case = planner().engine.matcher.read(company, PlanOptions.parse(OPTIONS).day)
    wrong = {p.field.removeprefix("facts.") for p in planner().engine.matcher.contradictions(case)}
    return {**raw, "facts": {k: v for k, v in (raw.get("facts") or {}).items() if k not in wrong}}


def firm(number):
    return Company.parse(raw_of(number))


# --- what holds for every plan -------------------------------------------------------------------


@often
@given(situations())
def test_every_plan_holds_for_random_companies_and_catalogues(s):
    answer = Planner(s.engine).plan(s.company, **OPTIONS)
    for plan in answer["plans"]:
        holds(plan)
    assert "not a credit decision" in answer["notices"][0]
    assert orjson.dumps(answer) == orjson.dumps(Planner(s.engine).plan(s.company, **OPTIONS))


def holds(plan):
    money = plan["money"]
    assert abs(money["need"] - money["covered"] - money["uncovered"]) < 0.01
    assert abs(money["gross"] - money["repaid"] - money["net_new"]) < 0.01
    assert money["net_new"] + money["existing"] <= money["need"] + money["margins"] + 1
    places = [cover["place"] for line in plan["lines"] for cover in line["secured_by"]]
    assert len(places) == len(set(places))
    for line in plan["lines"]:
        assert line["amount"]["low"] <= line["amount"]["high"]
        assert line["amount"]["formula"]
    for position in plan["positions"]:
        if position["hedges_new"]:
            assert position["hedges_held"] + position["hedges_new"] <= abs(position["position"])
            assert position["hedge_ratio"] <= 0.7
    assert plan["proven_optimal"]


@pytest.mark.parametrize("number", range(25))
def test_plans_of_made_up_firms_hold_and_cover_no_less_than_greedy(number):
    company, options = firm(number), PlanOptions.parse(OPTIONS)
    answer = planner().plan(company, options)
    _, situation = planner().situation(company, options)
    for plan in answer["plans"]:
        holds(plan)
    covered = answer["plans"][0]["money"]["covered"] if answer["plans"] else 0
    assert covered >= float(greedy(situation).covered) - 0.5
    paying = [
        frozenset((line["product_id"], line["amount"]["currency"]) for line in plan["lines"])
        for plan in answer["plans"]
    ]
    assert len(set(paying)) == len(paying)


def covered(engine, company, **kw):
    """What the best plan covers, CNY; nothing when there is none."""
    plans = Planner(engine).plan(company, **OPTIONS, plans=1, **kw)["plans"]
    return plans[0]["money"]["covered"] if plans else 0.0


def plain(raw):
    """Without a description: how much a word weighs depends on how many products use it."""
    return {**raw, "trade": {**(raw.get("trade") or {}), "description": None}}


def at_once(s):
    """The plans of a situation, without what is tried beside them."""
    beside = ("why_open", "ways_to_close")
    plans = Planner(s.engine).plan(Company.parse(plain(s.raw)), **OPTIONS)["plans"]
    return [{k: v for k, v in plan.items() if k not in beside} for plan in plans]


@often
@given(situations(), st.data())
def test_one_more_product_never_covers_less(s, data):
    names = sorted(s.engine.catalogue.products)
    one = data.draw(st.sampled_from(names))
    assert covered(s.engine, s.company) >= covered(s.engine, s.company, exclude=[one]) - ROUNDING


@often
@given(situations(), st.sampled_from(["suspended", "never met"]))
def test_a_product_that_does_not_fit_changes_nothing(s, how):
    one = {**s.rows["products"][0], "id": "p-zz"}
    never = [{"f": "trade.export_12m_usd", "op": "at_least", "v": 1e14, "code": "never"}]
    one |= {"suspended": True} if how == "suspended" else {"rules": never}
    rows = {**s.rows, "products": [*s.rows["products"], one]}
    try:
        more = Situation(rows, s.raw)
    except InvalidCatalogue:
        reject()
    assert orjson.dumps(at_once(more)) == orjson.dumps(at_once(s))


@often
@given(situations(), st.data())
def test_more_collateral_never_covers_less(s, data):
    """A higher value, a smaller senior claim, or one more item of a trade of its own."""
    assume(not any("collateral_gap_cny" in str(p["rules"]) for p in s.rows["products"]))
    items = list(s.raw.get("collateral") or [])
    assume(items)
    i = data.draw(st.integers(0, len(items) - 1))
    change = data.draw(st.sampled_from(["value", "senior_claim", "another"]))
    if change == "another":
        items.append({**items[i], "trade": "another"})
    elif items[i].get(change):
        times = 2 if change == "value" else 0.5
        items[i] = {**items[i], change: round(float(items[i][change]) * times, 2)}
    richer = Company.parse({**s.raw, "collateral": items})
    try:
        after = covered(s.engine, richer)
    except InvalidProfile:
        reject()
    assert after >= covered(s.engine, s.company) - ROUNDING


@pytest.mark.parametrize("number", range(8))
def test_a_product_that_is_suspended_changes_no_byte_of_made_up_firms(number):
    company = Company.parse(plain(raw_of(number)))
    assert plans_of(Planner(Engine(with_a_shut_product())), company) == plans_of(planner(), company)


@cache
def with_a_shut_product():
    document = json.loads(as_json(Catalogue.load().document()))
    one = next(p for p in document["products"] if p["id"] == "exp-taxrebate")
    document["products"].append({**one, "id": "zz-shut", "suspended": True})
    return Catalogue.from_documents({"with": document})


def plans_of(some, company):
    return orjson.dumps(some.plan(company, **OPTIONS)["plans"])


@pytest.mark.parametrize("number", range(20))
def test_more_collateral_never_covers_less_for_made_up_firms(number):
    raw = raw_of(number)
    items = raw.get("collateral") or []
    valued = [i for i, item in enumerate(items) if item.get("value")]
    if not valued or not (raw.get("need") or {}).get("amount"):
        raw = read_document(data_dir() / "samples" / "electronics_insured_exporter.yaml")
        items, valued = raw["collateral"], [0]
    first = {**items[valued[0]], "value": float(items[valued[0]]["value"]) * 1.5}
    richer = {**raw, "collateral": [first if i == valued[0] else x for i, x in enumerate(items)]}
    before, after = (covered(planner().engine, Company.parse(one)) for one in (raw, richer))
    assert after >= before - ROUNDING


# --- options -------------------------------------------------------------------------------------

BAD = [
    ({"plans": 0}, "below_minimum"),
    ({"plans": 4}, "above_maximum"),
    ({"hedge_target": {"low": 0.9, "high": 0.1}}, "range_reversed"),
    ({"hedge_target": {"low": 0.5}}, "plan_target_open"),
    ({"only": ["a"], "exclude": ["a"]}, "plan_only_and_excluded"),
    (
        {
            "costs": [{"product": "exp-packing", "pct_a_year": 3, "date": "2027-01-01"}],
            "as_of": "2026-11-23",
        },
        "plan_cost_later",
    ),
    ({"colour": "red"}, "unknown_field"),
    ({"needs": []}, "list_too_short"),
]


@pytest.mark.parametrize(("raw", "code"), BAD, ids=[code for _, code in BAD])
def test_options_that_cannot_be_meant_are_refused(raw, code):
    with pytest.raises(InvalidOptions) as caught:
        PlanOptions.parse(raw)
    assert code in {problem.code for problem in caught.value.problems}


def test_a_product_that_does_not_exist_is_refused_with_those_near():
    with pytest.raises(InvalidOptions) as caught:
        planner().plan(sample("farm_machinery"), exclude=["exp-packin"])
    (problem,) = caught.value.problems
    assert (problem.code, problem.allowed[0]) == ("plan_unknown_product", "exp-packing")


def test_a_dated_cost_moves_the_choice():
    options = {**OPTIONS, "only": ["cor-cashflow", "cor-e-loan"], "plans": 1}
    free = planner().plan(sample("micro_first_loan"), **options)["plans"][0]["lines"][0]
    costs = [{"product": free["product_id"], "pct_a_year": 50, "date": AS_OF}]
    dear = planner().plan(sample("micro_first_loan"), **options, costs=costs)["plans"][0]
    assert dear["lines"][0]["product_id"] != free["product_id"]
