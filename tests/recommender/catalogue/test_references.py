"""References, sources and sections of a catalogue, and that one fault is one problem."""

from copy import deepcopy

import pytest
from catalogue_strategies import SERVICE, WORDS

from recommender import Catalogue
from recommender.catalogue.product import Product
from recommender.errors import InvalidCatalogue
from recommender.texts import LANGUAGES, brief, problem_text
from recommender.vocabulary import PROVENANCES

PRODUCT = SERVICE
RULE = {"f": "flag", "op": "holds"}
PAPERS = [{"id": name, "label": WORDS, "kind": "transport"} for name in ("ENCD", "OCEAN_BL")]


def fact(name, **more):
    return {"id": name, "type": "flag", "label": WORDS, "question": WORDS, **more}


FACTS = [fact("flag")]


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
            assert problem.value is None or brief(problem.value) in said
    return caught.value.problems


def found(**sections):
    return [(p.field, p.code) for p in problems({"f.yaml": tree(**sections)})]


def one(**sections):
    [problem] = problems({"f.yaml": tree(**sections)})
    return problem


# --- references ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sections", "place", "value", "allowed"),
    [
        (
            {"products": [{**PRODUCT, "documents": ["ENCDD"]}]},
            "products[p1].documents",
            "ENCDD",
            ["ENCD"],
        ),
        (
            {"facts": [*FACTS, fact("x", document="BILL")]},
            "facts[x].document",
            "BILL",
            ["ENCD", "OCEAN_BL"],
        ),
        (
            {"products": [{**PRODUCT, "relations": [{"kind": "takes_out", "any_of": ["p11"]}]}]},
            "products[p1].relations.takes_out",
            "p11",
            ["p1"],
        ),
        (
            {"stops": [{"f": "flag", "op": "holds", "scope": ["p1", "loan"]}]},
            "stops[1].scope",
            "loan",
            ["p1"],
        ),
    ],
)
def test_a_reference_to_nothing_is_refused_with_what_is_near(sections, place, value, allowed):
    problem = one(**sections)
    assert (problem.field, problem.code) == (place, "unknown_reference")
    assert (problem.value, problem.allowed) == (value, allowed)


def test_nothing_to_refer_to_is_said_in_words():
    problem = one(documents=[], products=[{**PRODUCT, "documents": ["ENCD"]}])
    assert problem_text(problem, "en").endswith("Near or available: none.")


def needs(name, *others):
    return {**PRODUCT, "id": name, "relations": [{"kind": "prerequisite", "any_of": [*others]}]}


def test_every_ring_of_prerequisites_is_named_once():
    products = [needs("p1", "p2"), needs("p2", "p3"), needs("p3", "p1"), needs("p4", "p4")]
    rings = {p.field: p.value for p in problems({"f.yaml": tree(products=products)})}
    assert set(rings) == {"products[p1].relations", "products[p4].relations"}
    assert set(rings["products[p1].relations"].split(" -> ")) == {"p1", "p2", "p3"}
    assert rings["products[p4].relations"] == "p4 -> p4"


def test_prerequisites_with_an_alternative_or_without_a_ring_are_fine():
    products = [needs("p1", "p2", "p3"), needs("p2", "p1"), needs("p3", "p2")]
    assert len(Catalogue.from_documents({"f": tree(products=products)}).products) == 3


@pytest.mark.parametrize("kind", ["takes_out", "substitutes", "complements"])
def test_a_product_is_not_related_to_itself(kind):
    relations = [{"kind": kind, "any_of": ["p1"]}]
    problem = one(products=[{**PRODUCT, "relations": relations}])
    assert (problem.field, problem.code) == (f"products[p1].relations.{kind}", "relation_to_itself")


# --- sources -------------------------------------------------------------------------------------

SOURCED = {
    **PRODUCT,
    "amount": {"low": 1},
    "accepts": {"encd": {"low": 0.5}, "ocean_bl": None},
    "documents": ["ENCD"],
    "hs": ["84"],
    "sources": {"s": {"quality": "article", "title": "t"}},
}


@pytest.mark.parametrize("word", ["s", *PROVENANCES])
@pytest.mark.parametrize(
    "name",
    ["amount", "amount.low", "amount.high", "accepts.encd", "accepts.encd.high", "documents.ENCD"],
)
def test_a_field_or_its_part_is_attested_by_a_source_or_a_grade(name, word):
    product = {**SOURCED, "provenance": {name: word}}
    catalogue = Catalogue.from_documents({"f": tree(products=[product])})
    attested = catalogue.product("p1").provenance_of(name)
    assert attested == ("article" if word == "s" else word)


@pytest.mark.parametrize("name", sorted(Product.model_fields))
def test_every_field_may_be_attested(name):
    product = {**SOURCED, "provenance": {name: "article"}}
    assert Catalogue.from_documents({"f": tree(products=[product])}).products


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("amout", sorted(Product.model_fields)),
        ("amount.lowest", ["amount.high", "amount.low"]),
        ("documents.OCEAN_BL", ["documents.ENCD"]),
        ("accepts.encd.lo", None),
        ("accepts.vehicle", None),
        ("accepts.ocean_bl.high", None),
        ("hs.85", ["hs.84"]),
        ("routes.RSI", []),
        ("name_zh.en", []),
    ],
)
def test_what_is_attested_exists(name, allowed):
    problem = one(products=[{**SOURCED, "provenance": {name: "article"}}])
    assert (problem.field, problem.code) == (f"products[p1].provenance.{name}", "unknown_field")
    if allowed is not None:
        assert problem.allowed == allowed


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"provenance": {"amount": "p1"}}, "provenance.amount"),
        ({"rules": [{**RULE, "src": "p1"}]}, "rules[0].src"),
    ],
)
def test_a_source_that_is_named_is_listed(more, place):
    problem = one(products=[{**SOURCED, **more}])
    assert (problem.field, problem.code) == (f"products[p1].{place}", "unknown_source")
    assert (problem.value, problem.allowed) == ("p1", sorted(["s", *PROVENANCES]))


