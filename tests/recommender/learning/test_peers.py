"""What a model is held against: learned from the period before, and from nothing later."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from recommender.learning.calibration import row_scores
from recommender.learning.peers import LATELY, firm_features, peers
from tests.made_outcomes import FINANCING, Known, Shown, chosen_by, firms, points, shown

A, B, C = FINANCING[:3]
PLAIN = ["as_shown", "popular_lately", "popular_by_cargo"]
ON_COLUMNS = ["nearest_raw", "multinomial_raw", "nearest_engineered", "multinomial_engineered"]
BOOSTED = ["multiclass_raw", "multiclass_engineered", "lambdarank_raw", "lambdarank_engineered"]
NAMES = [*PLAIN, *ON_COLUMNS, *BOOSTED]
WORLD = Known(points({j: 2.0 * (n % 4 == 0) for n, j in enumerate(FINANCING)}), position=0.5)


@pytest.fixture(scope="module")
def lists():
    found = chosen_by(WORLD, 900, 2)
    goods = [["84", "87", "08", None][firm % 4] for firm in range(900)]
    pairs = firms(900, 2, hs=goods)
    numbers = np.random.default_rng(0).normal(size=(900, 3))
    return replace(found, pairs=replace(pairs, numbers=numbers))


@pytest.fixture(scope="module")
def parts(lists):
    late = np.arange(len(lists)) >= 600
    return lists.some(~late), lists.some(late)


def scores(fitted, asked, seed=0):
    return {name: scorer(asked) for name, scorer in peers(fitted, seed)}


def test_every_peer_scores_every_row(parts):
    fitted, test = parts
    found = scores(fitted, test)
    assert list(found) == NAMES
    for name in NAMES:
        assert found[name].shape == test.product.shape
        assert np.isfinite(found[name]).all()


def test_peers_repeat_to_the_byte(parts):
    one, other = (scores(*parts, seed=3) for _ in range(2))
    assert all(one[name].tobytes() == other[name].tobytes() for name in NAMES)


def test_what_is_asked_about_teaches_nothing(parts):
    fitted, test = parts
    before = scores(fitted, test)
    turned = replace(test, taken=np.roll(test.taken, 1), day=test.day + 1_000)
    after = scores(fitted, turned)
    assert all(before[name].tobytes() == after[name].tobytes() for name in NAMES)


def test_a_list_is_scored_the_same_alone_and_among_others(parts):
    fitted, test = parts
    whole = scores(fitted, test)
    alone = scores(fitted, test.some(np.arange(len(test)) == 7))
    rows = slice(int(test.starts[7]), int(test.starts[8]))
    for name in NAMES:
        assert alone[name] == pytest.approx(whole[name][rows])


def test_nothing_to_score_is_no_error(parts):
    fitted, test = parts
    none = test.some(np.zeros(len(test), dtype=bool))
    assert {name: len(found) for name, found in scores(fitted, none).items()} == dict.fromkeys(
        NAMES, 0
    )


def test_the_order_as_shown_scores_the_first_highest():
    lists = shown([Shown(0, [B, A, C], A)])
    assert dict(peers(lists, 0))["as_shown"](lists).tolist() == [-1, -2, -3]


def test_popularity_by_hand_and_of_late_alone():
    old = [Shown(n, [A, B], A, day=20_000) for n in range(30)]
    late = [Shown(n, [A, B], B, day=20_001 + LATELY) for n in range(10)]
    fitted = shown(old + late)
    found = dict(peers(fitted, 0))["popular_lately"](shown([Shown(0, [A, B, C])]))
    mean = 10 * 10 / 20
    assert found.tolist() == pytest.approx([mean / 20, (10 + mean) / 20, mean / 10])


def test_popularity_by_goods_by_hand():
    goods = ["84"] * 20 + ["08"] * 20
    given = [Shown(n, [A, B], A if n < 20 else B) for n in range(40)]
    fitted = shown(given, firms(40, hs=goods))
    both = dict(peers(fitted, 0))
    popular = both["popular_lately"](fitted)[:2]
    found = both["popular_by_cargo"](fitted)[:2]
    assert found.tolist() == pytest.approx(((np.array([20, 0]) + 20 * popular) / 40).tolist())


def test_the_nearest_firms_are_those_alike():
    numbers = np.repeat([[0.0], [9.0]], 60, axis=0)
    given = [Shown(n, [A, B], A if n < 60 else B) for n in range(120)]
    fitted = shown(given, replace(firms(120), numbers=numbers))
    found = dict(peers(fitted, 0))["nearest_raw"](fitted)
    assert found[0] > found[1]
    assert found[-1] > found[-2]


@pytest.mark.parametrize("name", ["multinomial_raw", "lambdarank_engineered", "popular_lately"])
def test_a_peer_finds_what_there_is_to_find(parts, name):
    fitted, test = parts
    found = scores(fitted, test)[name]
    wanted = row_scores(test, WORLD.weights)
    assert np.corrcoef(found, wanted)[0, 1] > 0.6


def test_where_one_product_alone_was_taken_peers_still_answer():
    fitted = shown([Shown(n, [A, B], A) for n in range(150)])
    found = scores(fitted, fitted)
    assert all(np.isfinite(found[name]).all() for name in NAMES)


def test_without_lightgbm_the_others_stand(parts, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    assert [name for name, _ in peers(parts[0], 0)] == [*PLAIN, *ON_COLUMNS]


def test_features_of_firms_are_standardised_and_know_what_is_unknown():
    numbers = np.array([[1e6, 5.0], [np.nan, 5.0], [-1e6, 5.0]])
    found = firm_features(replace(firms(3), numbers=numbers))
    assert found.shape[1] == 2
    assert found.mean(axis=0) == pytest.approx(0)
    assert found.std(axis=0) == pytest.approx(1)
    assert found[0, 0] == pytest.approx(-found[2, 0])
