"""Columns as places in tables of patterns: nothing is lost, what is asked of one is looked up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from populations import DAY, engine, packed, profiles

from recommender.company.profile import Company
from recommender.matching.encoding import WORD
from recommender.population.column_files import BlockWriter
from recommender.population.patterns import RUN, WIDEST, as_places, column_of, pieces_of
from recommender.population.population import SEGMENTS, Piece, Segment

LAYOUT = engine().matcher.layout


@pytest.fixture(scope="module")
def segment(tmp_path_factory):
    (only,) = packed(tmp_path_factory.mktemp("patterns"), profiles()[:45]).segments
    return only


def test_every_bit_is_in_one_piece_and_short_fields_are_whole():
    pieces = pieces_of(LAYOUT)
    for column in LAYOUT.codes.values():
        for word, mask in column.bits.values():
            assert sum(piece.word == word and bool(piece.mask & mask) for piece in pieces) == 1
        for word, whole in column.whole:
            touched = [piece for piece in pieces if piece.word == word and piece.mask & whole]
            assert len(touched) == 1 or whole.bit_count() > RUN
    assert max(piece.width for piece in pieces) <= WIDEST


def test_the_words_of_packed_companies_are_those_of_their_profiles(segment):
    matcher = engine().matcher
    raws = [segment.profile(row)[0] for row in range(segment.rows)]
    cases = [matcher.read(Company.parse(raw), DAY) for raw in raws]
    columns = matcher.situation(cases).companies.columns
    rows = np.array([3, 3, 17, 40])
    for word in range(LAYOUT.words):
        used = np.uint64(sum(m for c in LAYOUT.codes.values() for w, m in c.whole if w == word))
        for kind in ("has", "may"):
            wanted = getattr(columns, kind)[:, word] & used
            name = f"{kind}.{word}"
            np.testing.assert_array_equal(segment.read(name) & used, wanted)
            np.testing.assert_array_equal(segment.read(name, 7, 20) & used, wanted[7:20])
            np.testing.assert_array_equal(segment.pick(name, rows) & used, wanted[rows])


def written(folder, columns, pieces):
    place = folder / SEGMENTS / "000001"
    place.mkdir(parents=True)
    writer = BlockWriter(place)
    writer.write("eligibility", as_places(columns, pieces))
    rows = len(next(iter(columns.values())))
    return Segment(folder, {**writer.manifest(), "name": "000001", "rows": rows}, 0)


words = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30)


@settings(deadline=None, max_examples=40)
@given(words, words, st.integers(1, 31))
def test_any_bits_come_back(tmp_path_factory, has, may, cut):
    n = min(len(has), len(may))
    columns = {
        "has.0": np.array(has[:n], dtype=np.uint64),
        "may.0": np.array(may[:n], dtype=np.uint64),
    }
    pieces = (Piece(0, 0, cut), Piece(0, cut, 32), Piece(0, cut + 32, WORD - 32 - cut))
    segment = written(tmp_path_factory.mktemp("bits"), columns, pieces)
    assert segment.pieces == {0: list(pieces)}
    for name, values in columns.items():
        np.testing.assert_array_equal(segment.read(name), values)


NUMBERS = {
    "table": np.tile([1.5, np.nan, 7.25e9], 200),
    "int8": np.array([1.0, np.nan, -5.0] * 2),
    "int16": np.arange(600.0) * 50,
    "same": np.full(9, 2.5),
    "one": np.array([np.nan]),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_company_is_looked_up_among_the_patterns_of_a_number(tmp_path, name):
    values = NUMBERS[name]
    segment = written(tmp_path, {"number.x": values}, ())
    found = column_of(segment, "number.x")
    places = np.zeros(len(values), dtype=int) if found.places is None else found.places
    np.testing.assert_array_equal(found.patterns.column("number.x")[places], values)
    assert (found.places is None) == (name == "same")


def test_a_number_of_too_many_values_has_no_patterns(tmp_path):
    values = np.random.default_rng(1).random(300)
    assert column_of(written(tmp_path, {"number.x": values}, ()), "number.x") is None


def test_patterns_of_bits_say_no_to_other_bits_and_nothing_of_numbers(segment):
    patterns = column_of(segment, "bits.0.0").patterns
    assert not patterns.column("has.3").any()
    with pytest.raises(KeyError):
        patterns.column("number.need_cny")
