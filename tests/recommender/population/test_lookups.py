"""Lookups by numba and by numpy give what the words say, at the borders too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.matching.eligibility import Between
from recommender.population import lookups, sweep_kernel
from recommender.population.columnar_gate import compared

BOTH = pytest.mark.parametrize("ops", [lookups.Plain, sweep_kernel], ids=["numpy", "numba"])
KINDS = st.sampled_from([np.uint8, np.uint16, np.uint32])
VALUES = st.sampled_from([0.0, 1.0, 2.0, 2.5, -1.0, np.nan, np.inf, -np.inf])


@st.composite
def columns(draw, values, kind=None):
    """Places of some companies in four tables."""
    kind = kind or draw(KINDS)
    places, tables = [], []
    for _ in range(4):
        tables.append(draw(st.lists(values, min_size=1, max_size=5)))
        last = len(tables[-1]) - 1
        places.append(draw(st.lists(st.integers(0, last), min_size=6, max_size=6)))
    return tuple(np.array(own, dtype=kind) for own in places), tables


@BOTH
@given(columns(st.integers(-2, 1)))
def test_the_lowest_and_the_highest_answer_count(ops, drawn):
    places, lists = drawn
    tables = tuple(np.array(own, dtype=np.int8) for own in lists)
    each = [table[own] for own, table in zip(places, tables, strict=True)]
    answers = np.ones(6, dtype=np.int8)
    ops.lowered(answers, places, tables)
    np.testing.assert_array_equal(answers, np.minimum.reduce(each))
    for own, table in zip(places, tables, strict=True):
        ops.raised(answers, own, table)
    np.testing.assert_array_equal(answers, np.maximum.reduce(each))


@BOTH
@given(columns(st.integers(-(2**40), 2**40)), st.sets(st.integers(0, 5)))
def test_what_some_rows_have_is_added(ops, drawn, chosen):
    places, lists = drawn
    tables = tuple(np.array(own, dtype=np.int64) for own in lists)
    rows, sums = np.array(sorted(chosen), dtype=np.int64), np.full(len(chosen), 7)
    ops.added(sums, rows, places, tables)
    wanted = sum(table[own][rows] for own, table in zip(places, tables, strict=True))
    np.testing.assert_array_equal(sums, wanted + 7)


@BOTH
@given(columns(VALUES), st.sampled_from([-np.inf, 0.0, 1.0]), st.sampled_from([1.0, 2.0, np.inf]))
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_two_numbers_are_compared_as_the_gate_compares_them(ops, drawn, low, high):
    places, lists = (part[:2] for part in drawn)
    tables = tuple(np.array(own) for own in lists)
    answers = np.full(6, -1, dtype=np.int8)
    ops.compared(answers, places, tables, low, high)
    difference = tables[0][places[0]] - tables[1][places[1]]
    np.testing.assert_array_equal(answers, compared(difference, Between(1, 2, low, high)))
    highest = np.ones(6, dtype=np.int8)
    ops.compared(highest, places, tables, low, high)
    assert (highest == 1).all()
