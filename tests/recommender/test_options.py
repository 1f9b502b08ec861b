"""The options of a request: defaults, and every problem of bad ones at once, rates among them."""

import datetime
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import options as module
from recommender.errors import InvalidOptions
from recommender.options import Options
from recommender.texts import LANGUAGES, brief, problem_text
from recommender.vocabulary import LANES

DAY = "2026-11-23"


def problems(raw):
    with pytest.raises(InvalidOptions) as caught:
        Options.parse(raw)
    return caught.value.problems


def rate(value=7.1, day="2026-11-20"):
    return {"rate": value, "date": day}


@pytest.mark.parametrize("raw", [None, {}, {"lanes": None, "as_of": None, "rates": None}])
def test_what_is_absent_takes_its_default(raw):
    options = Options.parse(raw)
    assert options == Options()
    assert (options.lanes, options.limit, options.language) == (None, 10, None)
    assert (options.personalised, options.include_ineligible) == (True, False)
    assert options.given_rates == {}


def test_every_option_can_be_given():
    raw = {
        "lanes": list(LANES),
        "limit": 1000,
        "language": "en",
        "personalised": False,
        "include_ineligible": True,
        "as_of": DAY,
        "rates": {"VND": rate(0.00027)},
    }
    options = Options.parse(raw)
    assert options.lanes == LANES
    assert options.day == datetime.date(2026, 11, 23)
    assert options.given_rates["VND"].cny_per_unit == Decimal("0.00027")
    assert options.given_rates["VND"].date == datetime.date(2026, 11, 20)


def test_the_day_is_today_in_shanghai_unless_given(monkeypatch):
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime(2026, 11, 23, 16, 30, tzinfo=datetime.UTC).astimezone(tz)

    monkeypatch.setattr(module.datetime, "datetime", Clock)
    assert Options().day == datetime.date(2026, 11, 24)
    assert Options(as_of=datetime.date(2026, 1, 1)).day == datetime.date(2026, 1, 1)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_any_day_can_be_asked_for(day):
    assert Options.parse({"as_of": day}).day.isoformat() == day


BAD = [
    ({"limt": 5}, "limt", "field_did_you_mean", ["limit"]),
    ({"limit": 0}, "limit", "below_minimum", 1),
    ({"limit": -1}, "limit", "below_minimum", 1),
    ({"limit": 1001}, "limit", "above_maximum", 1000),
    ({"limit": 5.0}, "limit", "not_integer", None),
    ({"limit": "5"}, "limit", "not_integer", None),
    ({"limit": True}, "limit", "not_integer", None),
    ({"lanes": ["loan"]}, "lanes[0]", "not_one_of", list(LANES)),
    ({"lanes": ["financing", 5]}, "lanes[1]", "not_one_of", list(LANES)),
    ({"lanes": "financing"}, "lanes", "not_list", None),
    ({"language": "fr"}, "language", "not_one_of", ["zh", "en"]),
    ({"language": "ZH"}, "language", "not_one_of", ["zh", "en"]),
    ({"personalised": "yes"}, "personalised", "not_yes_no", None),
    ({"include_ineligible": 1}, "include_ineligible", "not_yes_no", None),
    ({"as_of": "2026-02-30"}, "as_of", "not_date", None),
    ({"as_of": "2026-11-23T00:00:00Z"}, "as_of", "not_date", None),
    ({"as_of": 20261123}, "as_of", "not_date", None),
    ({"as_of": "today"}, "as_of", "not_date", None),
    ({"rates": []}, "rates", "not_record", None),
    ({"rates": {"USD": 7.1}}, "rates.USD", "not_record", None),
    ({"rates": {"USD": {"rate": 7.1}}}, "rates.USD.date", "missing", None),
    ({"rates": {"USD": {"date": DAY}}}, "rates.USD.rate", "missing", None),
    ({"rates": {"USD": {**rate(), "dat": DAY}}}, "rates.USD.dat", "field_did_you_mean", None),
    ({"rates": {"USD": rate(0)}}, "rates.USD.rate", "not_above", 0),
    ({"rates": {"USD": rate(-7.1)}}, "rates.USD.rate", "below_minimum", 0),
    ({"rates": {"USD": rate(math.nan)}}, "rates.USD.rate", "not_finite", None),
    ({"rates": {"USD": rate(math.inf)}}, "rates.USD.rate", "not_finite", None),
    ({"rates": {"USD": rate(1e9)}}, "rates.USD.rate", "above_maximum", 1_000_000),
    ({"rates": {"USD": rate("7.1")}}, "rates.USD.rate", "not_number", None),
    ({"rates": {"USD": rate(True)}}, "rates.USD.rate", "not_number", None),
    ({"rates": {"USD": rate(day="2026-02-30")}}, "rates.USD.date", "not_date", None),
    ({"rates": {"XXX": rate()}}, "rates.XXX", "currency_unknown", None),
    ({"rates": {"usd": rate()}}, "rates.usd", "currency_unknown", ["USD"]),
    ({"rates": {"CNY": rate(1)}}, "rates.CNY", "rate_currency", None),
    ({"rates": {"": rate()}}, "rates.", "currency_unknown", None),
    ({"rates": {1: rate()}}, "rates.1", "rate_currency", None),
]


