"""The catalogue as a whole: loading, nothing half-loaded, and the order of things."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from small_catalogue import SMALL, WORDS, load, small

from recommender import Catalogue, Company
from recommender.catalogue.catalogue import SECTIONS, catalogue_files
from recommender.catalogue.product import DocumentDefinition, FactDefinition, Product
from recommender.errors import InvalidCatalogue, NotFound, UnreadableFile
from recommender.rules import Stop
from recommender.tables import data_dir, read_document
from recommender.texts import LANGUAGES, error_text, problem_text

FOLDER = data_dir() / "catalogue"


# --- loading -------------------------------------------------------------------------------------


def test_the_packaged_catalogue_loads():
    catalogue = Catalogue.load()
    files = [read_document(path) for path in catalogue_files(None)]
    ids = [row["id"] for file in files for row in file.get("products", [])]
    assert list(catalogue.products) == sorted(ids)


def test_a_copied_folder_has_the_packaged_version(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "copy")
    assert Catalogue.load(tmp_path / "copy").version == Catalogue.load().version
    assert Catalogue.load(str(tmp_path / "copy")).version == Catalogue.load().version


def test_one_file_or_many_are_the_same_catalogue(tmp_path):
    (tmp_path / "many").mkdir()
    for section, rows in SMALL.items():
        text = json.dumps({"schema": 1, "as_of": "2026-11-23", section: rows})
        (tmp_path / "many" / f"{section}.json").write_text(text, "utf-8")
    (tmp_path / "many" / "notes.txt").write_text("not part of it", "utf-8")
    one = tmp_path / "one.YAML"
    one.write_text(yaml.safe_dump(SMALL, allow_unicode=True), "utf-8")
    assert [path.name for path in catalogue_files(tmp_path / "many")] == [
        f"{section}.json" for section in sorted(SMALL)
    ]
    assert Catalogue.load(tmp_path / "many").version == Catalogue.load(one).version


def test_records_in_python_make_the_same_catalogue():
    catalogue = Catalogue(
        [Product.model_validate(row) for row in SMALL["products"]],
        [FactDefinition.model_validate(row) for row in SMALL["facts"]],
        [DocumentDefinition.model_validate(row) for row in SMALL["documents"]],
        [Stop.model_validate(row) for row in SMALL["stops"]],
    )
    assert catalogue.version == load(small()).version


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("missing.yaml", None, "no_such_file"),
        ("empty", "folder", "empty_folder"),
        ("wrong.txt", b"products: []", "catalogue_ending"),
        ("latin.yaml", b"name: \xe9", "not_utf8"),
    ],
)
def test_a_place_without_a_catalogue_is_named(tmp_path, name, content, reason):
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        Catalogue.load(path)
    assert caught.value.params["reason"] == reason
    assert all(str(path) in error_text(caught.value, language) for language in LANGUAGES)


def test_a_key_given_twice_in_a_catalogue_is_named_with_its_line(tmp_path):
    (tmp_path / "c.yaml").write_text("products:\n- id: p1\n  id: p2\n", "utf-8")
    with pytest.raises(UnreadableFile, match=r"c\.yaml:3:3"):
        Catalogue.load(tmp_path)


# --- nothing half-loaded -------------------------------------------------------------------------


def test_an_invalid_catalogue_gives_every_problem_of_every_file_and_nothing_else(tmp_path):
    bad = small()
    bad["products"][0]["amount"] = {"low": 2, "high": 1}
    bad["products"][1]["rules"][0]["f"] = "soundd"
    bad["facts"][0]["changeable"] = False
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(bad), "utf-8")
    (tmp_path / "b.json").write_text(json.dumps({"products": [{"id": "p1"}], "stop": []}), "utf-8")
    with pytest.raises(InvalidCatalogue) as caught:
        Catalogue.load(tmp_path)
    found = {(Path(p.file).name, p.row, p.field, p.code) for p in caught.value.problems}
    assert found >= {
        ("a.yaml", 1, "products[p1].amount", "range_reversed"),
        ("a.yaml", 2, "products[p2].rules[0].f", "undeclared_fact"),
        ("a.yaml", 1, "facts[sound].changeable", "not_one_of"),
        ("b.json", 1, "products[p1].id", "duplicate_id"),
        ("b.json", 1, "products[p1].lane", "missing"),
        ("b.json", None, "stop", "field_did_you_mean"),
    }
    assert caught.value.params == {"count": len(caught.value.problems)}
    for language in LANGUAGES:
        assert str(len(caught.value.problems)) in error_text(caught.value, language)


@pytest.mark.parametrize(
    "fault",
    [{"documents": ["ENCDD"]}, {"name_zh": ""}, {"rules": [{"f": "soundd", "op": "holds"}]}],
)
def test_of_a_catalogue_that_failed_nothing_was_filled(fault):
    made = []

    class Watched(Catalogue):
        def __new__(cls):
            made.append(super().__new__(cls))
            return made[-1]

    bad = small()
    bad["products"][0].update(fault)
    with pytest.raises(InvalidCatalogue):
        Watched.from_documents({"f.yaml": bad})
    assert [vars(catalogue) for catalogue in made] == [{} for _ in made]
    assert Watched.from_documents({"f.yaml": small()}).products.keys() == {"p1", "p2", "p3"}
    assert vars(made[-1])


# --- looking things up ---------------------------------------------------------------------------


def test_a_product_is_found_by_id():
    catalogue = load(small())
    assert catalogue.product("p1").name_en == "Loan"
    with pytest.raises(NotFound) as caught:
        catalogue.product("p9")
    assert caught.value.params == {"kind": "product", "id": "p9"}


def test_a_document_is_found_by_id_or_synonym_whatever_its_case():
    catalogue = load(small())
    names = ("ENCD", "encd", "eNCD_record", "ENCD_RECORD", "E")
    assert {catalogue.document_id(name) for name in names} == {"ENCD"}
    assert catalogue.document_id("no such paper") is None


def test_a_company_names_its_documents_as_it_likes():
    catalogue = load(small())
    company = Company.parse({"documents": [{"type": "E"}, {"type": "ocean_bl"}, {"type": "other"}]})
    normalised = catalogue.normalised(company)
    assert [paper.type for paper in normalised.documents] == ["ENCD", "OCEAN_BL", "other"]
    assert catalogue.normalised(Company()) == Company()


def test_the_rules_of_a_product_are_gates_stops_and_its_own():
    rules = load(small()).rules("p1")
    assert [rule.origin for rule in rules] == ["gate"] * 5 + ["stop"] + ["rule"] * 4
    assert [rule.reason for rule in rules[6:]] == sorted(rule.reason for rule in rules[6:])
    assert {rule.reason: rule.src for rule in rules}["sound.holds"] == "article"


def test_a_stop_holds_for_its_scope():
    catalogue = load(small())
    stops = {
        name: [rule.v for rule in catalogue.rules(name) if rule.origin == "stop"]
        for name in catalogue.products
    }
    assert stops == {"p1": [10], "p2": [10], "p3": [5]}


# --- anything at all -----------------------------------------------------------------------------

NAMES = sorted({name for model in SECTIONS.values() for name in model.model_fields})
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["p1", "sound", "holds", "service", "all", "CNY", "2026-02-30", WORDS]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=2) | st.integers(), inner)
    ),
    max_leaves=10,
)


def refused(documents):
    try:
        Catalogue.from_documents(documents)
    except InvalidCatalogue as error:
        return error.problems
    return ()


FILES = VALUES | st.dictionaries(
    st.sampled_from([*SECTIONS, "schema", "as_of", "name", "stop"]),
    VALUES | st.lists(VALUES, max_size=3),
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=3), FILES, max_size=3))
def test_any_values_are_a_catalogue_or_problems_in_both_languages(documents):
    for problem in refused(documents):
        assert all(problem_text(problem, language) for language in LANGUAGES)


@settings(max_examples=150)
@given(st.data())
def test_a_catalogue_with_anything_at_one_place_is_valid_or_refused(data):
    tree = small()
    section = data.draw(st.sampled_from(sorted(SECTIONS)))
    row = data.draw(st.sampled_from(tree[section]))
    field = data.draw(st.sampled_from(sorted(SECTIONS[section].model_fields)))
    row[field] = data.draw(VALUES)
    for problem in refused({"f.yaml": tree}):
        assert problem.file == "f.yaml"
        assert all(problem_text(problem, language) for language in LANGUAGES)
