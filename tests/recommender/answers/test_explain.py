"""Sentences: every rule in both languages, nothing unfilled, no English left in Chinese text."""

import re
from datetime import date

import pytest
from catalogue_strategies import parameters, situations
from hypothesis import HealthCheck, given, settings
from strategies import AS_OF

from recommender import Catalogue, Company, Engine
from recommender.answers.explain import band, joined, plain
from recommender.tables import data_dir

PACKAGED = Engine(Catalogue.load(), parameters=parameters())
SAMPLES = sorted((data_dir() / "samples").glob("*.yaml"))
often = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEYS = {
    *("code", "field", "verdict", "observed", "required"),
    *("hard", "asked_of", "provenance", "origin", "text"),
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"\{[a-z_]+\}|\bNone\b|\bnan\b|\bTrue\b|\bFalse\b")
ENGLISH = re.compile(r"\b(?!(?:eNCD|min|max)\b)[a-z]{3,}\b")
TEXTS = {"text", "question", "label", "formula", "summary", "provider", "when", "fit_text"}
WORDED = {*TEXTS, "name", "title", "notes", "notices", "nothing_fits", "legal_note", "language"}


def rules_in(engine, company, language):
    found = engine.eligibility(company, as_of=AS_OF, language=language)["products"]
    return [(product, rule) for product in found for rule in product["rules"]]


def texts(value, key=""):
    """Every sentence of an answer with the name it stands under."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name != "fields":  # provenance words by field
                yield from texts(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part, key)
    elif isinstance(value, str) and key in {*TEXTS, "notes", "notices", "nothing_fits"}:
        yield value


def test_every_product_and_every_rule_is_listed_with_its_answer():
    for path in SAMPLES:
        company = Company.load(path)
        answer = PACKAGED.eligibility(company, as_of=AS_OF, language="en")
        listed = {product["product_id"]: product["rules"] for product in answer["products"]}
        assert set(listed) == set(PACKAGED.catalogue.products)
        for name, rules in listed.items():
            expected = [rule.reason for rule in PACKAGED.catalogue.rules(name)]
            assert [rule["code"] for rule in rules] == expected
            for rule in rules:
                assert set(rule) == KEYS
                assert rule["verdict"] in ("yes", "no", "unknown")
                assert rule["asked_of"] in ("company", "bank", "screening")
                assert isinstance(rule["hard"], bool)


@pytest.mark.parametrize("path", [None, *SAMPLES], ids=lambda p: p.stem if p else "empty")
def test_chinese_has_no_english_and_english_no_chinese_and_nothing_is_unfilled(path):
    company = Company.load(path) if path else Company()
    for language, foreign in (("zh", ENGLISH), ("en", CHINESE)):
        answer = PACKAGED.recommend(
            company, as_of=AS_OF, language=language, include_ineligible=True, limit=1000
        )
        rules = [rule for _, rule in rules_in(PACKAGED, company, language)]
        said = {*texts(answer), *texts(rules)}
        assert "" not in said
        assert [line for line in said if PLACEHOLDER.search(line) or foreign.search(line)] == []


def shape(value, key=""):
    """An answer without its sentences: structure, codes and numbers."""
    if isinstance(value, dict):
        return {name: shape(part, name) for name, part in value.items() if name not in WORDED}
    if isinstance(value, list):
        return [shape(part, key) for part in value]
    return value


@often
@given(situations())
def test_both_languages_have_the_same_structure_codes_and_numbers(s):
    zh, en = (
        s.recommend(language=language, include_ineligible=True, limit=1000)
        for language in ("zh", "en")
    )
    assert shape(zh) == shape(en)
    assert len(zh["notices"]) == len(en["notices"])
    rules = [s.eligibility(language=language) for language in ("zh", "en")]
    assert shape(rules[0]) == shape(rules[1])
    for said in [*texts(zh), *texts(en), *texts(rules)]:
        assert said.strip()
        assert not PLACEHOLDER.search(said), said


@often
@given(situations())
def test_blockers_unknowns_and_cautions_are_the_rules_that_say_so(s):
    rules = {product["product_id"]: product["rules"] for product in s.eligibility()}
    answer = s.recommend(include_ineligible=True, limit=1000)
    for match in (match for lane in answer["lanes"] for match in lane["matches"]):
        own = rules[match["product_id"]]
        hard = {r["code"] for r in own if r["hard"] and r["verdict"] == "no"}
        assert {line["code"] for line in match["blockers"]} == hard
        assert (match["fit"] in ("near_miss", "ineligible")) == bool(hard)
        soft = {r["code"] for r in own if not r["hard"] and r["verdict"] == "no"}
        cautions = {line["code"] for line in match["cautions"]}
        assert soft <= cautions
        open_ = {r["code"] for r in own if r["verdict"] == "unknown"}
        assert cautions - soft - open_ <= {"fit_ceiling"}
        for line in match["blockers"]:
            (rule,) = [r for r in own if r["code"] == line["code"] and r["hard"]]
            assert {k: rule[k] for k in ("observed", "required", "text")} == {
                k: line[k] for k in ("observed", "required", "text")
            }


def line(company, product, code, language="en"):
    for listed, rule in rules_in(PACKAGED, Company.parse(company), language):
        if (listed["product_id"], rule["code"]) == (product, code):
            return rule
    raise AssertionError(code)


def test_amounts_dates_and_codes_are_worded_as_people_write_them():
    need = {"need": {"amount": 300_000, "currency": "CNY", "date": "2026-12-15"}}
    low = line(need, "cor-ilstc-loan", "amount_below_minimum")
    assert (low["verdict"], low["observed"], low["required"]) == ("no", 300_000, 500_000)
    assert "CNY 300 k" in low["text"]
    assert "CNY 500 k" in low["text"]
    chinese = line(need, "cor-ilstc-loan", "amount_below_minimum", "zh")["text"]
    assert "30万元" in chinese.replace(" ", "")
    province = line({"registered_province": "51"}, "cor-ilstc-loan", "registered_province.one_of")
    assert (province["observed"], province["required"]) == ("51", ["50"])
    assert "Sichuan" in province["text"]
    assert "Chongqing" in province["text"]


def test_what_is_not_known_is_null_and_what_there_is_none_of_is_an_empty_list():
    code = "documents.overlaps"
    assert line({}, "doc-encd", code)["observed"] is None
    assert line({"documents": []}, "doc-encd", code)["observed"] == []
    assert (
        line({"facts": {"doc_holder_control": False}}, "doc-encd", "doc_holder_control.holds")[
            "observed"
        ]
        is False
    )


def test_alternatives_show_what_was_seen_and_asked_for_of_each():
    rule = line(
        {"facts": {"customs_supervised_goods": True}}, "doc-encd", "customs_clear_or_consented"
    )
    assert rule["verdict"] == "unknown"
    assert rule["observed"] == [True, None]
    assert rule["required"] == [False, True]
    assert rule["field"] == "customs_supervised_goods|customs_pledge_consent"


def test_values_become_json():
    assert plain(date(2026, 11, 23)) == "2026-11-23"
    assert plain((1.0, 2.5, "a", None, True)) == [1, 2.5, "a", None, True]


def test_bands_and_sentences():
    assert [band(v) for v in (None, 0.0, 0.35, 0.75, 1.0)] == [
        *("unknown", "low", "middle", "high", "high"),
    ]
    assert joined(["甲。", "乙。"], "zh") == "甲。乙。"
    assert joined(["One.", "Two."], "en") == "One. Two."
