"""Columns on disk: what is read back is what was written, and damage is noticed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recommender.population.column_files import Blocks, BlockWriter, DamagedPopulation, smallest

FLOATS = st.floats(allow_infinity=True, width=64) | st.integers(-200, 200).map(float)
SHAPES = st.integers(0, 40)


def stored(tmp_path, **columns):
    writer = BlockWriter(tmp_path)
    writer.write("all", columns)
    return Blocks(tmp_path, writer.manifest()).checked(content=True)


@given(hnp.arrays(np.float64, st.integers(0, 200), elements=FLOATS))
def test_floats_come_back_to_the_last_bit(tmp_path_factory, values):
    blocks = stored(tmp_path_factory.mktemp("c"), x=values)
    found = blocks.read("x")
    np.testing.assert_array_equal(found, values)
    assert found.dtype == np.float64


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32, np.uint64, np.int32])
@given(data=st.data())
def test_whole_numbers_come_back(tmp_path_factory, kind, data):
    values = data.draw(hnp.arrays(kind, SHAPES))
    blocks = stored(tmp_path_factory.mktemp("c"), a=values, b=values[::-1].copy())
    np.testing.assert_array_equal(blocks.read("a"), values)
    np.testing.assert_array_equal(blocks.read("b", 1, 3), values[::-1][1:3])
    assert blocks.read("a").dtype == kind


@pytest.mark.parametrize(
    ("values", "dtype", "count"),
    [
        ([1.0, np.nan, 90.0], "int8", 3),
        ([1.0, np.nan, 365.0], "int16", 3),
        ([38_500_000.0, 2.5, np.nan], "float32", 3),
        ([0.1, 2.0, np.nan], "float64", 3),
        ([7.5, 7.5, 7.5], "float64", 1),
        ([np.nan, np.nan, np.nan], "float64", 1),
    ],
)
def test_the_smallest_exact_type_is_taken(values, dtype, count):
    found, kind = smallest(np.array(values))
    assert (found.dtype.name, len(found), kind) == (dtype, count, "<f8")


def test_few_distinct_values_are_places_in_a_table(tmp_path):
    values = np.tile(np.array([0.1, np.nan, 7.25e9, np.inf]), 50)
    blocks = stored(tmp_path, x=values)
    assert blocks.columns["x"].table == "x.table"
    assert blocks.stored("x").dtype == np.uint8
    np.testing.assert_array_equal(blocks.read("x", 3, 9), values[3:9])


def test_a_zero_with_a_sign_stays_one(tmp_path):
    found = stored(tmp_path, x=np.array([-0.0, 1.0])).read("x")
    assert np.signbit(found[0])


def test_columns_begin_at_multiples_of_64_bytes(tmp_path):
    blocks = stored(tmp_path, a=np.arange(3, dtype=np.uint8), b=np.array([0.1, 0.2]))
    assert [placed.at for placed in blocks.columns.values()] == [0, 64]


@pytest.mark.parametrize("harm", ["missing", "cut_off", "changed"])
def test_damage_is_named(tmp_path, harm):
    blocks = stored(tmp_path, a=np.arange(300, dtype=np.uint16))
    path = tmp_path / "all.bin"
    raw = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(raw[:-1] if harm == "cut_off" else raw[:-1] + b"\xff")
    with pytest.raises(DamagedPopulation) as caught:
        blocks.checked(content=True)
    assert caught.value.params == {"file": str(path), "reason": harm}


def test_what_is_mapped_cannot_be_changed(tmp_path):
    blocks = stored(tmp_path, a=np.arange(3, dtype=np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        blocks.stored("a")[0] = 9
