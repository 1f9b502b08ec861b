"""Nearness of codes, and the mean over what a company carries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.matching.affinities import (
    OPEN,
    ROUTE_AFFINITY,
    SETTLEMENT_AFFINITY,
    SIZE_AFFINITY,
    STAGE_AFFINITY,
    CodeFits,
    Fits,
    hs_affinity,
    scope_table,
)


@pytest.mark.parametrize(
    ("code", "scope", "expected"),
    [
        ("8432", "8432", 1.0),
        ("843221", "84", 1.0),
        ("84", "8432", 0.8),
        ("8418", "8432", 0.8),
        ("85", "84", 0.3),  # section XVI holds both chapters
        ("08", "84", 0.0),
    ],
)
def test_goods_are_near_by_their_place_in_the_nomenclature(code, scope, expected):
    assert hs_affinity(code, scope) == expected


@pytest.mark.parametrize(
    ("affinity", "a", "b", "expected"),
    [
        (ROUTE_AFFINITY, "RSI", "XBR", 0.5),
        (ROUTE_AFFINITY, "SEA", "RSI", 0.4),
        (ROUTE_AFFINITY, "AIR", "RSI", 0.0),
        (STAGE_AFFINITY, "in_transit", "post_shipment", 0.4),
        (STAGE_AFFINITY, "capex", "post_shipment", 0.0),
        (SETTLEMENT_AFFINITY, "DA", "OA", 0.5),
        (SIZE_AFFINITY, "micro", "small", 0.5),
        (SIZE_AFFINITY, "micro", "large", 0.0),
    ],
)
def test_affinities_are_the_same_both_ways_and_one_for_the_same_code(affinity, a, b, expected):
    assert affinity(a, b) == affinity(b, a) == expected
    assert affinity(a, a) == affinity(b, b) == 1.0


def test_a_scope_of_several_codes_fits_by_the_nearest():
    table = scope_table(["RSI", "AIR"], [["SEA", "XBR"], ["RSI"], None, []], ROUTE_AFFINITY)
    assert table.tolist() == [[0.5, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]


TABLE = np.array([[1.0, 0.5, 0.0], [0.0, 0.25, 0.0]])
FITS = CodeFits(((0, 1), (1, 2)), Fits.of(TABLE, np.array([False, False, True])))


@given(st.sets(st.sampled_from((0, 1))), st.sets(st.sampled_from((0, 1))))
def test_the_mean_runs_over_what_is_held_and_is_open_only_when_nothing_is(has, more):
    def words(tokens):
        return [1 if 0 in tokens else 0, 2 if 1 in tokens else 0]

    found = FITS.mean(words(has), words(has | more))
    rows = TABLE[sorted(has)]
    expected = rows.mean(axis=0) if has else np.full(3, np.nan if more else 0.0)
    assert np.array_equal(found[:2], expected[:2], equal_nan=True)
    assert found[2] == OPEN
