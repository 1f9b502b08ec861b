"""Formulas by the cases of tests/cases/formulas.yaml, and the block an answer shows."""

from decimal import Decimal
from functools import cache, partial
from pathlib import Path

import pytest
from company_figures import ADVANCES, DAY, PARAMETERS, RATES, cny, dec, item, shares

from recommender import Catalogue, Engine
from recommender.company import derived
from recommender.company.derived import Figure, as_json, coverage, given, positions, summary
from recommender.company.headroom import RESTS_ON
from recommender.company.profile import Company, Insurance
from recommender.tables import read_document
from recommender.texts import LANGUAGES, table

CASES = read_document(Path(__file__).parents[2] / "cases" / "formulas.yaml")


def _insured(g):
    caps = [given(name, dec(amount), "USD") for name, amount in g.get("caps", {}).items()]
    policy = Insurance.model_validate(g["policy"])
    return derived.insured_receivable(item(g["item"]), policy, dec(g["factor"]), RATES, caps=caps)


def _margin(g):
    notional = dec(g["notional"]) if "notional" in g else dec(g["notional_fx"]) * dec(g["rate"])
    return derived.margin(cny("notional", notional), given("share", dec(g["share"]), "share"))


def _funding_gap(g):
    margins = [cny("margin", amount) for amount in g["margins"]]
    funded = [cny("funded", amount) for amount in g["funded"]]
    return derived.funding_gap(cny("need", g["need"]), margins, funded)


def _forward(g):
    spot, domestic, foreign = (given(n, dec(g[n]), "rate") for n in ("spot", "domestic", "foreign"))
    return derived.forward_rate(spot, domestic, foreign, g["days"])


def _ceiling(g):
    return derived.working_capital_ceiling(**{name: cny(name, value) for name, value in g.items()})


FIGURES = {
    "lendable": lambda g: derived.lendable(item(g["item"]), dec(g["advance"])),
    "coverage": lambda g: coverage(
        Company.parse({"collateral": g["collateral"]}), shares(g["advances"]), RATES
    ),
    "guarantees": lambda g: derived.guarantees(
        Company.parse({"collateral": g["collateral"]}), shares(g["advances"]), RATES
    ),
    "insured_receivable": _insured,
    "guarantee_cover": lambda g: derived.guarantee_cover(
        cny("loan", g["loan"]), given("share", dec(g["share"]), "share")
    ),
    "collateral_gap": lambda g: derived.collateral_gap(
        cny("secured_need", g["secured_need"]), *(cny("cover", c) for c in g["covers"])
    ),
    "margin": _margin,
    "funding_gap": _funding_gap,
    "forward_rate": _forward,
    "take_out": lambda g: derived.take_out(
        cny("released", g["released"]), cny("replaced", g["replaced"])
    ),
    "working_capital_ceiling": _ceiling,
    "size_class": lambda g: derived.size_class(Company.parse(g), PARAMETERS, DAY),
}


def room(name, g):
    """A room or ceiling of a company of which nothing else is known."""
    notes = {"facts": {n: v for n, v in g["facts"].items() if n != "note"}}
    return summary(Company.parse({**g, **notes}), PARAMETERS, DAY, {}, RATES).headroom[name]


FIGURES |= {name: partial(room, name) for name in RESTS_ON}


@cache
def engine():
    return Engine(Catalogue.load())


def amount_of(product, company):
    """The indicative amount of one product of the packaged catalogue."""
    answer = engine().recommend(company, as_of=DAY, include_ineligible=True, limit=1000)
    matches = [match for lane in answer["lanes"] for match in lane["matches"]]
    return next(m["indicative_amount"] for m in matches if m["product_id"] == product)


def computed(case):
    """What the engine makes of a case, under the names of `expect`."""
    g = case["given"]
    if case["figure"] == "position":
        (position,) = positions(Company.parse({"positions": g["positions"]}))
        return {name: getattr(position, name) for name in case["expect"]}
    if case["figure"] == "tax_rebate":
        advance = PARAMETERS.advance("tax_rebate_account", DAY)
        low, high = derived.tax_rebate(cny("refundable", g["refundable"]), advance)
        return {"low": low.value, "high": high.value}
    if case["figure"] == "amount":
        return amount_of(g["product"], Company.parse(g["company"]))
    if case["figure"] == "summary":
        company, advances = Company.parse(g["company"]), shares(g["advances"])
        figures = summary(company, PARAMETERS, g["as_of"], advances, RATES)
        return {name: getattr(figures, name).value for name in case["expect"]}
    figure = FIGURES[case["figure"]](g)
    found = {"value": figure.value, "missing": figure.missing}
    if "coverage" in case["expect"]:
        found["coverage"] = FIGURES["coverage"](g).value
    return found


def plain(value):
    if isinstance(value, Decimal):
        return float(value)
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_case(case):
    found = computed(case)
    assert {name: plain(found[name]) for name in case["expect"]} == case["expect"]


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_case_tells_right_from_naive(case):
    wrong = {name: value for name, value in case["naive_wrong"].items() if name != "because"}
    assert case["naive_wrong"]["because"]
    assert all(case["expect"][name] != value for name, value in wrong.items())


def every_figure():
    """One figure of every kind, from the cases."""
    for case in CASES:
        if case["figure"] in FIGURES:
            yield FIGURES[case["figure"]](case["given"])


def test_every_formula_and_term_has_its_sentence():
    keys = table()
    for figure in every_figure():
        assert isinstance(figure, Figure)
        assert figure.formula in keys
        named = [term.name for term in figure.terms if term.label is None]
        assert [
            name for name in named if name != "cover" and f"derived.term.{name}" not in keys
        ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_company_has_a_block_without_a_number(language):
    block = as_json(summary(Company(), PARAMETERS, DAY, ADVANCES, RATES), language)
    numbers = (
        "size_class",
        "need",
        "collateral_coverage",
        "guarantees",
        "collateral_gap",
        "funding_gap",
    )
    assert [block[name] for name in numbers] == [None] * 6
    assert block["positions"] == []
    assert {line["figure"]: line["missing"] for line in block["terms"]} == {
        "size_class": ["industry"],
        "need": ["need.amount", "need.currency"],
        "collateral_coverage": ["collateral"],
        "guarantees": ["collateral"],
        "collateral_gap": ["need.amount", "need.currency", "collateral"],
        "funding_gap": ["need.amount", "need.currency"],
    }


def test_the_block_holds_json_numbers_and_both_languages():
    case = next(case for case in CASES if case["figure"] == "summary")
    position = {"currency": "USD", "bucket": "1-3m", "receipts": 10, "payables": 0, "fx_debt": 0}
    position |= {"bought": 0, "sold": 3, "documented": True}
    company = Company.parse({**case["given"]["company"], "positions": [position]})
    figures = summary(company, PARAMETERS, DAY, {"insured_receivable": Decimal("0.8")}, RATES)
    zh, en = (as_json(figures, language) for language in ("zh", "en"))
    assert (en["need"], en["collateral_gap"]) == (2000000, 1024284.8)
    assert type(en["need"]) is int
    assert (en["positions"][0]["hedge_ratio"], en["positions"][0]["side"]) == (0.3, "sell")
    assert en["rates"][0]["date"] == "2026-06-30"
    texts = [[line["formula"] for line in block["terms"]] for block in (zh, en)]
    assert all(a != b for a, b in zip(*texts, strict=True))
    assert [t["name"] for t in en["terms"][-1]["terms"]][:3] == ["factor", "cover_pct", "invoice"]
