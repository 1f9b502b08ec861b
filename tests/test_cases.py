"""Situations a banker can read aloud: tests/cases/*.yaml, each with what the engine must say."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from recommender import Catalogue, Engine, cases
from recommender.cases import EXPECTATIONS
from recommender.tables import data_dir

CASES = Path(__file__).parent / "cases"
SAMPLES = data_dir() / "samples"


@cache
def engine() -> Engine:
    return Engine(Catalogue.load())


def read_cases():
    found = cases.read_cases(CASES)
    return [pytest.param(case, id=f"{stem}: {case['title']}") for stem, case in found]


def faults(case):
    return cases.faults(engine(), case)


@pytest.mark.parametrize("case", read_cases())
def test_the_engine_says_what_a_banker_would_say(case):
    wrong = faults(case)
    if wrong:
        lines = "\n  - ".join(wrong)
        pytest.fail(f"{case['title']}\n  {case['story'].strip()}\n  - {lines}", pytrace=False)


# --- the cases themselves ------------------------------------------------------------------------

SOUND = {
    "title": "A case that holds",
    "story": "An insured exporter.",
    "sample": "electronics_insured_exporter",
    "as_of": "2026-11-23",
}
BROKEN = [
    ({"elligible": ["eci-financing"]}, "unknown key under expect: elligible"),
    ({"eligible": ["eci-finance"]}, "no such product: eci-finance"),
    ({}, "nothing is expected"),
    ({"eligible": ["exp-packing"]}, "exp-packing should be eligible"),
    ({"ineligible": ["eci-financing"]}, "eci-financing should be ineligible"),
    ({"eligible": []}, "nothing should be eligible"),
    ({"never": ["eci-financing"]}, "eci-financing must not be offered"),
    ({"first": {"financing": "exp-packing"}}, "exp-packing should lead financing"),
    ({"above": [["exp-packing", "eci-financing"]]}, "exp-packing should stand above"),
    ({"above": [["fxh-forward", "eci-financing"]]}, "different lanes"),
    ({"amounts": {"eci-financing": {"high": 450000}}}, "amount high should be 450000"),
    ({"derived": {"collateral_gap": 1}}, "collateral_gap should be 1"),
    ({"derived": {"positions": {"USD 1-3m": {"side": "buy"}}}}, "side should be buy"),
    ({"subject_to": {"eci-financing": ["credit_line"]}}, "should name credit_line"),
    ({"not_subject_to": {"eci-financing": ["screening_result"]}}, "should not name"),
    ({"blockers": {"exp-packing": ["lc_soft_clause.lacks"]}}, "should name lc_soft_clause"),
    ({"cautions": {"eci-financing": ["fit_ceiling"]}}, "should name fit_ceiling"),
    ({"unknowns": {"eci-financing": ["need.purpose"]}}, "should name need.purpose"),
    ({"changes": {"exp-packing": [{"set": {"goods_shipped": False}, "by": "company"}]}}, "change"),
    ({"no_changes": ["trade.settlement_methods"]}, "nobody can change"),
    ({"says": [{"zh": "绝无此语"}]}, "nowhere in the zh answer"),
    ({"unsaid": [{"en": "Forward"}]}, "must not be said in the en answer: 'Forward'"),
    ({"notices_contain": [{"en": "no such notice"}]}, "no en notice says"),
    ({"nothing_fits": True}, "nothing_fits should be said"),
    ({"lanes": {"fxh-forward": "financing"}}, "belongs to the lane financing"),
    ({"legal_notes": {"doc-encd": "2020-01-01"}}, "legal note dated 2020-01-01"),
    ({"relations": {"eci-financing": {"substitutes": ["exp-packing"]}}}, "substitutes should"),
    ({"questions": ["need.amount"]}, "should be among the next questions"),
    ({"refused": ["contradiction"]}, "should be refused"),
]


@pytest.mark.parametrize(
    ("expect", "message"), BROKEN, ids=[f"{n}: {m}" for n, (_, m) in enumerate(BROKEN)]
)
def test_a_case_can_fail(expect, message):
    assert any(message in fault for fault in faults({**SOUND, "expect": expect}))


def test_a_sound_case_passes_and_an_unknown_key_of_the_case_fails():
    sound = {**SOUND, "expect": {"eligible": ["eci-financing"]}}
    assert faults(sound) == []
    assert faults({**sound, "exepct": {}}) == ["unknown key in the case: exepct"]


def test_every_expectation_is_used_and_shown_to_fail():
    used = {key for param in read_cases() for key in param.values[0]["expect"]}
    assert used == set(EXPECTATIONS) | {"refused"}
    shown = {key for expect, _ in BROKEN for key in expect}
    assert set(EXPECTATIONS) - shown <= {"conditional", "near_miss"}


def test_titles_differ_and_every_case_tells_its_story():
    every = [param.values[0] for param in read_cases()]
    assert len({case["title"] for case in every}) == len(every) >= 24
    assert all(len(case["story"].split()) >= 6 for case in every)


def test_every_sample_and_every_product_is_spoken_of():
    every = [param.values[0] for param in read_cases()]
    spoken = {case.get("sample") for case in every}
    assert {path.stem for path in SAMPLES.glob("*.yaml")} <= spoken
    said = json.dumps([case["expect"] for case in every], default=str)
    silent = [name for name in engine().catalogue.products if f'"{name}"' not in said]
    assert silent == []
