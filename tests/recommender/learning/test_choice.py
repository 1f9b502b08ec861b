"""ChoiceRanker: the prior without outcomes, known weights recovered, one answer in any order."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from recommender.learning import ChoiceRanker, InvalidChoices
from recommender.learning.events import read_events
from recommender.learning.posterior import Posterior
from recommender.matching.scoring import MICRO, expert_weights, score
from recommender.matching.similarity import NAMES, NEUTRAL

TRUE = np.array([1.8, 0.0, 0.9, 2.4, 0.3])


def simulated(events, weights=TRUE, alternatives=4, seed=3, outside=False):
    """Choices drawn from the model itself: x, y, groups."""
    chance = np.random.default_rng(seed)
    x = chance.random((events, alternatives, len(weights)))
    utility = x @ weights + chance.gumbel(size=(events, alternatives))
    best = utility.argmax(axis=1)
    y = np.arange(alternatives) == best[:, None]
    if outside:
        y &= (utility.max(axis=1) > chance.gumbel(size=events))[:, None]
    return x.reshape(-1, len(weights)), y.ravel(), np.repeat(np.arange(events), alternatives)


def ranker(features=5, **parameters):
    return ChoiceRanker(**{"prior": np.ones(features), "neutral": 0.5, **parameters})


def posterior(data, prior_strength=10.0, outside=False):
    x, y, groups = data
    width = np.full(x.shape[1], prior_strength)
    floor = np.zeros(x.shape[1])
    return Posterior(read_events(x, y, groups, None, outside), np.ones(x.shape[1]), width, floor)


# --- the prior -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows", [(), (None,), ([], [], []), (np.empty((0, 13)), np.empty(0), np.empty(0))]
)
def test_without_outcomes_the_weights_are_the_expert_weights_to_the_last_digit(rows):
    fitted = ChoiceRanker(trained_on="unused").fit(*rows)
    assert fitted.weights_ == expert_weights()
    assert fitted.coef_.tobytes() == expert_weights().array.tobytes()
    assert (fitted.n_events_, fitted.n_iter_, fitted.n_features_in_) == (0, 0, len(NAMES))


def test_events_of_no_weight_are_no_outcomes():
    x, y, groups = simulated(20)
    fitted = ranker().fit(x, y, groups, np.zeros(len(x)))
    assert fitted.coef_.tobytes() == np.ones(5).tobytes()


def test_few_outcomes_move_the_weights_a_little_and_many_to_the_truth():
    few, many = (ranker().fit(*simulated(n)).coef_ for n in (20, 40_000))
    assert 0 < np.abs(few - 1).max() < 0.3
    assert np.abs(many - TRUE).max() < 0.1


def test_a_stronger_prior_is_never_further_away():
    data = simulated(300)
    strengths = np.geomspace(1e-3, 1e6, 19)
    away = [np.linalg.norm(ranker(prior_strength=s).fit(*data).coef_ - 1) for s in strengths]
    assert (np.diff(away) <= 1e-9).all()
    assert away[0] > 1
    assert away[-1] < 1e-3


def test_one_strength_for_each_weight_holds_that_weight_alone():
    strength = [1e-3, 1e9, 1e-3, 1e-3, 1e-3]
    free, held = (ranker(prior_strength=s).fit(*simulated(3_000)).coef_ for s in (1e-3, strength))
    assert held[1] == pytest.approx(1, abs=1e-5)
    assert free[1] < 0.3


# --- the answer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("outside", [False, True])
def test_known_weights_come_back_within_their_standard_errors(outside):
    weights = np.array([1.8, 0.6, 0.9, 2.4, 0.3])
    data = simulated(5_000, weights, outside=outside)
    fitted = ranker(prior_strength=1e-6, outside=outside).fit(*data)
    problem = posterior(data, 1e-6, outside)
    spread = np.sqrt(np.diag(np.linalg.inv(problem.bends(problem.value(fitted.coef_)[1]))))
    assert (np.abs(fitted.coef_ - weights) / spread).max() < 3.5
    assert spread.max() < 0.1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("outside", [False, True])
def test_it_is_what_an_independent_solver_finds_on_the_textbook_formula(seed, outside):
    x, y, groups = simulated(200, seed=seed, outside=outside)

    def textbook(weights):
        loss = 5.0 * ((weights - 1) ** 2).sum()
        for event in np.unique(groups):
            rows = groups == event
            shares = np.exp(x[rows] @ weights)
            taken = shares[y[rows]].sum() if y[rows].any() else 1.0
            loss -= np.log(taken / (shares.sum() + outside))
        return loss

    found = minimize(textbook, np.ones(5), bounds=[(0, None)] * 5, tol=1e-12)
    ours = ranker(outside=outside).fit(x, y, groups).coef_
    assert ours == pytest.approx(found.x, abs=2e-4)
    assert textbook(ours) <= found.fun + 1e-9


@pytest.mark.parametrize("outside", [False, True])
def test_slope_and_curvature_are_those_of_the_value(outside):
    problem = posterior(simulated(60, outside=outside), outside=outside)

    def slope(weights):
        return problem.slope(weights, problem.value(weights)[1])

    at = np.array([0.3, 1.1, 0.0, 2.0, 0.7])
    by_value = approx_fprime(at, lambda weights: problem.value(weights)[0], 1e-7)
    assert slope(at) == pytest.approx(by_value, rel=1e-4, abs=1e-4)
    by_slope = approx_fprime(at, slope, 1e-7)
    assert problem.bends(problem.value(at)[1]) == pytest.approx(by_slope, rel=1e-4, abs=1e-4)


@given(
    st.integers(0, 10_000),
    st.integers(1, 25),
    st.floats(1e-4, 1e4),
    st.booleans(),
    st.sampled_from([0.0, 0.3, 0.9]),
)
def test_weights_are_never_negative_and_no_direction_is_better(
    seed, events, strength, outside, unknown
):
    chance = np.random.default_rng(seed)
    sizes = chance.integers(2, 6, events)
    groups, chosen = np.repeat(np.arange(events), sizes), chance.integers(0, sizes)
    x = np.round(chance.random((len(groups), 3)), 1)
    x[chance.random(x.shape) < unknown] = np.nan
    y = np.concatenate([np.arange(n) == i for n, i in zip(sizes, chosen, strict=True)])
    fitted = ranker(3, prior_strength=strength, outside=outside).fit(x, y, groups)
    assert (fitted.coef_ >= 0).all()
    filled = np.where(np.isnan(x), 0.5, x)
    problem = posterior((filled, y, groups), strength, outside)
    slope = problem.slope(fitted.coef_, problem.value(fitted.coef_)[1])
    scale = 1e-7 * (1 + len(x) + strength)
    assert (slope >= -scale).all()
    assert (np.abs(slope[fitted.coef_ > 0]) <= scale).all()


def test_the_order_of_events_rows_and_ids_does_not_matter():
    x, y, groups = simulated(30_000)
    turned = np.random.default_rng(1).permutation(len(x))
    straight = ranker().fit(x, y, groups).coef_
    named = np.array([f"event {g}" for g in groups])
    assert ranker().fit(x[turned], y[turned], groups[turned]).coef_ == pytest.approx(
        straight, abs=1e-9
    )
    assert ranker().fit(x[turned], y[turned], named[turned]).coef_ == pytest.approx(
        straight, abs=1e-9
    )
    assert ranker().fit(x, y, groups).coef_.tobytes() == straight.tobytes()


def test_starting_from_a_sample_leaves_the_answer_alone(monkeypatch):
    data = simulated(21_000)
    sampled = ranker().fit(*data).coef_
    monkeypatch.setattr("recommender.learning.posterior.ENOUGH_FOR_A_SAMPLE", 10**9)
    assert ranker().fit(*data).coef_ == pytest.approx(sampled, abs=1e-9)


def test_events_of_different_sizes_and_one_size_are_the_same_sum():
    x, y, groups = simulated(50, alternatives=3)
    alone = posterior((x, y, groups))
    more = (np.vstack([x, x[:5]]), np.append(y, [1, 0, 0, 0, 0]), np.append(groups, [99] * 5))
    at = np.full(5, 0.4)
    extra = posterior((x[:5], [1, 0, 0, 0, 0], [0] * 5))
    prior = np.diag(np.full(5, 10.0))
    bends = [p.bends(p.value(at)[1]) - prior for p in (posterior(more), alone, extra)]
    assert bends[0] == pytest.approx(bends[1] + bends[2])


def test_a_weight_of_two_is_the_event_twice():
    x, y, groups = simulated(40)
    weighted = ranker().fit(x, y, groups, np.where(groups < 10, 2.0, 1.0)).coef_
    twice = np.flatnonzero(groups < 10)
    again = [np.concatenate([part, part[twice]]) for part in (x, y)]
    repeated = ranker().fit(*again, np.concatenate([groups, groups[twice] + 1_000])).coef_
    assert weighted == pytest.approx(repeated, abs=1e-9)


def test_unknown_counts_as_neutral():
    x, y, groups = simulated(50, np.ones(len(NAMES)))
    x[::3, 2] = np.nan
    unknown = ChoiceRanker().fit(x, y, groups).coef_
    assert (unknown == ChoiceRanker().fit(np.where(np.isnan(x), NEUTRAL, x), y, groups).coef_).all()
    other = ChoiceRanker(neutral=np.zeros(len(NAMES))).fit(x, y, groups).coef_
    assert not np.allclose(unknown, other)


def test_choosing_nothing_counts_only_where_it_is_known():
    x, y, groups = simulated(400, outside=True)
    assert not np.bincount(groups, weights=y).all()
    assert ranker(outside=True).fit(x, y, groups).n_events_ == 400
    with pytest.raises(InvalidChoices, match="choice_of_none"):
        ranker().fit(x, y, groups)


def test_too_few_steps_are_said_aloud():
    with pytest.warns(ConvergenceWarning, match="1 steps"):
        fitted = ranker(max_iter=1, prior_strength=1e-3).fit(*simulated(500))
    assert fitted.n_iter_ == 1


# --- serving -------------------------------------------------------------------------------------


def test_scores_are_those_that_serve():
    x, y, groups = simulated(60, np.linspace(0, 2, len(NAMES)))
    x[::7, 4] = np.nan
    fitted = ChoiceRanker(trained_on="catalogue-1").fit(x, y, groups)
    served = score(x[:, None, :], fitted.weights_, ("any",))
    assert fitted.decision_function(x).tolist() == (served.total[:, 0] / MICRO).tolist()
    assert fitted.weights_.trained_on == "catalogue-1"
    assert fitted.weights_.array.tolist() == fitted.coef_.tolist()


def test_one_winner_for_each_event_and_the_first_of_equals():
    fitted = ranker(2).fit()
    x = [[0.1, 0.1], [0.9, 0.9], [0.5, 0.5], [0.5, 0.5], [0.2, 0.2]]
    assert fitted.predict(x, ["b", "a", "b", "b", "a"]).tolist() == [0, 1, 1, 0, 0]
    x, y, groups = simulated(500, np.full(5, 8.0))
    fitted = ranker().fit(x, y, groups)
    assert np.bincount(groups, weights=fitted.predict(x, groups)).tolist() == [1] * 500
    assert (fitted.predict(x, groups) & y).sum() > 250


def test_names_of_columns_have_to_be_the_similarities():
    x, y, groups = simulated(30, np.ones(len(NAMES)))
    named = pd.DataFrame(x, columns=list(NAMES))
    assert ChoiceRanker().fit(named, y, groups).weights_.weights.keys() == set(NAMES)
    backwards = ChoiceRanker().fit(named[list(NAMES)[::-1]], y, groups)
    with pytest.raises(InvalidChoices, match="choice_columns"):
        _ = backwards.weights_
    with pytest.raises(InvalidChoices, match="choice_columns"):
        _ = ranker().fit().weights_
    with pytest.raises(NotFittedError):
        _ = ranker().weights_


def test_parameters_are_kept_as_given_and_clones_are_unfitted():
    expert = expert_weights()
    one = ChoiceRanker(prior=expert, prior_strength=3.0, outside=True)
    assert one.get_params()["prior"] is expert
    assert clone(one).get_params() == one.get_params()
    assert one.set_params(prior_strength=4.0).prior_strength == 4.0
    assert pickle.loads(pickle.dumps(one.fit())).weights_ == expert  # noqa: S301 - just written
    assert not hasattr(clone(one), "coef_")
