"""Records: prune and go on, so that problems of fields and across fields come together."""

import datetime
import math
from decimal import Decimal
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import model_validator

from recommender.company.profile import Company, Need
from recommender.errors import InvalidProfile, Problem
from recommender.records import (
    Amount,
    Record,
    YesNo,
    day_of,
    examined,
    handy,
    path,
    raise_problems,
    repeated,
    unknown_field,
)

USCC_SYNTHETIC = "91990000MA0000017Y"


def problems(raw):
    with pytest.raises(InvalidProfile) as caught:
        Company.parse(raw)
    return caught.value.problems


def codes(raw):
    return {(problem.field, problem.code) for problem in problems(raw)}


# --- a small record ------------------------------------------------------------------------------


class Line(Record):
    """One line: what goes out may not exceed what comes in."""

    name: str
    came: Amount | None = None
    went: Amount | None = None

    @model_validator(mode="after")
    def _not_more_than_came(self) -> Self:
        if self.came is not None and self.went is not None and self.went > self.came:
            raise_problems((Problem("drawn_above_limit", "went", self.went, self.came),))
        return self


class Book(Record):
    """Lines, and whether they are closed: an open book has a line."""

    lines: tuple[Line, ...] = ()
    closed: YesNo = False
    total: Line | None = None

    @model_validator(mode="after")
    def _open_books_have_lines(self) -> Self:
        if not self.closed and not self.lines:
            raise_problems((Problem("list_too_short", "lines", [], 1),))
        return self


def found(raw, place=""):
    record, wrong = examined(Book, raw, place)
    return record, [(problem.field, problem.code) for problem in wrong]


def test_a_right_record_has_no_problems():
    record, wrong = found({"lines": [{"name": "a", "came": 2, "went": 1}]})
    assert record == Book(lines=(Line(name="a", came=2, went=1),))
    assert wrong == []


def test_a_field_at_fault_is_left_out_and_the_checks_across_fields_still_run():
    record, wrong = found({"lines": [], "closd": True, "total": {"name": "t", "came": -1}})
    assert record is None
    assert wrong == [
        ("total.came", "below_minimum"),
        ("closd", "field_did_you_mean"),
        ("lines", "list_too_short"),
    ]


def test_every_item_is_checked_across_its_fields_although_another_one_is_at_fault():
    lines = [
        {"name": "a", "came": 1, "went": 2},
        {"name": "b", "came": 1, "went": 2, "extra": 1},
        {"name": "c", "came": -1, "went": 2},
        {"came": 1, "went": 2},
    ]
    record, wrong = found({"lines": lines, "closed": True})
    assert record == Book(closed=True)
    assert sorted(wrong) == [
        ("lines[0].went", "drawn_above_limit"),
        ("lines[1].extra", "unknown_field"),
        ("lines[1].went", "drawn_above_limit"),
        ("lines[2].came", "below_minimum"),
        ("lines[3].name", "missing"),
    ]


def test_what_follows_from_a_part_left_out_is_not_reported():
    record, wrong = found({"lines": [{"name": 5}], "total": {"name": 5}})
    assert record is None
    assert wrong == [("lines[0].name", "not_text"), ("total.name", "not_text")]


@pytest.mark.parametrize("raw", [None, [], "book", 5, True, math.nan, datetime.date(2026, 1, 1)])
def test_what_is_no_record_gives_one_problem_and_no_record(raw):
    assert found(raw) == (None, [("", "not_record")])


def test_an_unknown_field_hides_no_other_problem():
    total = {"name": "t", "came": 1, "went": 2, "extra": 1}
    wrong = found({"lines": [{"name": "a"}], "total": total})[1]
    assert wrong == [("total.extra", "unknown_field"), ("total.went", "drawn_above_limit")]


def test_a_value_that_is_missing_is_not_made_up_from_what_is_around_it():
    class Pair(Record):
        left: str | None = None
        right: str | None = None

        @model_validator(mode="after")
        def _both(self) -> Self:
            raise_problems([Problem("missing", "right"), Problem("rule_form")])
            return self

    wrong = {problem.field: problem.value for problem in examined(Pair, {"left": "a"})[1]}
    assert wrong == {"right": None, "": {"left": "a"}}


def test_places_begin_where_the_record_stands():
    wrong = found({"lines": [{"name": "a", "x": 1}], "y": 1}, "books[b1]")[1]
    assert wrong == [("books[b1].lines[0].x", "unknown_field"), ("books[b1].y", "unknown_field")]


@pytest.mark.parametrize("key", [1, None, b"lines", (1, 2), 1.5])
def test_a_key_that_is_no_name_is_refused_once(key):
    record, wrong = found({"closed": True, key: 1})
    assert record == Book(closed=True)
    [(_, code)] = wrong
    assert code in ("unknown_field", "field_did_you_mean")


def test_what_was_given_stays_as_it_is():
    raw = {"lines": [{"name": "a", "x": 1}], "total": {"name": "t", "came": -1}}
    kept = {"lines": [{"name": "a", "x": 1}], "total": {"name": "t", "came": -1}}
    found(raw)
    assert raw == kept


