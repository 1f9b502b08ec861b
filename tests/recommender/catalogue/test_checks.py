"""What must hold across the records of a catalogue: each fault by itself, with place and words."""

import datetime
import math
from copy import deepcopy

import pytest
from catalogue_strategies import SERVICE, WORDS

from recommender import Catalogue
from recommender.catalogue.checks import CODE_CHECKS, LITERALS, OPERATORS, PAIRS, answer_problem
from recommender.catalogue.product import FactDefinition
from recommender.company.fields import BY_ID, FIELDS
from recommender.errors import InvalidCatalogue
from recommender.texts import LANGUAGES, brief, problem_text

OPTIONS = [{"id": "a", "label": WORDS}, {"id": "b", "label": WORDS}]
PRODUCT = SERVICE


def fact(name, kind="flag", **more):
    return {"id": name, "type": kind, "label": WORDS, "question": WORDS, **more}


FACTS = [
    fact("flag"),
    fact("number", "number", unit="days"),
    fact("date", "date"),
    fact("choice", "choice", options=OPTIONS),
    fact("choices", "choices", options=OPTIONS),
]
PAPERS = [{"id": name, "label": WORDS, "kind": "transport"} for name in ("ENCD", "OCEAN_BL")]


def tree(**sections):
    whole = {"products": [PRODUCT], "facts": FACTS, "documents": PAPERS, **sections}
    return deepcopy(whole)


def problems(documents):
    with pytest.raises(InvalidCatalogue) as caught:
        Catalogue.from_documents(documents)
    for problem in caught.value.problems:
        for language in LANGUAGES:
            said = problem_text(problem, language)
            assert problem.field in said
            assert (
                problem.value is None or brief(problem.value) in said or "_missing" in problem.code
            )
    return caught.value.problems


def found(**sections):
    return [(p.field, p.code) for p in problems({"f.yaml": tree(**sections)})]


def one(**sections):
    [problem] = problems({"f.yaml": tree(**sections)})
    return problem


def with_rule(**rule):
    return {"products": [{**PRODUCT, "rules": [rule]}]}


def test_what_the_tests_start_from_is_valid():
    assert set(Catalogue.from_documents({"f.yaml": tree()}).products) == {"p1"}


def test_a_fact_of_two_types_is_refused():
    other = fact("flag", "number", unit="days")
    assert found(facts=[*FACTS, other]) == [("facts[flag].id", "duplicate_id")]


# --- rules and facts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("flagg", ["flag"]),
        ("need.tenor", ["need.tenor_days"]),
        ("zzz", sorted([*(row["id"] for row in FACTS), *BY_ID])),
    ],
)
def test_a_rule_on_an_undeclared_fact_is_refused_with_the_nearest_or_with_all(name, allowed):
    problem = one(**with_rule(f=name, op="holds"))
    assert (problem.field, problem.code) == ("products[p1].rules[0].f", "undeclared_fact")
    assert (problem.value, problem.allowed) == (name, allowed)
    assert (problem.file, problem.row) == ("f.yaml", 1)
    said = problem_text(problem, "en")
    assert all(item in said for item in allowed[:12])
    assert ("and more" in said) == (len(allowed) > 12)


def test_every_alternative_of_a_rule_is_checked():
    alternatives = [
        {"f": "flagg", "op": "holds"},
        {"f": "number", "op": "at_least", "v": "5"},
        {"f": "flag", "op": "at_least", "v": 5},
    ]
    assert found(**with_rule(any=alternatives)) == [
        ("products[p1].rules[0].any[0].f", "undeclared_fact"),
        ("products[p1].rules[0].any[1].v", "not_number"),
        ("products[p1].rules[0].any[2].op", "operator_kind"),
    ]


OPERANDS = {"between": [1, 2], "one_of": ["a"], "none_of": ["a"], "overlaps": ["a"]}
OPERANDS |= {"at_least": 1, "at_most": 1, "before": "2026-01-01", "after": "2026-01-01"}


