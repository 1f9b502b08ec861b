"""Industries and social credit codes: names, check digits, what a code says."""

import pytest
from code_examples import RIGHT

from recommender import codes
from recommender.texts import Label


def test_industry_names_are_those_of_2017():
    assert codes.industry_label("G58").zh == "多式联运和运输代理业"
    assert codes.industry_label("G59").zh == "装卸搬运和仓储业"
    assert codes.industry_label("C3571").en == "Special-purpose machinery"
    assert codes.industry_label("C13") == ("农副食品加工业", "Manufacturing (C13)")


@pytest.mark.parametrize(("old", "new"), [("O79", "O80"), ("R85", "R86"), ("T96", "T97")])
def test_a_division_of_2011_is_refused_with_its_successor(old, new):
    assert codes.industry_problem(old).allowed == [new]


@pytest.mark.parametrize("code", ["C3", "C35711", "U99", "35C", "G53.1"])
def test_industry_of_a_wrong_shape_is_refused(code):
    assert codes.industry_problem(code).code == "industry_unknown"


@pytest.mark.parametrize("code", RIGHT["uscc"])
def test_any_altered_character_of_a_uscc_fails(code):
    for place, character in enumerate(code):
        other = "1" if character != "1" else "2"
        assert codes.uscc_problem(code[:place] + other + code[place + 1 :]) is not None


def test_a_wrong_check_digit_says_which_was_expected():
    problem = codes.uscc_problem("91310115591693856B")
    assert (problem.code, problem.params["expected"]) == ("uscc_check_digit", "A")


def test_a_wrong_organisation_code_is_found_behind_a_right_check_digit():
    problem = codes.uscc_problem("91310115591693857D")
    assert (problem.code, problem.params["expected"]) == ("uscc_body_check", "6")


def test_what_a_uscc_says():
    facts = codes.uscc_facts("91310115591693856A")
    assert facts == {
        "registering_authority": "9",
        "authority_label": Label("市场监督管理部门", "Market regulation administration"),
        "entity_type": "1",
        "registered_province": "310115",
        "organisation_code": "591693856",
        "unassigned_region": False,
    }
    assert codes.uscc_facts("91350100M000100Y43")["registered_province"] == "350100"
    assert codes.uscc_facts("not a code") == {}


def test_a_synthetic_firm_has_an_unassigned_region():
    assert codes.uscc_problem("91990000MA0000017Y") is None
    facts = codes.uscc_facts("91990000MA0000017Y")
    assert facts["unassigned_region"] is True
    assert facts["registered_province"] is None


def test_a_firm_registered_by_the_state_is_not_unassigned():
    facts = codes.uscc_facts("91110000600037341L")
    assert facts["registered_province"] == "110000"
    assert codes.uscc_facts("91100000100003962T")["unassigned_region"] is False
