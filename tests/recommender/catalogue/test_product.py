"""The records of a catalogue one by one: what each says, and what it refuses."""

import math
from decimal import Decimal
from typing import get_args

import pytest

from recommender import texts
from recommender.catalogue.product import (
    DayRange,
    DocumentDefinition,
    FactDefinition,
    LegalNote,
    Product,
    Range,
    Relation,
    ShareRange,
    Source,
)
from recommender.records import examined
from recommender.rules import Bilingual
from recommender.texts import LANGUAGES, Label, problem_text
from recommender.vocabulary import (
    LANES,
    PROVENANCES,
    AmountFormula,
    AskedOf,
    Changeable,
    SizeClass,
)

WORDS = {"zh": "文", "en": "text"}
FACT = {"id": "x", "type": "flag", "label": WORDS, "question": WORDS}
PAPER = {"id": "ENCD", "label": WORDS, "kind": "transport"}
PRODUCT = {
    "id": "p1",
    "name_zh": "贷款",
    "name_en": "Loan",
    "lane": "financing",
    "category": "corridor_credit",
    "provider": WORDS,
    "summary": WORDS,
    "family": "unsecured",
    "formula": "unsecured",
    "amount": {"low": 1, "high": 2},
    "currencies": ["CNY"],
    "rules": [{"f": "x", "op": "holds"}],
}


def found(model, raw):
    wrong = examined(model, raw)[1]
    for problem in wrong:
        assert all(problem_text(problem, language) for language in LANGUAGES)
    return [(problem.field, problem.code) for problem in wrong]


def product(**more):
    return Product.model_validate({**PRODUCT, **more})


# --- texts, ranges, sources ----------------------------------------------------------------------


def test_a_text_has_both_languages():
    assert Bilingual(zh="文", en="text").label == Label("文", "text")


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [
        ({"zh": "文"}, [("en", "missing")]),
        ({"zh": "", "en": ""}, [("zh", "text_empty"), ("en", "text_empty")]),
        ({"zh": "长" * 2_001, "en": "a"}, [("zh", "text_too_long")]),
        ({"zh": 5, "en": None}, [("zh", "not_text"), ("en", "not_text")]),
        ({**WORDS, "fr": "texte"}, [("fr", "unknown_field")]),
        ("text", [("", "not_record")]),
    ],
)
def test_half_a_text_is_refused(raw, wrong):
    assert found(Bilingual, raw) == wrong


@pytest.mark.parametrize("raw", [{}, {"low": 1}, {"high": 1}, {"low": 1, "high": 1}])
def test_a_range_may_be_open_or_a_point(raw):
    assert found(Range, raw) == []


@pytest.mark.parametrize(
    ("model", "raw", "wrong"),
    [
        (Range, {"low": 2, "high": 1}, [("", "range_reversed")]),
        (Range, {"low": -1}, [("low", "below_minimum")]),
        (Range, {"low": math.nan, "high": "2"}, [("low", "not_finite"), ("high", "not_number")]),
        (Range, [1, 2], [("", "not_record")]),
        (
            Range,
            {"lo": 0, "low": 2, "high": 1},
            [("lo", "field_did_you_mean"), ("", "range_reversed")],
        ),
        (ShareRange, {"low": 0.9, "high": 0.1}, [("", "range_reversed")]),
        (ShareRange, {"high": 80}, [("high", "above_maximum")]),
        (DayRange, {"low": 1.5}, [("low", "too_many_decimals")]),
        (DayRange, {"high": 40_000}, [("high", "above_maximum")]),
        (DayRange, {"low": 90, "high": 30}, [("", "range_reversed")]),
    ],
)
def test_a_range_that_is_none_is_refused(model, raw, wrong):
    assert found(model, raw) == wrong


def test_a_source_has_a_quality_and_a_title():
    assert Source(quality="article", title="报道").url is None
    assert found(Source, {"quality": "best", "date": "May"}) == [
        ("quality", "not_one_of"),
        ("title", "missing"),
        ("date", "not_date"),
    ]


def test_a_relation_names_at_least_one_product():
    assert found(Relation, {"kind": "prerequisite", "any_of": []}) == [("any_of", "list_too_short")]
    assert found(Relation, {"kind": "x", "any_of": ["a b"]}) == [
        ("kind", "not_one_of"),
        ("any_of[0]", "not_identifier"),
    ]