@pytest.mark.parametrize("kind", ["flag", "number", "date", "choice", "choices"])
@pytest.mark.parametrize("op", sorted({op for ops in OPERATORS.values() for op in ops}))
def test_an_operator_fits_the_kind_of_its_fact(kind, op):
    rule = {"f": kind, "op": op, "v": OPERANDS.get(op)}
    if op in OPERATORS[kind]:
        assert Catalogue.from_documents({"f": tree(**with_rule(**rule))}).products
    else:
        problem = one(**with_rule(**rule))
        assert (problem.field, problem.code) == ("products[p1].rules[0].op", "operator_kind")
        assert problem.allowed == OPERATORS[kind]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.id)
def test_an_operator_fits_the_kind_of_its_field(field):
    wrong = "holds"
    rests_on = [fact(name, "number", unit="CNY") for name in field.facts]
    problem = one(**with_rule(f=field.id, op=wrong), facts=[*FACTS, *rests_on])
    assert (problem.code, problem.allowed) == ("operator_kind", OPERATORS[field.kind])


@pytest.mark.parametrize(
    ("name", "op", "value", "code"),
    [
        ("number", "at_least", "5", "not_number"),
        ("number", "at_least", True, "not_number"),
        ("date", "before", "2026-02-30", "not_date"),
        ("date", "before", "2026-W01-1", "not_date"),
        ("date", "before", 20260101, "not_date"),
        ("as_of", "after", "tomorrow", "not_date"),
        ("choice", "one_of", ["c"], "not_one_of"),
        ("choice", "one_of", [1], "not_one_of"),
        ("choices", "overlaps", ["a", "c"], "not_one_of"),
        ("trade.routes", "overlaps", ["RAIL"], "not_one_of"),
        ("trade.stage", "one_of", ["sold"], "not_one_of"),
        ("size_class", "one_of", ["huge"], "not_one_of"),
        ("insurance", "overlaps", ["valid"], "not_one_of"),
        ("trade.hs", "overlaps", ["9999"], "hs_reserved"),
        ("trade.hs", "overlaps", [8432], "not_text"),
        ("registered_province", "one_of", ["500199"], "division_unknown"),
        ("industry", "one_of", ["X99"], "industry_unknown"),
        ("need.currency", "one_of", ["RMB"], "currency_unknown"),
        ("receivable_currencies", "overlaps", ["RMB"], "currency_unknown"),
        ("collateral", "overlaps", ["house"], "collateral_unknown"),
        ("documents", "overlaps", ["ENCDD"], "unknown_reference"),
        ("document_issuers", "overlaps", ["ENCDD:carrier"], "unknown_reference"),
        ("document_issuers", "overlaps", ["ENCD:nobody"], "not_one_of"),
        ("document_issuers", "overlaps", ["ENCD"], "not_one_of"),
        ("documented_positions", "overlaps", ["RMB:1-3m"], "currency_unknown"),
        ("documented_positions", "overlaps", ["USD:2m"], "not_one_of"),
    ],
)
def test_an_operand_is_of_the_kind_of_what_it_is_compared_with(name, op, value, code):
    problem = one(**with_rule(f=name, op=op, v=value))
    assert (problem.field, problem.code) == ("products[p1].rules[0].v", code)
    assert problem.value in (value if isinstance(value, list) else [value])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trade.hs", "8432"),
        ("documents", "ENCD"),
        ("document_issuers", "ENCD:carrier"),
        ("documented_positions", "USD:12m+"),
        ("insurance", "in_force"),
        ("special_zone", "Liangjiang"),
    ],
)
def test_a_code_that_exists_may_be_asked_for(name, value):
    rule = with_rule(f=name, op="overlaps", v=[value])
    assert Catalogue.from_documents({"f": tree(**rule)}).products


@pytest.mark.parametrize("place", ["f", "v_field"])
def test_a_computed_field_asks_for_the_facts_it_rests_on(place):
    rule = {"f": "need_usd", "op": "at_most", "v_field": "foreign_debt_room_usd"}
    turned = {"f": "foreign_debt_room_usd", "op": "at_least", "v_field": "need_usd"}
    missing = problems({"f": tree(**with_rule(**(rule if place == "v_field" else turned)))})
    assert {(p.code, p.field) for p in missing} == {
        ("undeclared_fact", f"products[p1].rules[0].{place}")
    }
    assert [p.value for p in missing] == list(BY_ID["foreign_debt_room_usd"].facts)


