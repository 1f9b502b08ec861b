"""Many firms at once: the numbers of one at a time, in any batches; problems name their firm."""

import datetime
from dataclasses import replace

import numpy as np
import pytest

from recommender import Engine
from recommender.matching import pairs
from recommender.matching.pairs import SEGMENTS, InvalidProfiles, known_to, match
from recommender.matching.scoring import MICRO, expert_weights, score
from recommender.matching.similarity import NAMES
from recommender.simulation import companies
from recommender.texts import LANGUAGES, problem_text
from tests.made_outcomes import CATALOGUE, PRODUCTS

DAY, LATER = datetime.date(2025, 3, 3), datetime.date(2026, 11, 23)
FIRMS = list(companies(12, 9, 0.3))
WANTED = [(firm, DAY if number % 3 else LATER) for number, firm in enumerate(FIRMS)]
FITS = {"eligible": 1, "conditional": 0}


@pytest.fixture(scope="module")
def found():
    return match(CATALOGUE, None, WANTED)


def same(one, other):
    assert np.array_equal(one.values, other.values, equal_nan=True)
    assert np.array_equal(one.fits, other.fits)
    assert np.array_equal(one.numbers, other.numbers, equal_nan=True)
    assert np.array_equal(one.bits, other.bits)
    assert list(one.segments) == list(other.segments)


def test_every_pair_has_similarities_from_0_to_1_or_unknown(found):
    assert found.values.shape == (len(FIRMS), len(PRODUCTS), len(NAMES))
    known = found.values[~np.isnan(found.values)]
    assert ((known >= 0) & (known <= 1)).all()
    assert set(np.unique(found.fits)) <= {-1, 0, 1}


@pytest.mark.parametrize("number", [0, 1, 7])
def test_scores_and_fits_are_those_the_engine_answers_with(found, number):
    engine = Engine(CATALOGUE)
    firm, day = WANTED[number]
    options = {"as_of": str(day), "include_ineligible": True, "limit": 1_000}
    answer = engine.recommend(engine.read(firm), **options)
    ours = score(found.values[number : number + 1], expert_weights(), PRODUCTS).total[0] / MICRO
    shown = {match["product_id"]: match for lane in answer["lanes"] for match in lane["matches"]}
    assert set(shown) == set(PRODUCTS)
    for place, name in enumerate(PRODUCTS):
        assert found.fits[number, place] == FITS.get(shown[name]["fit"], -1)
        if shown[name]["fit"] in FITS:
            assert shown[name]["score"] == ours[place]


@pytest.mark.parametrize(("batch", "workers"), [(1, 1), (5, 1), (5, 2)])
def test_batches_and_processes_change_no_number(found, monkeypatch, batch, workers):
    monkeypatch.setattr(pairs, "BATCH", batch)
    monkeypatch.setattr(pairs, "ENOUGH_FOR_TWO", 2)
    done = []
    same(match(CATALOGUE, None, WANTED, done.append, workers), found)
    assert done[-1] == len(WANTED)
    assert done == sorted(done)


def test_a_firm_stands_where_it_was_named(found):
    turned = match(CATALOGUE, None, WANTED[::-1])
    back = {name: getattr(turned, name)[::-1] for name in ("values", "fits", "numbers", "bits")}
    same(replace(turned, **back, segments=turned.segments[::-1]), found)


def test_a_name_moves_no_number(found):
    renamed = [({**firm, "id": f"other-{n}"}, day) for n, (firm, day) in enumerate(WANTED)]
    same(match(CATALOGUE, None, renamed), found)


def test_nobody_is_no_error():
    none = match(CATALOGUE, None, [])
    assert none.values.shape == (0, len(PRODUCTS), len(NAMES))
    assert none.fits.shape == (0, len(PRODUCTS))
    assert list(none.segments) == []


def test_problems_name_the_firm_across_batches(monkeypatch):
    monkeypatch.setattr(pairs, "BATCH", 2)
    wrong = {number: {**FIRMS[number], "staff": -number} for number in (1, 4)}
    wanted = [(wrong.get(number, firm), day) for number, (firm, day) in enumerate(WANTED[:6])]
    with pytest.raises(InvalidProfiles) as caught:
        match(CATALOGUE, None, wanted)
    found = caught.value.problems
    assert [(problem.row, problem.field, problem.value) for problem in found] == [
        (1, "staff", -1),
        (4, "staff", -4),
    ]
    assert all(problem_text(problem, language) for problem in found for language in LANGUAGES)


@pytest.mark.parametrize("raw", [None, [], "firm", {"facts": 3}, {"facts": [], "documents": {}}])
def test_what_is_no_profile_is_refused_and_not_mended(raw):
    with pytest.raises(InvalidProfiles) as caught:
        match(CATALOGUE, None, [(raw, DAY)])
    assert all(problem.row == 0 for problem in caught.value.problems)


def test_what_the_catalogue_has_no_entry_for_is_left_out_and_the_rest_kept():
    fact = next(iter(CATALOGUE.facts))
    raw = {
        "id": "firm",
        "facts": {fact: True, "asked_long_ago": True},
        "documents": [{"type": "OLD_PAPER"}, {"type": "BUSINESS_LICENCE"}, {"type": 3}],
    }
    assert known_to(CATALOGUE, raw) == {
        "id": "firm",
        "facts": {fact: True},
        "documents": [{"type": "BUSINESS_LICENCE"}, {"type": 3}],
    }
    assert raw["facts"].keys() == {fact, "asked_long_ago"}


def test_segments_are_what_is_known_of_a_firm():
    raw = {
        "registered_province": "50",
        "ownership": "private",
        "facts": {"has_bank_loan_history": False},
        "trade": {"directions": ["export"], "hs": ["843221"]},
    }
    (known, nothing) = match(CATALOGUE, None, [(raw, DAY), ({}, DAY)]).segments
    assert set(known) == set(SEGMENTS)
    assert known["registered_province"] == "50"
    assert (known["ownership"], known["first_loan"], known["hs"]) == ("private", True, "84")
    assert set(nothing.values()) == {None}
