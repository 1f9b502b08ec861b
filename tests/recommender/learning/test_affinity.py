"""AffinityRanker: sums that explain themselves, shrinkage to what is shared, one answer."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from recommender.learning import AffinityRanker, InvalidChoices
from recommender.learning.choices import Choices
from recommender.matching.scoring import MICRO
from recommender.texts import LANGUAGES, error_text, problem_text

PRODUCTS = {
    "loan": ("lane=credit",),
    "line": ("lane=credit",),
    "cover": ("lane=insurance",),
    "bond": ("lane=insurance",),
}
NAMES = list(PRODUCTS)


def market(n=600, seed=1, products=PRODUCTS):
    """Companies of three traits, and what they took: exporters cover, importers credit."""
    chance = np.random.default_rng(seed)
    rows, taken = [], []
    for _ in range(n):
        export, size, chapter = chance.integers(2), chance.integers(3), chance.integers(5)
        rows.append({f"trade={export}": 1.0, f"size={size}": 1.0, f"hs={chapter}": 0.5})
        points = np.array([1.5 * (1 - export), 0.5 * (1 - export), 1.5 * export, 0.3 * size])
        taken.append(NAMES[int(np.argmax(points + chance.gumbel(size=4)))])
    keep = [row for row in range(n) if taken[row] in products]
    return [rows[row] for row in keep], [taken[row] for row in keep]


def fits(rows, seed=2):
    return np.random.default_rng(seed).random((len(rows), len(PRODUCTS), 2))


def ranker(**parameters):
    return AffinityRanker(PRODUCTS, **parameters)


def refused(caught):
    """The codes of all problems, each of which can be said in both languages."""
    for language in LANGUAGES:
        assert error_text(caught.value, language)
        assert all(problem_text(problem, language) for problem in caught.value.problems)
    return [(problem.code, problem.field) for problem in caught.value.problems]


# --- the sum -------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_fits", [False, True])
def test_the_score_is_exactly_the_sum_of_its_contributions(with_fits):
    rows, taken = market()
    given = fits(rows) if with_fits else None
    when = [2020 + row % 3 for row in range(len(rows))]
    model = ranker(half_life=2.0, temperature=1.3).fit(rows, taken, when=when, similarities=given)
    scores = model.decision_function(rows, given)
    parts = model.contributions(rows, given)
    assert len(parts) == len(rows)
    for found, score in zip(parts, scores, strict=True):
        assert found.parts.dtype == np.int64
        assert (found.total / MICRO).tobytes() == score.tobytes()
        assert found.names[0] == "baseline"
        assert len(found.names) == len(found.parts)
        shuffled = np.random.default_rng(0).permutation(len(found.parts))
        assert (found.parts[shuffled].sum(axis=0) == found.total).all()


def test_a_company_scores_the_same_alone_and_among_others():
    rows, taken = market()
    model = ranker().fit(rows, taken)
    together = model.decision_function(rows)
    assert all(
        model.decision_function([row]).tobytes() == together[place].tobytes()
        for place, row in enumerate(rows[:20])
    )


def test_unknown_tokens_and_companies_without_any_get_the_baseline():
    model = ranker().fit(*market())
    empty, strange = model.decision_function([{}, {"trade=unheard": 1.0}])
    assert (empty == np.rint(model.baseline_ * MICRO) / MICRO).all()
    assert (strange == empty).all()


def test_the_temperature_divides_scores_and_keeps_the_order():
    rows, taken = market()
    cold, warm = (ranker(temperature=t).fit(rows, taken) for t in (1.0, 2.0))
    assert warm.affinity_ == pytest.approx(cold.affinity_ / 2)
    assert warm.predict_proba(rows).max() < cold.predict_proba(rows).max()
    assert warm.predict_proba(rows).sum(axis=1) == pytest.approx(1)


# --- what is learned -----------------------------------------------------------------------------


def test_the_gradient_is_that_of_the_objective():
    rows, taken = market(40)
    model = ranker().fit(rows, taken)
    table = model.vocabulary_.encode(rows)
    choices = Choices(
        table,
        np.array([NAMES.index(name) for name in taken]),
        np.random.default_rng(0).random((len(rows), 4)) < 2,
        np.linspace(0.5, 1.5, len(rows)),
        model._design(),
        fits(rows),
    )
    shape = (table.shape[1], choices.design.shape[1])
    point = np.random.default_rng(1).normal(size=shape[0] * shape[1] + 2)

    def value(at):
        return choices.loss(at[:-2].reshape(shape), at[-2:])[0]

    _, by_effect, by_weight = choices.loss(point[:-2].reshape(shape), point[-2:])
    exact = np.concatenate([by_effect.ravel(), by_weight])
    assert approx_fprime(point, value, 1e-6) == pytest.approx(exact, abs=1e-3)


def test_with_a_wide_prior_it_is_maximum_likelihood_and_meets_the_shares():
    rows, taken = market()
    model = ranker(default=1e-6, least=1).fit(rows, taken)
    chances = model.predict_proba(rows)
    for column, name in enumerate(NAMES):
        assert chances[:, column].mean() == pytest.approx(taken.count(name) / len(taken), abs=1e-4)
    exporters = [place for place, row in enumerate(rows) if "trade=1" in row]
    share = np.mean([taken[place] == "cover" for place in exporters])
    assert chances[exporters, 2].mean() == pytest.approx(share, abs=1e-4)


def test_a_strong_prior_leaves_everybody_the_baseline_alone():
    rows, taken = market()
    model = ranker(default=1e9, precision={"baseline": 1e-6}).fit(rows, taken)
    assert np.abs(model.affinity_).max() < 1e-3
    assert model.predict_proba(rows)[0, 0] == pytest.approx(taken.count("loan") / 600, abs=1e-3)


def test_no_weight_is_negative_and_a_useless_similarity_weighs_nothing():
    rows, taken = market(2_000)
    given = np.zeros((len(rows), 4, 2))
    given[np.arange(len(rows)), [NAMES.index(name) for name in taken], 0] = 0.5
    given[..., 1] = 1.0 - given[..., 0] * 2
    model = ranker(prior=0.5, prior_strength=[1e-3, 1e-3]).fit(rows, taken, similarities=given)
    assert model.coef_[0] > 1
    assert model.coef_[1] == 0


def test_the_weights_are_the_prior_where_outcomes_weigh_nothing():
    rows, taken = market(50)
    model = ranker(prior=[0.7, 0.2]).fit(
        rows, taken, similarities=fits(rows), sample_weight=np.zeros(50)
    )
    assert model.coef_.tolist() == [0.7, 0.2]
    assert not model.affinity_.any()


# --- products never seen -------------------------------------------------------------------------


def test_a_product_never_seen_is_ranked_by_what_it_shares():
    rows, taken = market(2_000, products=["loan", "line", "cover"])
    model = ranker(default=1.0).fit(rows, taken)
    assert model.newcomers_.tolist() == [False, False, False, True]
    scores = model.decision_function([{"trade=1": 1.0}, {"trade=0": 1.0}])
    assert scores[0, 3] > scores[1, 3]
    assert scores[0, 3] > scores[0, 0]
    assert model.predict_proba(rows)[:, 3].mean() > 0.01


def test_points_for_newcomers_go_to_products_that_nobody_was_offered():
    rows, taken = market(500, products=["loan", "line", "cover"])
    plain, lifted = (ranker(newcomer=points).fit(rows, taken) for points in (0.0, 2.0))
    assert (lifted.baseline_ - plain.baseline_).tolist() == [0.0, 0.0, 0.0, 2.0]
    everything = np.ones((len(rows), 4), dtype=bool)
    offered = ranker(newcomer=2.0).fit(rows, taken, offered=everything)
    assert not offered.newcomers_.any()
    assert offered.baseline_[3] < plain.baseline_[3]


def test_what_was_not_on_offer_does_not_count_against_a_product():
    rows, taken = market()
    offered = np.ones((len(rows), 4), dtype=bool)
    missed = np.array([name != "bond" for name in taken])
    offered[np.flatnonzero(missed)[:200], 3] = False
    all_year, half_year = (ranker().fit(rows, taken, offered=o) for o in (offered | True, offered))
    assert half_year.baseline_[3] > all_year.baseline_[3]


# --- time ----------------------------------------------------------------------------------------


def test_the_baseline_follows_the_latest_period_while_affinities_stay():
    early, late = market(1_500, seed=5), market(300, seed=6)
    rows = early[0] + late[0]
    taken = early[1] + ["bond"] * 150 + late[1][150:]
    when = [2015] * 1_500 + [2016] * 300
    still, moving = ranker().fit(rows, taken), ranker().fit(rows, taken, when=when)
    share = np.mean([name == "bond" for name in taken[1_500:]])
    found = [model.predict_proba(late[0])[:, 3].mean() for model in (still, moving)]
    assert abs(found[1] - share) < abs(found[0] - share)
    assert moving.affinity_.shape == still.affinity_.shape


def test_an_outcome_counts_half_after_its_half_life():
    rows, taken = market(200)
    when = np.array([2020] * 100 + [2023] * 100)
    by_hand = np.where(when == 2020, 0.5, 1.0)
    fast = ranker(half_life=3.0).fit(rows, taken, when=when)
    same = ranker().fit(rows, taken, when=when, sample_weight=by_hand)
    assert fast.affinity_ == pytest.approx(same.affinity_)


# --- one answer ----------------------------------------------------------------------------------


def test_the_same_outcomes_give_the_same_bytes():
    rows, taken = market()
    first, second = (clone(ranker()).fit(rows, taken) for _ in range(2))
    assert first.affinity_.tobytes() == second.affinity_.tobytes()
    assert first.baseline_.tobytes() == second.baseline_.tobytes()


def test_the_order_of_outcomes_does_not_matter():
    rows, taken = market()
    order = np.random.default_rng(0).permutation(len(rows))
    model = ranker(tol=1e-9).fit(rows, taken)
    turned = ranker(tol=1e-9).fit([rows[i] for i in order], [taken[i] for i in order])
    assert turned.affinity_ == pytest.approx(model.affinity_, abs=1e-5)


def test_steps_that_are_not_enough_are_told():
    with pytest.warns(ConvergenceWarning, match="after 2 steps"):
        ranker(max_iter=2).fit(*market())


def test_it_has_to_be_fitted_first():
    with pytest.raises(NotFittedError):
        ranker().decision_function([{}])


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"y": ["loan", "lease", "cover"]}, "not_one_of", "y[1]"),
        ({"y": ["loan"]}, "choice_rows", "y"),
        ({"rows": [], "y": []}, "choice_rows", "y"),
        ({"when": [1, 2]}, "choice_rows", "when"),
        ({"when": [1.5, 2, 3]}, "choice_rows", "when"),
        ({"offered": np.ones((3, 2), dtype=bool)}, "choice_rows", "offered"),
        ({"offered": np.zeros((3, 4), dtype=bool)}, "choice_not_offered", "offered[0]"),
        ({"sample_weight": [1.0]}, "choice_rows", "sample_weight"),
        ({"sample_weight": [1.0, -1.0, 1.0]}, "below_minimum", "sample_weight[1]"),
        ({"similarities": np.ones((3, 2, 1))}, "choice_rows", "similarities"),
        ({"similarities": np.full((3, 4, 1), np.nan)}, "choice_range", "similarities"),
    ],
)
def test_choices_nothing_can_be_learned_from_are_refused(changed, code, field):
    given = {"rows": [{"a=1": 1.0}] * 3, "y": ["loan", "cover", "loan"], **changed}
    with pytest.raises(InvalidChoices) as caught:
        ranker(least=1).fit(given.pop("rows"), given.pop("y"), **given)
    assert (code, field) in refused(caught)


@pytest.mark.parametrize("parameters", [{"default": 0.0}, {"precision": {"trade": -1.0}}])
def test_a_precision_has_to_be_above_0(parameters):
    with pytest.raises(InvalidChoices) as caught:
        ranker(**parameters).fit(*market(30))
    assert refused(caught)[0][0] == "not_above"
