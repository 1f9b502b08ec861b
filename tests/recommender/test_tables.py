"""Files to plain values: what is read, what is refused, and that nothing in a file is executed."""

import datetime
import gc
import gzip
import math
from contextlib import suppress
from pathlib import Path

import openpyxl
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from recommender.catalogue import Catalogue
from recommender.company.profile import Company
from recommender.errors import InvalidCatalogue, InvalidProfile, UnreadableFile
from recommender.tables import (
    Row,
    data_dir,
    parse_json,
    parse_yaml,
    read_document,
    read_rows,
    read_text,
)
from recommender.texts import LANGUAGES, error_text, table


def refusal(read, *given):
    with pytest.raises(UnreadableFile) as caught:
        read(*given)
    return caught.value


def rows(path):
    return [row.values for row in read_rows(path)]


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# --- YAML ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 2026-12-15", datetime.date(2026, 12, 15)),
        ("a: 1500000", 1_500_000),
        ("a: 0.5", 0.5),
        ("a: true", True),
        ("a: null", None),
        ('a: "50"', "50"),
        ("a: [x, y]", ["x", "y"]),
    ],
)
def test_values_of_yaml_have_their_types(text, value):
    assert parse_yaml(text, "x") == {"a": value}


@pytest.mark.parametrize(
    "token", ["2026-02-30", "2026-13-01", "0401", "010", "12:30", "1:30.5", "0x1F", "9" * 5000]
)
def test_a_value_that_is_not_what_it_looks_like_stays_text_for_its_field_to_refuse(token):
    assert parse_yaml(f"a: {token}", "x") == {"a": token}


def test_not_a_number_and_infinity_are_left_to_the_field():
    found = parse_yaml("[.nan, .inf, -.inf]", "x")
    assert math.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf]


@pytest.mark.parametrize("text", ["", "# only a comment", "---"])
def test_an_empty_document_is_nothing(text):
    assert parse_yaml(text, "x") is None


@pytest.mark.parametrize(
    ("text", "place", "key"),
    [
        ("staff: 1\nstaff: 2", "f.yaml:2:1", "staff"),
        ("need:\n  amount: 1\n  amount: 2", "f.yaml:3:3", "amount"),
        ("a: {b: 1, b: 2}", "f.yaml:1:11", "b"),
        ("a: [{b: 1, 'b': 2}]", "f.yaml:1:12", "b"),
        ("1: a\n1: b", "f.yaml:2:1", "1"),
        ("~: a\nnull: b", "f.yaml:2:1", "None"),
        ("2026-01-01: a\n2026-01-01: b", "f.yaml:2:1", "2026"),
    ],
)
def test_a_key_given_twice_is_refused_at_its_place(text, place, key):
    error = refusal(parse_yaml, text, "f.yaml")
    assert error.params["file"] == place
    assert "duplicate key" in error.params["reason"]
    assert key in error.params["reason"]


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['exit 1']",
        "!!python/object/new:os.system ['exit 1']",
        "!!python/object:recommender.company.profile.Company {}",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/tuple [1]",
        "!unknown 1",
    ],
)
def test_a_tag_never_makes_an_object(tag):
    error = refusal(parse_yaml, f"a: {tag}", "f.yaml")
    assert error.params["file"] == "f.yaml:1:4"
    assert "constructor" in error.params["reason"]


@pytest.mark.parametrize(
    "text",
    [
        "a: [1",
        "{a: {b: ",
        "\t- a",
        "a: *nowhere",
        "a: !!map [1]",
        "a: !!str [1]",
        "a: !!seq {b: 1}",
        "? [a, b]\n: 1",
        "? {a: 1}\n: 1",
        "a: \x07",
        "\x00",
        "---\na: 1\n---\nb: 2",
        "%YAML 9.9\n---\na: 1",
        "[" * 5000,
        "{a: " * 5000,
        "a: \ud800",
    ],
)
def test_a_document_that_is_not_yaml_is_refused_by_name(text):
    assert refusal(parse_yaml, text, "f.yaml").params["file"].startswith("f.yaml")


def laughs(levels):
    """Each list holds the one before nine times: a few lines, 9 ** levels values."""
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    nine = ", ".join(["*a{0}"] * 9)
    lines += [f"a{n + 1}: &a{n + 1} [{nine.format(n)}]" for n in range(levels)]
    return parse_yaml("\n".join(lines), "laughs")[f"a{levels}"]


