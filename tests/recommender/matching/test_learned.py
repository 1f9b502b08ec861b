"""What a model learned of kinds of firms: points by token, and uptake among peers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.matching.kinds import KIND_NAMES, Firm
from recommender.matching.learned import Affinity, Peers, kinds_known

IDS = ("loan", "policy", "new")
POINTS = {
    "size=small": {"loan": 0.5, "policy": -0.25},
    "size=large": {"loan": -1.0},
    "goods2=84": {"loan": 0.125},
    "goods4=8432": {"loan": 0.25, "gone": 3.0},
}
SMALL = Firm({"size=small": 1.0, "goods2=84": 0.5, "goods4=9999": 0.5}, ())
LANES = {"loan": "financing", "policy": "insurance", "new": "financing"}
COUNTS = {
    "": {"loan": (400, 40), "policy": (100, 30)},
    "d=x": {"loan": (200, 40), "policy": (60, 12)},
    "d=x|g=84": {"loan": (20, 10), "policy": (20, 4)},
}
SIZE, GOODS = KIND_NAMES.index("size"), KIND_NAMES.index("goods")


def affinity():
    return Affinity(POINTS, IDS, 1_000_000)


def peers(strength=20.0):
    return Peers(COUNTS, LANES, IDS, strength)


def test_points_by_hand():
    parts = affinity().parts(SMALL)
    assert parts[:, SIZE].tolist() == [500_000, -250_000, 0]
    assert parts[:, GOODS].tolist() == [62_500, 0, 0]
    assert parts.sum() == 312_500


def test_a_firm_that_says_nothing_gets_nothing():
    assert not affinity().parts(Firm({}, ())).any()
    assert not kinds_known(Firm({}, ())).any()
    assert kinds_known(SMALL).sum() == 2


def test_bounds_hold_every_firm():
    table = affinity()
    assert table.low[0, SIZE] == -1_000_000
    assert table.high[0, SIZE] == 500_000
    assert table.high[0, GOODS] == 375_000
    assert table.low[2].tolist() == [0] * len(KIND_NAMES)


@given(st.lists(st.sampled_from(sorted(POINTS)), unique=True))
def test_whatever_a_firm_says_lies_within_the_bounds(tokens):
    table = affinity()
    said = dict.fromkeys(set(tokens) - ({"size=large"} if "size=small" in tokens else set()), 1.0)
    parts = table.parts(Firm(said, ()))
    assert (table.low <= parts).all()
    assert (parts <= table.high).all()


def test_uptake_by_hand():
    nobody = peers().value(Firm({}, ()))
    mean, rate = 40 / 400, (40 + 20 * 0.1) / 420
    assert nobody[0] == pytest.approx(rate / (rate + mean))
    wider = (40 + 20 * rate) / 220
    narrow = (10 + 20 * wider) / 40
    found = peers().value(Firm({}, ("d=x", "g=84")))[0]
    assert found == pytest.approx(narrow / (narrow + mean))
    assert found > 0.5


def test_a_product_nobody_was_shown_is_not_known():
    assert np.isnan(peers().value(Firm({}, ("d=x",)))[2])


def test_an_unknown_segment_counts_as_the_one_around_it():
    assert (
        peers().value(Firm({}, ("d=x", "g=00")))[:2].tolist()
        == peers().value(Firm({}, ("d=x",)))[:2].tolist()
    )


def test_many_firms_speak_for_themselves_and_few_do_not():
    alone, drawn = (peers(s).value(Firm({}, ("d=x", "g=84")))[0] for s in (1e-9, 1e9))
    assert alone == pytest.approx(0.5 / 0.6)
    assert drawn == pytest.approx(0.5)


def test_only_twenty_firms_and_five_takers_are_spoken_of():
    table = peers()
    assert table.heard(Firm({}, ("d=x", "g=84")), "loan") == (20, 10)
    assert table.heard(Firm({}, ("d=x", "g=84")), "policy") == (60, 10)
    assert table.heard(Firm({}, ()), "loan") == (400, 40)
    assert table.heard(Firm({}, ("d=x",)), "new") is None
    few = Peers({"": {"loan": (19, 10)}, "d=x": {"loan": (500, 4)}}, LANES, IDS, 20.0)
    assert few.heard(Firm({}, ("d=x",)), "loan") is None


@pytest.mark.parametrize(("count", "said"), [(23, 25), (22, 20), (97, 95), (104, 100), (105, 110)])
def test_what_is_said_is_rounded(count, said):
    table = Peers({"": {"loan": (count, 10)}}, LANES, IDS, 20.0)
    assert table.heard(Firm({}, ()), "loan").shown == said
