"""Situations a banker can read, each with the plan a banker would take to the customer."""

from functools import cache

import plan_cases
import pytest

from recommender import Catalogue, Engine
from recommender.planning import Planner


@cache
def planner():
    return Planner(Engine(Catalogue.load()))


EVERY = [pytest.param(case, id=f"{stem}: {case['title']}") for stem, case in plan_cases.read()]


@pytest.mark.parametrize("case", EVERY)
def test_the_plan_is_what_a_banker_would_take_to_the_customer(case):
    wrong = plan_cases.faults(planner(), case)
    if wrong:
        lines = "\n  - ".join(wrong)
        pytest.fail(f"{case['title']}\n  {case['story'].strip()}\n  - {lines}", pytrace=False)


def test_there_are_at_least_twenty_with_different_titles():
    titles = [param.values[0]["title"] for param in EVERY]
    assert len(set(titles)) == len(titles) >= 20
    assert all(len(param.values[0]["story"].split()) >= 6 for param in EVERY)


def test_a_case_can_fail():
    case = {**EVERY[0].values[0], "expect": {"money": {"covered": -1}, "without": []}}
    assert plan_cases.faults(planner(), case)
    assert plan_cases.faults(planner(), {**case, "expcet": {}}) == [
        "unknown keys in the case: ['expcet']"
    ]
