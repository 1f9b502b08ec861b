"""What another policy would earn: the known value, worked out by hand, or a refusal."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.learning.lists import read_lists
from recommender.learning.offpolicy import ENOUGH, first_choice, value
from recommender.matching.scoring import expert_weights
from recommender.outcomes import outcomes_of
from recommender.simulation.outcomes import outcomes
from tests.made_outcomes import FINANCING, HEDGE, Known, Shown, chosen_by, firms, points, shown

A, B, C = FINANCING[:3]


def half(count, share_of_a, share_of_b):
    """Lists with a or b first, each by a chance of 1/2; shares of those who take it."""
    given = []
    for firm in range(count):
        first, share = (A, share_of_a) if firm % 2 == 0 else (B, share_of_b)
        taken = first if firm // 2 < share * count / 2 else C
        given.append(Shown(firm, [first, C], taken, propensity=0.5))
    return shown(given)


def test_the_value_of_always_showing_one_product_by_hand():
    lists = half(400, 0.7, 0.2)
    found = value(lists, np.full(len(lists), A))
    assert found["value"]["value"] == pytest.approx(0.7)
    assert found["shown"]["value"] == pytest.approx(0.45)
    assert found["difference"]["value"] == pytest.approx(0.25)
    assert found["effective"] == pytest.approx(200)
    assert found["lists"] == 400
    assert found["refused"] is None


def test_rare_showings_weigh_more():
    given = [
        Shown(firm, [A, C], A if firm % 2 else C, propensity=0.8 if firm % 2 else 0.2)
        for firm in range(200)
    ]
    found = value(shown(given), np.full(200, A))
    assert found["value"]["value"] == pytest.approx((1 / 0.8) / (1 / 0.8 + 1 / 0.2))
    weights = np.array([1 / 0.8] * 100 + [1 / 0.2] * 100)
    assert found["effective"] == pytest.approx(weights.sum() ** 2 / (weights**2).sum())


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.integers(60, 150))
def test_intervals_hold_the_value_and_stay_within_0_and_1(of_a, of_b, pairs):
    found = value(half(2 * pairs, of_a, of_b), np.full(2 * pairs, A))
    for name in ("value", "shown"):
        side = found[name]
        assert 0 <= side["low"] <= side["value"] <= side["high"] <= 1
    assert ENOUGH <= found["effective"] <= 2 * pairs


def test_it_is_refused_without_overlap_or_propensities():
    lists = half(2 * int(ENOUGH) - 2, 0.5, 0.5)
    few = value(lists, np.full(len(lists), A))
    assert (few["refused"], "value" in few) == ("no_overlap", False)
    assert value(lists, np.full(len(lists), C))["effective"] == 0
    blind = replace(lists, propensity=np.full(len(lists.taken), np.nan))
    assert value(blind, np.full(len(lists), A))["refused"] == "no_propensities"
    none = lists.some(np.zeros(len(lists), dtype=bool))
    assert value(none, first_choice(none, expert_weights()))["refused"] == "no_propensities"


def test_a_list_whose_first_row_was_left_out_does_not_count():
    lists = half(400, 0.7, 0.2)
    lists.position[:2] = [2, 3]
    assert value(lists, np.full(len(lists), A))["lists"] == 399


def test_the_first_choice_is_the_best_that_fits_in_the_lane():
    pairs = firms(3)
    pairs.fits[1, B] = -1
    lists = shown([Shown(0, [A, C]), Shown(1, [A, C]), Shown(2, HEDGE[:2])], pairs)
    wanted = first_choice(lists, points({B: 5.0, C: 3.0, A: 1.0, HEDGE[2]: 1.0}))
    assert wanted.tolist() == [B, C, HEDGE[2]]


def test_the_interval_covers_what_the_policy_earns_on_simulated_outcomes(drawn):
    """The same world played again, with the best of the experts' score always first."""
    expert = expert_weights()
    found = value(drawn.lists, first_choice(drawn.lists, expert))
    assert found["refused"] is None
    table = outcomes(drawn.catalogue, drawn.firms, 99, world=drawn.world, policy=expert)
    lists = read_lists(outcomes_of(table, drawn.outcomes.profiles), drawn.catalogue)
    earned = lists.taken[lists.starts[:-1]].mean()
    noise = 2 * np.sqrt(earned * (1 - earned) / len(lists))
    assert found["value"]["low"] - noise <= earned <= found["value"]["high"] + noise
    assert lists.position[lists.starts[:-1]].max() == 1


def test_the_known_value_of_chance_itself_is_what_was_earned():
    """A policy that wants what was shown earns what was shown, whatever the choices were."""
    lists = chosen_by(Known(expert_weights(), nothing=6.0), 600)
    found = value(lists, lists.product[lists.starts[:-1]])
    assert found["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
