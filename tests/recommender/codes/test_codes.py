"""Public codes: what passes, what does not, and what is offered instead."""

import csv
import gzip

import pytest
from code_examples import REFERENCE, RIGHT, sentences, wide
from hypothesis import given
from hypothesis import strategies as st

from recommender import codes
from recommender.errors import Problem
from recommender.tables import data_dir, read_document, read_rows
from recommender.texts import Label

CHECKS = {
    "hs": codes.hs_problem,
    "locode": lambda code: codes.locode_problem(code, "XBR"),
    "country": codes.country_problem,
    "currency": codes.currency_problem,
    "division": codes.division_problem,
    "industry": codes.industry_problem,
    "uscc": codes.uscc_problem,
    "collateral": codes.collateral_type_problem,
}
LABELS = {
    "hs": codes.hs_label,
    "locode": codes.locode_label,
    "country": codes.country_label,
    "currency": codes.currency_label,
    "division": codes.division_label,
    "industry": codes.industry_label,
}
WRONG = {
    "hs_form": ("hs", "843"),
    "hs_reserved": ("hs", "9801"),
    "hs_unknown": ("hs", "843299"),
    "locode_unknown": ("locode", "CNZZ9"),
    "locode_confusable": ("locode", "CNMOH"),
    "country_unknown": ("country", "VNM"),
    "currency_unknown": ("currency", "CNH"),
    "division_form": ("division", "500"),
    "division_unknown": ("division", "500199"),
    "industry_unknown": ("industry", "O79"),
    "uscc_form": ("uscc", "9131011559169385"),
    "uscc_check_digit": ("uscc", "91310115591693857A"),
    "uscc_body_check": ("uscc", "91310115591693857D"),
    "collateral_unknown": ("collateral", "export_receivables"),
}


def flat(kind: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, code) for name, values in kind.items() for code in values]


# --- every kind ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "code"), flat(RIGHT))
def test_right_codes_pass(kind, code):
    assert CHECKS[kind](code) is None


@pytest.mark.parametrize(("kind", "code"), [c for c in flat(RIGHT) if c[0] in LABELS])
def test_right_codes_have_names_in_both_languages(kind, code):
    label = LABELS[kind](code)
    assert all(half and half != code for half in label)


@pytest.mark.parametrize("code", WRONG)
def test_each_problem_renders_in_both_languages_with_place_and_value(code):
    kind, value = WRONG[code]
    problem = CHECKS[kind](value)
    assert (problem.code, problem.field, problem.value) == (code, "", value)
    for sentence in sentences(problem):
        assert sentence.startswith("here")
        assert value in sentence
        assert not {"{", "}"} & set(sentence)


def test_each_sentence_of_codes_has_its_wrong_example():
    assert set(read_document(data_dir() / "texts" / "codes.yaml")["error"]) == set(WRONG)


@given(st.sampled_from(sorted(CHECKS)), st.text() | st.from_regex(r"[0-9A-Za-z]{1,18}\n?"))
def test_no_string_raises_and_no_check_is_lenient(kind, value):
    problem = CHECKS[kind](value)
    assert problem is None or isinstance(problem, Problem)
    assert problem is not None or (value.isascii() and value == value.strip())
    for code in (problem.allowed if problem else None) or []:
        assert kind == "locode" or CHECKS[kind](code) is None


@given(st.sampled_from(sorted(LABELS)), st.text())
def test_no_string_is_without_a_label(kind, value):
    assert isinstance(LABELS[kind](value), Label)


@given(st.sampled_from(flat(RIGHT)), st.sampled_from(["  {}", "{}\n", "{}\u3000", "{}\u200b"]))
def test_blanks_around_a_code_do_not_slip_through(pair, frame):
    kind, code = pair
    assert CHECKS[kind](frame.format(code)).value == frame.format(code)


@pytest.mark.parametrize(
    ("kind", "written", "meant"),
    [
        ("hs", wide("8432"), "8432"),
        ("hs", "8432.10", "843210"),
        ("hs", " 8432 ", "8432"),
        ("locode", "cnckg", "CNCKG"),
        ("locode", "CN CKG", "CNCKG"),
        ("country", "vn", "VN"),
        ("country", wide("VN"), "VN"),
        ("currency", "cny", "CNY"),
        ("division", wide("50"), "50"),
        ("industry", "c35", "C35"),
        ("industry", "35", "C35"),
        ("industry", "A35", "C35"),
        ("uscc", "91310115591693856a", "91310115591693856A"),
        ("uscc", wide("91310115591693856A"), "91310115591693856A"),
        ("uscc", "9131O115591693856A", "91310115591693856A"),
        ("uscc", "91310115 59169385 6A", "91310115591693856A"),
    ],
)
def test_another_way_of_writing_is_refused_with_the_right_one(kind, written, meant):
    problem = CHECKS[kind](written)
    assert problem.allowed == [meant]
    assert all(meant in sentence for sentence in sentences(problem))


@pytest.mark.parametrize("value", ["٨٤٣٢", wide("84"), "²²", "①②", "८४"])
@pytest.mark.parametrize("kind", ["hs", "division"])
def test_digits_of_other_scripts_are_not_digits(kind, value):
    assert CHECKS[kind](value).code == f"{kind}_form"


# --- the tables ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hs.csv", "divisions.csv", "unlocode.csv.gz"])
def test_the_long_tables_are_sorted_and_have_one_line_per_code(name):
    raw = (REFERENCE / name).read_bytes()
    lines = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode().splitlines()
    found = [row[0] for row in csv.reader(lines[1:])]
    assert found == sorted(set(found))
    assert [line.partition(",")[0] for line in lines[1:]] == found


def test_the_packed_table_carries_no_date():
    assert (REFERENCE / "unlocode.csv.gz").read_bytes()[4:8] == bytes(4)


def test_sizes_of_the_tables():
    rows = {p.name: sum(1 for _ in read_rows(p)) for p in sorted(REFERENCE.glob("*.csv*"))}
    assert rows["hs2.csv"] == 96
    assert rows["hs_sections.csv"] == 21
    assert rows["countries.csv"] == 249
    assert rows["gbt4754.csv"] == 20 + 97
    assert rows["unlocode.csv.gz"] == 115883


def test_every_currency_of_a_country_and_every_section_of_a_chapter_exists():
    for row in read_rows(REFERENCE / "countries.csv"):
        assert (
            row.values["currency"] is None or codes.currency_problem(row.values["currency"]) is None
        )
    for row in read_rows(REFERENCE / "hs2.csv"):
        assert codes.hs_section_label(codes.hs_section(row.values["chapter"]))
