"""Tokens: levels of a code, broken lines, round numbers, and the table they make."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.learning.tokens import Vocabulary
from recommender.matching.tokens import amount_tokens, group, hats, levels

KNOTS = [4.0, 5.0, 6.0, 7.0]


def test_levels_stop_where_the_code_does():
    assert levels("hs", "8432", (2, 4, 6)) == {"hs2=84": 1.0, "hs4=8432": 1.0}
    assert levels("hs", None, (2, 4)) == {}
    assert levels("hs", "", (2, 4)) == {}
    assert group("word=a=b") == "word"


@given(st.floats(-5, 15))
def test_hats_add_up_to_one_and_draw_the_number_back(value):
    found = hats("size", value, KNOTS)
    assert sum(found.values()) == pytest.approx(1)
    drawn = sum(KNOTS[int(token.partition("=")[2])] * share for token, share in found.items())
    assert drawn == pytest.approx(min(max(value, 4.0), 7.0))


@pytest.mark.parametrize(
    ("amount", "held"),
    [
        (500_000.0, {"amount_zeros=5", "amount_digits=1", "amount_shape=6:1", "amount_lead=5"}),
        (450_000.0, {"amount_zeros=4", "amount_digits=2", "share90=z5", "share90_digits=1"}),
        (1_234.56, {"amount_zeros=-1", "amount_digits=9", "share90=no"}),
        (0.5, {"amount_zeros=-1"}),
        (1_350_000.0, {"amount_unit=45000", "amount_exact=1350000.00", "amount_lead=13"}),
    ],
)
def test_round_numbers_leave_their_marks(amount, held):
    assert held <= set(amount_tokens(amount, KNOTS, (45_000,), (0.9,)))


def test_a_share_is_seen_through_cents():
    assert "share90=z2" in amount_tokens(0.9 * 1_233_300, KNOTS, shares=(0.9,))
    assert "share85=z3" in amount_tokens(0.85 * 77_000, KNOTS, shares=(0.85,))


def test_what_is_not_known_has_no_token_and_nothing_is_one():
    assert amount_tokens(None, KNOTS) == {}
    assert amount_tokens(float("nan"), KNOTS) == {}
    assert amount_tokens(0.0, KNOTS) == amount_tokens(-5.0, KNOTS) == {"amount_none=1": 1.0}


def test_a_vocabulary_keeps_what_enough_companies_carry():
    rows = [{"b=1": 1.0, "a=1": 0.5}, {"b=1": 1.0}, {"c=1": 1.0, "b=1": 2.0}]
    assert Vocabulary.learned(rows).names == ("a=1", "b=1", "c=1")
    known = Vocabulary.learned(rows, least=2)
    assert known.names == ("b=1",)
    table = known.encode([*rows, {}, {"new=1": 1.0}])
    assert table.toarray().tolist() == [[1.0], [1.0], [2.0], [0.0], [0.0]]


def test_the_table_does_not_depend_on_the_order_of_tokens():
    rows = [{"b=1": 1.0, "a=1": 0.5}]
    known = Vocabulary(("a=1", "b=1"))
    first, second = known.encode(rows), known.encode([dict(reversed(rows[0].items()))])
    assert first.indices.tolist() == second.indices.tolist() == [0, 1]
    assert (first.data == second.data).all()
    assert np.asarray(first.sum()) == 1.5