@pytest.mark.parametrize("place", ["id", "collateral", "facts", "trade", "staff"])
def test_references_that_expand_without_end_are_refused_without_expanding(place):
    with pytest.raises(InvalidProfile) as caught:
        Company.parse({place: laughs(60)})
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize("place", ["products", "facts", "name"])
def test_a_catalogue_of_endless_references_is_refused_without_expanding(place):
    with pytest.raises(InvalidCatalogue) as caught:
        Catalogue.from_documents({"f": {place: laughs(60)}})
    assert len(str(caught.value)) < 20_000


def test_a_document_that_contains_itself_is_refused_like_any_wrong_value():
    with pytest.raises(InvalidProfile):
        Company.parse(parse_yaml("need: &n {amount: *n}", "x"))


@pytest.mark.parametrize("text", ["<<: {a: 1}\nb: 2", "a: &x {b: 1}\nc: {<<: *x}", "<<: 3"])
def test_merge_keys_which_can_expand_without_end_are_refused(text):
    assert "merge keys" in refusal(parse_yaml, text, "f.yaml").params["reason"]


@given(st.text(max_size=60))
def test_any_text_is_read_as_yaml_or_refused(text):
    with suppress(UnreadableFile):
        parse_yaml(text, "x")


@given(st.sampled_from("int float bool timestamp null binary".split()), st.text(max_size=12))
def test_any_scalar_under_a_standard_tag_is_read_or_refused(tag, scalar):
    with suppress(UnreadableFile):
        parse_yaml(f"a: !!{tag} {scalar}", "x")


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("text", ["a: 1", "a: ["])
def test_the_search_for_cycles_is_left_as_it_was(enabled, text):
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with suppress(UnreadableFile):
            parse_yaml(text, "x")
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


# --- JSON ----------------------------------------------------------------------------------------


def test_values_of_json_have_their_types():
    text = '{"a": [1, 2.5, true, null, "x", {"b": -0.25}]}'
    assert parse_json(text, "x") == {"a": [1, 2.5, True, None, "x", {"b": -0.25}]}


@pytest.mark.parametrize(
    "token", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "'x'", "01", "+1", ""]
)
def test_what_is_not_a_json_number_is_refused(token):
    assert refusal(parse_json, f'{{"a": {token}}}', "f.json").params["file"] == "f.json"


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '[{"b": {"a": 1, "a": 1}}]'])
def test_a_json_key_given_twice_is_refused(text):
    assert "duplicate key 'a'" in refusal(parse_json, text, "f.json").params["reason"]


@pytest.mark.parametrize("text", ["", "{", '{"a": 1,}', "[" * 100_000, "// x"])
def test_a_document_that_is_not_json_is_refused_by_name(text):
    assert refusal(parse_json, text, "f.json").params["file"] == "f.json"


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.YAML", "a.json", "a.JSON"])
def test_the_ending_says_how_a_document_is_read(tmp_path, name):
    assert read_document(written(tmp_path, name, '{"a": 1}')) == {"a": 1}


def test_a_byte_order_mark_is_dropped(tmp_path):
    assert read_text(written(tmp_path, "a.yaml", b"\xef\xbb\xbfa: 1")) == "a: 1"


