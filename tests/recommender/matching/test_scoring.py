"""Scores: exact sums, honest about what is unknown, the same alone and among a thousand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.errors import InvalidParameters, UnreadableFile
from recommender.matching.scoring import MICRO, Weights, expert_weights, micros, score
from recommender.matching.similarity import NAMES, NEUTRAL
from recommender.texts import LANGUAGES, problem_text

K = len(NAMES)
PRODUCTS = ("loan", "policy", "forward")
UNIT = st.floats(0, 1)


def similarities(unknown=True, n=2):
    cell = UNIT | st.just(float("nan")) if unknown else UNIT
    return arrays(np.float64, (n, len(PRODUCTS), K), elements=cell)


def weightings():
    amounts = st.lists(st.floats(0, 50), min_size=K, max_size=K)
    baselines = st.dictionaries(st.sampled_from(PRODUCTS), st.floats(-20, 20))
    return st.builds(lambda w, b: Weights(dict(zip(NAMES, w, strict=True)), b), amounts, baselines)


@given(similarities(), weightings())
def test_contributions_and_baseline_sum_to_the_score_in_any_order(values, weights):
    scores = score(values, weights, PRODUCTS)
    parts = np.concatenate(
        [scores.contributions, np.broadcast_to(scores.baseline[:, None], (2, len(PRODUCTS), 1))],
        axis=2,
    )
    backwards = sum(parts[..., k] for k in reversed(range(K + 1)))
    assert (scores.total == backwards).all()
    assert (scores.total == parts.sum(axis=2)).all()
    assert scores.total.dtype == np.int64
    exact = np.where(np.isnan(values), NEUTRAL, values) * weights.array * MICRO
    assert (np.abs(scores.contributions - exact) <= 0.5 + 1e-6).all()


def test_by_hand():
    weights = Weights({**dict.fromkeys(NAMES, 0.0), "route": 2.0, "cargo": 1.0}, {"loan": -0.25})
    values = np.zeros((1, 1, K))
    values[0, 0, NAMES.index("route")] = 0.3
    values[0, 0, NAMES.index("cargo")] = np.nan
    scores = score(values, weights, ("loan",))
    assert scores.total.tolist() == [[850_000]]
    assert (scores.low.tolist(), scores.high.tolist()) == ([[350_000]], [[1_350_000]])
    assert scores.baseline.tolist() == [-250_000]
    assert scores.known[0, 0].tolist() == [name != "cargo" for name in NAMES]


@given(similarities(), weightings())
def test_unknown_counts_as_neutral(values, weights):
    filled = np.where(np.isnan(values), NEUTRAL, values)
    unknown, stated = score(values, weights, PRODUCTS), score(filled, weights, PRODUCTS)
    assert (unknown.total == stated.total).all()
    assert (unknown.known == ~np.isnan(values)).all()
    assert (stated.low == stated.total).all()
    assert (stated.high == stated.total).all()


@given(similarities(), weightings(), similarities(unknown=False))
def test_low_and_high_hold_every_completion(values, weights, answers):
    bounds = score(values, weights, PRODUCTS)
    assert (bounds.low <= bounds.total).all()
    assert (bounds.total <= bounds.high).all()
    completed = score(np.where(np.isnan(values), answers, values), weights, PRODUCTS)
    assert (bounds.low <= completed.total).all()
    assert (completed.total <= bounds.high).all()


@given(similarities(), weightings())
def test_low_and_high_are_reached(values, weights):
    bounds = score(values, weights, PRODUCTS)
    worst, best = (
        score(np.where(np.isnan(values), end, values), weights, PRODUCTS) for end in (0.0, 1.0)
    )
    assert (worst.total == bounds.low).all()
    assert (best.total == bounds.high).all()


@given(similarities(), weightings(), st.integers(0, K - 1), UNIT)
def test_raising_one_similarity_never_lowers_a_score(values, weights, k, raised):
    before = score(values, weights, PRODUCTS)
    more = values.copy()
    more[..., k] = np.fmax(values[..., k], raised)
    known = ~np.isnan(values[..., k])
    after = score(more, weights, PRODUCTS)
    assert (after.total >= before.total)[known].all()
    assert (after.low >= before.low)[known].all()
    assert (after.high >= before.high)[known].all()


@given(similarities(), weightings(), st.integers(0, K - 1), UNIT)
def test_learning_a_similarity_only_narrows_the_range(values, weights, k, answer):
    before = score(values, weights, PRODUCTS)
    told = values.copy()
    told[..., k] = np.where(np.isnan(values[..., k]), answer, values[..., k])
    after = score(told, weights, PRODUCTS)
    assert (after.low >= before.low).all()
    assert (after.high <= before.high).all()


def test_one_company_scores_the_same_alone_and_among_a_thousand():
    chance = np.random.default_rng(5)
    values = chance.random((1_000, len(PRODUCTS), K))
    values[chance.random(values.shape) < 0.2] = np.nan
    weights = Weights(dict(zip(NAMES, chance.random(K) * 3, strict=True)), {"policy": 0.1})
    together = score(values, weights, PRODUCTS)
    alone = [score(values[[i]], weights, PRODUCTS) for i in range(1_000)]
    for part in ("contributions", "total", "low", "high"):
        stacked = np.concatenate([getattr(scores, part) for scores in alone])
        assert getattr(together, part).tobytes() == stacked.tobytes()


@given(similarities(), weightings(), st.permutations(range(len(PRODUCTS))))
def test_the_order_of_products_does_not_matter(values, weights, order):
    straight = score(values, weights, PRODUCTS)
    turned = score(values[:, order], weights, tuple(PRODUCTS[j] for j in order))
    assert (turned.total == straight.total[:, order]).all()
    assert (turned.low == straight.low[:, order]).all()


def test_millionths_are_rounded_half_to_even():
    halves = np.array([0.0000005, 0.0000015, -0.0000005, 1.0000004, 1.0000006])
    assert micros(halves).tolist() == [0, 2, 0, 1_000_000, 1_000_001]


# --- weights -------------------------------------------------------------------------------------

FULL = dict.fromkeys(NAMES, 1.0)


@pytest.mark.parametrize(
    ("weights", "baselines", "code", "field"),
    [
        ({**FULL, "rout": 1.0}, {}, "unknown_field", "weights.rout"),
        ({k: v for k, v in FULL.items() if k != "fx"}, {}, "missing", "weights.fx"),
        ({**FULL, "fx": -0.1}, {}, "below_minimum", "weights.fx"),
        ({**FULL, "fx": float("nan")}, {}, "below_minimum", "weights.fx"),
        ({**FULL, "fx": float("inf")}, {}, "below_minimum", "weights.fx"),
        (FULL, {"loan": float("nan")}, "not_finite", "baselines.loan"),
        (FULL, {"loan": float("-inf")}, "not_finite", "baselines.loan"),
    ],
)
def test_wrong_weights_are_refused_in_words(weights, baselines, code, field):
    with pytest.raises(InvalidParameters) as caught:
        Weights(weights, baselines)
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == (code, field)
    assert all(field in problem_text(problem, language) for language in LANGUAGES)


def test_every_wrong_weight_is_named_at_once():
    with pytest.raises(InvalidParameters) as caught:
        Weights({"rout": 1.0, "fx": -1.0}, {"loan": float("inf")})
    codes = [problem.code for problem in caught.value.problems]
    assert codes.count("missing") == K - 1
    assert {"unknown_field", "below_minimum", "not_finite"} <= set(codes)


def test_the_array_is_in_the_order_of_the_similarities():
    weights = Weights({name: float(i) for i, name in reversed(list(enumerate(NAMES)))})
    assert weights.array.tolist() == list(range(K))


def test_expert_weights_are_complete_and_compare_nobody_with_peers_yet():
    weights = expert_weights()
    assert set(weights.weights) == set(NAMES)
    assert weights.weights["peers"] == 0
    assert weights.trained_on is None
    assert weights.version.startswith("expert-")


def test_expert_weights_of_a_folder_without_them(tmp_path):
    with pytest.raises(UnreadableFile):
        expert_weights(tmp_path)


def test_versions_tell_weights_apart():
    variants = [
        Weights(FULL),
        Weights({**FULL, "fx": 1.000_000_1}),
        Weights(FULL, {"loan": 0.5}),
        Weights(FULL, trained_on="abc"),
    ]
    assert len({weights.version for weights in variants}) == len(variants)
    assert Weights(dict(reversed(FULL.items()))).version == variants[0].version
    assert variants[3].version.startswith("model-")
