"""Formulas by the cases of tests/cases/formulas.yaml, and what holds for all inputs."""

from datetime import date
from decimal import Decimal
from functools import cache, partial
from pathlib import Path

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from recommender import Catalogue, Engine, codes
from recommender.company import derived
from recommender.company.derived import Figure, as_json, coverage, given, positions, summary
from recommender.company.headroom import RESTS_ON
from recommender.company.profile import Collateral, Company, Insurance
from recommender.parameters import Parameters
from recommender.tables import read_document
from recommender.texts import LANGUAGES, table

PARAMETERS = Parameters.load()
DAY = date(2026, 11, 23)
RATES = PARAMETERS.rates(DAY)
CASES = read_document(Path(__file__).parents[2] / "cases" / "formulas.yaml")


def dec(value):
    return None if value is None else Decimal(str(value))


def cny(name, value):
    return given(name, dec(value), "CNY")


def shares(raw):
    return {kind: dec(share) for kind, share in raw.items()}


def item(raw):
    return Collateral.model_validate(raw)


# --- one adapter per figure of the cases ---------------------------------------------------------


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


# --- properties ----------------------------------------------------------------------------------

KINDS = [kind.type for kind in codes.collateral_types()]
ADVANCES = {kind: PARAMETERS.advance(kind, DAY).high for kind in KINDS}
AMOUNTS = st.decimals(0, 10**9, places=2)
TRADES = st.sampled_from([None, "T1", "T2"])
CURRENCIES = st.sampled_from(["CNY", "USD", "EUR", "VND", None])
POLICIES = st.lists(
    st.fixed_dictionaries(
        {
            "trade": TRADES,
            "declared": AMOUNTS | st.none(),
            "free_limit": AMOUNTS | st.none(),
            "currency": CURRENCIES,
            "cover_pct": st.integers(0, 100) | st.none(),
            "premium_paid": st.booleans() | st.none(),
        }
    ),
    max_size=3,
)


MAYBE = AMOUNTS | st.none()


def collateral(values=MAYBE, claims=MAYBE, currencies=CURRENCIES):
    return st.fixed_dictionaries(
        {
            "type": st.sampled_from(KINDS),
            "trade": TRADES,
            "value": values,
            "currency": currencies,
            "senior_claim": claims,
        }
    )


KNOWN = collateral(AMOUNTS, AMOUNTS, st.sampled_from(["CNY", "USD"]))


def covered(rows, policies=()):
    company = Company.parse({"collateral": list(rows), "insurance": list(policies)})
    return coverage(company, ADVANCES, RATES)


@over(st.lists(collateral(), max_size=6), collateral(), POLICIES)
def test_more_collateral_never_lowers_coverage(rows, more, policies):
    before, after = covered(rows, policies).number, covered([*rows, more], policies).number
    if before is not None and after is not None:
        assert after >= before


@over(st.lists(KNOWN, min_size=1, max_size=6), AMOUNTS, POLICIES)
def test_a_senior_claim_never_raises_coverage(rows, claim, policies):
    raised = [{**rows[0], "senior_claim": rows[0]["senior_claim"] + claim}, *rows[1:]]
    before, after = covered(rows, policies).number, covered(raised, policies).number
    assert (before is None) == (after is None)
    assert before is None or after <= before


@over(st.lists(collateral(), max_size=6), POLICIES, st.randoms())
def test_the_order_of_items_does_not_matter(rows, policies, random):
    shuffled, other = list(rows), list(policies)
    random.shuffle(shuffled)
    random.shuffle(other)
    assert covered(rows, policies).value == covered(shuffled, other).value


@over(st.lists(collateral(), max_size=6), POLICIES)
def test_a_figure_is_a_number_or_says_what_is_missing(rows, policies):
    figure = covered(rows, policies)
    assert (figure.value is None) == bool(figure.missing)
    assert figure.number is None or figure.number >= 0


@over(st.lists(KNOWN, min_size=1, max_size=6), st.sampled_from(["value", "senior_claim"]))
def test_an_unknown_amount_never_becomes_a_number(rows, field):
    counted = [row for row in rows if row["type"] == "inventory"]
    blank = {**rows[0], "type": "inventory", "trade": None, field: None}
    assert covered([blank, *counted]).value is None


ROWS = st.fixed_dictionaries(
    {
        "currency": st.sampled_from(["USD", "EUR"]),
        "bucket": st.sampled_from(["0-1m", "1-3m"]),
        **{n: AMOUNTS | st.none() for n in ("receipts", "payables", "fx_debt", "bought", "sold")},
        "balances": AMOUNTS,
        "documented": st.booleans() | st.none(),
        "probability": st.decimals(0, 1, places=2) | st.none(),
    }
)


def opened(rows):
    return positions(Company.parse({"positions": list(rows)}))


