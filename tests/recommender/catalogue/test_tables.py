"""Faults in tables of a catalogue are named by sheet and cell."""

import json

import pytest
from small_catalogue import WORDS

from recommender import Catalogue
from recommender.catalogue.files import catalogue_files
from recommender.errors import InvalidCatalogue, UnreadableFile
from recommender.texts import LANGUAGES, problem_text


def written(folder, **tables):
    """A folder of CSV tables from lines."""
    folder.mkdir(exist_ok=True)
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines), "utf-8")
    return folder


PRODUCTS = [
    "id,name_zh,name_en,lane,category,provider.zh,provider.en,summary.zh,summary.en,family,formula,currencies",
    "p1,一,one,service,x,甲,A,甲,A,none,none,CNY",
    "",
    "p2,二,two,service,x,甲,A,甲,A,none,none,CNY;USD",
]


def problems(place):
    with pytest.raises(InvalidCatalogue) as caught:
        Catalogue.load(place)
    for problem in caught.value.problems:
        assert all(problem_text(problem, language) for language in LANGUAGES)
    return {(p.sheet, p.row, p.column, p.code) for p in caught.value.problems}


def test_every_fault_of_a_table_is_named_by_its_cell(tmp_path):
    place = written(
        tmp_path / "c",
        products=[PRODUCTS[0].replace("lane", "lanes"), *PRODUCTS[1:]],
        rules=[
            "product,any,f,op,v,hard",
            "p1,,staff,at_least,1000;2,yes",
            "p9,,staff,at_least,1,yes",
            "p2,a,staff,at_least,5,maybe",
            "p2,a,staf,at_least,5,",
            ",,staff,at_most,3,",
        ],
        accepts=["product,type,low", "p1,encd,x", "p1,encd,0.5"],
        facts=["id,type,label.zh,label.en,question.zh,question.en,unit", "n,number,甲,A,甲,A,"],
        sets=["document,fact,value"],
        colours=["a", "b"],
    )
    assert problems(place) >= {
        ("products", 1, "D", "field_did_you_mean"),
        ("products", 2, None, "missing"),
        ("products", 4, None, "missing"),
        ("rules", 2, "E", "not_number"),
        ("rules", 3, "A", "unknown_reference"),
        ("rules", 4, "F", "not_yes_no"),
        ("rules", 6, "A", "missing"),
        ("accepts", 2, "C", "not_number"),
        ("accepts", 3, "B", "row_twice"),
        ("facts", 2, "G", "missing"),
        ("colours", None, None, "unknown_sheet"),
    }


def test_a_fault_across_records_is_named_by_its_cell(tmp_path):
    place = written(
        tmp_path / "c",
        products=[*PRODUCTS, *["p3,三,three,service,x,甲,A,甲,A,none,none,CNY"] * 2],
        rules=["product,any,f,op,v", "p2,a,staff,at_least,5", "p2,a,staf,at_least,5"],
        relations=["product,kind,any_of", "p1,prerequisite,p2", "p2,prerequisite,p1"],
    )
    assert problems(place) == {
        ("products", 6, "A", "duplicate_id"),
        ("rules", 3, "C", "undeclared_fact"),
        ("relations", 2, None, "prerequisite_cycle"),
    }


def test_rules_that_exclude_each_other_are_named_by_their_row(tmp_path):
    rules = ["product,f,op,v", "p1,staff,at_least,5", "p1,staff,at_most,3"]
    place = written(tmp_path / "c", products=PRODUCTS, rules=rules)
    assert problems(place) == {("rules", 3, None, "rules_contradict")}


def test_alternatives_that_contradict_each_other_about_the_rule_are_refused(tmp_path):
    rules = ["product,any,code,f,op,v", "p1,1,x,staff,at_least,5", "p1,1,y,staff,at_most,3"]
    place = written(tmp_path / "c", products=PRODUCTS, rules=rules)
    assert problems(place) == {("rules", 3, "C", "alternatives_differ")}


def test_a_folder_may_hold_several_formats(tmp_path):
    place = written(tmp_path / "c", products=PRODUCTS)
    fact = {"id": "f1", "type": "flag", "label": WORDS, "question": WORDS}
    (place / "facts.json").write_text(json.dumps({"facts": [fact]}), "utf-8")
    (place / "~$open.xlsx").write_bytes(b"a lock of Excel")
    assert set(Catalogue.load(place).facts) == {"f1"}


def test_a_folder_without_a_catalogue_is_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="empty_folder"):
        catalogue_files(tmp_path)


def test_ten_thousand_products_are_loaded(tmp_path):
    rows = [PRODUCTS[1].replace("p1", f"p{number}") for number in range(10_000)]
    rules = [f"p{number},staff,at_least,{number}" for number in range(10_000)]
    place = written(tmp_path / "c", products=[PRODUCTS[0], *rows], rules=["product,f,op,v", *rules])
    catalogue = Catalogue.load(place)
    assert len(catalogue.products) == 10_000
    assert catalogue.rules("p9999")[0].v == 9_999
