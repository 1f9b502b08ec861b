"""Training: three periods by day alone, no look ahead, a stated fallback, the same bytes again."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import Engine
from recommender.learning import calibration
from recommender.learning.calibration import row_scores
from recommender.learning.card import cards
from recommender.learning.training import How, Periods, manifest_of, too_little, train
from recommender.matching.scoring import expert_weights
from recommender.matching.similarity import NAMES
from recommender.outcomes import outcomes_of
from recommender.outcomes.table import NAMES as COLUMNS
from tests.made_outcomes import CATALOGUE, FINANCING, PRODUCTS, Shown, of_events, shown, some

A, B = FINANCING[:2]
WHEN = How(seed=1)


@pytest.fixture(scope="module")
def whole(few):
    return train(few.outcomes, CATALOGUE, how=WHEN)


# --- periods -------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 30), max_size=60))
def test_no_later_day_stands_in_an_earlier_period(days):
    lists = shown([Shown(0, [A, B], A, day=day) for day in days])
    periods = Periods.of(lists)
    parts = (periods.fitted, periods.later, periods.test)
    assert sum(map(len, parts)) == len(lists)
    assert sum(len(part.taken) for part in parts) == len(lists.taken)
    held = [part.day for part in parts if len(part)]
    assert all(a.max() < b.min() for a, b in pairwise(held))


def test_periods_are_three_fifths_a_fifth_and_a_fifth():
    periods = Periods.of(shown([Shown(0, [A, B], A, day=day) for day in range(100)]))
    assert [len(part) for part in (periods.fitted, periods.later, periods.test)] == [60, 20, 20]
    assert periods.cuts == (60, 80)
    said = periods.described()
    assert said["later"] == {
        "lists": 20,
        "rows": 40,
        "taken": 20,
        "firms": 1,
        "from": "1970-03-02",
        "until": "1970-03-21",
    }


def test_one_day_alone_is_a_test_of_nothing():
    periods = Periods.of(shown([Shown(n, [A, B], A) for n in range(300)]))
    assert [len(p) for p in (periods.fitted, periods.later, periods.test)] == [0, 0, 300]
    assert too_little(periods.fitted) == "too_few"
    assert periods.described()["fitted"]["from"] is None


@pytest.mark.parametrize(
    ("lists", "takers", "why"), [(99, 99, "too_few"), (100, 24, "one_class"), (100, 25, None)]
)
def test_what_is_too_little_to_learn_from(lists, takers, why):
    made = shown([Shown(n, [A, B], A if n < takers else None) for n in range(lists)])
    assert too_little(made) == why


# --- the prior where nothing can be learned ------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 10, 60])
def test_too_few_outcomes_give_the_prior_to_the_last_digit(few, count):
    prior = replace(expert_weights(), baselines={PRODUCTS[0]: 0.1 + 0.2})
    outcomes = some(few.outcomes, of_events(few.outcomes, count))
    found = train(outcomes, CATALOGUE, prior=prior)
    assert found.fallback == "too_few"
    assert found.fit is None
    assert found.weights.array.tobytes() == prior.array.tobytes()
    assert found.weights.baselines == prior.baselines
    assert found.weights.version == prior.version
    assert "evaluation" not in found.report
    assert set(cards("m", found.report)) == set(cards("m", {**found.report, "synthetic": False}))


def test_one_class_alone_teaches_nothing(few):
    every = few.outcomes.rows["day"] > 0
    declined = some(few.outcomes, every, outcome="declined", reason=None)
    found = train(declined, CATALOGUE)
    assert found.fallback == "one_class"
    assert found.weights == expert_weights()


# --- what is learned -----------------------------------------------------------------------------


def test_the_test_period_teaches_nothing(few, monkeypatch):
    """Other outcomes at the end move no weight, no baseline and no chance; early ones do."""
    monkeypatch.setattr(calibration, "FEWEST", 5)
    whole = train(few.outcomes, CATALOGUE, how=WHEN)
    assert whole.weights.uptake
    cut = Periods.of(few.lists).cuts[1]
    rows = few.outcomes.rows
    late = (rows["day"] >= cut) & (rows["outcome"] == "taken")
    turned = rows["outcome"].where(~late, "declined")
    found = train(some(few.outcomes, rows["day"] > 0, outcome=turned), CATALOGUE, how=WHEN)
    assert found.weights == whole.weights
    assert found.report["weights"] == whole.report["weights"]
    assert found.report["evaluation"] != whole.report["evaluation"]
    early = (rows["day"] < Periods.of(few.lists).cuts[0]) & (rows["outcome"] == "taken")
    other = rows["outcome"].where(~early | (np.arange(len(rows)) % 2 == 0), "declined")
    found = train(some(few.outcomes, rows["day"] > 0, outcome=other), CATALOGUE, how=WHEN)
    assert found.weights != whole.weights


def test_the_same_outcomes_in_any_order_give_the_same_bytes(few, whole):
    turned = few.outcomes.rows.sample(frac=1, random_state=1)[list(COLUMNS)]
    again = train(outcomes_of(turned, few.outcomes.profiles), CATALOGUE, how=WHEN)
    assert again.weights == whole.weights
    assert json.dumps(again.report) == json.dumps(whole.report)
    assert cards("m", again.report) == cards("m", whole.report)


def test_another_seed_moves_no_weight(few, whole):
    other = train(few.outcomes, CATALOGUE, how=How(seed=2))
    assert other.weights == whole.weights
    assert other.report["weights"] == whole.report["weights"]


def test_the_model_beats_where_it_started_and_says_by_how_much(trained):
    gap = trained.report["evaluation"]["against"]["expert"]["mrr"]
    assert 0 < gap["low"] < gap["value"] < gap["high"]


def test_the_report_says_what_was_learned_from_what(drawn, trained):
    report = trained.report
    assert report["outcomes_version"] == drawn.outcomes.version
    assert report["catalogue_version"] == drawn.catalogue.version == trained.weights.trained_on
    assert report["synthetic"] is True
    assert report["left_out"] == dict(drawn.lists.left_out)
    for name in NAMES:
        line = report["weights"][name]
        assert line["low"] <= line["value"] <= line["high"]
        assert line["value"] == trained.weights.weights[name]
        assert line["prior"] == expert_weights().weights[name]
    assert manifest_of(trained, {"engine_version": "1"}).items() >= {
        "kind": "trained", "engine_version": "1", "seed": 1
    }.items()  # fmt: skip


def test_how_far_it_is_is_told(few):
    steps = {}

    def told(name, total):
        steps[name] = [total, 0]
        return lambda done: steps[name].__setitem__(1, done)

    train(few.outcomes, CATALOGUE, told=told)
    assert list(steps) == ["matching", "fitting", "evaluating"]
    assert all(total == done for total, done in steps.values())


def test_the_score_learned_with_is_the_score_that_serves(drawn, trained):
    """From the row of a list to the answer of the engine, for one firm on its day."""
    engine = Engine(drawn.catalogue, weights=trained.weights)
    firm = drawn.firms[0]
    row = drawn.outcomes.rows.query(f"company == '{firm['id']}'").iloc[0]
    answer = engine.recommend(engine.read(firm), as_of=str(row["date"]), limit=100)
    shown_ = {m["product_id"]: m for lane in answer["lanes"] for m in lane["matches"]}
    match = shown_[row["product"]]
    rows = np.flatnonzero(drawn.lists.product == PRODUCTS.index(row["product"]))
    scores = row_scores(drawn.lists, trained.weights)[rows]
    assert match["score"] in scores.tolist()
    assert 0 < match["uptake_probability"] < 1
    assert answer["model_version"] == trained.weights.version
    near = [m for m in shown_.values() if m["fit"] == "near_miss"]
    assert all(m["uptake_probability"] is None for m in near)
