"""The independent checker: it accepts plans that hold and refuses each way of damaging one."""

import ast
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import plan_cases
import pytest

from recommender import Catalogue, Engine
from recommender.cases import profile_of
from recommender.planning import PlanFault, Planner, PlanOptions, verify_plan
from recommender.planning import verify as checker
from recommender.planning.planner import with_needs
from recommender.planning.plans import Arranged, Drawn, Flow, Repaid
from recommender.planning.situation import Existing, Helper

BUILDERS = (
    "reading",
    "lending",
    "sales",
    "standing",
    "buckets",
    "model",
    "search",
    "compose",
    "programme",
)
ALSO_BUILT_ON = ("amounts", "collateral", "positions", "headroom", "derived", "gates")


@cache
def planner():
    return Planner(Engine(Catalogue.load()))


@cache
def planned(title, **more):
    """The best plan of a case, with what it was made from."""
    case = next(case for _, case in plan_cases.read() if case["title"] == title)
    stated = {"as_of": str(case["as_of"]), **case.get("options", {}), **dict(more)}
    options = PlanOptions.parse(stated)
    company = with_needs(planner().engine.read(profile_of(case)), options, planner().engine)
    _, situation = planner().situation(company, options)
    return planner().best(situation), company, options


def refused(plan, company, options):
    with pytest.raises(PlanFault) as caught:
        verify_plan(plan, planner().engine, company, options)
    return str(caught.value.params["faults"])


def line(plan, **changes):
    return replace(plan, lines=(replace(plan.lines[0], **changes), *plan.lines[1:]))


def candidate(plan, **changes):
    return line(plan, candidate=replace(plan.lines[0].candidate, **changes))


def hedge(plan, **changes):
    return replace(plan, hedges=(plan.hedges[0]._replace(**changes), *plan.hedges[1:]))


def positions(plan, **changes):
    changed = [
        p._replace(**{k: f(p) for k, f in changes.items()}) if p.position else p
        for p in plan.positions
    ]
    return replace(plan, positions=tuple(changed))


def arranged(plan, **changes):
    return replace(plan, arranged=(plan.arranged[0]._replace(**changes), *plan.arranged[1:]))


def product(name):
    return planner().engine.catalogue.products[name]


def helper(name, standing="conditional"):
    return Helper(product(name), standing, Decimal(0), Decimal(10**9), 0, Decimal(0))


def cents(text):
    return Decimal(text)


def twin(plan, name):
    """A second line with another product beside the first."""
    first = plan.lines[0]
    other = replace(first, candidate=replace(first.candidate, product=product(name)))
    return replace(plan, lines=(first, other))


CONVERTED = "A converted dollar loan is already a hedge"
BILL = "The bill advance repays the packing loan, and 300,000 are new"
CARGO = "Cargo insurance comes before the goods are pledged"
CREDIT = "The margin of a letter of credit is a need too"
GUARANTEE = "A guarantee of eighty per cent on 1.28 million secures the gap and is no money"
UNDRAWN = "What is undrawn comes first"
ARRIVED = "The dollar advance on arrived documents is bought forward"
POOL = "A pool stands in for the margin"
CEILING = "Working capital has a ceiling"
REBATE = "Only the refundable part of the rebate is lent on"
BALANCE = "One declaration has one balance for all receivables on it"
ORDER = "The order and the credit are one sale"
ONLINE = "Two unsecured loans are one too many"

