"""Spreadsheets as people really save them: read, or refused with the place and the way out."""

import datetime

import openpyxl
import pytest

from recommender import Catalogue, Company, Engine
from recommender.catalogue.files import write_catalogue
from recommender.errors import InvalidCatalogue, UnreadableFile
from recommender.tables import data_dir
from recommender.texts import LANGUAGES, error_text, problem_text
from recommender.workbooks import Formula, read_csv, read_workbook

WORDS = {"zh": "文", "en": "text"}
HEADER = (
    "id name_zh name_en lane category provider.zh provider.en summary.zh summary.en family formula"
)
HEADER = [*HEADER.split(), "currencies", "valid_from", "hs", "suspended"]
ROW = ["p1", "一", "one", "service", "x", "甲", "A", "甲", "A", "none", "none", "CNY"]


def book(tmp_path, change=None, rows=(ROW,), header=HEADER):
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "products"
    sheet.append(header)
    for row in rows:
        sheet.append(row)
    if change:
        change(made, sheet)
    made.save(tmp_path / "c.xlsx")
    return tmp_path / "c.xlsx"


def problems(path):
    with pytest.raises(InvalidCatalogue) as caught:
        Catalogue.load(path)
    for problem in caught.value.problems:
        said = [problem_text(problem, language) for language in LANGUAGES]
        assert all(problem.field in one for one in said)
        assert problem.file == str(path)
    return [(p.sheet, p.row, p.column, p.code) for p in caught.value.problems]


def reason(path):
    with pytest.raises(UnreadableFile) as caught:
        Catalogue.load(path)
    assert all(str(path) in error_text(caught.value, language) for language in LANGUAGES)
    return caught.value.params["reason"]


def product(path):
    return Catalogue.load(path).products["p1"]


# --- workbooks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "day",
    ["2026-05-01", " 2026-05-01 ", datetime.date(2026, 5, 1), datetime.datetime(2026, 5, 1)],  # noqa: DTZ001 - as a cell holds it
)
def test_a_date_is_read_from_text_and_from_a_date_cell(tmp_path, day):
    path = book(tmp_path, lambda _, sheet: sheet.__setitem__("M2", day))
    assert product(path).valid_from == datetime.date(2026, 5, 1)


@pytest.mark.parametrize("day", ["1/5/2026", 46143, datetime.datetime(2026, 5, 1, 12, 30)])  # noqa: DTZ001 - as a cell holds it
def test_what_is_no_plain_date_is_refused_at_its_cell(tmp_path, day):
    path = book(tmp_path, lambda _, sheet: sheet.__setitem__("M2", day))
    assert problems(path) == [("products", 2, "M", "not_date")]


@pytest.mark.parametrize("value", [True, "yes", "YES", "true", "是"])
def test_yes_is_read_however_it_is_written(tmp_path, value):
    path = book(tmp_path, lambda _, sheet: sheet.__setitem__("O2", value))
    assert product(path).suspended is True


def test_a_code_typed_as_a_number_is_a_code(tmp_path):
    path = book(tmp_path, lambda _, sheet: sheet.__setitem__("N2", 8432))
    assert product(path).hs == ("8432",)


def test_merged_cells_are_refused(tmp_path):
    path = book(tmp_path, lambda _, sheet: sheet.merge_cells("B2:B3"), [ROW, ["p2", *ROW[1:]]])
    assert ("products", None, None, "cells_merged") in problems(path)


def test_a_formula_is_refused_at_its_cell_even_if_its_value_is_known(tmp_path):
    path = book(tmp_path, lambda _, sheet: sheet.__setitem__("C2", '="one"'))
    assert ("products", 2, "C", "cell_formula") in problems(path)
    (sheet,) = read_workbook(path)
    assert sheet.lines[0].values["name_en"] == Formula('="one"')


def hide_row(_, sheet):
    sheet.row_dimensions[2].hidden = True


def hide_sheet(made, sheet):
    made.create_sheet("glossary")
    sheet.sheet_state = "hidden"


@pytest.mark.parametrize("hide", [hide_row, hide_sheet])
def test_hidden_rows_and_sheets_count_as_they_hold_what_will_be_used(tmp_path, hide):
    assert product(book(tmp_path, hide)).name_en == "one"


def test_empty_rows_in_between_keep_the_numbers_of_the_rows(tmp_path):
    rows = [[], ROW, [None] * 5, ["  "], ["p2", *ROW[1:3], "loans", *ROW[4:]]]
    assert problems(book(tmp_path, rows=rows)) == [("products", 6, "D", "not_one_of")]


def test_two_columns_of_one_name_are_refused_with_the_sheet(tmp_path):
    path = book(tmp_path, header=[*HEADER[:-1], " id "])
    with pytest.raises(UnreadableFile) as caught:
        Catalogue.load(path)
    assert caught.value.params == {
        "file": f"{path} [products]",
        "reason": "column_twice",
        "columns": ["id"],
    }


