"""The workbook to fill in: what it offers, what it explains, and that what is filled in works."""

import openpyxl
import pytest

from recommender import Catalogue, Company, Engine
from recommender.catalogue.columns import sheet_specs
from recommender.catalogue.template import write_template
from recommender.errors import InvalidCatalogue, Unwritable
from recommender.texts import LANGUAGES, table
from recommender.vocabulary import LANES

FILLED = {
    "products": {
        "id": "demo-loan",
        "name_zh": "示例贷",
        "name_en": "Demo Loan",
        "lane": "financing",
        "category": "corridor_credit",
        "provider.zh": "示例银行",
        "provider.en": "Demo Bank",
        "summary.zh": "一句话",
        "summary.en": "One sentence",
        "directions": "export；import",
        "hs": "0708; 84",
        "family": "unsecured",
        "formula": "unsecured",
        "amount.high": 3_000_000,
        "currencies": "CNY",
    },
    "rules": {"product": "demo-loan", "f": "registered_province", "op": "one_of", "v": 50},
    "facts": {},
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("t") / "t.xlsx"
    write_template(path, "en")
    return openpyxl.load_workbook(path)


def test_a_filled_template_recommends(tmp_path):
    path = tmp_path / "t.xlsx"
    write_template(path, "zh")
    filled = openpyxl.load_workbook(path)
    for name, values in FILLED.items():
        header = {cell.value: cell.column for cell in filled[name][1]}
        for column, value in values.items():
            filled[name].cell(2, header[column], value)
    filled.save(path)
    catalogue = Catalogue.load(path)
    assert catalogue.products["demo-loan"].hs == ("0708", "84")
    (rule,) = catalogue.products["demo-loan"].rules
    assert rule.v == ("50",)
    need = {"amount": 1e6, "currency": "CNY", "tenor_days": 30, "purpose": "working_capital"}
    raw = {"registered_province": "50", "trade": {"directions": ["export"]}, "need": need}
    answer = Engine(catalogue).recommend(Company.parse(raw))
    (match,) = answer["lanes"][0]["matches"]
    assert (match["product_id"], match["fit"]) == ("demo-loan", "eligible")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_untouched_template_is_an_empty_catalogue_and_nothing_worse(tmp_path, language):
    write_template(tmp_path / "t.xlsx", language)
    with pytest.raises(InvalidCatalogue) as caught:
        Catalogue.load(tmp_path / "t.xlsx")
    assert [problem.code for problem in caught.value.problems] == ["catalogue_empty"]


def test_every_sheet_has_its_header_frozen_and_nothing_below(book):
    for name, spec in sheet_specs().items():
        assert [cell.value for cell in book[name][1]] == [c.name for c in spec.columns]
        assert book[name].freeze_panes == "B2"
        assert book[name].max_row == (2 if name == "about" else 1)


def choices(book, sheet, column):
    """The choices offered in row 2 of a column; None where there is no drop-down."""
    at = next(cell for cell in book[sheet][1] if cell.value == column)
    for rule in book[sheet].data_validations.dataValidation:
        if f"{at.column_letter}2" in rule.sqref:
            place = book.defined_names[rule.formula1.lstrip("=")].attr_text
            name, cells = place.split("!")
            return [cell[0].value for cell in book[name][cells.replace("$", "")]], rule
    return None


def test_every_closed_vocabulary_has_a_drop_down_with_exactly_its_words(book):
    offered = 0
    for name, spec in sheet_specs().items():
        for column in spec.columns:
            if column.allowed is not None:
                words, rule = choices(book, name, column.name)
                assert words == list(column.allowed)
                assert bool(rule.showErrorMessage) is (column.kind == "word")
                offered += 1
    assert offered > 20
    assert choices(book, "products", "lane")[0] == list(LANES)
    assert choices(book, "products", "suspended")[0] == ["yes", "no"]
    assert choices(book, "products", "currencies")[0][0] == "CNY"
    assert choices(book, "products", "name_zh") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_has_a_note_in_the_chosen_language(tmp_path, language):
    write_template(tmp_path / "t.xlsx", language)
    made = openpyxl.load_workbook(tmp_path / "t.xlsx")
    half = LANGUAGES.index(language)
    for name, spec in sheet_specs().items():
        for cell, column in zip(made[name][1], spec.columns, strict=True):
            assert table()[f"column_kind.{column.kind}"][half] in cell.comment.text
    assert table()["columns.products.lane.what"][half] in made["products"]["D1"].comment.text


def test_the_glossary_explains_every_column_in_both_languages_with_an_example(book):
    rows = [[cell.value for cell in row] for row in book["glossary"].iter_rows(min_row=2)]
    told = {(row[0], row[1]): row for row in rows}
    for name, spec in sheet_specs().items():
        for column in spec.columns:
            row = told[name, column.name]
            for part in row[2:5]:
                assert any("\u4e00" <= sign <= "\u9fff" for sign in part)
                assert any(sign.isascii() and sign.isalnum() for sign in part)
            assert column.allowed is None or row[6] == "; ".join(column.allowed)
    assert sum(row[7] is not None for row in rows) > 80


def test_cells_for_codes_are_text_so_that_zeros_stay(book):
    letter = next(cell.column_letter for cell in book["products"][1] if cell.value == "hs")
    assert book["products"].column_dimensions[letter].number_format == "@"


def test_the_same_template_has_the_same_bytes(tmp_path):
    for name in ("a.xlsx", "b.xlsx"):
        write_template(tmp_path / name, "zh")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_a_template_replaces_nothing_unless_told(tmp_path):
    place = tmp_path / "t.xlsx"
    place.write_text("mine")
    with pytest.raises(Unwritable, match="exists"):
        write_template(place, "zh")
    assert place.read_text() == "mine"
    write_template(place, "zh", force=True)
    with pytest.raises(Unwritable, match="template_ending"):
        write_template(tmp_path / "t.yaml", "zh")
