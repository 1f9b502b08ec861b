"""Sentences in both languages: numbers, money, days, and problems that always find words."""

import string
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import texts
from recommender.errors import InvalidParameters, NotFound, Problem, UnreadableFile
from recommender.texts import (
    LANGUAGES,
    Label,
    Money,
    Percent,
    brief,
    day,
    error_text,
    label,
    money,
    number,
    problem_text,
    show,
    table,
    text,
)

ERRORS = sorted(key for key in table() if key.startswith("error."))

# --- numbers, money, days ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-0.0, "0"),
        (-0.001, "0"),
        (1, "1"),
        (-1, "-1"),
        (100, "100"),
        (1000, "1,000"),
        (0.5, "0.5"),
        (0.126, "0.13"),
        (1234.5, "1,234.5"),
        (9999.995, "10,000"),
        (Decimal("9999.99"), "9,999.99"),
        (Decimal("1E+3"), "1,000"),
        (10**15, "1,000,000,000,000,000"),
    ],
)
def test_a_number_has_separators_and_at_most_two_decimals(value, shown):
    assert number(value) == shown


BEYOND = {"huge": 10**400, "below": -(10**5000), "signal": Decimal("sNaN"), "nan": float("nan")}


@pytest.mark.parametrize("value", BEYOND.values(), ids=BEYOND)
def test_a_number_beyond_all_bounds_is_still_shown(value):
    assert number(value)


@pytest.mark.parametrize(
    ("amount", "zh", "en"),
    [
        (0, "0元", "CNY 0"),
        (0.004, "0元", "CNY 0"),
        (-0.004, "0元", "CNY 0"),
        (99.5, "99.5元", "CNY 99.5"),
        (9_999.99, "9,999.99元", "CNY 9,999.99"),
        (9_999.995, "1万元", "CNY 10 k"),
        (10_000, "1万元", "CNY 10 k"),
        (12_345.678, "1.23万元", "CNY 12.35 k"),
        (184_000, "18.4万元", "CNY 184 k"),
        (999_999, "100万元", "CNY 1 m"),
        (1_840_000, "184万元", "CNY 1.84 m"),
        (12_345_678, "1,235万元", "CNY 12.35 m"),
        (99_994_999, "9,999万元", "CNY 99.99 m"),
        (99_999_999, "1亿元", "CNY 100 m"),
        (100_000_000, "1亿元", "CNY 100 m"),
        (999_999_999, "10亿元", "CNY 1 bn"),
        (1_000_000_000_000, "10,000亿元", "CNY 1,000 bn"),
        (-20_000, "-2万元", "CNY -20 k"),
        (-9_999.999, "-1万元", "CNY -10 k"),
        (Decimal("250000.50"), "25万元", "CNY 250 k"),
    ],
)
def test_money_has_the_unit_of_its_size_after_rounding(amount, zh, en):
    assert money(Money(amount, "CNY"), "zh") == zh
    assert money(Money(amount, "CNY"), "en") == en


@pytest.mark.parametrize(
    ("currency", "zh", "en"),
    [
        ("USD", "25万美元", "USD 250 k"),
        ("VND", "25万越南盾", "VND 250 k"),
        ("AED", "25万 AED", "AED 250 k"),
    ],
)
def test_money_names_its_currency(currency, zh, en):
    assert money(Money(250_000, currency), "zh") == zh
    assert money(Money(250_000, currency), "en") == en


@given(st.decimals(min_value=0, max_value=10**15, places=2))
def test_money_shown_is_within_one_percent_of_the_amount(amount):
    shown = money(Money(amount, "CNY"), "en").removeprefix("CNY ").replace(",", "")
    size = {"": 1, "k": 1e3, "m": 1e6, "bn": 1e9}[shown.partition(" ")[2]]
    assert float(shown.partition(" ")[0]) * size == pytest.approx(float(amount), rel=0.01)


def test_a_day_is_written_as_in_its_language():
    assert day(date(2026, 5, 2), "zh") == "2026年5月2日"
    assert day(date(2026, 5, 2), "en") == "2 May 2026"
    assert day(date(1, 1, 1), "en") == "1 Jan 1"
    assert day(date(9999, 12, 31), "zh") == "9999年12月31日"


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (Label("贷款", "loan"), "贷款", "loan"),
        (Money(20_000, "CNY"), "2万元", "CNY 20 k"),
        (Percent(0.8), "80%", "80%"),
        (True, "是", "yes"),
        (False, "否", "no"),
        (None, "未知", "not known"),
        (date(2026, 5, 2), "2026年5月2日", "2 May 2026"),
        (["a", 1, True], "a、1、是", "a, 1, yes"),
        ((Label("甲", "A"), Label("乙", "B")), "甲、乙", "A, B"),
        (frozenset({"b", "a", "c"}), "a、b、c", "a, b, c"),
        (Decimal("0.10"), "0.1", "0.1"),
        ("{x}", "{x}", "{x}"),
    ],
)
def test_a_parameter_is_shown_in_the_asked_language(value, zh, en):
    assert show(value, "zh") == zh
    assert show(value, "en") == en


# --- the table -----------------------------------------------------------------------------------


def test_every_sentence_speaks_both_languages():
    halves = [half for key in table() for half in label(key)]
    assert all(half.strip() for half in halves)
    assert len(halves) == len(LANGUAGES) * len(table())


def test_a_sentence_without_parameters_keeps_its_braces():
    assert text("common.unknown", "en") == "not known"
    with pytest.raises(KeyError):
        text("common.no_such_key", "en")


