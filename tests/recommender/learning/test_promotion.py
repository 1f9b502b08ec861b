"""What speaks against a model: every reason by itself, and none when all is well."""

import json

import pytest

from recommender import Engine
from recommender.learning.promotion import against
from recommender.matching.scoring import Weights, expert_weights
from recommender.matching.similarity import NAMES
from recommender.texts import LANGUAGES, problem_text
from tests.made_outcomes import CATALOGUE

ENGINE = Engine(CATALOGUE)
LEARNED = Weights({**expert_weights().weights, "route": 1.1}, {}, CATALOGUE.version)
REAL = {"kind": "trained", "synthetic": False}
BETTER = {"value": 0.1, "low": 0.05, "high": 0.15}
UNSURE = {"value": -0.01, "low": -0.05, "high": 0.03}
WORSE = {"value": -0.1, "low": -0.15, "high": -0.05}
CASE = {
    "title": "A firm of which nothing is known",
    "story": "It says nothing about itself at all.",
    "company": {},
    "as_of": "2026-11-23",
    "expect": {"unsaid": [{"en": "no such words"}]},
}


def beside(found, current=None, against_name="expert"):
    current = current or ENGINE.model_version
    return {"current": current, "against": {against_name: {"mrr": found}}}


@pytest.fixture
def cases(tmp_path):
    (tmp_path / "one.yaml").write_text(json.dumps([CASE]), "utf-8")
    return tmp_path


def codes(*arguments):
    found = list(against(ENGINE, *arguments))
    assert all(problem_text(problem, language) for problem in found for language in LANGUAGES)
    return [problem.code for problem in found]


@pytest.mark.parametrize("found", [BETTER, UNSURE])
def test_a_model_that_is_not_worse_beyond_the_interval_may_serve(cases, found):
    assert codes(LEARNED, REAL, beside(found), cases) == []


def test_a_model_that_is_worse_beyond_the_interval_may_not(cases):
    assert codes(LEARNED, REAL, beside(WORSE), cases) == ["refused_worse"]


def test_the_current_model_counts_before_the_experts(cases):
    found = {
        "current": ENGINE.model_version,
        "against": {"current": {"mrr": WORSE}, "expert": {"mrr": BETTER}},
    }
    assert codes(LEARNED, REAL, found, cases) == ["refused_worse"]


@pytest.mark.parametrize(
    "found",
    [None, {}, beside(None), beside(BETTER, "model-other"), beside(BETTER, None, "lightgbm")],
)
def test_a_model_that_was_not_compared_with_the_current_one_may_not(cases, found):
    assert codes(LEARNED, REAL, found, cases) == ["refused_not_compared"]


def test_the_model_that_serves_needs_no_comparison_with_itself(cases):
    engine = ENGINE.serving(LEARNED)
    assert list(against(engine, LEARNED, REAL, None, cases)) == []


def test_a_model_of_another_catalogue_may_not(cases):
    other = Weights(dict.fromkeys(NAMES, 1.0), {}, "catalogue-of-old")
    assert codes(other, REAL, beside(BETTER), cases) == ["refused_catalogue"]


def test_weights_that_were_not_learned_belong_to_no_catalogue(cases):
    by_hand = Weights(dict.fromkeys(NAMES, 1.0), {}, None)
    assert codes(by_hand, REAL, beside(BETTER), cases) == []


def test_a_model_of_made_up_outcomes_may_not(cases):
    assert codes(LEARNED, {"synthetic": True}, beside(BETTER), cases) == ["refused_synthetic"]


def test_without_cases_it_may_not(tmp_path):
    assert codes(LEARNED, REAL, beside(BETTER), None) == ["refused_no_cases"]
    assert codes(LEARNED, REAL, beside(BETTER), tmp_path) == ["refused_no_cases"]


def test_every_case_that_does_not_hold_is_named(cases):
    failing = {**CASE, "title": "Never", "expect": {"says": [{"en": "no such words"}]}}
    (cases / "two.yaml").write_text(json.dumps([failing]), "utf-8")
    found = list(against(ENGINE, LEARNED, REAL, beside(BETTER), cases))
    assert [(problem.code, problem.value) for problem in found] == [("refused_case", "Never")]


def test_all_reasons_come_at_once(tmp_path):
    other = Weights(dict.fromkeys(NAMES, 1.0), {}, "catalogue-of-old")
    assert codes(other, {"synthetic": True}, beside(WORSE), tmp_path) == [
        "refused_catalogue",
        "refused_synthetic",
        "refused_worse",
        "refused_no_cases",
    ]
