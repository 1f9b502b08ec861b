"""A sweep over a segment gives what the reference gives, however its columns are packed."""

import numpy as np
import pytest
from populations import DAY, engine, learned_weights

from recommender.matching.scoring import Weights, expert_weights
from recommender.population.build import build
from recommender.population.columnar import Lens
from recommender.population.segment_rows import Rows
from recommender.population.sweep import Compared, Mixed, Sweep
from recommender.prospects.shortlist import Begun
from tests.benchmarks.prospects import repeated

IDS = engine().matcher.ids


@pytest.fixture(scope="module")
def segment(tmp_path_factory):
    """Companies repeated so often that tables pay: columns as those of a large population."""
    (only,) = repeated(engine(), tmp_path_factory.mktemp("sweep"), 50, 40).segments
    return only


@pytest.fixture(params=["compiled", "plain"])
def kernel(request, monkeypatch):
    """With numba, and as if it were not installed; some hundred companies at a time."""
    monkeypatch.setattr("recommender.population.sweep.BLOCK", 300)
    if request.param == "plain":
        for module in ("lookups", "segment_rows"):
            monkeypatch.setattr(f"recommender.population.{module}.available", lambda: False)


@pytest.mark.parametrize("learned", [False, True])
def test_fits_and_scores_are_those_of_the_reference(segment, kernel, learned):
    used = engine().serving(learned_weights()) if learned else engine()
    every = Rows(segment, 0, segment.rows)
    for product_id in IDS:
        lens = Lens(used, product_id, DAY)
        fit, near = lens.gate(every)
        found = Sweep(lens, segment).run()
        np.testing.assert_array_equal(found.fit, fit)
        np.testing.assert_array_equal(found.maybe, near)
        np.testing.assert_array_equal(found.rows, np.flatnonzero(fit >= 0))
        begun = Begun(every.among(fit >= 0), found.high, found.left)
        scores = lens.scores(begun.rows)
        np.testing.assert_array_equal(begun.scores(lens), scores)
        assert (found.high >= scores).all()


def test_columns_of_a_large_population_leave_little_to_be_added_up(segment):
    left = {name for i in IDS for name in Sweep(Lens(engine(), i, DAY), segment).run().left}
    assert left == {"cargo", "collateral", "fx", "text"}


def test_two_numbers_are_compared_by_their_tables(segment):
    sweeps = [Sweep(Lens(engine(), product_id, DAY), segment) for product_id in IDS]
    rules = [
        rule for s in sweeps for rule in (*s._mixed, *(m for t in s._tallies for m in t.rules))
    ]
    assert all(isinstance(rule, Mixed) for rule in rules)
    leaves = [leaf for rule in rules for _, own in rule.parts for leaf in own]
    assert any(isinstance(leaf, Compared) for leaf in leaves)


def test_kinds_of_firms_that_only_lose_points_count(segment):
    expert = expert_weights()
    tokens = segment.dictionaries["tokens"][1:]
    minus = {token: dict.fromkeys(IDS, -0.25) for token in tokens}
    used = engine().serving(Weights(expert.weights, expert.baselines, affinity=minus))
    lens = Lens(used, IDS[0], DAY)
    assert lens.most("kinds") == 0
    assert "kinds" in Sweep(lens, segment).run().left


def test_building_makes_ready_what_is_compiled(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("recommender.population.build.made_ready", lambda: seen.append(1))
    build(engine(), [], tmp_path / "empty", DAY)
    assert seen == [1]