def test_every_field_of_codes_is_checked_but_the_one_without_a_list():
    checked = {*LITERALS, *CODE_CHECKS, *PAIRS, "documents"}
    assert {field.id for field in FIELDS if field.kind == "codes"} - checked == {"special_zone"}


@pytest.mark.parametrize(
    ("name", "op", "other", "wrong"),
    [
        ("number", "at_least", "need_cny", None),
        ("number", "at_most", "number", None),
        ("date", "before", "need.date", None),
        ("need.date", "after", "date", None),
        ("number", "at_least", "date", "operand_kind"),
        ("date", "before", "number", "operand_kind"),
        ("number", "at_least", "flag", "operand_kind"),
        ("number", "at_least", "trade.hs", "operand_kind"),
        ("number", "at_least", "need_cnyy", "undeclared_fact"),
    ],
)
def test_a_field_is_compared_with_a_field_of_its_kind(name, op, other, wrong):
    rule = with_rule(f=name, op=op, v_field=other)
    if wrong is None:
        assert Catalogue.from_documents({"f": tree(**rule)}).products
    else:
        problem = one(**rule)
        assert (problem.field, problem.code) == ("products[p1].rules[0].v_field", wrong)
        assert problem.value == other


@pytest.mark.parametrize("origin", ["gate", "stop"])
def test_a_rule_of_a_product_cannot_pretend_to_be_another(origin):
    problem = one(**with_rule(f="flag", op="holds", origin=origin))
    assert (problem.field, problem.code) == ("products[p1].rules[0].origin", "not_one_of")
    assert problem.allowed == ["rule"]


# --- ids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "row"),
    [
        ("products", PRODUCT),
        ("facts", fact("flag", "number", unit="days")),
        ("documents", {**PAPERS[0], "label": {"zh": "二", "en": "two"}}),
    ],
)
def test_an_id_stands_once_in_all_files(section, row):
    within = tree()
    within[section].append(row)
    [first] = problems({"a.yaml": within})
    [second] = problems({"a.yaml": tree(), "b.yaml": {section: [row]}})
    for problem, file in ((first, "a.yaml"), (second, "b.yaml")):
        assert (problem.field, problem.code) == (f"{section}[{row['id']}].id", "duplicate_id")
        assert (problem.value, problem.file) == (row["id"], file)
        assert "a.yaml:1" in problem_text(problem, "en")


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ({"id": "encd"}, "encd"),
        ({"id": "X", "synonyms": ["Ocean_BL"]}, "Ocean_BL"),
        ({"id": "X", "synonyms": ["full_set"]}, "full_set"),
        ({"id": "FULL_SET"}, "FULL_SET"),
    ],
)
def test_a_name_of_a_document_means_one_document_whatever_its_case(row, value):
    papers = [PAPERS[0], {**PAPERS[1], "synonyms": ["full_set"]}, {**PAPERS[0], **row}]
    problem = one(documents=papers)
    assert (problem.code, problem.value, problem.row) == ("duplicate_id", value, 3)


def test_a_document_may_repeat_its_own_name():
    papers = [{**PAPERS[0], "synonyms": ["encd", "e", "E"]}, PAPERS[1]]
    assert Catalogue.from_documents({"f": tree(documents=papers)}).document_id("e") == "ENCD"


def test_a_reason_code_stands_once_in_what_holds_for_a_product():
    rule, stop = {"f": "flag", "op": "holds"}, {"f": "flag", "op": "holds", "scope": ["p1"]}
    assert found(products=[{**PRODUCT, "rules": [rule, rule]}]) == [
        ("products[p1].rules[1].code", "duplicate_id")
    ]
    assert found(products=[{**PRODUCT, "rules": [rule]}], stops=[stop]) == [
        ("products[p1].rules[0].code", "duplicate_id")
    ]
    assert found(stops=[stop, {**stop, "scope": "all"}]) == [("stops[2].code", "duplicate_id")]