def test_a_legal_note_is_dated():
    assert found(LegalNote, {"text": WORDS}) == [("as_of", "missing")]


# --- facts and documents -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["flag", "date"])
def test_a_plain_fact_needs_no_more(kind):
    fact = FactDefinition.model_validate({**FACT, "type": kind})
    assert (fact.asked_of, fact.changeable, fact.implied_by) == ("company", "no", ())


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"type": "bool"}, [("type", "not_one_of")]),
        ({"type": "number"}, [("unit", "missing")]),
        ({"type": "choice"}, [("options", "options_of_choice")]),
        ({"type": "choices", "options": []}, [("options", "options_of_choice")]),
        ({"options": [{"id": "a", "label": WORDS}]}, [("options", "options_of_choice")]),
        (
            {"type": "choice", "options": [{"id": "a", "label": WORDS}] * 2},
            [("options", "duplicate_id")],
        ),
        ({"changeable": False}, [("changeable", "not_one_of")]),
        ({"asked_of": "customs"}, [("asked_of", "not_one_of")]),
        ({"question": None}, [("question", "not_record")]),
        ({"id": "a b"}, [("id", "not_identifier")]),
    ],
)
def test_a_fact_that_does_not_hold_together_is_refused(more, wrong):
    assert found(FactDefinition, {**FACT, **more}) == wrong


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"kind": "paper"}, [("kind", "not_one_of")]),
        ({"issuer": "nobody"}, [("issuer", "not_one_of")]),
        ({"character": "negotiable"}, [("character", "not_one_of")]),
        ({"obtained_from": "us"}, [("obtained_from", "not_one_of")]),
        ({"obtainable_in": ["stock", "never"]}, [("obtainable_in[1]", "not_one_of")]),
        ({"sets": {"x": {"y": 1}}}, [("sets.x", "not_an_answer")]),
        ({"sets": {"x": math.nan}}, [("sets.x", "not_an_answer")]),
        ({"synonyms": [""]}, [("synonyms[0]", "text_empty")]),
    ],
)
def test_a_document_that_does_not_hold_together_is_refused(more, wrong):
    assert found(DocumentDefinition, {**PAPER, **more}) == wrong


def test_a_document_is_no_title_and_can_be_had_at_any_time_unless_it_says_otherwise():
    paper = DocumentDefinition.model_validate(PAPER)
    assert (paper.character, paper.obtained_from) == ("none", "company")
    assert paper.obtainable_in is None


# --- products ------------------------------------------------------------------------------------


def test_a_product_with_the_least_it_needs():
    item = product()
    assert item.name == Label("贷款", "Loan")
    assert (item.directions, item.routes, item.hs, item.sizes) == (None, None, None, None)
    assert (item.suspended, item.funded, item.valid_from) == (False, False, None)