REFUSED = {
    "missing.yaml": (None, "no_such_file"),
    "nowhere/missing.yaml": (None, "no_such_file"),
    "folder.yaml": ("folder", "is_folder"),
    "latin.yaml": (b"name: Caf\xe9", "not_utf8"),
    "utf16.json": ("{}".encode("utf-16"), "not_utf8"),
    "wrong.txt": (b"a: 1", "document_ending"),
    "none": (b"a: 1", "document_ending"),
    "wrong.csv": (b"a\n1", "document_ending"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_that_cannot_be_read_is_named_with_the_reason_in_the_asked_language(
    tmp_path, name, language
):
    content, reason = REFUSED[name]
    if content == "folder":
        (tmp_path / name).mkdir()
    elif content is not None:
        written(tmp_path, name, content)
    error = refusal(read_document, tmp_path / name)
    assert error.params["reason"] == reason
    said = error_text(error, language)
    assert str(tmp_path / name) in said
    sentence = table()[f"file_reason.{reason}"][LANGUAGES.index(language)]
    assert sentence.partition("{")[0] in said


def test_the_byte_that_is_not_utf8_is_counted_from_one(tmp_path):
    error = refusal(read_document, written(tmp_path, "a.yaml", b"ab\xff"))
    assert error.params["byte"] == 3
    assert "byte 3" in error_text(error, "en")


def test_a_name_the_system_cannot_open_is_refused():
    assert refusal(read_document, Path("a\0.yaml")).params["reason"]


def test_the_data_folder_is_there():
    assert (data_dir() / "catalogue" / "facts.yaml").is_file()


# --- tables --------------------------------------------------------------------------------------


def test_cells_of_csv_are_text_and_empty_ones_are_not_known(tmp_path):
    path = written(tmp_path, "a.csv", 'code,name\n0901,"Coffee, tea"\n,\n50\n')
    assert list(read_rows(path)) == [
        Row({"code": "0901", "name": "Coffee, tea"}, str(path), 1),
        Row({"code": None, "name": None}, str(path), 2),
        Row({"code": "50", "name": None}, str(path), 3),
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.CSV", "a.csv.gz"])
def test_csv_is_read_plain_or_packed(tmp_path, name):
    content = b"a,b\n1,2\n"
    packed = gzip.compress(content) if name.endswith(".gz") else content
    assert rows(written(tmp_path, name, packed)) == [{"a": "1", "b": "2"}]


PACKED = gzip.compress(b"a,b\n1,2\n" * 50)
WRONG_TABLES = {
    "long_row.csv": (b"a,b\n1,2\n1,2,3\n", "too_many_cells"),
    "two_columns.csv": (b"a,b,a\n1,2,3\n", "column_twice"),
    "open_quote.csv": (b'a,b\n"1,2\n', "unexpected end of data"),
    "long_cell.csv": (b"a\n" + b"x" * 200_000, "field larger than field limit"),
    "not_utf8.csv": (b"a\n\xff\n", "not_utf8"),
    "no_gzip.csv.gz": (b"a,b\n", "not_gzip"),
    "cut_off.csv.gz": (PACKED[:-12], "not_gzip"),
    "spoiled.csv.gz": (PACKED[:12] + b"\xff\xff" + PACKED[14:], "not_gzip"),
    "no_book.xlsx": (b"not a workbook", "not a zip file"),
    "no_parquet.parquet": (b"not parquet", "Parquet"),
    "wrong.txt": (b"a\n1", "table_ending"),
    "wrong.yaml": (b"a: 1", "table_ending"),
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_a_table_that_cannot_be_read_says_which_and_why(tmp_path, name):
    content, reason = WRONG_TABLES[name]
    error = refusal(rows, written(tmp_path, name, content))
    assert reason in error.params["reason"]
    assert name in error.params["file"]
    assert all(name in error_text(error, language) for language in LANGUAGES)


def test_a_row_that_is_too_long_is_named_by_its_line(tmp_path):
    path = written(tmp_path, "a.csv", "a,b\n1,2\n1,2,3\n")
    assert refusal(rows, path).params["file"] == f"{path}:3"


def test_a_missing_table_is_refused(tmp_path):
    assert refusal(rows, tmp_path / "a.csv").params["reason"] == "no_such_file"


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, lines in sheets.items():
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path


def test_a_workbook_gives_typed_cells_with_sheet_and_row(tmp_path):
    lines = [["id", " amount ", None], ["p1", 2.5, "unread"], [None, None], ["p2", None]]
    path = workbook(tmp_path / "a.xlsx", products=lines, empty=[])
    assert list(read_rows(path)) == [
        Row({"id": "p1", "amount": 2.5}, str(path), 1, "products"),
        Row({"id": "p2", "amount": None}, str(path), 3, "products"),
    ]


def test_a_workbook_with_two_columns_of_one_name_is_refused(tmp_path):
    path = workbook(tmp_path / "a.xlsx", products=[["id", "id "], [1, 2]])
    error = refusal(rows, path)
    assert error.params["columns"] == ["id"]
    assert "id" in error_text(error, "zh")


def test_a_parquet_table_gives_its_rows(tmp_path):
    parquet.write_table(pyarrow.table({"id": ["a", "b"], "n": [1, None]}), tmp_path / "a.parquet")
    assert rows(tmp_path / "a.parquet") == [{"id": "a", "n": 1}, {"id": "b", "n": None}]