def test_a_stop_names_a_grade_as_it_has_no_sources():
    problem = one(stops=[{**RULE, "scope": "all", "src": "s"}])
    assert (problem.field, problem.code) == ("stops[1].src", "unknown_source")
    assert problem.allowed == list(PROVENANCES)


@pytest.mark.parametrize("word", PROVENANCES)
def test_the_key_of_a_source_is_no_grade(word):
    sources = {word: {"quality": "illustrative", "title": "t"}}
    problem = one(products=[{**PRODUCT, "sources": sources}])
    assert (problem.field, problem.code) == (f"products[p1].sources.{word}", "source_is_grade")


def test_a_product_takes_known_collateral():
    problem = one(products=[{**PRODUCT, "accepts": {"encdd": None}}])
    assert (problem.field, problem.code) == ("products[p1].accepts.encdd", "collateral_unknown")


# --- sections ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "field", "code"),
    [
        (None, "", "not_record"),
        ([1], "", "not_record"),
        ("text", "", "not_record"),
        ({"product": []}, "product", "field_did_you_mean"),
        ({"zzz": []}, "zzz", "unknown_field"),
        ({1: []}, "1", "unknown_field"),
        ({"products": {}}, "products", "not_list"),
        ({"products": None}, "products", "not_list"),
        ({"schema": 2}, "schema", "not_one_of"),
        ({"schema": "1"}, "schema", "not_one_of"),
        ({"as_of": "today"}, "as_of", "not_date"),
        ({"name": {"zh": "文"}}, "name.en", "missing"),
    ],
)
def test_a_file_holds_sections_and_says_when_it_was_checked(document, field, code):
    [problem] = problems({"good.yaml": tree(), "bad.yaml": document})
    assert (problem.file, problem.field, problem.code) == ("bad.yaml", field, code)


def test_an_unknown_section_comes_with_the_nearest_or_with_all():
    [near] = problems({"f": {**tree(), "stop": []}})
    [far] = problems({"f": {**tree(), "zzz": []}})
    assert near.allowed == ["stops"]
    assert far.allowed == sorted(
        ["schema", "as_of", "name", "products", "facts", "documents", "stops"]
    )


@pytest.mark.parametrize("documents", [{}, {"f": {}}, {"f": {"products": []}}])
def test_a_catalogue_without_products_is_none(documents):
    [problem] = problems(documents)
    assert (problem.field, problem.code) == ("products", "catalogue_empty")


@pytest.mark.parametrize("row", ["p1", 1, None, [], True])
@pytest.mark.parametrize("section", ["products", "facts", "documents", "stops"])
def test_a_row_is_a_record(section, row):
    whole = tree()
    whole[section] = [*whole.get(section, []), row]
    [problem] = problems({"f.yaml": whole})
    number = len(whole[section])
    assert (problem.field, problem.code) == (f"{section}[{number}]", "not_record")
    assert problem.row == number


# --- one fault, one problem ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "row"),
    [
        ("facts", fact("flag", label={"zh": "文"})),
        ("facts", fact("flag", type="bool")),
        ("documents", {**PAPERS[0], "kind": "paper"}),
        ("documents", {**PAPERS[0], "label": None}),
        ("products", {**PRODUCT, "name_zh": ""}),
        ("products", {**PRODUCT, "lane": "loans"}),
        ("products", {**PRODUCT, "amount": {"low": 2, "high": 1}}),
    ],
)
def test_a_record_at_fault_brings_no_faults_of_those_that_refer_to_it(section, row):
    user = {
        **PRODUCT,
        "id": "p2",
        "rules": [RULE],
        "documents": ["ENCD"],
        "relations": [{"kind": "substitutes", "any_of": ["p1"]}],
    }
    whole = {**tree(), "products": [PRODUCT, user]}
    whole[section] = [row, *whole[section][1:]]
    whole["stops"] = [{"f": "flag", "op": "lacks", "scope": ["p1"]}]
    assert [p.field.startswith(f"{section}[") for p in problems({"f": whole})] == [True]


def test_a_product_at_fault_still_has_its_references_checked():
    bad = {
        **PRODUCT,
        "name_zh": "",
        "lane": "loans",
        "rules": [{**RULE, "f": "flagg"}, {"f": "staff", "op": "at_least"}],
        "documents": ["ENCDD"],
    }
    assert sorted(found(products=[bad])) == [
        ("products[p1].documents", "unknown_reference"),
        ("products[p1].lane", "not_one_of"),
        ("products[p1].name_zh", "text_empty"),
        ("products[p1].rules[1].v", "operand"),
    ]
    assert sorted(found(products=[{**bad, "rules": [{**RULE, "f": "flagg"}]}])) == [
        ("products[p1].documents", "unknown_reference"),
        ("products[p1].lane", "not_one_of"),
        ("products[p1].name_zh", "text_empty"),
        ("products[p1].rules[0].f", "undeclared_fact"),
    ]


@pytest.mark.parametrize("name", [5, None, ["p1"], "x" * 65, "a b", ""])
def test_a_row_without_a_usable_id_is_named_by_something_short(name):
    fields = [field for field, _ in found(products=[PRODUCT, {**PRODUCT, "id": name}])]
    place = "products[a b]" if name == "a b" else "products[2]"
    assert fields == [f"{place}.id"]