@over(st.lists(ROWS, max_size=6), st.randoms())
def test_the_order_of_positions_does_not_matter(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    names = ("currency", "bucket", "documented", "expected", "hedge_ratio", "side")
    first, second = ([[getattr(p, n) for n in names] for p in opened(r)] for r in (rows, shuffled))
    assert first == second


@over(st.lists(ROWS, min_size=1, max_size=6))
def test_an_unknown_flow_never_becomes_a_number(rows):
    for position in opened(rows):
        here = [
            r for r in rows if (r["currency"], r["bucket"]) == (position.currency, position.bucket)
        ]
        flows = ("receipts", "payables", "fx_debt", "bought", "sold")
        blank = [any(r[name] is None for name in flows) for r in here]
        if any(r["documented"] is None for r in here) or any(blank):
            assert position.expected is None
        proven = [b for b, r in zip(blank, here, strict=True) if r["documented"]]
        unsaid = any(r["documented"] is None for r in here)
        assert (position.documented is None) == (unsaid or any(proven))
        assert position.missing or position.expected is not None


# --- single rules --------------------------------------------------------------------------------


def test_nothing_stated_is_unknown_and_none_is_zero():
    blank = coverage(Company(), ADVANCES, RATES)
    assert (blank.value, blank.missing) == (None, ("collateral",))
    assert coverage(Company.parse({"collateral": []}), ADVANCES, RATES).value == 0


def test_an_insured_receivable_without_its_policy_is_unknown():
    row = {"type": "insured_receivable", "value": 100, "currency": "USD", "senior_claim": 0}
    untied = Company.parse({"collateral": [row], "insurance": []})
    tied = Company.parse({"collateral": [{**row, "trade": "T1"}], "insurance": []})
    assert coverage(untied, ADVANCES, RATES).missing == ("collateral[0].trade",)
    assert coverage(tied, ADVANCES, RATES).missing == ("insurance",)


def test_the_balance_of_the_declaration_caps_the_insured_receivable():
    profile = {
        "collateral": [
            {
                "type": "insured_receivable",
                "trade": "T1",
                "value": 250000,
                "currency": "USD",
                "senior_claim": 0,
            }
        ],
        "insurance": [
            {
                "trade": "T1",
                "declared": 250000,
                "free_limit": 200000,
                "currency": "USD",
                "cover_pct": 90,
                "premium_paid": True,
            }
        ],
        "facts": {"declaration_unfinanced_balance_usd": 50000},
    }
    advances = {"insured_receivable": Decimal("0.8")}
    assert coverage(Company.parse(profile), advances, RATES).value == Decimal("338790.00")


def test_a_policy_in_another_currency_is_converted():
    policy = Insurance(
        trade="T1",
        declared=1000000,
        free_limit=1000000,
        currency="CNY",
        cover_pct=90,
        premium_paid=True,
    )
    claim = item(
        {"type": "insured_receivable", "value": 10**6, "currency": "USD", "senior_claim": 0}
    )
    figure = derived.insured_receivable(claim, policy, Decimal("0.8"), RATES)
    assert figure.value == Decimal("106260.52")
    assert derived.insured_receivable(claim, policy, Decimal("0.8"), {}).missing == (
        "rates.CNY",
        "rates.USD",
    )


def test_money_is_rounded_half_up_once():
    rates = {"USD": PARAMETERS.rate("USD", DAY)}
    third = given("value", Decimal("0.15"), "USD")
    assert derived.cny(third, "USD", rates, "x").value == Decimal("1.02")
    half = derived.margin(cny("notional", "0.1"), given("share", Decimal("0.05"), "share"))
    assert half.value == Decimal("0.01")


def test_nothing_needed_is_nothing_in_any_currency():
    company = Company.parse({"need": {"amount": 0}, "collateral": []})
    figures = summary(company, PARAMETERS, DAY, ADVANCES, RATES)
    assert (figures.need.value, figures.collateral_gap.value, figures.funding_gap.value) == (
        0,
        0,
        0,
    )


def test_missing_rates_are_named():
    company = Company.parse(
        {"need": {"amount": 10**9, "currency": "VND"}, "trade": {"export_12m_usd": 1000}}
    )
    figures = summary(company, PARAMETERS, DAY, ADVANCES, RATES)
    assert figures.cny == {"trade.export_12m_usd": Decimal("6775.80"), "need.amount": None}
    assert (figures.rates_missing, figures.funding_gap.missing) == (("VND",), ("rates.VND",))
    assert [rate.currency for rate in figures.rates] == ["USD"]


def test_receivables_may_be_in_any_currency_until_stated():
    row = {"type": "export_receivable", "currency": "USD"}
    flow = {"currency": "EUR", "bucket": "1-3m"}
    stated = derived.receivable_currencies
    assert stated(Company()) == (frozenset(), None)
    assert stated(Company.parse({"collateral": [], "positions": []})) == (frozenset(), frozenset())
    assert stated(Company.parse({"collateral": [row]})) == ({"USD"}, None)
    assert stated(Company.parse({"collateral": [{**row, "currency": None}]})).may is None
    both = Company.parse({"collateral": [row], "positions": [flow]})
    assert stated(both) == ({"USD"}, {"EUR"})


def test_no_turnover_gives_no_ceiling():
    names = ("sales", "profit_margin", "growth", "turns", "own_funds", "existing_loans")
    figure = derived.working_capital_ceiling(**{name: cny(name, 0) for name in names})
    assert (figure.value, figure.missing) == (None, ("turns",))


# --- the answer's block --------------------------------------------------------------------------


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