@pytest.mark.parametrize("name", ["key", "language", "self"])
def test_a_parameter_may_have_any_name(name, monkeypatch):
    monkeypatch.setattr(texts, "table", lambda: {"x": Label(f"甲{{{name}}}", f"a {{{name}}}")})
    assert text("x", "en", **{name: 5}) == "a 5"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Texts of its own, read afresh; the packaged ones afterwards."""
    (tmp_path / "texts").mkdir()
    monkeypatch.setattr(texts, "data_dir", lambda: tmp_path)
    table.cache_clear()
    yield tmp_path / "texts"
    table.cache_clear()


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ("a: {b: {zh: 文}}", {"a.b"}),
        ("a: {b: {en: text}}", {"a.b"}),
        ("a: {b: {zh: 文, en: text, fr: texte}}", {"a.b"}),
        ("a: {b: plain}", {"a"}),
        ("a: {b: {zh: 文, en: 5}}", {"a.b.zh", "a.b.en"}),
        ("a: {b: {}, c: {zh: 文, en: text}, d: {zh: 文}}", {"a.b", "a.d"}),
        ("- a", {""}),
        ("", {""}),
    ],
)
def test_half_a_text_is_refused_with_file_and_key_and_every_other_one_too(folder, content, keys):
    (folder / "one.yaml").write_text(content, "utf-8")
    with pytest.raises(InvalidParameters) as caught:
        table()
    assert {problem.field for problem in caught.value.problems} == keys
    assert {problem.file for problem in caught.value.problems} == {str(folder / "one.yaml")}


def test_a_key_may_stand_in_one_file_only(folder):
    for name in ("one.yaml", "two.yaml"):
        (folder / name).write_text("a: {b: {zh: 文, en: text}}", "utf-8")
    with pytest.raises(InvalidParameters) as caught:
        table()
    assert [(p.field, p.file) for p in caught.value.problems] == [("a.b", str(folder / "two.yaml"))]


# --- what was given, in short --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (-1, "-1"),
        (Decimal("120.50"), "120.50"),
        (date(2026, 5, 2), "2026-05-02"),
        (datetime(2026, 5, 2, 8), "2026-05-02 08:00:00"),  # noqa: DTZ001 - what a YAML file gives
        ("two\nlines", "two\\nlines"),
        ("half a \ud800 pair", "half a \\ud800 pair"),
        ("陆海新通道", "陆海新通道"),
        ([], "[]"),
        ({"type": "encd", "value": [1, None]}, "{type: encd, value: [1, null]}"),
        ((1, 2, 3, 4, 5, 6), "[1, 2, 3, 4, 5, ...]"),
        ([[[["deep"]]]], "[[[[...]]]]"),
        (10**400, "10^400"),
    ],
    ids=lambda value: "",
)
def test_a_given_value_is_shown_as_files_write_it(value, shown):
    assert brief(value) == shown


@pytest.mark.parametrize("value", ["x" * 1000, ["y" * 1000] * 1000, {"z" * 1000: "z" * 1000}])
def test_a_long_value_is_cut(value):
    assert len(brief(value)) == 80
    assert brief(value).endswith("...")


# --- problems and errors -------------------------------------------------------------------------

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.builds(pow, st.just(10), st.just(5000))
    | st.floats()
    | st.decimals(allow_nan=True)
    | st.dates()
    | st.datetimes()
    | st.text(st.characters(exclude_categories=[]), max_size=20)
    | st.sampled_from(["{", "}", "{field}", "{0}", "{value.__class__}", "%s", "x" * 5000]),
    lambda inner: (
        st.lists(inner, max_size=7)
        | st.frozensets(st.text(max_size=3))
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=7)
    ),
    max_leaves=10,
)


def placeholders(key):
    return {name for _, name, _, _ in string.Formatter().parse(table()[key].en) if name}


@given(st.sampled_from(ERRORS), st.text(max_size=20), ODD, ODD, ODD)
def test_every_problem_has_its_sentence_whatever_its_values(key, field, value, allowed, other):
    needed = placeholders(key) - {"field", "value", "allowed"}
    problem = Problem(
        key.removeprefix("error."), field, value, allowed, dict.fromkeys(needed, other)
    )
    for language in LANGUAGES:
        sentence = problem_text(problem, language)
        assert sentence
        assert "\n" not in brief(value)


@pytest.mark.parametrize("value", ["{field}", "{0}", "{", "}}", "{allowed!r}"])
def test_braces_in_what_was_given_are_shown_and_do_nothing(value):
    said = problem_text(Problem("not_one_of", value, value, [value]), "en")
    assert said.startswith(f"{value}: {value} is not one of the choices")
    assert said.endswith(f"Allowed: {value}.")


def test_a_problem_of_the_whole_record_says_so():
    problem = Problem("not_record", "", [1])
    assert problem_text(problem, "en") == "the whole record: [1] is not a record of fields."
    assert problem_text(problem, "zh").startswith("整份资料")


def test_nothing_allowed_is_said_in_words():
    problem = Problem("unknown_reference", "documents", "A", [])
    assert problem_text(problem, "en").endswith("Near or available: none.")
    assert problem_text(problem, "zh").endswith("相近或可用的：无。")


def test_an_error_says_what_happened_in_both_languages():
    error = NotFound(kind=Label("产品", "product"), id="p{9}")
    assert error_text(error, "zh") == "没有编号为 p{9} 的产品。"
    assert error_text(error, "en") == "There is no product with the id p{9}."


def test_the_words_of_a_parser_are_passed_on():
    error = UnreadableFile(file="a.yaml:2:1", reason="duplicate key 'staff'")
    assert error_text(error, "en") == "a.yaml:2:1 cannot be read: duplicate key 'staff'"
