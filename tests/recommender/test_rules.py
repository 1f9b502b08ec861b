"""Predicates, rules, stops and implications one by one: what each says, and what it refuses."""

import datetime
import math
from typing import get_args

import pytest

from recommender.records import examined
from recommender.rules import Implication, Predicate, Rule, Stop
from recommender.texts import LANGUAGES, problem_text
from recommender.vocabulary import Operator


def found(model, raw):
    wrong = examined(model, raw)[1]
    for problem in wrong:
        assert all(problem_text(problem, language) for language in LANGUAGES)
    return [(problem.field, problem.code) for problem in wrong]


FITTING = {
    "holds": {},
    "lacks": {},
    "at_least": {"v": 1},
    "at_most": {"v": 1.5},
    "between": {"v": [1, 1]},
    "one_of": {"v": ["a"]},
    "none_of": {"v": ["a", "b"]},
    "overlaps": {"v": ["a"]},
    "before": {"v": "2026-01-01"},
    "after": {"v": datetime.date(2026, 1, 1)},
}


@pytest.mark.parametrize("op", get_args(Operator))
def test_every_operator_has_its_operand(op):
    predicate = Predicate(f="x", op=op, **FITTING[op])
    assert predicate.op == op


def test_a_date_in_a_file_is_kept_as_text():
    assert Predicate(f="x", op="after", v=datetime.date(2026, 1, 1)).v == "2026-01-01"


@pytest.mark.parametrize("op", ["at_least", "at_most", "before", "after"])
def test_another_field_may_be_the_operand(op):
    assert Predicate(f="x", op=op, v_field="y").v_field == "y"


OPERANDS = [
    ("holds", {"v": True}, "v", "operand"),
    ("lacks", {"v_field": "y"}, "v", "operand"),
    ("at_least", {}, "v", "operand"),
    ("at_least", {"v": 1, "v_field": "y"}, "v", "operand"),
    ("at_least", {"v": [1]}, "v", "operand_single"),
    ("before", {"v": ["2026-01-01"]}, "v", "operand_single"),
    ("one_of", {"v": "a"}, "v", "operand_list"),
    ("none_of", {"v": []}, "v", "operand_list"),
    ("overlaps", {"v_field": "y"}, "v_field", "operand_list"),
    ("between", {"v": 5}, "v", "operand_list"),
    ("between", {"v": [5, 1]}, "v", "range_reversed"),
    ("between", {"v": [1]}, "v", "range_reversed"),
    ("between", {"v": [1, 2, 3]}, "v", "range_reversed"),
    ("between", {"v": ["a", "b"]}, "v", "range_reversed"),
    ("between", {"v": [False, True]}, "v", "range_reversed"),
    ("at_least", {"v": math.nan}, "v", "not_an_answer"),
    ("at_least", {"v": math.inf}, "v", "not_an_answer"),
    ("at_least", {"v": 10**400}, "v", "not_an_answer"),
    ("between", {"v": [math.nan, 1]}, "v", "not_an_answer"),
    ("one_of", {"v": ["a", ["b"]]}, "v", "not_an_answer"),
    ("one_of", {"v": {"a": 1}}, "v", "not_an_answer"),
    ("at_least", {"v": "x" * 201}, "v", "not_an_answer"),
    ("hold", {}, "op", "not_one_of"),
]


@pytest.mark.parametrize(("op", "more", "field", "code"), OPERANDS)
@pytest.mark.parametrize("model", [Predicate, Rule])
def test_an_operand_that_does_not_fit_is_refused(model, op, more, field, code):
    assert found(model, {"f": "x", "op": op, **more}) == [(field, code)]


@pytest.mark.parametrize(("op", "more", "field", "code"), OPERANDS)
def test_an_implication_refuses_the_same(op, more, field, code):
    raw = {"f": "x", "op": op, "value": True, **more}
    assert found(Implication, raw) == [(field, code)]


def test_an_implication_is_a_predicate_with_a_value():
    implication = Implication(f="staff", op="at_least", v=1, value=("a", "b"))
    assert implication.predicate() == Predicate(f="staff", op="at_least", v=1)
    assert found(Implication, {"f": "staff", "op": "at_least", "v": 1}) == [("value", "missing")]


A, B = {"f": "a", "op": "holds"}, {"f": "b", "op": "at_least", "v": 1}


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [
        ({}, [("", "rule_form")]),
        ({"op": "holds"}, [("", "rule_form")]),
        ({"f": "a"}, [("op", "missing")]),
        ({"any": [A]}, [("any", "list_too_short")]),
        ({"any": [A, B], "f": "a", "op": "holds"}, [("", "rule_form")]),
        ({"any": [A, B], "op": "holds"}, [("", "rule_form")]),
        ({"any": [A, B], "v": 1}, [("", "rule_form")]),
        ({"any": [A, {"f": "b", "op": "at_least"}]}, [("any[1].v", "operand")]),
        ({**A, "hard": "no"}, [("hard", "not_yes_no")]),
        ({**A, "note": {"zh": "文"}}, [("note.en", "missing")]),
        ({**A, "origin": "bank"}, [("origin", "not_one_of")]),
        ({**A, "hardd": True}, [("hardd", "field_did_you_mean")]),
        ({"hardd": True}, [("hardd", "field_did_you_mean"), ("", "rule_form")]),
    ],
)
def test_a_rule_has_one_form(raw, wrong):
    assert found(Rule, raw) == wrong


def test_a_rule_is_hard_illustrative_and_a_rule_unless_it_says_otherwise():
    rule = Rule.model_validate(A)
    assert (rule.hard, rule.src, rule.origin) == (True, "illustrative", "rule")


def test_the_predicates_of_a_rule_are_its_own_or_its_alternatives():
    assert Rule.model_validate(B).predicates == (Predicate(f="b", op="at_least", v=1),)
    assert [p.f for p in Rule.model_validate({"any": [A, B]}).predicates] == ["a", "b"]


def test_the_reason_code_is_stable():
    assert Rule.model_validate(A).reason == "a.holds"
    assert Rule.model_validate({"any": [A, B]}).reason == "a.holds|b.at_least"
    assert Rule.model_validate({"any": [B, A]}).reason == "a.holds|b.at_least"
    assert Rule.model_validate({**A, "code": "own"}).reason == "own"


@pytest.mark.parametrize("scope", ["all", ["p1"], ["p1", "p2"]])
def test_a_stop_has_a_scope(scope):
    stop = Stop.model_validate({**A, "scope": scope})
    assert stop.origin == "stop"


@pytest.mark.parametrize(
    ("scope", "wrong"),
    [
        ("some", [("scope", "stop_scope")]),
        ([], [("scope", "stop_scope")]),
        (None, [("scope", "stop_scope")]),
        ({"p1": True}, [("scope", "stop_scope")]),
    ],
)
def test_a_stop_for_nobody_is_refused(scope, wrong):
    assert found(Stop, {**A, "scope": scope}) == wrong
