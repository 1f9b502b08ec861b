"""Measures of rankings, against definitions written out and against scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, ndcg_score, roc_auc_score

from recommender.learning import metrics


@st.composite
def rankings(draw, ties=False):
    """Scores (n, m) and the product taken (n,)."""
    n, m = draw(st.integers(1, 30)), draw(st.integers(2, 8))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = chance.integers(0, 3, (n, m)).astype(float) if ties else chance.normal(size=(n, m))
    return scores, chance.integers(0, m, n)


def naive_place(row, product):
    return sum(score >= row[product] for score in row)


@given(rankings(ties=True))
def test_places_count_equals_as_ahead(data):
    scores, taken = data
    naive = [naive_place(row, p) for row, p in zip(scores.tolist(), taken, strict=True)]
    assert metrics.ranks(scores, taken).tolist() == naive


@given(rankings(), st.integers(1, 8))
def test_measures_of_places_are_their_definitions(data, k):
    scores, taken = data
    places = metrics.ranks(scores, taken)
    assert metrics.reciprocal(places).tolist() == [1 / p for p in places.tolist()]
    assert metrics.hit(places, k).tolist() == [float(p <= k) for p in places.tolist()]
    relevant = (taken[:, None] == np.arange(scores.shape[1])).astype(float)
    assert metrics.gain(places, k).mean() == pytest.approx(ndcg_score(relevant, scores, k=k))


@given(rankings(), st.floats(0.2, 5))
def test_chances_are_a_softmax_and_log_loss_is_scikit_learns(data, temperature):
    scores, taken = data
    found = metrics.chances(scores, temperature)
    naive = np.exp(scores / temperature)
    assert found == pytest.approx(naive / naive.sum(axis=1, keepdims=True))
    loss = log_loss(taken, found, labels=np.arange(scores.shape[1]))
    assert metrics.surprise(found, taken).mean() == pytest.approx(loss)


def test_what_is_not_in_the_choice_set_has_no_chance():
    found = metrics.chances(np.array([[0.0, -np.inf, 0.0]]))
    assert found.tolist() == [[0.5, 0.0, 0.5]]
    assert math.isfinite(metrics.surprise(found, np.array([1]))[0])


@given(rankings())
def test_macro_averages_within_products_first(data):
    scores, taken = data
    values = scores[:, 0]
    naive = np.mean([values[taken == product].mean() for product in set(taken.tolist())])
    assert metrics.macro(values, taken) == pytest.approx(naive)


@given(rankings())
def test_calibration_error_is_its_definition(data):
    scores, taken = data
    stated = metrics.chances(scores)
    happened = taken[:, None] == np.arange(scores.shape[1])
    pairs = list(zip(stated.ravel(), happened.ravel(), strict=True))
    naive = 0.0
    for number in range(metrics.BINS):
        inside = [
            (p, y) for p, y in pairs if min(int(p * metrics.BINS), metrics.BINS - 1) == number
        ]
        if inside:
            p, y = np.mean(inside, axis=0)
            naive += abs(p - y) * len(inside) / len(pairs)
    assert metrics.calibration_error(stated, happened) == pytest.approx(naive)
    top = stated.argmax(axis=1) == taken
    expected = metrics.calibration_error(stated.max(axis=1), top)
    assert metrics.top_calibration_error(stated, taken) == expected


def test_chances_that_come_true_are_calibrated():
    chance = np.random.default_rng(0)
    scores = chance.normal(size=(40_000, 5))
    taken = (scores + chance.gumbel(size=scores.shape)).argmax(axis=1)
    stated = metrics.chances(scores)
    assert metrics.calibration_error(stated, taken[:, None] == np.arange(5)) < 0.01
    assert metrics.top_calibration_error(stated, taken) < 0.02
    assert metrics.temperature(3 * scores, taken) == pytest.approx(3, rel=0.05)
    assert metrics.temperature(scores / 2, taken) == pytest.approx(0.5, rel=0.05)


@given(rankings(ties=True))
def test_the_area_is_that_of_scikit_learn(data):
    scores, taken = data
    took = taken == taken[0]
    found = metrics.area(scores[:, 0], took)
    if took.all():
        assert math.isnan(found)
    else:
        assert found == pytest.approx(roc_auc_score(took, scores[:, 0]))


@given(rankings(), st.integers(1, 40))
def test_lists_of_companies_are_measured_as_defined(data, k):
    scores, taken = data
    one, took = scores[:, 0], taken == taken[0]
    order = np.argsort(-one)
    assert metrics.recall(one, took, k) == pytest.approx(took[order[:k]].sum() / took.sum())
    if len(one) > 1:
        expected = ndcg_score(took[None].astype(float), one[None], k=k)
        assert metrics.list_gain(one, took, k) == pytest.approx(expected)


def test_lists_without_takers_have_no_measure():
    nobody = np.zeros(3, dtype=bool)
    assert math.isnan(metrics.recall(np.arange(3.0), nobody, 2))
    assert math.isnan(metrics.list_gain(np.arange(3.0), nobody, 2))


# --- intervals -----------------------------------------------------------------------------------


def test_an_interval_is_that_of_a_mean_and_repeats():
    chance = np.random.default_rng(3)
    ours, theirs = chance.normal(0.1, 1, 400), chance.normal(0, 1, 400)
    found = metrics.difference(ours, theirs)
    gap = ours - theirs
    half = 1.96 * gap.std(ddof=1) / 20
    assert found.value == pytest.approx(gap.mean())
    assert found.low == pytest.approx(gap.mean() - half, abs=0.02)
    assert found.high == pytest.approx(gap.mean() + half, abs=0.02)
    assert metrics.difference(ours, theirs) == found
    assert metrics.difference(ours, theirs, seed=1) != found


def test_pairs_are_drawn_together():
    values = np.random.default_rng(0).normal(size=50)
    assert metrics.difference(values + 1, values) == pytest.approx((1, 1, 1))
    assert metrics.quotient(2 * values**2, values**2) == pytest.approx((2, 2, 2))


@given(rankings())
def test_intervals_by_product_hold_the_macro_average(data):
    scores, taken = data
    found = metrics.mean(scores[:, 0], taken, draws=50)
    assert found.value == pytest.approx(metrics.macro(scores[:, 0], taken))
    assert found.low <= found.high


# --- what is shown -------------------------------------------------------------------------------


def test_coverage_and_concentration_look_at_the_first_places():
    scores = np.array([[3.0, 2.0, 1.0, 0.0], [3.0, 1.0, 2.0, 0.0]])
    assert metrics.coverage(scores, 1) == 0.25
    assert metrics.coverage(scores, 2) == 0.75
    assert metrics.concentration(scores, np.array([0, 1, 1, 2]), 2) == 0.5
    assert metrics.concentration(scores, np.array([0, 0, 0, 0]), 2) == 1.0