def test_columns_may_stand_in_any_order_and_be_left_out(tmp_path):
    path = book(tmp_path, header=HEADER[::-1][3:], rows=[ROW[::-1]])
    assert product(path).lane == "service"


def test_sheet_names_are_read_in_any_case(tmp_path):
    assert product(book(tmp_path, lambda _, sheet: setattr(sheet, "title", " Products ")))


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
REFUSED = {
    "an old workbook": (OLE, "old_workbook"),
    "a password": (OLE + "EncryptedPackage".encode("utf-16-le"), "password"),
    "no workbook": (b"id,name\n1,2\n", "not_workbook"),
    "nothing": (b"", "not_workbook"),
    "a packed letter": (b"PK\x03\x04 and so on", "not_workbook"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_readable_workbook_is_refused_with_the_way_out(tmp_path, name):
    raw, why = REFUSED[name]
    (tmp_path / "c.xlsx").write_bytes(raw)
    assert reason(tmp_path / "c.xlsx") == why


def test_a_workbook_that_was_cut_off_is_refused(tmp_path):
    path = book(tmp_path)
    path.write_bytes(path.read_bytes()[:-400])
    assert reason(path) == "not_workbook"


def test_a_missing_workbook_is_refused(tmp_path):
    assert reason(tmp_path / "c.xlsx") == "no_such_file"


def test_a_workbook_without_products_says_so(tmp_path):
    assert Catalogue.load(book(tmp_path)).products
    with pytest.raises(InvalidCatalogue, match="catalogue_empty"):
        Catalogue.load(book(tmp_path, rows=()))


# --- CSV -----------------------------------------------------------------------------------------

LINES = ["id,note.zh,note.en", "p1,一,one", 'p2,二,"two, too"']


def table(tmp_path, raw):
    path = tmp_path / "products.csv"
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return read_csv(path)


def cells(sheet):
    return [(line.number, *line.values.values()) for line in sheet.lines]


EXPECTED = [(2, "p1", "一", "one"), (3, "p2", "二", "two, too")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_is_read_as_spreadsheets_write_it(tmp_path, end, mark, separator):
    lines = [line.replace(",", separator) for line in LINES]
    sheet = table(tmp_path, mark + end.join(lines) + end)
    assert cells(sheet) == [(n, *(c.replace(",", separator) for c in row)) for n, *row in EXPECTED]
    assert sheet.letters == {"id": "A", "note.zh": "B", "note.en": "C"}


def test_csv_in_gbk_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "products.csv"
    path.write_bytes("\n".join(LINES).encode("gbk"))
    with pytest.raises(UnreadableFile) as caught:
        Catalogue.load(tmp_path)
    assert caught.value.params["reason"] == "csv_not_utf8"
    assert "CSV UTF-8" in error_text(caught.value, "zh")
    assert "GBK" in error_text(caught.value, "en")


def test_line_breaks_within_cells_and_empty_lines_are_kept_apart(tmp_path):
    sheet = table(tmp_path, 'id,a\r\n\r\np1,"one\r\ntwo"\r\n,\r\np2,x\r\n')
    assert [line.values["a"] for line in sheet.lines] == ["one\r\ntwo", "x"]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("a,b,a\n1,2,3", "column_twice"),
        ("a,b\n1,2,3", "too_many_cells"),
        ('a\n"x', "unexpected end"),
    ],
)
def test_csv_that_cannot_be_read_is_refused(tmp_path, raw, why):
    with pytest.raises(UnreadableFile, match=why):
        table(tmp_path, raw)


def test_cells_beyond_the_header_that_are_empty_do_not_matter(tmp_path):
    assert cells(table(tmp_path, "a,b\n1,2,,\n")) == [(2, "1", "2")]


def test_a_quote_before_a_formula_is_taken_off_and_any_other_kept(tmp_path):
    sheet = table(tmp_path, "a\n'=1\n''x\n'x\n'\n")
    assert [line.values["a"] for line in sheet.lines] == ["=1", "'x", "'x", "'"]


# --- what was read is used -----------------------------------------------------------------------


def test_a_catalogue_from_a_workbook_answers_as_the_packaged_one(tmp_path):
    write_catalogue(Catalogue.load().document(), tmp_path / "c.xlsx")
    company = Company.load(data_dir() / "samples" / "farm_machinery.yaml")
    asked = {"as_of": "2026-11-23", "language": "en"}
    one, other = Engine(Catalogue.load()), Engine(Catalogue.load(tmp_path / "c.xlsx"))
    assert one.recommend(company, **asked) == other.recommend(company, **asked)
