"""Cases as a gate for models: which fail, how many there are, and files that are no cases."""

import json

import pytest

from recommender import Engine
from recommender.cases import cases_folder, failing, options_of, profile_of, read_cases
from recommender.errors import UnreadableFile
from recommender.matching.scoring import Weights, expert_weights
from tests.made_outcomes import CATALOGUE

ENGINE = Engine(CATALOGUE)
HOLDS = {
    "title": "An exporter after shipment",
    "story": "A firm that has shipped and waits for its money.",
    "company": {"trade": {"directions": ["export"], "stage": "post_shipment"}},
    "as_of": "2026-11-23",
    "expect": {"unsaid": [{"en": "no such words"}]},
}
FAILS = {**HOLDS, "title": "Never", "expect": {"says": [{"zh": "绝无此语"}]}}


def folder(path, **files):
    for name, cases in files.items():
        (path / f"{name}.yaml").write_text(json.dumps(cases), "utf-8")
    return path


def test_those_that_do_not_hold_are_named_among_all(tmp_path):
    place = folder(tmp_path, a=[HOLDS, FAILS], b=[{**FAILS, "title": "Never either"}, HOLDS])
    assert failing(ENGINE, place) == (["Never", "Never either"], 4)


def test_a_case_holds_for_one_model_and_not_for_another(tmp_path):
    answer = ENGINE.recommend(ENGINE.read(HOLDS["company"]), as_of=HOLDS["as_of"])
    lane = next(lane for lane in answer["lanes"] if len(lane["matches"]) > 1)
    first, second = (match["product_id"] for match in lane["matches"][:2])
    place = folder(tmp_path, a=[{**HOLDS, "expect": {"first": {lane["lane"]: first}}}])
    assert failing(ENGINE, place) == ([], 1)
    other = Weights(expert_weights().weights, {second: 50.0}, CATALOGUE.version)
    assert failing(ENGINE.serving(other), place) == ([HOLDS["title"]], 1)


def test_figures_are_no_situations(tmp_path):
    place = folder(tmp_path, formulas=[{"anything": 1}], a=[HOLDS])
    assert [stem for stem, _ in read_cases(place)] == ["a"]


def test_a_folder_without_cases_has_none(tmp_path):
    assert failing(ENGINE, tmp_path) == ([], 0)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.yaml").write_text("- title: [", "utf-8")
    with pytest.raises(UnreadableFile, match=r"a\.yaml"):
        failing(ENGINE, tmp_path)


def test_changes_reach_into_a_profile_and_leave_the_case_alone():
    case = {**HOLDS, "set": {"trade.stage": "in_transit", "facts.goods_shipped": True, "staff": 9}}
    assert profile_of(case) == {
        "trade": {"directions": ["export"], "stage": "in_transit"},
        "facts": {"goods_shipped": True},
        "staff": 9,
    }
    assert case["company"]["trade"]["stage"] == "post_shipment"


def test_rates_are_given_where_a_case_has_them():
    assert "rates" not in options_of(HOLDS, "en")
    assert options_of({**HOLDS, "rates": {"USD": 7.1}}, "zh")["rates"] == {"USD": 7.1}


def test_the_cases_of_a_checkout_are_found():
    assert read_cases(cases_folder())
