"""What must hold for every situation: brute force, greedy, more of anything never covers less."""

import datetime
from dataclasses import replace
from decimal import Decimal
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_peers import brute_force, greedy

from recommender import Catalogue
from recommender.figures import Figure
from recommender.planning.compose import Composer
from recommender.planning.search import least_uncovered, search
from recommender.planning.settings import settings as packaged
from recommender.planning.situation import Candidate, Cover, Situation, Want
from recommender.product import Range

often = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)
CENT = 0.01
AMOUNTS = st.sampled_from([100_000, 250_000, 333_333.33, 500_000, 1_000_000, 2_345_678.9])
DAY = datetime.date(2026, 11, 23)


@cache
def template():
    return Catalogue.load().products["cor-e-loan"]


def money(value):
    return Decimal(str(value))


@st.composite
def lines(draw, i, needs, groups, owing):
    low, size = draw(st.sampled_from([0, 50_000, 300_000])), draw(AMOUNTS)
    low = min(low, size)
    secured = draw(st.booleans())
    covers = ()
    if secured:
        some = draw(st.lists(st.sampled_from(groups), min_size=1, max_size=2, unique=True))
        covers = tuple(
            Cover(g, "collateral[0]", figure(0), figure(draw(AMOUNTS)), Decimal(0))
            for g in sorted(some)
        )
    product = template().model_copy(
        update={
            "id": f"p-{i}",
            "amount": Range(low=money(low), high=money(size)),
            "provider": template().provider.model_copy(
                update={"en": f"Bank {draw(st.integers(0, 2))}"}
            ),
        }
    )
    lent = sum((cover.lent for cover in covers), Decimal(0))
    high = min(money(size), lent) if secured else money(size)
    return Candidate(
        product=product,
        need=draw(st.integers(0, needs - 1)),
        currency="CNY",
        standing=draw(st.sampled_from(["eligible", "conditional"])),
        low=min(money(low), high),
        high=high,
        days=90,
        covers=covers,
        secured=secured,
        resources=draw(st.sampled_from([(), (), ("order",)])),
        rooms=draw(st.sampled_from([(), (), ("room",)])),
        repays=draw(st.sampled_from([(), (), tuple(owing)])),
        hangs=(),
        converts=False,
        repaid_by_receipts=False,
        bucket=None,
        window=(),
        reasons=(),
        missing_papers=draw(st.integers(0, 5)),
        score=draw(st.sampled_from([0.0, 0.3, 0.9])),
        cost=None,
    )


def figure(value):
    return Figure("lent", money(value), "CNY", "derived.formula.lendable")


@st.composite
def situations(draw, most=6):
    needs, groups = draw(st.integers(1, 2)), ["A", "B", "C"]
    owing = draw(st.sampled_from([{}, {"old": money(200_000)}]))
    count = draw(st.integers(1, most))
    candidates = tuple(draw(lines(i, needs, groups, owing)) for i in range(count))
    pairs = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=2))
    exclusive = {(f"p-{min(a, b)}", f"p-{max(a, b)}") for a, b in pairs if a != b}
    return Situation(
        day=DAY,
        wants=tuple(
            Want(money(a), money(a), "CNY", DAY, 90)
            for a in draw(st.lists(AMOUNTS, min_size=needs, max_size=needs))
        ),
        candidates=candidates,
        helpers=(),
        existing=(),
        spots=(),
        hedges=(),
        rooms={"room": draw(AMOUNTS.map(money))},
        outstanding=owing,
        exclusive=frozenset(exclusive),
        one_sale={},
        gap=None,
        guarantee_share=Decimal("0.8"),
        target=None,
        margin_rate=Decimal(0),
        lc_margin=Decimal(0),
        most_lines=draw(st.sampled_from([1, 2, 6])),
        most_banks=draw(st.sampled_from([1, 3])),
        rates=Catalogue_rates(),
    )


@cache
def Catalogue_rates():  # noqa: N802 - one value, made once
    from recommender.parameters import Parameters

    return Parameters.load().rates(DAY)


def left(situation):
    return least_uncovered(situation, packaged())


@often
@given(situations())
def test_it_equals_brute_force(situation):
    assert abs(left(situation) - brute_force(situation)) <= CENT


@often
@given(situations())
def test_it_never_covers_less_than_taking_one_product_after_the_other(situation):
    assert float(greedy(situation).covered) <= float(situation.need) - left(situation) + CENT


@often
@given(situations(), st.data())
def test_one_more_product_never_covers_less(situation, data):
    i = data.draw(st.integers(0, len(situation.candidates) - 1))
    kept = situation.candidates[:i] + situation.candidates[i + 1 :]
    assert left(replace(situation, candidates=kept)) >= left(situation) - CENT


@often
@given(situations(), AMOUNTS)
def test_more_collateral_never_covers_less(situation, more):
    def richer(line):
        covers = tuple(
            c._replace(high=figure(c.high.value + money(more))) if c.group == "A" else c
            for c in line.covers
        )
        if not line.secured or covers == line.covers:
            return line
        ceiling = line.product.amount.high
        high = min(ceiling, sum((c.lent for c in covers), Decimal(0)))
        return replace(line, covers=covers, high=high)

    richer_one = replace(situation, candidates=tuple(map(richer, situation.candidates)))
    assert left(richer_one) <= left(situation) + CENT


@often
@given(situations())
def test_amounts_in_cents_keep_to_every_bound(situation):
    found = search(situation, packaged())
    plan = Composer(found, "most_covered").plan()
    groups = [c.group for line in plan.lines for c in line.covers]
    assert len(groups) == len(set(groups))
    for line in plan.lines:
        assert line.candidate.low <= line.amount <= line.candidate.high
        assert line.amount == line.amount.quantize(Decimal("0.01"))
        assert line.net >= 0
        if line.candidate.secured:
            assert line.amount <= sum(c.lent for c in line.covers)
    room = sum(line.amount for line in plan.lines if line.candidate.rooms)
    assert room <= situation.rooms["room"]
    money_in = sum(line.net for line in plan.lines)
    assert money_in <= situation.need + Decimal("0.05")
    assert abs(float(situation.need - plan.total_covered) - left(situation)) <= 0.05
    assert plan.proven


@often
@given(situations())
def test_the_same_situation_gives_the_same_plan(situation):
    plans = [Composer(search(situation, packaged()), "most_covered").plan() for _ in range(2)]
    assert plans[0] == plans[1]
