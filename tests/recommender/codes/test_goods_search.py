"""Goods are found by what people call them, in either language, and by their digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import codes
from recommender.codes import reference
from recommender.codes.goods_search import goods_label, search


def found(query, limit=10):
    return [item.code for item in search(query, limit)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("摩托车配件", "871410"),
        ("motorcycle parts", "871410"),
        ("Motorcycle Parts", "871410"),
        ("榴莲", "081060"),
        ("durians", "081060"),
        ("出口微耕机", "8432"),
        ("8714", "8714"),
        ("8714.10", "871410"),
        ("\uff10\uff19\uff10\uff14", "0904"),
        ("锂电池", "850760"),
        ("咖啡", "0901"),
    ],
)
def test_the_first_find_is_what_is_meant(query, code):
    assert found(query)[0] == code


@pytest.mark.parametrize("query", ["", "   ", "???", "of the", "qqqqzzz", "不存在的东西"])
def test_what_says_nothing_finds_nothing(query):
    assert found(query) == []


def test_digits_find_the_codes_that_begin_with_them():
    assert all(code.startswith("87") for code in found("87", 50))
    assert found("87")[0] == "87"


@pytest.mark.parametrize("row", reference.records("goods_names.csv"), ids=lambda row: row["hs"])
def test_every_name_of_the_table_leads_to_its_code(row):
    assert codes.hs_problem(row["hs"]) is None
    for name in row["name_zh"].split("、"):
        assert row["hs"] in found(name, 20), name
    assert row["hs"] in found(row["name_en"], 20)


def test_the_table_is_sorted_and_names_each_code_once():
    listed = [row["hs"] for row in reference.records("goods_names.csv")]
    assert listed == sorted(set(listed))


def test_goods_are_called_by_the_name_of_the_trade_or_of_the_nomenclature():
    assert goods_label("8432").zh == "微耕机、农机"
    assert goods_label("0101").en.startswith("Horses")


@given(st.text(max_size=120))
def test_nothing_breaks_it_and_every_find_is_a_known_code(query):
    for code in found(query, 5):
        assert codes.hs_problem(code) is None