DAMAGED = {
    "more than the trade lends": (
        CONVERTED,
        lambda p: line(p, own=Decimal(200_000), amount=cents("1355160.00")),
        "more than",
    ),
    "not the amount in CNY": (
        CONVERTED,
        lambda p: line(p, amount=p.lines[0].amount + 1),
        "are not",
    ),
    "below the smallest amount": (
        CONVERTED,
        lambda p: line(p, own=Decimal(1_000), amount=cents("6775.80")),
        "below its smallest",
    ),
    "another low end": (CONVERTED, lambda p: line(p, low=p.lines[0].low / 2), "low should be"),
    "a trade twice": (
        CONVERTED,
        lambda p: replace(p, lines=(p.lines[0], p.lines[0])),
        "pledged more than once",
    ),
    "a trade twice by two products": (
        CONVERTED,
        lambda p: twin(p, "exp-factoring"),
        "pledged more than once",
    ),
    "a group that is not the item's": (
        CONVERTED,
        lambda p: line(p, covers=(p.lines[0].covers[0]._replace(group="T9"),)),
        "not of the sale",
    ),
    "a tenor outside": (CONVERTED, lambda p: candidate(p, days=900), "outside its tenor"),
    "shorter than the need": (CONVERTED, lambda p: candidate(p, days=30), "shorter than the need"),
    "another start": (
        CONVERTED,
        lambda p: line(p, start=p.lines[0].start.replace(day=1)),
        "starts on",
    ),
    "more covered than brought": (
        CONVERTED,
        lambda p: replace(p, covered=(p.covered[0] + 1,)),
        "not what the lines bring",
    ),
    "a currency that is not offered": (
        CONVERTED,
        lambda p: candidate(p, currency="JPY"),
        "not offered in JPY",
    ),
    "certain although something is open": (
        CONVERTED,
        lambda p: candidate(p, standing="eligible"),
        "said to be certain",
    ),
    "a product that is not the catalogue's": (
        CONVERTED,
        lambda p: candidate(
            p, product=p.lines[0].candidate.product.model_copy(update={"accepts": {}})
        ),
        "not a product that pays out",
    ),
    "a debt that falls due nowhere": (CONVERTED, lambda p: line(p, due=()), "not all repaid"),
    "a debt in a bucket it does not reach": (
        CONVERTED,
        lambda p: line(p, due=(Flow("12m+", p.lines[0].own),)),
        "does not fall due in 12m+",
    ),
    "more repaid from receipts than come in": (
        CONVERTED,
        lambda p: line(p, own=Decimal(300_000), due=(Flow("1-3m", Decimal(300_000)),)),
        "more is repaid from receipts",
    ),
    "a converted loan that pays payables": (
        CONVERTED,
        lambda p: line(p, pays=(Flow("1-3m", Decimal(1)),)),
        "cannot pay",
    ),
    "a debt that falls due at another end": (
        ARRIVED,
        lambda p: line(p, due=(Flow("1-3m", p.lines[0].own),)),
        "does not fall due in 1-3m",
    ),
    "more paid than there is": (
        ARRIVED,
        lambda p: line(p, pays=(Flow("0-1m", p.lines[0].own + 1),)),
        "pays more than",
    ),
    "a debt left out of its position": (
        CONVERTED,
        lambda p: positions(p, debt=lambda _: Decimal(0), position=lambda q: q.spot.before),
        "are not those of the lines",
    ),
    "a position that is not documented": (
        CONVERTED,
        lambda p: positions(p, spot=lambda q: q.spot._replace(before=q.spot.before * 2)),
        "not the documented position",
    ),
    "a position that does not add up": (
        CONVERTED,
        lambda p: positions(p, position=lambda q: q.position + 1),
        "not the position after",
    ),
    "another hedge ratio": (
        CONVERTED,
        lambda p: positions(p, ratio=lambda _: Decimal("0.6")),
        "the hedge ratio should be",
    ),
    "a hedge above the target": (
        CONVERTED,
        lambda p: hedge(p, amount=Decimal(100_000)),
        "hedged above the target",
    ),
    "a hedge on the wrong side": (CONVERTED, lambda p: hedge(p, side="buy"), "the wrong side"),
    "a hedge below its smallest amount": (
        CONVERTED,
        lambda p: hedge(p, amount=Decimal(1)),
        "below its smallest",
    ),
    "a hedge that is not plain": (
        CONVERTED,
        lambda p: hedge(p, hedge=replace(p.hedges[0].hedge, product=product("fxh-option"))),
        "no hedge experience",
    ),
    "a hedge of a mismatch": (
        CONVERTED,
        lambda p: hedge(p, hedge=replace(p.hedges[0].hedge, product=product("fxh-swap"))),
        "closes no open position",
    ),
    "a hedge that does not reach": (
        CONVERTED,
        lambda p: hedge(
            p,
            hedge=replace(
                p.hedges[0].hedge,
                product=product("fxh-forward").model_copy(update={"currencies": ("EUR",)}),
            ),
        ),
        "does not reach",
    ),
    "no margin": (CONVERTED, lambda p: replace(p, margins={}), "margins should be"),
    "margins with money they have not": (
        CONVERTED,
        lambda p: replace(p, margin_open=p.margin_open / 2),
        "margins without money should be",
    ),
    "a smaller collateral gap": (
        CONVERTED,
        lambda p: replace(p, gap=(p.gap or 0) + 1),
        "the collateral gap should be",
    ),
    "nothing repaid first": (BILL, lambda p: line(p, repaid=()), "new money before"),
    "more repaid than owed": (
        BILL,
        lambda p: line(p, repaid=(Repaid("exp-packing", Decimal(2_500_000)),)),
        "more repaid than owed",
    ),
    "a repayment of something else": (
        BILL,
        lambda p: line(p, repaid=(Repaid("imp-lc", Decimal(2_400_000)),)),
        "does not take out",
    ),
    "no cargo insurance": (
        CARGO,
        lambda p: replace(p, arranged=()),
        "needs ins-multimodal-cargo first",
    ),
    "a stage that is over": (
        CARGO,
        lambda p: candidate(p, product=product("exp-order")),
        "outside its stage of trade",
    ),
    "more than the share of a stated amount": (
        CARGO,
        lambda p: line(p, own=Decimal(4_500_000), amount=Decimal(4_500_000)),
        "more than the share of import_prepayment_cny",
    ),
    "another low end of the rebate": (
        REBATE,
        lambda p: line(p, low=p.lines[0].low + 1),
        "low should be",
    ),
    "more than the share of the rebate": (
        REBATE,
        lambda p: line(p, own=Decimal(3_500_000), amount=Decimal(3_500_000)),
        "more than the share of rebate",
    ),
    "a letter of credit for less": (
        CREDIT,
        lambda p: arranged(p, amount=Decimal(900_000)),
        "is not what is settled under it",
    ),
    "a letter of credit below its range": (
        CREDIT,
        lambda p: arranged(p, amount=Decimal(100)),
        "below its smallest amount",
    ),
    "a guarantee below its range": (
        GUARANTEE,
        lambda p: arranged(p, amount=Decimal(50_000)),
        "gua-policy: 50000 is below",
    ),
    "a guarantee above its range": (
        GUARANTEE,
        lambda p: arranged(p, amount=Decimal(20_000_000)),
        "gua-policy: 20000000 is above",
    ),
    "a guarantee for what is covered": (
        GUARANTEE,
        lambda p: arranged(p, amount=Decimal(2_000_000)),
        "a guarantee for what is covered",
    ),
    "more margin taken over than there is": (
        POOL,
        lambda p: arranged(p, amount=Decimal(60_000)),
        "more margin is taken over",
    ),
    "an arranged product that does not fit": (
        CONVERTED,
        lambda p: replace(p, arranged=(Arranged(helper("gua-fxhedge"), None, ()),)),
        "gua-fxhedge",
    ),
    "more drawn than is free": (
        UNDRAWN,
        lambda p: replace(p, drawn=(p.drawn[0]._replace(amount=Decimal(10**8)),)),
        "more drawn than is free",
    ),
    "a facility that ends too early": (
        CONVERTED,
        lambda p: replace(
            p,
            drawn=(
                Drawn(
                    Existing("facilities[0]", "", Decimal(1), Decimal(1), "CNY", (0,)),
                    0,
                    Decimal(1),
                ),
            ),
        ),
        "ends before the need",
    ),
    "a ceiling on working capital": (
        CEILING,
        lambda p: line(p, own=Decimal(1_600_000), amount=Decimal(1_600_000)),
        "wc_ceiling_cny",
    ),
    "the balance of a declaration": (
        BALANCE,
        lambda p: line(p, own=p.lines[0].own + 1000, amount=p.lines[0].amount + 1000),
        "declaration_unfinanced_balance_usd",
    ),
    "substitutes": (ONLINE, lambda p: twin(p, "cor-e-loan"), "exclude each other"),
    "a product twice for one need": (
        ONLINE,
        lambda p: replace(p, lines=p.lines * 2),
        "twice for one need",
    ),
    "above the product's largest amount": (
        ONLINE,
        lambda p: line(p, own=Decimal(6_000_000), amount=Decimal(6_000_000)),
        "above its largest",
    ),
    "another day": (
        CONVERTED,
        lambda p: replace(p, day=p.day.replace(day=1)),
        "it is of 2026-11-01",
    ),
}