def test_stops_with_one_code_may_share_no_product():
    stop = {"f": "number", "op": "at_least", "v": 1}
    stops = [{**stop, "scope": ["p1"]}, {**stop, "v": 2, "scope": ["p2"]}]
    products = [PRODUCT, {**PRODUCT, "id": "p2"}]
    assert len(Catalogue.from_documents({"f": tree(products=products, stops=stops)}).stops) == 2


@pytest.mark.parametrize("name", ["need_cny", "trade.hs", "as_of"])
def test_a_fact_cannot_take_the_name_of_a_field(name):
    problem = one(facts=[*FACTS, fact(name)])
    assert (problem.code, problem.value, problem.row) == ("fact_hides_field", name, 6)


# --- answers -------------------------------------------------------------------------------------

ANSWERS = {
    "flag": ([True, False], [1, 0, "true", None, []], "not_yes_no"),
    "number": ([0, -1, 2.5], ["1", True, math.nan, math.inf, [1]], "not_number"),
    "date": (["2026-01-31"], ["2026-02-30", 20260131, True, "31.1.2026"], "not_date"),
    "choice": (["a", "b"], ["c", 1, True, ["a"]], "not_one_of"),
    "choices": ([["a"], ["a", "b"], []], [["a", "c"], [1]], "not_one_of"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_is_of_the_type_of_its_fact(kind):
    [row] = [row for row in FACTS if row["id"] == kind]
    definition = FactDefinition.model_validate(row)
    right, wrong, code = ANSWERS[kind]
    assert [answer_problem(definition, value) for value in right] == [None] * len(right)
    assert {answer_problem(definition, value).code for value in wrong} == {code}


def test_a_list_of_options_is_asked_for_where_one_option_is_given():
    definition = FactDefinition.model_validate(FACTS[4])
    problem = answer_problem(definition, "a")
    assert (problem.code, problem.allowed) == ("not_list", ["a", "b"])


IMPLIED = {"f": "staff", "op": "at_least", "v": 1, "value": True}


@pytest.mark.parametrize(
    ("more", "place", "code"),
    [
        ({"f": "number"}, "f", "implied_by_fact"),
        ({"f": "stff"}, "f", "undeclared_fact"),
        ({"op": "one_of", "v": ["a"]}, "op", "operator_kind"),
        ({"op": "one_of", "v": 5}, "v", "operand_list"),
        ({"v": "5"}, "v", "not_number"),
        ({"value": 1}, "value", "not_yes_no"),
        ({"value": ["a"]}, "value", "not_yes_no"),
    ],
)
def test_an_implication_asks_a_field_and_gives_an_answer(more, place, code):
    facts = [*FACTS, fact("implied", implied_by=[{**IMPLIED, **more}])]
    assert (f"facts[implied].implied_by[0].{place}", code) in found(facts=facts)


def test_a_list_of_options_may_be_implied_or_set():
    several = fact("several", "choices", options=OPTIONS, implied_by=[{**IMPLIED, "value": ["a"]}])
    papers = [{**PAPERS[0], "sets": {"several": ["a", "b"], "flag": True}}, PAPERS[1]]
    assert Catalogue.from_documents({"f": tree(facts=[*FACTS, several], documents=papers)}).facts


@pytest.mark.parametrize(
    ("sets", "code"),
    [
        ({"flagg": True}, "unknown_reference"),
        ({"flag": 1}, "not_yes_no"),
        ({"choice": "c"}, "not_one_of"),
        ({"date": datetime.date(2026, 1, 1)}, None),
        ({"date": "soon"}, "not_date"),
    ],
)
def test_a_document_sets_facts_to_answers(sets, code):
    papers = [{**PAPERS[0], "sets": sets}, PAPERS[1]]
    if code is None:
        assert Catalogue.from_documents({"f": tree(documents=papers)}).documents
    else:
        assert found(documents=papers) == [(f"documents[ENCD].sets.{next(iter(sets))}", code)]
