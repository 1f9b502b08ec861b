"""Measures worked out by hand, firms that count once, intervals, and groups too small to show."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.learning.evaluation import FEWEST_FIRMS, evaluate, refusals, worse
from recommender.learning.training import Periods, TooFew, evaluated
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

A, B, C, D = FINANCING[:4]
PEERS = {"as_shown", "popular_lately", "popular_by_cargo"} | {
    f"{name}_{columns}"
    for name in ("nearest", "multinomial", "multiclass", "lambdarank")
    for columns in ("raw", "engineered")
}
DECLINING = points({A: 3.0, B: 2.0, C: 1.0})
WORLD = Known(points({j: 4.0 * (n % 3 == 0) for n, j in enumerate(FINANCING)}), nothing=2.0)


@pytest.fixture(scope="module")
def periods():
    return Periods.of(chosen_by(WORLD, 1_500, 8))


@pytest.fixture(scope="module")
def found(periods):
    return evaluated(periods, WORLD.weights, None, 0)


def of_test(given, models=None, pairs=None):
    """The evaluation of lists by hand, with sixty before them to learn from."""
    pairs = pairs or firms(max(60, 1 + max(one.firm for one in given)))
    firm = np.arange(60) % len(pairs.values)
    before = shown([Shown(int(n), [A, B, C], [A, B, C][n % 3]) for n in firm], pairs)
    test = shown(given, pairs)
    return evaluate(before, before, test, models or {"model": DECLINING, "expert": DECLINING})


# --- by hand -------------------------------------------------------------------------------------


def test_measures_by_hand():
    found = of_test([Shown(0, [C, B, A], A), Shown(1, [A, B, C], C), Shown(2, [B, A], B)])
    ours = found["measures"]["model"]
    assert ours["mrr"]["value"] == pytest.approx((1 + 1 / 3 + 1 / 2) / 3)
    assert ours["hit_1"]["value"] == pytest.approx(1 / 3)
    assert ours["ndcg_3"]["value"] == pytest.approx((1 + 1 / 2 + 1 / np.log2(3)) / 3)
    shown_first = found["measures"]["as_shown"]["mrr"]["value"]
    assert shown_first == pytest.approx((1 / 3 + 1 / 3 + 1) / 3)
    assert (found["lists"], found["firms"]) == (3, 3)


def test_products_count_the_same_by_hand():
    given = [Shown(0, [C, B, A], A), Shown(1, [A, B, C], A), Shown(2, [B, A, C, D], B)]
    low = points({A: 3.0, C: 2.0, D: 1.0})
    found = of_test(given, {"model": low, "expert": low})["products"]["model"]
    assert found["macro_hit_3"]["value"] == pytest.approx((1 + 0) / 2)
    assert found["coverage"] == pytest.approx(1.0)
    alone = of_test([Shown(0, [A, B, C, D], A)])["products"]["as_shown"]
    assert alone["coverage"] == pytest.approx(3 / 4)


def test_lists_without_a_choice_or_with_one_product_measure_no_ranking():
    given = [Shown(0, [C, A], A), Shown(1, [A, B]), Shown(2, [A], A)]
    assert of_test(given)["lists"] == 1


def test_every_firm_counts_once_with_its_first_list_in_a_lane():
    twice = [Shown(0, [A, B], A, day=1), Shown(0, [A, B], B, day=2), Shown(1, [A, B], B, day=3)]
    found = of_test(twice)
    assert found["lists"] == 2
    assert found["measures"]["model"]["hit_1"]["value"] == pytest.approx(1 / 2)


def test_a_difference_is_ours_minus_theirs_and_pairs_firms():
    given = [Shown(n, [A, B], A if n % 4 else B) for n in range(80)]
    reversed_ = points({A: 1.0, B: 2.0})
    found = of_test(given, {"model": DECLINING, "expert": reversed_})
    gap = found["against"]["expert"]["mrr"]
    assert gap["value"] == pytest.approx(0.75 * 0.5 - 0.25 * 0.5)
    assert gap["low"] < gap["value"] < gap["high"]
    turned = of_test(given, {"model": reversed_, "expert": DECLINING})["against"]["expert"]["mrr"]
    assert turned["value"] == pytest.approx(-gap["value"])


def test_concentration_of_providers_by_hand():
    providers = [CATALOGUE.products[PRODUCTS[j]].provider.zh for j in (A, B, C)]
    found = of_test([Shown(n, [C, A], A) for n in range(3)])["concentration"]
    assert found["ours"]["value"] == found["shown"]["value"] == 1
    mixed = of_test([Shown(0, [A, B], A), Shown(1, [C, A], A)])["concentration"]
    same = providers[0] == providers[2]
    assert mixed["shown"]["value"] == pytest.approx(1.0 if same else 0.5)
    assert mixed["ours"]["value"] == 1


# --- intervals and what is compared --------------------------------------------------------------


def test_no_figure_stands_without_its_interval_within_0_and_1(found):
    bounded = {"mrr", "ndcg_3", "hit_1"}
    for peer in found["measures"].values():
        for name, one in peer.items():
            assert 0 <= one["low"] <= one["value"] <= one["high"]
            assert name not in bounded or one["high"] <= 1
    for side in found["concentration"].values():
        assert 0 <= side["low"] <= side["value"] <= side["high"] <= 1
    for peer in found["against"].values():
        assert all(one["low"] <= one["value"] <= one["high"] for one in peer.values())


def test_every_peer_is_compared_with(found):
    assert set(found["measures"]) == {"model", "expert", *PEERS}
    assert set(found["against"]) == set(found["measures"]) - {"model"}
    assert found["current"] == expert_weights().version


def test_the_current_model_is_named_where_it_is_not_the_experts(periods):
    found = evaluated(periods, expert_weights(), WORLD.weights, 0)
    assert found["current"] == WORLD.weights.version
    assert worse(found["against"]["current"]["mrr"])


def test_who_knows_the_world_beats_who_does_not(found):
    assert found["against"]["expert"]["mrr"]["low"] > 0
    assert (
        found["measures"]["model"]["log_loss"]["value"]
        < (found["measures"]["expert"]["log_loss"]["value"])
    )


def test_equal_models_differ_by_nothing(periods):
    found = evaluated(periods, expert_weights(), WORLD.weights, 0)["against"]["expert"]
    assert {tuple(one.values()) for one in found.values()} == {(0.0, 0.0, 0.0)}


def test_all_equal_scores_come_last():
    """A model that ranks nothing earns nothing: ties count as ahead of what was taken."""
    flat = Weights(dict.fromkeys(NAMES, 0.0), {}, None)
    found = of_test([Shown(n, [A, B, C], A) for n in range(30)], {"model": flat, "expert": flat})
    assert found["measures"]["model"]["mrr"]["value"] == pytest.approx(1 / 3)


def test_only_a_whole_interval_below_0_is_worse():
    assert worse({"value": -0.2, "low": -0.3, "high": -0.1})
    assert not worse({"value": -0.2, "low": -0.5, "high": 0.0})
    assert not worse({"value": 0.2, "low": 0.1, "high": 0.3})
    assert not worse(None)


# --- groups of firms -----------------------------------------------------------------------------


def test_groups_below_the_least_show_no_figures():
    sizes = ["micro"] * FEWEST_FIRMS + ["large"] * (FEWEST_FIRMS - 1)
    pairs = firms(len(sizes), size_class=sizes)
    given = [Shown(n, [A, B], A) for n in range(len(sizes))]
    lines = {
        (line["segment"], line["group"]): line for line in of_test(given, None, pairs)["segments"]
    }
    enough, small = lines["size_class", "micro"], lines["size_class", "large"]
    assert enough["firms"] == FEWEST_FIRMS
    assert enough["value"]["value"] == 1
    assert enough["against"]["value"] == 0
    assert small == {"segment": "size_class", "group": "large", "firms": None, "suppressed": True}
    assert lines["ownership", "None"]["firms"] == len(sizes)


def test_many_lists_of_few_firms_are_a_small_group():
    """Twelve firms with two lists each are twelve firms."""
    hedges = [Shown(n, HEDGE[:2], HEDGE[0], day=20_001) for n in range(12)]
    found = of_test([*[Shown(n, [A, B], A) for n in range(12)], *hedges])
    assert (found["lists"], found["firms"]) == (24, 12)
    assert all(line["suppressed"] for line in found["segments"])


def test_refusals_are_shared_out_by_group_and_small_ones_suppressed():
    sizes = ["micro"] * 30 + ["large"] * 5
    lists = shown([Shown(n, [A, B]) for n in range(35)], firms(35, size_class=sizes))
    applied = (np.arange(35), (np.arange(35) % 3 == 0).astype(float))
    found = refusals(replace(lists, applied=applied))
    lines = {(line["segment"], line["group"]): line for line in found}
    micro = lines["size_class", "micro"]
    assert micro["value"] == pytest.approx(1 / 3)
    assert 0 <= micro["low"] < micro["value"] < micro["high"] <= 1
    assert micro["applications"] == 30
    assert lines["size_class", "large"] == {
        "segment": "size_class", "group": "large", "suppressed": True
    }  # fmt: skip


# --- where there is little to measure ------------------------------------------------------------


def test_a_period_in_which_no_firm_is_new_measures_nothing():
    before = shown([Shown(n, [A, B, C], C) for n in range(60)], firms(60))
    again = shown([Shown(n, [A, B], A, day=n) for n in range(9)], before.pairs)
    none = replace(again, first=np.zeros(9, dtype=bool))
    found = evaluate(before, before, none, {"model": DECLINING, "expert": DECLINING})
    assert (found["lists"], found["firms"]) == (0, 0)
    assert found["measures"]["model"] == dict.fromkeys(found["measures"]["model"])
    assert found["segments"] == []
    assert found["concentration"] == {}
    assert found["uptake"] is None
    assert found["off_policy"]["model"]["refused"] == "no_propensities"


def test_too_few_lists_cannot_be_evaluated():
    few = shown([Shown(n, [A, B], A, day=n) for n in range(40)])
    with pytest.raises(TooFew):
        evaluated(Periods.of(few), expert_weights(), None, 0)


def test_simulated_outcomes_are_told_by_group(trained):
    lines = trained.report["evaluation"]["segments"]
    assert {line["segment"] for line in lines} == {
        "size_class", "registered_province", "ownership", "first_loan"
    }  # fmt: skip
    assert any(line["suppressed"] for line in lines)
    assert not all(line["suppressed"] for line in lines)