@pytest.mark.parametrize("title", sorted({title for title, _, _ in DAMAGED.values()}))
def test_a_plan_that_holds_is_accepted(title):
    plan, company, options = planned(title)
    assert plan.lines or plan.drawn or plan.hedges
    verify_plan(plan, planner().engine, company, options)


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_plan_is_refused_for_what_is_wrong_with_it(how):
    title, damage, said = DAMAGED[how]
    plan, company, options = planned(title)
    assert said in refused(damage(plan), company, options)


def test_what_was_excluded_and_what_exceeds_the_limits_is_refused():
    plan, company, options = planned(CONVERTED)
    without = options.model_copy(update={"only": None, "exclude": ("eci-financing",)})
    assert "excluded" in refused(plan, company, without)
    few = options.model_copy(update={"most_lines": 1})
    assert "too many lines" in refused(replace(plan, lines=plan.lines * 2), company, few)
    one = options.model_copy(update={"most_banks": 1, "only": None})
    assert "too many providers" in refused(twin(plan, "exp-factoring"), company, one)
    sure = options.model_copy(update={"conditional": False})
    assert "is conditional" in refused(plan, company, sure)


def test_facilities_that_were_not_to_be_used_are_refused():
    plan, company, options = planned(UNDRAWN)
    alone = options.model_copy(update={"existing": False})
    assert "were not to be used" in refused(plan, company, alone)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "overdraft abroad"}, "cannot be drawn for any need"),
        ({"currency": "USD"}, "not in CNY"),
        ({"maturity": None}, "ends before the need"),
    ],
)
def test_a_facility_is_checked_against_the_profile(change, said):
    plan, company, options = planned(UNDRAWN)
    place = int(plan.drawn[0].facility.place[11:-1])
    changed = tuple(
        f.model_copy(update=change) if i == place else f for i, f in enumerate(company.facilities)
    )
    assert said in refused(plan, company.model_copy(update={"facilities": changed}), options)