@given(st.lists(st.sampled_from(["name", "came", "went", "extra"]), min_size=1, max_size=4))
def test_every_unknown_and_every_wrong_field_is_found_in_every_line(names):
    wrong = {"name": 5, "came": -1, "went": "x", "extra": 1}
    lines = [{"name": "a", name: wrong[name]} for name in names]
    places = {problem for problem, _ in found({"lines": lines})[1]}
    assert places == {f"lines[{i}].{name}" for i, name in enumerate(names)}


# --- every problem at once -----------------------------------------------------------------------


def test_errors_of_fields_and_across_fields_are_reported_together():
    raw = {
        "uscc": USCC_SYNTHETIC,
        "synthetic": False,
        "staff": -1,
        "trade": {"buyers": [{"share_pct": 60, "country": "VNM"}, {"share_pct": 60}], "x": 1},
        "facilities": [
            {"limit": 1, "drawn": 2},
            {"limit": 1, "drawn": 2, "curency": "CNY"},
            {"drawn": -1},
        ],
        "documents": [{"issuer": "me"}],
        "positions": [{"currency": "usd"}],
    }
    assert codes(raw) == {
        ("uscc", "uscc_unassigned_region"),
        ("staff", "below_minimum"),
        ("trade.buyers", "shares_above_100"),
        ("trade.buyers[0].country", "country_unknown"),
        ("trade.x", "unknown_field"),
        ("facilities[0].drawn", "drawn_above_limit"),
        ("facilities[1].drawn", "drawn_above_limit"),
        ("facilities[1].curency", "field_did_you_mean"),
        ("facilities[2].drawn", "below_minimum"),
        ("documents[0].type", "missing"),
        ("documents[0].issuer", "not_one_of"),
        ("positions[0].currency", "currency_unknown"),
        ("positions[0].bucket", "missing"),
    }


def test_no_problem_is_named_twice():
    raw = {"documents": [{"issuer": "me"}, {}], "need": {"amount": -1, "x": 1}, "staff": "many"}
    found = [(problem.field, problem.code) for problem in problems(raw)]
    assert len(found) == len(set(found)) == 6


def test_what_can_be_read_of_a_bad_profile_is_read():
    company, found = Company.examine({"staff": -1, "need": {"amount": 5, "x": 1}, "id": "c1"})
    assert company == Company(id="c1", need=Need(amount=5))
    assert {problem.field for problem in found} == {"staff", "need.x"}


def test_thousands_of_problems_end_the_search():
    assert len(problems({f"x{n}": 1 for n in range(5_000)})) == 1_000


def test_a_traceback_lists_the_problems_too():
    with pytest.raises(
        InvalidProfile, match=r"staff: below_minimum \(value -1\); need: not_record"
    ):
        Company.parse({"staff": -1, "need": 5})


def test_a_bad_profile_raises_and_gives_nothing():
    with pytest.raises(InvalidProfile) as caught:
        Company.parse({"id": "c1", "staff": -1})
    assert caught.value.params == {"count": 1}


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loc", "place"),
    [
        ((), ""),
        (("need",), "need"),
        (("collateral", 2, "value"), "collateral[2].value"),
        ((0,), "[0]"),
        (("facts", "x", "[key]"), "facts.x"),
    ],
)
def test_a_place_is_written_as_people_write_it(loc, place):
    assert path(loc) == place


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-12-15", datetime.date(2026, 12, 15)),
        (datetime.date(2026, 12, 15), datetime.date(2026, 12, 15)),
        ("0001-01-01", datetime.date.min),
        ("9999-12-31", datetime.date.max),
        ("2024-02-29", datetime.date(2024, 2, 29)),
        ("2026-02-29", None),
        ("2026-2-1", None),
        ("2026-W01-1", None),
        ("2026-12-15 ", None),
        (datetime.datetime(2026, 12, 15), None),  # noqa: DTZ001 - what a YAML file gives
        (20261215, None),
        (None, None),
        ([], None),
    ],
)
def test_a_day_is_a_date_or_its_iso_text(value, day):
    assert day_of(value) == day


def test_an_unknown_name_comes_with_the_nearest_or_with_all():
    assert unknown_field("stff", ["staff", "trade"], "stff").allowed == ["staff"]
    assert unknown_field("zzz", ["staff", "trade"], "zzz").allowed == ["staff", "trade"]


def test_a_name_that_stands_twice_is_named_once():
    wrong = list(repeated("documents", ["a", "b", "c", "c", "a", "a"]))
    assert [(problem.field, problem.value) for problem in wrong] == [
        ("documents", "a"),
        ("documents", "c"),
    ]


@pytest.mark.parametrize("value", [5, "x" * 500, Decimal("1.5"), [1, {"a": [2]}], {}, None])
def test_a_small_value_is_passed_on_as_it_is(value):
    assert handy(value) is value


def test_a_large_value_is_passed_on_in_short():
    ring: list[object] = []
    ring.append(ring)
    assert handy(list(range(1_000))) == "[0, 1, 2, 3, 4, ...]"
    assert handy(10**1_000) == "10^1000"
    assert handy([10**1_000]) == "[10^1000]"
    assert handy(ring) == "[[[[...]]]]"
