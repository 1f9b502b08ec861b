"""From scores to chances: known ones come back, they rise with the score, errors are told."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from recommender.learning.calibration import (
    DRAWS,
    FEWEST,
    calibrate,
    calibration_error,
    chances,
    draws,
    ratio,
    reliability,
    row_scores,
    summed,
)
from recommender.learning.training import Periods
from recommender.matching.scoring import MICRO, expert_weights, score
from tests.made_outcomes import (
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

OPEN = ["financing", "hedge"]


def taken_by_chance(count, intercept, slope, seed=0):
    """Lists of one product, open, taken with a known chance; and their scores."""
    chance = np.random.default_rng(seed)
    scores = chance.normal(5, 2, count)
    took = chance.random(count) < expit(intercept + slope * scores)
    given = [Shown(0, [FINANCING[0]], FINANCING[0] if took[row] else None) for row in range(count)]
    return shown(given, open_lanes=OPEN), scores


def test_the_score_of_a_row_is_the_score_that_serves():
    lists, weights = chosen_by(Known(expert_weights()), 60), expert_weights()
    weights = replace(weights, baselines={PRODUCTS[FINANCING[2]]: -0.7})
    whole = score(lists.pairs.values, weights, PRODUCTS).total / MICRO
    assert np.array_equal(row_scores(lists, weights), whole[lists.firm, lists.product])


# --- the fit -------------------------------------------------------------------------------------


def test_known_chances_come_back():
    found = calibrate(*taken_by_chance(8_000, -4.0, 0.7))
    assert found.keys() == {"financing"}
    intercept, slope = found["financing"]
    assert intercept == pytest.approx(-4.0, abs=0.3)
    assert slope == pytest.approx(0.7, abs=0.06)


def test_lanes_share_a_slope_and_keep_their_level():
    chance = np.random.default_rng(1)
    products, level = (FINANCING[0], HEDGE[0]), (-2.0, 0.0)
    scores = chance.normal(0, 1, 4_000)
    given = []
    for firm in range(4_000):
        product = products[firm % 2]
        took = chance.random() < expit(level[firm % 2] + scores[firm])
        given.append(Shown(firm, [product], product if took else None))
    found = calibrate(shown(given, open_lanes=OPEN), scores)
    assert found["financing"][1] == found["hedge"][1] == pytest.approx(1.0, abs=0.1)
    assert found["financing"][0] == pytest.approx(-2.0, abs=0.2)
    assert found["hedge"][0] == pytest.approx(0.0, abs=0.2)


@pytest.mark.parametrize(("takers", "kept"), [(FEWEST - 1, False), (FEWEST, True)])
def test_a_lane_with_too_few_of_either_is_left_out(takers, kept):
    given = [
        Shown(firm, [FINANCING[0]], FINANCING[0] if firm < takers else None) for firm in range(200)
    ]
    scores = np.where(np.arange(200) < takers, 1.0, 0.0) + np.arange(200) % 3
    assert bool(calibrate(shown(given, open_lanes=OPEN), scores)) is kept


def test_nothing_is_stated_where_it_is_not_known_that_nothing_was_taken():
    lists, scores = taken_by_chance(500, 0.0, 0.0)
    assert calibrate(replace(lists, open_lanes=frozenset()), scores) == {}


def test_nothing_is_stated_where_a_higher_score_is_taken_less_often():
    assert calibrate(*taken_by_chance(2_000, 4.0, -0.7)) == {}


def test_takers_who_are_told_apart_without_error_get_finite_numbers():
    scores = np.linspace(-1, 1, 200)
    given = [Shown(f, [FINANCING[0]], FINANCING[0] if f >= 100 else None) for f in range(200)]
    intercept, slope = calibrate(shown(given, open_lanes=OPEN), scores)["financing"]
    assert np.isfinite([intercept, slope]).all()


@given(st.floats(-8, 3), st.floats(0.01, 5), st.integers(0, 100))
def test_chances_rise_with_the_score_and_stay_between_0_and_1(intercept, slope, seed):
    scores = np.sort(np.random.default_rng(seed).normal(0, 3, 6))
    lists = shown([Shown(0, FINANCING[:6]), Shown(0, HEDGE[:2])])
    found = chances(lists, np.append(scores, [0, 0]), {"financing": [intercept, slope]})
    assert (np.diff(found[:6]) >= 0).all()
    assert ((found[:6] >= 0) & (found[:6] <= 1)).all()
    assert np.isnan(found[6:]).all()


def test_uptake_holds_on_a_later_period_of_simulated_outcomes(drawn, trained):
    test = Periods.of(drawn.lists).test
    stated = chances(test, row_scores(test, trained.weights), trained.weights.uptake)
    known = np.isfinite(stated)
    assert known.mean() > 0.8
    assert abs(stated[known].mean() - test.taken[known].mean()) < 0.02
    found = trained.report["evaluation"]["uptake"]
    assert found["error"]["low"] < 0.03
    assert found["loss_against_shares"]["value"] < 0
    inside = [b["low"] - 0.02 <= b["stated"] <= b["high"] + 0.02 for b in found["reliability"]]
    assert sum(inside) >= len(inside) - 2


# --- what is said of them ------------------------------------------------------------------------

STATED = np.array([0.05, 0.15, 0.15, 0.95, 1.0])
TAKEN = np.array([False, True, False, True, True])


def test_bins_by_hand():
    found = reliability(np.repeat(STATED, 30), np.repeat(TAKEN, 30), np.arange(150))
    assert [(b["rows"], b["observed"]) for b in found] == [(30, 0.0), (60, 0.5), (60, 1.0)]
    assert [b["stated"] for b in found] == pytest.approx([0.05, 0.15, 0.975])


def test_a_bin_of_few_rows_goes_with_the_one_below():
    times = [40, 20, 9, 30, 29]
    found = reliability(np.repeat(STATED, times), np.repeat(TAKEN, times), np.arange(128))
    assert [b["rows"] for b in found] == [69, 59]
    few = reliability(STATED, TAKEN, np.arange(5))
    assert [(b["rows"], b["observed"]) for b in few] == [(5, 0.6)]


def test_the_error_by_hand():
    found = calibration_error(STATED, TAKEN, np.arange(5))
    assert found.value == pytest.approx((0.05 + 2 * 0.35 + 2 * 0.025) / 5)


def test_no_error_at_all_lies_within_its_interval():
    """Just as many took it as was stated; every draw of firms is further off."""
    stated = np.repeat([0.25, 0.5, 0.75], 100)
    taken = np.arange(300) % 100 < 100 * stated
    found = calibration_error(stated, taken, np.arange(300))
    assert (found.low, found.value) == (0.0, 0.0)
    assert 0 < found.high < 0.2


@given(st.integers(1, 60), st.integers(0, 1000))
def test_every_interval_holds_its_value_within_0_and_1(rows, seed):
    chance = np.random.default_rng(seed)
    stated, taken = chance.random(rows), chance.random(rows) < 0.4
    company = chance.integers(0, max(rows // 2, 1), rows)
    found = calibration_error(stated, taken, company)
    assert 0 <= found.low <= found.value <= found.high <= 1
    for line in reliability(stated, taken, company):
        assert 0 <= line["low"] <= line["observed"] <= line["high"] <= 1
    assert sum(line["rows"] for line in reliability(stated, taken, company)) == rows


def test_rows_of_a_firm_are_drawn_together():
    """A hundred rows of one firm say as little as one."""
    values, alone = np.arange(100) % 2.0, np.zeros(100, dtype=np.int64)
    one, many = (ratio(*summed(values, company)) for company in (alone, np.arange(100)))
    assert one == (0.5, 0.5, 0.5)
    assert many.low < 0.45
    assert many.high > 0.55


def test_sums_of_firms_by_hand():
    sums, counts = summed(np.array([1.0, 2.0, 4.0]), np.array([7, 3, 7]))
    assert sums.tolist() == [2.0, 5.0]
    assert counts.tolist() == [1.0, 2.0]


def test_draws_repeat_and_the_first_is_the_sample_itself():
    found = draws(9)
    assert found.shape == (1 + DRAWS, 9)
    assert (found[0] == 1).all()
    assert (found.sum(axis=1) == 9).all()
    assert found.tobytes() == draws(9).tobytes()


def test_scores_of_weights_without_similarities_are_baselines():
    lists = shown([Shown(0, FINANCING[:2])], firms(1))
    assert row_scores(lists, points({FINANCING[1]: 1.25})).tolist() == [0.0, 1.25]