@pytest.mark.parametrize(
    ("raw", "field", "code", "allowed"), BAD, ids=[f"{field}-{code}" for _, field, code, _ in BAD]
)
def test_a_bad_option_is_named_with_what_is_allowed(raw, field, code, allowed):
    [problem] = problems({"as_of": DAY, **raw})
    assert (problem.field, problem.code) == (field, code)
    if allowed is not None:
        assert problem.allowed == allowed
    for language in LANGUAGES:
        assert field in problem_text(problem, language)


def test_a_rate_may_be_of_the_day_asked_for():
    options = Options.parse({"as_of": DAY, "rates": {"USD": rate(day=DAY)}})
    assert options.given_rates["USD"].date == options.day


def test_a_rate_may_not_be_of_the_day_after():
    [problem] = problems({"as_of": DAY, "rates": {"USD": rate(day="2026-11-24")}})
    assert (problem.field, problem.code) == ("rates.USD.date", "rate_after_as_of")


def test_a_rate_of_the_future_is_named_with_both_days():
    [problem] = problems({"as_of": DAY, "rates": {"USD": rate(day="2027-01-01")}})
    assert "2027-01-01" in problem_text(problem, "en")
    assert "23 Nov 2026" in problem_text(problem, "en")
    assert "2026年11月23日" in problem_text(problem, "zh")


def test_problems_of_options_and_of_rates_come_together():
    rates = {"CNY": rate(0), "XXX": rate(day="2026-02-30"), "USD": rate(-1)}
    found = {
        (problem.field, problem.code)
        for problem in problems({"limit": 0, "as_of": DAY, "lanes": [1], "rates": rates})
    }
    assert found == {
        ("limit", "below_minimum"),
        ("lanes[0]", "not_one_of"),
        ("rates.CNY", "rate_currency"),
        ("rates.CNY.rate", "not_above"),
        ("rates.XXX", "currency_unknown"),
        ("rates.XXX.date", "not_date"),
        ("rates.USD.rate", "below_minimum"),
    }


def test_more_rates_than_there_are_currencies_are_refused_unread():
    [problem] = problems({"rates": {f"X{n}": rate(-1) for n in range(201)}})
    assert (problem.field, problem.code, problem.allowed) == ("rates", "list_too_long", 200)


@pytest.mark.parametrize("raw", [[], "en", 5, True])
def test_options_are_a_record(raw):
    [problem] = problems(raw)
    assert (problem.field, problem.code) == ("", "not_record")
    assert brief(raw) in problem_text(problem, "en")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([DAY, "USD", "zh", "lease"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["USD", "CNY", "rate", "date"]) | st.text(), inner, max_size=3
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(sorted(Options.model_fields)) | st.text(), VALUES) | VALUES)
def test_any_values_are_options_or_problems_in_both_languages(raw):
    found = ()
    try:
        Options.parse(raw)
    except InvalidOptions as error:
        found = error.problems
    assert all(problem_text(problem, language) for problem in found for language in LANGUAGES)
