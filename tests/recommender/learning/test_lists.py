"""Outcomes as lists: what can teach is kept, and what cannot is counted by its reason."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.learning.calibration import calibrate, row_scores
from recommender.learning.lists import EPOCH, LISTS, REASONS, ROWS, read_lists
from recommender.matching.pairs import match
from recommender.matching.scoring import expert_weights
from recommender.matching.similarity import NAMES, NEUTRAL
from recommender.outcomes import InvalidOutcomes, outcomes_of
from recommender.outcomes.cells import OUTCOMES
from recommender.outcomes.table import NAMES as COLUMNS
from recommender.outcomes.table import frame_of
from recommender.texts import LANGUAGES, problem_text
from recommender.vocabulary import LANES
from tests.made_outcomes import (
    CATALOGUE,
    FINANCING,
    HEDGE,
    PRODUCTS,
    Shown,
    events_of,
    of_events,
    shown,
    some,
)

DAY = datetime.date(2026, 1, 5)
SMALL_SHOP = {"id": "shop", "trade": {"directions": ["export"], "stage": "post_shipment"}}
PROFILES = {name: {**SMALL_SHOP, "id": name} for name in ("a", "b", "c")}
FITS = match(CATALOGUE, None, [(SMALL_SHOP, DAY)]).fits[0]
FITTING = [
    *[PRODUCTS[j] for j in FINANCING if FITS[j] >= 0][:2],
    next(PRODUCTS[j] for j in HEDGE if FITS[j] >= 0),
]
UNFIT = next(name for name, fit in zip(PRODUCTS, FITS, strict=True) if fit < 0)


def table(*rows):
    """Rows of event, company, product, position, outcome, and days after the first."""
    names = ("event", "company", "product", "position", "outcome")
    records = [
        {**dict(zip(names, row, strict=False)), "date": DAY + datetime.timedelta(days=row[5]),
         "source": "test", "synthetic": False, "reason": None}
        for row in rows
    ]  # fmt: skip
    return outcomes_of(frame_of(records), PROFILES)


def same(one, other):
    """Whether all arrays of some lists are the same to the byte."""
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes()
        for name in (*ROWS, *LISTS, "starts")
    )


# --- any table at all ----------------------------------------------------------------------------


@st.composite
def tables(draw):
    """Rows of a few lists of any outcome, at most one taken in a lane; some products unfit."""
    rows = []
    for number in range(draw(st.integers(1, 6))):
        company, after = draw(st.sampled_from(sorted(PROFILES))), draw(st.integers(0, 80))
        products = draw(st.lists(st.sampled_from(PRODUCTS), min_size=1, max_size=5, unique=True))
        taken = set()
        for product in products:
            lane = CATALOGUE.products[product].lane
            end = draw(st.sampled_from(OUTCOMES))
            end = "declined" if end == "taken" and lane in taken else end
            taken |= {lane} if end == "taken" else set()
            position = draw(st.integers(1, 3))
            rows.append((f"e{number}", company, product, position, end, after))
    return rows


@settings(max_examples=25)
@given(tables(), st.booleans())
def test_every_list_is_kept_or_counted_by_its_reason(rows, use_refusals):
    whole = table(*rows)
    lists = read_lists(whole, CATALOGUE, use_refusals=use_refusals)
    lane = whole.rows["product"].map(lambda name: CATALOGUE.products[name].lane)
    there = len(set(zip(whole.rows["event"], lane, strict=True)))
    assert sum(lists.left_out.values()) + len(lists) == there
    assert set(lists.left_out) == set(REASONS)
    assert lists.starts[-1] == len(lists.taken)
    assert (lists.sizes >= 1).all()
    assert (np.bincount(lists.event, lists.taken, len(lists)) <= 1).all()
    assert (lists.pairs.fits[lists.firm, lists.product] >= 0).all()
    assert (np.diff(lists.day) >= 0).all()


@settings(max_examples=12)
@given(tables(), st.randoms())
def test_neither_the_order_of_rows_nor_the_names_of_firms_matter(rows, chance):
    lists = read_lists(table(*rows), CATALOGUE)
    turned = list(rows)
    chance.shuffle(turned)
    assert same(lists, read_lists(table(*turned), CATALOGUE))
    other = {"a": "c", "b": "a", "c": "b"}
    renamed = [(event, other[firm], *rest) for event, firm, *rest in rows]
    assert same(lists, read_lists(table(*renamed), CATALOGUE))


# --- what teaches, worked out by hand ------------------------------------------------------------


def test_a_list_is_what_one_event_showed_of_one_lane():
    lists = read_lists(
        table(
            ("e1", "a", FITTING[0], 1, "declined", 3),
            ("e1", "a", FITTING[1], 2, "taken", 3),
            ("e1", "a", FITTING[2], 3, "declined", 3),
            ("e0", "b", FITTING[1], 1, "declined", 0),
            ("e0", "b", FITTING[0], 2, "declined", 0),
        ),
        CATALOGUE,
    )
    fitting = [PRODUCTS.index(name) for name in FITTING]
    assert events_of(lists)[:2] == [(fitting[1], fitting[0]), (fitting[0], fitting[1])]
    assert [EPOCH + datetime.timedelta(days=int(day)) for day in lists.day[:2]] == [
        DAY,
        DAY + datetime.timedelta(days=3),
    ]
    assert lists.chosen.tolist()[:2] == [-1, 3]
    assert lists.open_lanes >= {LANES.index("financing")}


def test_a_firm_is_read_once_a_month_and_its_first_list_in_a_lane_is_marked():
    rows = [
        (f"e{after}", "a", name, place, "declined", after)
        for after in (0, 7, 40)
        for place, name in enumerate(FITTING[:2], start=1)
    ]
    lists = read_lists(table(*rows), CATALOGUE)
    assert len(lists.pairs.values) == 2
    assert lists.firm[lists.starts[:-1]].tolist() == [0, 0, 1]
    assert lists.company.tolist() == [0, 0, 0]
    assert lists.first.tolist() == [True, False, False]


def test_lists_of_nothing_but_unfit_products_are_counted():
    unfit = next(
        name for name in PRODUCTS
        if read_lists(table(("e", "a", name, 1, "declined", 0)), CATALOGUE).left_out["unfit"]
    )  # fmt: skip
    assert len(read_lists(table(("e", "a", unfit, 1, "declined", 0)), CATALOGUE)) == 0


def test_no_outcomes_are_no_lists():
    lists = read_lists(table(("e", "a", FITTING[0], 1, "no_answer", 0)), CATALOGUE)
    assert len(lists) == 0
    assert lists.left_out["unanswered"] == 1
    assert lists.values().shape == (0, len(NAMES))


def test_refusals_teach_only_when_asked_to(few):
    with_them = read_lists(few.outcomes, CATALOGUE, use_refusals=True)
    assert few.lists.left_out["refused"] > 0
    assert with_them.left_out["refused"] == 0
    assert len(with_them) == len(few.lists) + few.lists.left_out["refused"]
    assert np.array_equal(with_them.applied[1], few.lists.applied[1])


def test_lists_nobody_answered_are_left_out_and_counted(few):
    silent = few.outcomes.rows.groupby("event")["outcome"].first() == "no_answer"
    assert few.lists.left_out["unanswered"] == silent.sum()


def test_without_none_there_is_no_probability(few):
    rows = few.outcomes.rows
    took = rows.groupby("event")["outcome"].transform(lambda ends: (ends == "taken").any())
    lists = read_lists(some(few.outcomes, took), CATALOGUE)
    assert lists.open_lanes == frozenset()
    assert calibrate(lists, row_scores(lists, expert_weights())) == {}
    assert (lists.sizes > 1).all()


def test_withdrawn_by_the_firm_is_not_taken_and_was_applied_for():
    lists = read_lists(
        table(("e", "a", FITTING[0], 1, "withdrawn", 0), ("e", "a", FITTING[1], 2, "declined", 0)),
        CATALOGUE,
    )
    assert lists.chosen.tolist() == [-1]
    assert lists.applied[1].tolist() == [0.0]


# --- what is refused -----------------------------------------------------------------------------


def refused(outcomes, **how):
    with pytest.raises(InvalidOutcomes) as caught:
        read_lists(outcomes, CATALOGUE, **how)
    for problem in caught.value.problems:
        assert all(problem_text(problem, language) for language in LANGUAGES)
    return caught.value.problems


def test_an_unknown_product_is_an_error_or_left_out():
    outcomes = table(
        ("e", "a", "exp-gone", 1, "taken", 0),
        ("f", "a", FITTING[0], 1, "declined", 0),
        ("f", "a", "exp-gone", 2, "declined", 0),
    )
    found = refused(outcomes)
    assert {problem.value for problem in found} == {"exp-gone"}
    assert len(found) == 2
    lists = read_lists(outcomes, CATALOGUE, without_withdrawn=True)
    assert lists.left_out["withdrawn_product"] == 1
    assert events_of(lists) == [(PRODUCTS.index(FITTING[0]),)]


@pytest.mark.parametrize("end", ["taken", "refused_by_bank"])
def test_a_list_whose_choice_was_withdrawn_is_no_choice_of_nothing(end):
    outcomes = table(
        ("e", "a", "exp-gone", 1, end, 0),
        ("e", "a", FITTING[0], 2, "declined", 0),
        ("f", "b", FITTING[0], 1, "declined", 0),
    )
    lists = read_lists(outcomes, CATALOGUE, without_withdrawn=True)
    assert lists.left_out["withdrawn_product"] == 1
    assert lists.company.tolist() == [1]


def test_two_products_taken_from_one_list_are_refused():
    outcomes = table(("e", "a", FITTING[0], 1, "taken", 0), ("e", "a", FITTING[1], 2, "taken", 0))
    assert [problem.code for problem in refused(outcomes)] == ["outcome_two_taken"]
    lanes = table(("e", "a", FITTING[0], 1, "taken", 0), ("e", "a", FITTING[2], 2, "taken", 0))
    assert read_lists(lanes, CATALOGUE).left_out["single"] == 2


def test_a_profile_that_cannot_be_read_is_named():
    outcomes = outcomes_of(
        table(("e", "a", FITTING[0], 1, "taken", 0)).rows[list(COLUMNS)],
        {"a": {"id": "a", "staff": -4}},
    )
    assert [problem.field for problem in refused(outcomes)] == ["a.staff"]


def test_outcomes_outlive_facts_the_catalogue_has_dropped(few):
    firm = {**few.firms[0], "facts": {"asked_long_ago": True}}
    frame = few.outcomes.rows[few.outcomes.rows["company"] == firm["id"]][list(COLUMNS)]
    lists = read_lists(outcomes_of(pd.DataFrame(frame), {firm["id"]: firm}), CATALOGUE)
    assert lists.pairs.values.shape[2] == len(NAMES)


# --- lists as arrays -----------------------------------------------------------------------------


def test_some_lists_are_those_of_a_mask():
    lists = shown(
        [
            Shown(0, FINANCING[:3], FINANCING[2], day=1),
            Shown(1, HEDGE[:2], None, day=2),
            Shown(2, FINANCING[3:5], FINANCING[3], day=3),
        ]
    )
    rest = lists.some(np.array([True, False, True]))
    assert events_of(rest) == [tuple(FINANCING[:3]), tuple(FINANCING[3:5])]
    assert rest.chosen.tolist() == [2, 3]
    assert rest.company.tolist() == [0, 2]
    assert len(lists.some(np.zeros(3, dtype=bool))) == 0


def test_an_unknown_similarity_counts_as_its_neutral_value():
    lists = shown([Shown(0, FINANCING[:2])])
    lists.pairs.values[0, FINANCING[0], 3] = np.nan
    assert lists.values()[0, 3] == NEUTRAL[3]
    assert (lists.values()[1] == lists.pairs.values[0, FINANCING[1]]).all()


def test_the_first_events_by_name_are_a_mask(few):
    assert some(few.outcomes, of_events(few.outcomes, 7)).rows["event"].nunique() == 7
