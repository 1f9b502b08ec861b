"""Weights and baselines fitted together: the mode of the posterior, and the known ones found."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from recommender.learning.baselines import STRENGTH, fit, listed, prominence
from recommender.matching.scoring import Weights, expert_weights
from recommender.matching.similarity import NAMES
from tests.made_outcomes import (
    CATALOGUE,
    FINANCING,
    HEDGE,
    PRODUCTS,
    Known,
    Shown,
    chosen_by,
    firms,
    points,
    shown,
)

TRUE = Weights(
    dict(zip(NAMES, np.linspace(0.2, 2.6, len(NAMES)).tolist(), strict=True)),
    {PRODUCTS[j]: 0.4 * (place % 3 - 1) for place, j in enumerate(FINANCING)},
    CATALOGUE.version,
)
KNOWN = Known(TRUE, position=0.8, nothing=9.0)


@pytest.fixture(scope="module")
def many():
    return chosen_by(KNOWN, 4_000, 3)


@pytest.fixture(scope="module")
def found(many):
    return fit(many, expert_weights(), strength=1e-3)


# --- the objective -------------------------------------------------------------------------------


def mixed():
    """Lists of two lanes and several lengths, one of them open, some without a choice."""
    return shown(
        [
            Shown(0, FINANCING[:4], FINANCING[1]),
            Shown(1, FINANCING[2:4], None),
            Shown(2, HEDGE[:3], HEDGE[0]),
            Shown(3, FINANCING[5:6], FINANCING[5]),
        ],
        open_lanes=["financing"],
    )


def test_slope_and_curvature_are_those_of_the_likelihood():
    events = listed(mixed())
    point = np.random.default_rng(0).normal(size=len(NAMES) + 1 + len(PRODUCTS))
    chances = events.chances(point)[1]
    slope = approx_fprime(point, lambda at: events.chances(at)[0], 1e-6)
    assert events.slope(chances) == pytest.approx(slope, abs=1e-4)
    bends = approx_fprime(point, lambda at: events.slope(events.chances(at)[1]), 1e-6)
    assert events.curvature(chances) == pytest.approx(bends, abs=1e-4)


def test_the_likelihood_of_a_list_by_hand():
    lists = shown([Shown(0, FINANCING[:2], FINANCING[0]), Shown(0, FINANCING[2:3], None)],
                  open_lanes=["financing"])  # fmt: skip
    at = np.zeros(len(NAMES) + 1 + len(PRODUCTS))
    at[len(NAMES) + 1 + FINANCING[0]] = np.log(3.0)
    loss, chances = listed(lists).chances(at)
    assert chances == pytest.approx([3 / 5, 1 / 5, 1 / 2])
    assert loss == pytest.approx(-np.log(3 / 5) - np.log(1 / 2))


def test_the_first_place_stands_out_the_most():
    found = prominence(np.arange(1, 9))
    assert found[0] == 1
    assert (np.diff(found) < 0).all()
    assert (found > 0).all()


def test_a_sample_keeps_every_sixteenth_list_whole(many):
    events = listed(many)
    sample = events.sample()
    assert len(sample) == -(-len(events) // 16)
    assert sample.weight.sum() == pytest.approx(len(events), rel=0.01)
    assert (sample.products[: sample.sizes[0]] == events.products[: events.sizes[0]]).all()
    assert (sample.open == events.open[::16]).all()


# --- what was known comes back -------------------------------------------------------------------


def test_known_weights_lie_within_their_intervals(found):
    inside = [
        low <= known <= high
        for name, known in TRUE.weights.items()
        for low, high in [found.interval(name)]
    ]
    assert sum(inside) >= len(NAMES) - 2
    assert abs(found.position - KNOWN.position) < 0.3


def test_known_baselines_lie_within_their_intervals(found):
    learned = np.array([found.weights.baselines[PRODUCTS[j]] for j in FINANCING])
    known = np.array([TRUE.baselines[PRODUCTS[j]] for j in FINANCING])
    off = (learned - learned.mean()) - (known - known.mean())
    assert np.mean(np.abs(off) < 1.96 * found.baseline_spread[FINANCING]) > 0.85
    assert np.corrcoef(learned, known)[0, 1] > 0.9


def test_the_known_utility_of_nothing_is_found(found):
    assert abs(found.nothing["financing"] - KNOWN.nothing) < 0.8


def test_simulated_outcomes_give_back_what_they_were_drawn_from(drawn):
    """The whole way: companies, showings, choices, the table, matching, the fit."""
    found = fit(drawn.lists, expert_weights(), strength=1e-3)
    inside = [
        low <= known <= high
        for name, known in zip(NAMES, drawn.world.weights, strict=True)
        for low, high in [found.interval(name)]
    ]
    assert sum(inside) >= len(NAMES) - 2
    assert abs(found.position - drawn.world.position) < 0.3
    assert found.nothing.keys() == drawn.world.nothing.keys()
    assert abs(found.nothing["financing"] - drawn.world.nothing["financing"]) < 0.8
    learned = np.array([found.weights.baselines.get(name, 0.0) for name in PRODUCTS])
    often = np.array([j for j in FINANCING if found.seen[j] > 200])
    assert np.corrcoef(learned[often], drawn.world.baselines[often])[0, 1] > 0.8


# --- the prior -----------------------------------------------------------------------------------


def test_a_strong_prior_stays_and_a_weak_one_gives_way(many):
    strong = fit(many, expert_weights(), strength=1e9).weights.array
    assert np.allclose(strong, expert_weights().array, atol=1e-3)
    default = fit(many, expert_weights(), strength=STRENGTH).weights.array
    assert np.abs(default - strong).max() > 0.2


def test_more_outcomes_make_narrower_intervals(many, found):
    half = fit(many.some(np.arange(len(many)) % 2 == 0), expert_weights(), strength=1e-3)
    assert (half.spread > found.spread).all()


def test_a_list_counts_half_for_each_half_life():
    given = [Shown(n, FINANCING[:3], FINANCING[n % 3], day=n * 30) for n in range(4)]
    weight = listed(shown(given), half_life=30).weight
    assert weight == pytest.approx([1 / 8, 1 / 4, 1 / 2, 1])
    assert listed(shown(given)).weight.tolist() == [1, 1, 1, 1]


def test_what_changed_lately_counts_more_with_a_half_life():
    first, second = FINANCING[:2]
    given = [Shown(n, [first, second], first if n < 200 else second, day=n * 2) for n in range(300)]
    names = [PRODUCTS[first], PRODUCTS[second]]
    old, new = (
        fit(shown(given), expert_weights(), half_life=days).weights.baselines for days in (None, 60)
    )
    assert old[names[0]] > old[names[1]]
    assert new[names[0]] < new[names[1]]


def test_no_weight_is_below_0_and_intervals_are_cut_there():
    harmful = chosen_by(Known(points({})), 800)
    values = harmful.pairs.values
    rows = np.flatnonzero(harmful.taken)
    values[harmful.firm[rows], harmful.product[rows], 0] *= 0.3
    found = fit(harmful, expert_weights(), strength=1e-3)
    assert found.weights.weights[NAMES[0]] == 0
    assert found.interval(NAMES[0])[0] == 0
    assert (found.weights.array >= 0).all()


def test_a_constant_column_keeps_its_prior():
    """Where nothing was no alternative: there a constant is part of the utility of all."""
    lists = chosen_by(Known(TRUE), 500)
    lists.pairs.values[:, :, NAMES.index("text")] = 0.4
    found = fit(lists, expert_weights())
    assert np.isfinite(found.weights.array).all()
    prior = expert_weights().weights["text"]
    assert found.weights.weights["text"] == pytest.approx(prior, abs=1e-6)


def test_a_product_never_shown_keeps_the_baseline_of_the_prior(many):
    gone = FINANCING[4]
    rest = many.some(np.bincount(many.event, many.product == gone, len(many)) == 0)
    prior = replace(expert_weights(), baselines={PRODUCTS[gone]: 0.1 + 0.2})
    found = fit(rest, prior)
    assert found.seen[gone] == 0
    assert found.weights.baselines[PRODUCTS[gone]] == 0.1 + 0.2
    assert PRODUCTS[gone] not in fit(rest, expert_weights()).weights.baselines


def test_a_rare_product_is_drawn_to_its_category():
    """Two products of one category are taken at once; of two shown once, one is of it too."""
    kinds = {j: CATALOGUE.products[PRODUCTS[j]].category for j in FINANCING}
    kind = max(set(kinds.values()), key=list(kinds.values()).count)
    *often, rare = [j for j in FINANCING if kinds[j] == kind][:3]
    others = {name: j for j, name in kinds.items() if name != kind}
    other, lonely = list(others.values())[:2]
    given = [Shown(n, [often[n % 2], other], often[n % 2]) for n in range(200)]
    once = [Shown(200, [rare, other], other), Shown(200, [lonely, other], other)]
    pairs = firms(201)
    pairs.values[:] = 0.5
    learned = fit(shown([*given, *once], pairs), expert_weights()).weights.baselines
    assert learned[PRODUCTS[rare]] > learned[PRODUCTS[lonely]] + 0.1