@pytest.mark.parametrize("name", [name for name in PRODUCT if name not in ("amount", "rules")])
def test_what_a_product_needs_is_missed(name):
    assert found(Product, {k: v for k, v in PRODUCT.items() if k != name}) == [(name, "missing")]


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"lane": "loans"}, [("lane", "not_one_of")]),
        ({"amount": None}, [("amount", "amount_missing")]),
        ({"amount": None, "lane": "lease"}, [("amount", "amount_missing")]),
        ({"amount": None, "lane": "equity"}, [("amount", "amount_missing")]),
        ({"rules": []}, [("rules", "rules_missing")]),
        ({"rules": [], "lane": "settlement"}, [("rules", "rules_missing")]),
        ({"lane": "insurance"}, [("covers", "covers_missing")]),
        ({"lane": "guarantee"}, [("covers", "covers_missing")]),
        ({"lane": "insurance", "covers": "life"}, [("covers", "not_one_of")]),
        ({"currencies": []}, [("currencies", "list_too_short")]),
        ({"currencies": ["RMB"]}, [("currencies[0]", "currency_unknown")]),
        ({"directions": []}, [("directions", "list_too_short")]),
        ({"routes": ["RAIL"]}, [("routes[0]", "not_one_of")]),
        ({"hs": ["9999"]}, [("hs[0]", "hs_reserved")]),
        ({"stages": ["sold"]}, [("stages[0]", "not_one_of")]),
        ({"sizes": ["huge"]}, [("sizes[0]", "not_one_of")]),
        ({"settlement_methods": ["cash"]}, [("settlement_methods[0]", "not_one_of")]),
        ({"documents": ["A", "B", "A"]}, [("documents", "duplicate_id")]),
        ({"accepts": {"encd": {"low": 2}}}, [("accepts.encd.low", "above_maximum")]),
        ({"amount": {"low": 2, "high": 1}}, [("amount", "range_reversed")]),
        ({"tenor_days": {"low": 2, "high": 1}}, [("tenor_days", "range_reversed")]),
        ({"valid_from": "2026-02-30"}, [("valid_from", "not_date")]),
        (
            {"valid_from": "2026-02-02", "valid_until": "2026-02-01"},
            [("valid_until", "range_reversed")],
        ),
        ({"fit_ceiling": "eligible"}, [("fit_ceiling", "not_one_of")]),
        ({"suspended": "yes"}, [("suspended", "not_yes_no")]),
        ({"id": "a b"}, [("id", "not_identifier")]),
        ({"sumary": WORDS}, [("sumary", "field_did_you_mean")]),
        ({"formula": "magic"}, [("formula", "not_one_of")]),
        ({"formula": "order_share"}, [("share", "share_missing")]),
        ({"formula": "prepayment_share", "share": {"high": 0.5}}, [("share", "share_missing")]),
        (
            {"lane": "insurance", "amount": {"low": -1}, "rules": [{"f": "x"}], "name_zh": ""},
            [
                ("name_zh", "text_empty"),
                ("amount.low", "below_minimum"),
                ("rules[0].op", "missing"),
            ],
        ),
    ],
)
def test_a_product_that_does_not_hold_together_is_refused(more, wrong):
    assert found(Product, {**PRODUCT, **more}) == wrong


def test_faults_across_fields_come_with_those_of_fields():
    raw = {**PRODUCT, "lane": "guarantee", "rules": [], "keywords": [5], "funded": "yes"}
    assert found(Product, raw) == [
        ("keywords[0]", "not_text"),
        ("funded", "not_yes_no"),
        ("covers", "covers_missing"),
        ("rules", "rules_missing"),
    ]


@pytest.mark.parametrize("more", [{"lane": "service"}, {"fit_ceiling": "conditional"}])
def test_only_a_service_or_a_product_with_a_ceiling_may_have_no_rules(more):
    assert product(rules=[], **more).rules == ()


def test_a_service_may_have_no_currency():
    assert product(lane="service", currencies=[]).currencies == ()


@pytest.mark.parametrize(
    ("qualities", "quality"),
    [
        ([], "illustrative"),
        (["article"], "article"),
        (["article", "secondary", "first_hand"], "secondary"),
        (["illustrative", "article"], "illustrative"),
    ],
)
def test_a_product_is_as_well_attested_as_its_weakest_source(qualities, quality):
    sources = {f"s{i}": {"quality": word, "title": "t"} for i, word in enumerate(qualities)}
    assert product(sources=sources).quality == quality


def test_a_field_is_attested_by_itself_by_its_whole_or_not_at_all():
    item = product(
        sources={"a": {"quality": "article", "title": "t"}},
        provenance={"amount": "secondary", "amount.high": "a", "hs": "first_hand"},
    )
    assert item.provenance_of("amount.high") == "article"
    assert item.provenance_of("amount.low") == "secondary"
    assert item.provenance_of("hs") == "first_hand"
    assert item.provenance_of("routes") == "illustrative"
    assert item.resolve("a") == "article"
    assert item.resolve("secondary") == "secondary"


def test_amounts_of_a_product_are_exact():
    assert product(amount={"high": 0.1}).amount.high == Decimal("0.1")


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("lane", LANES),
        ("provenance", PROVENANCES),
        ("formula", get_args(AmountFormula)),
        ("asked_of", get_args(AskedOf)),
        ("changeable", get_args(Changeable)),
        ("size_class", get_args(SizeClass)),
    ],
)
def test_every_word_of_a_vocabulary_has_its_label(section, words):
    assert [word for word in words if f"{section}.{word}" not in texts.table()] == []