def test_an_order_beside_the_credit_of_the_same_sale_is_refused():
    plan, company, options = planned(ORDER)
    packing = next(x for x in plan.lines if x.candidate.product.id == "exp-packing")
    order = replace(
        packing,
        covers=(),
        candidate=replace(
            packing.candidate, product=product("exp-order"), secured=False, covers=()
        ),
    )
    both = replace(plan, lines=(packing, order))
    assert "order_unpaid_cny and LC-1 may be one sale" in refused(both, company, options)


def test_a_sale_that_the_profile_leaves_open_is_one_sale():
    """A bill without a trade beside the one credit there is: the same goods."""
    _, company, options = planned(CONVERTED)
    bill = company.collateral[0].model_copy(
        update={"type": "ocean_bl", "trade": None, "value": Decimal(250_000)}
    )
    richer = company.model_copy(update={"collateral": (*company.collateral, bill)})
    ledger = checker.Ledger(planner().engine, richer, options, planner().settings)
    assert ledger.sales["collateral[1]"] == "T1"
    apart = bill.model_copy(update={"trade": "T2"})
    two = company.model_copy(update={"collateral": (*company.collateral, apart)})
    ledger = checker.Ledger(planner().engine, two, options, planner().settings)
    assert ledger.sales["collateral[1]"] == "T2"


def test_the_checker_shares_no_reading_with_what_makes_plans():
    folder = Path(checker.__file__).parent
    for path in sorted(folder.glob("verify*.py")):
        names = {
            node.module or ""
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom)
        }
        last = {name.rsplit(".", 1)[-1] for name in names}
        assert last.isdisjoint((*BUILDERS, *ALSO_BUILT_ON)), path.name
