"""Drift: nothing where nothing moved, the feature that did, and whether chances still hold."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.learning.drift import BINS, drift, profile
from recommender.matching.scoring import expert_weights
from recommender.matching.similarity import NAMES
from tests.made_outcomes import FINANCING, Known, Shown, chosen_by, firms, shown

ROUTE = NAMES.index("route")
EARLY = chosen_by(Known(expert_weights(), nothing=5.0), 1_500, 1)
LATE = chosen_by(Known(expert_weights(), nothing=5.0), 1_500, 2)
CALIBRATED = replace(expert_weights(), uptake={"financing": (-5.0, 1.0)})


def with_route(lists, change):
    values = lists.pairs.values.copy()
    values[:, :, ROUTE] = change(values[:, :, ROUTE])
    return replace(lists, pairs=replace(lists.pairs, values=values))


def test_a_profile_counts_each_pair_of_firm_and_product_once():
    one, other = FINANCING[:2]
    pairs = firms(other - one + 1)
    pairs.values[:, :, ROUTE] = 0.35
    pairs.values[0, one, ROUTE] = 1.0
    pairs.values[other - one, other, ROUTE] = np.nan
    twice = [Shown(0, [one, other]), Shown(0, [one, other], day=20_001)]
    found = profile(shown([*twice, Shown(other - one, [one, other])], pairs))
    assert found["route"] == [0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 1]
    assert all(len(counts) == BINS + 1 and sum(counts) == 4 for counts in found.values())


def test_nothing_has_moved_where_firms_are_alike():
    found = drift(profile(EARLY), LATE, expert_weights())
    assert found["lists"] == len(LATE)
    assert [name for name in NAMES if found["features"][name]["moved"]] == []
    assert all(line["index"] < 0.1 for line in found["features"].values())
    assert found["uptake"] is None


def test_by_chance_an_index_stays_below_its_limit():
    """In about 95 of 100 cases; 13 features of three periods."""
    others = [chosen_by(Known(expert_weights(), nothing=5.0), 400, seed) for seed in (5, 6, 7)]
    found = [drift(profile(EARLY), lists, expert_weights())["features"] for lists in others]
    below = [line["index"] < line["by_chance"] for lines in found for line in lines.values()]
    assert np.mean(below) > 0.85


def test_the_feature_that_moved_is_named_and_no_other():
    found = drift(profile(EARLY), with_route(LATE, lambda v: v**4), expert_weights())
    assert [name for name in NAMES if found["features"][name]["moved"]] == ["route"]


def test_what_became_unknown_has_moved():
    found = drift(profile(EARLY), with_route(LATE, lambda v: v * np.nan), expert_weights())
    assert found["features"]["route"]["moved"]


def test_an_index_by_hand():
    one, two = firms(1), firms(1)
    one.values[0, FINANCING[:4], ROUTE] = [0.05, 0.05, 0.05, 0.95]
    two.values[0, FINANCING[:4], ROUTE] = [0.05, 0.95, 0.95, 0.95]
    before, now = (shown([Shown(0, FINANCING[:4])], pairs) for pairs in (one, two))
    p, q = np.array([3.5, 1.5]) / 5, np.array([1.5, 3.5]) / 5
    expected = ((p - q) * np.log(p / q)).sum()
    line = drift(profile(before), now, expert_weights())["features"]["route"]
    assert line["index"] == pytest.approx(expected)
    assert line["by_chance"] == pytest.approx(3.841 * (1 / 4 + 1 / 4), rel=1e-3)
    assert line["moved"] is False


def test_chances_are_held_against_what_was_taken():
    holds = drift(profile(EARLY), LATE, CALIBRATED)["uptake"]
    assert holds["observed"] == pytest.approx(LATE.taken.mean())
    assert 0 < holds["stated"] < 1
    assert holds["low"] <= holds["value"] <= holds["high"]
    sure = replace(expert_weights(), uptake={"financing": (5.0, 0.0)})
    assert drift(profile(EARLY), LATE, sure)["uptake"]["value"] > 0.5
