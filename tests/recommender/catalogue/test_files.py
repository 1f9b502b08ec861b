"""A catalogue in every format: the same in all of them, written whole or not at all."""

import csv
import datetime
import re
import zipfile
from itertools import permutations
from pathlib import Path

import openpyxl
import pytest
from catalogue_strategies import CATALOGUES
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import Catalogue
from recommender.catalogue import files
from recommender.catalogue.catalogue import common_head
from recommender.catalogue.columns import SECTIONS, sheet_specs
from recommender.catalogue.files import catalogue_files, write_catalogue
from recommender.errors import Unwritable
from recommender.texts import LANGUAGES, error_text

FORMATS = ("c.yaml", "c.json", "c.xlsx", "tables")
WORDS = {"zh": "文", "en": "text"}
ODD = [
    "=1+1",
    "+5",
    "-x",
    "@SUM(A1)",
    "'quoted",
    "'=1",
    '"',
    '""',
    "first\nsecond",
    " blanks ",
    "西部陆海新通道；a; b",
    "甲；乙",
    "0708",
    "50",
    "1e5",
    "true",
    "no",
    "[]",
    "{}",
    "2026-01-01",
    "#REF!",
    "~",
    "12:30",
    "\t",
    "a, b",
    "“”",
    "😀",
]


def text(said):
    return {"zh": said, "en": said}


def odd():
    """A catalogue with everything that a format could lose."""
    names = list(dict.fromkeys(said.strip() or "x" for said in ODD))
    loan = {
        "id": "0708",
        "name_zh": "=1+1",
        "name_en": " blanks ",
        "lane": "financing",
        "category": "no",
        "provider": text("'=1"),
        "summary": text("first\nsecond\n"),
        "keywords": names,
        "directions": ["export"],
        "hs": ["0708", "8432"],
        "family": "none",
        "accepts": {"encd": {"low": 0.1, "high": 1}, "ocean_bl": None, "inventory": {}},
        "formula": "unsecured",
        "amount": {},
        "tenor_days": {"high": 90},
        "currencies": ["CNY"],
        "funded": True,
        "rules": [
            {"f": "registered_province", "op": "one_of", "v": ["50", "11"], "note": text("=x")},
            {"f": "number", "op": "between", "v": [-0.5, 1e-7]},
            {"f": "number", "op": "at_least", "v": -5, "code": "a b", "hard": False},
            {"f": "day", "op": "before", "v": "2027-01-01", "src": "p 1"},
            {
                "code": "either",
                "note": text("-"),
                "any": [
                    {"f": "flag", "op": "holds"},
                    {"f": "one", "op": "one_of", "v": ["a;b", "1"]},
                    {"f": "staff", "op": "at_least", "v_field": "number"},
                ],
            },
            {"any": [{"f": "flag", "op": "lacks"}, {"f": "staff", "op": "at_most", "v": 10.25}]},
        ],
        "documents": ["=PAPER", " x"],
        "relations": [{"kind": "complements", "any_of": ["p2", "p3"], "when": text("a;b")}],
        "valid_from": "2026-01-01",
        "legal_notes": [{"text": text(said), "as_of": "2026-01-31"} for said in ODD],
        "notes": [text(said) for said in ODD],
        "sources": {"p 1": {"quality": "article", "title": "t", "url": ""}},
        "provenance": {"amount.high": "p 1", "hs": "illustrative"},
    }
    service = {**loan, "lane": "service", "amount": None, "rules": [], "relations": []}
    service |= {"accepts": {}, "currencies": [], "provenance": {}}
    options = [{"id": o, "label": text(o)} for o in ("a;b", "1", "yes", "[]")]
    kinds = {"flag": {}, "number": {"unit": "CNY"}, "day": {}, "one": {"options": options}}
    kinds |= {"many": {"options": options}}
    types = {"day": "date", "one": "choice", "many": "choices"}
    implied = [{"f": "trade.stage", "op": "one_of", "v": ["stock"]}]
    answers = {"flag": False, "number": 5, "day": "2026-01-01", "one": "1", "many": ["a;b", "1"]}
    return {
        "products": [loan, {**service, "id": "p2"}, {**service, "id": "p3"}],
        "facts": [
            {"id": name, "type": types.get(name, name), "label": text(name), "question": text("?")}
            | more
            | {"implied_by": [{**implied[0], "value": answers[name]}]}
            for name, more in kinds.items()
        ],
        "documents": [
            {
                "id": "=PAPER",
                "label": text("x"),
                "kind": "trade",
                "sets": answers,
                "obtainable_in": [],
            },
            {"id": " x", "label": text("x"), "kind": "trade", "synonyms": names},
        ],
        "stops": [
            {"f": "flag", "op": "holds", "scope": ["p2", "p3"]},
            {"any": [*implied, {"f": "staff", "op": "at_least", "v": 1}], "scope": "all"},
        ],
    }


def of(rows):
    return Catalogue.from_documents({"f": rows})


def through(catalogue, place):
    write_catalogue(catalogue.document(), place)
    return Catalogue.load(place)


def content(place):
    parts = [place] if place.is_file() else sorted(place.iterdir())
    return [part.read_bytes() for part in parts]


@pytest.mark.parametrize("chain", list(permutations(FORMATS, 2)), ids=" to ".join)
def test_a_catalogue_is_the_same_in_every_format(tmp_path, chain):
    catalogue = of(odd())
    found = catalogue
    for name in chain:
        found = through(found, tmp_path / name)
        assert found.version == catalogue.version
    assert (found.products, found.facts) == (catalogue.products, catalogue.facts)
    assert (found.documents, found.stops) == (catalogue.documents, catalogue.stops)


@pytest.mark.parametrize("name", FORMATS)
def test_the_packaged_catalogue_comes_back_from_every_format(tmp_path, name):
    assert through(Catalogue.load(), tmp_path / name).version == Catalogue.load().version


@settings(max_examples=25)
@given(st.data(), CATALOGUES, st.permutations(FORMATS))
def test_any_catalogue_comes_back_from_every_format(tmp_path_factory, data, rows, order):
    said = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1)
    for product in rows["products"]:
        product["notes"] = [{"zh": data.draw(said), "en": data.draw(said)}]
        product["keywords"] = data.draw(st.lists(said, max_size=3))
    found = catalogue = of(rows)
    for name in order:
        found = through(found, tmp_path_factory.mktemp("c") / name)
        assert found.version == catalogue.version


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_catalogue_gives_the_same_bytes(tmp_path, name, monkeypatch):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_catalogue(of(odd()).document(), tmp_path / folder / name)
        monkeypatch.setattr("time.time", lambda: 2e9)
        monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    assert content(tmp_path / "a" / name) == content(tmp_path / "b" / name)


def test_a_workbook_does_not_say_when_it_was_written(tmp_path):
    write_catalogue(of(odd()).document(), tmp_path / "c.xlsx")
    with zipfile.ZipFile(tmp_path / "c.xlsx") as packed:
        assert {entry.date_time[0] for entry in packed.infolist()} == {1980}
        stamps = re.findall(rb"\d{4}-\d\d-\d\dT", packed.read("docProps/core.xml"))
    assert set(stamps) == {b"1980-01-01T"}


def test_what_looks_like_a_formula_is_text(tmp_path):
    write_catalogue(of(odd()).document(), tmp_path / "c.xlsx")
    write_catalogue(of(odd()).document(), tmp_path / "tables")
    book = openpyxl.load_workbook(tmp_path / "c.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert "=1+1" in {cell.value for cell in cells}
    for path in (tmp_path / "tables").iterdir():
        with path.open(encoding="utf-8-sig", newline="") as file:
            fields = [field for row in csv.reader(file) for field in row]
        risky = [f for f in fields if f[:1] in "=+-@" and f]
        assert [
            f for f in risky if not f.lstrip("-").replace(".", "").replace("e-", "").isdigit()
        ] == []


def test_numbers_are_numbers_to_a_spreadsheet(tmp_path):
    write_catalogue(Catalogue.load().document(), tmp_path / "c.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "c.xlsx")["products"]
    at = [cell.value for cell in sheet[1]].index("amount.high") + 1
    found = {type(sheet.cell(row, at).value) for row in range(2, sheet.max_row + 1)}
    assert found <= {int, type(None)}


def test_the_day_of_checking_and_the_name_are_kept(tmp_path):
    heads = [{"as_of": "2026-02-01", "name": WORDS}, {"as_of": datetime.date(2026, 1, 1)}]
    head = common_head(dict(enumerate(heads)))
    assert head == {"as_of": datetime.date(2026, 1, 1), "name": WORDS}
    assert common_head({"a": heads[0], "b": {"name": text("x")}}) == {
        "as_of": datetime.date(2026, 2, 1)
    }
    for name in FORMATS:
        write_catalogue({**of(odd()).document(), **head}, tmp_path / name)
        read = files.read_files(catalogue_files(tmp_path / name), pytest.fail)
        assert {k: str(v) for k, v in common_head(read).items()} == {
            k: str(v) for k, v in head.items()
        }


def test_every_field_of_a_catalogue_has_a_column_or_a_sheet():
    specs = sheet_specs()
    for section, model in SECTIONS.items():
        columns = {column.name.partition(".")[0] for column in specs[section].columns}
        columns |= {spec.field for spec in specs.values() if spec.section == section}
        assert set(model.model_fields) - columns <= {"origin"}


# --- all or nothing ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_what_exists_is_replaced_only_when_told(tmp_path, name):
    place = tmp_path / name
    write_catalogue(Catalogue.load().document(), place)
    before = content(place)
    with pytest.raises(Unwritable) as caught:
        write_catalogue(of(odd()).document(), place)
    assert caught.value.params == {"file": str(place), "reason": "exists"}
    assert all("--force" in error_text(caught.value, language) for language in LANGUAGES)
    assert content(place) == before
    write_catalogue(of(odd()).document(), place, force=True)
    assert Catalogue.load(place).version == of(odd()).version
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", FORMATS)
def test_a_failure_while_writing_leaves_nothing_behind(tmp_path, name, monkeypatch):
    place = tmp_path / name
    write_catalogue(Catalogue.load().document(), place)
    before = content(place)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    monkeypatch.setattr("pathlib.Path.rename", fail)
    with pytest.raises(Unwritable, match="No space"):
        write_catalogue(of(odd()).document(), place, force=True)
    assert content(place) == before
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    place = tmp_path / "tables"
    write_catalogue(Catalogue.load().document(), place)
    before, rename = content(place), Path.rename

    def once(self, target):
        if self.name.startswith(".tables.") and not self.name.endswith(".old"):
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr("pathlib.Path.rename", once)
    with pytest.raises(Unwritable, match="Input/output"):
        write_catalogue(of(odd()).document(), place, force=True)
    assert content(place) == before
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]


def test_a_folder_with_other_files_is_never_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(Unwritable) as caught:
        write_catalogue(of(odd()).document(), tmp_path / "mine", force=True)
    assert "letter.txt" in error_text(caught.value, "en")


@pytest.mark.parametrize(
    ("name", "reason"), [("c.csv", "ending"), ("c.txt", "ending"), ("no/c.yaml", "No such file")]
)
def test_a_place_that_cannot_be_written_is_refused(tmp_path, name, reason):
    with pytest.raises(Unwritable) as caught:
        write_catalogue(of(odd()).document(), tmp_path / name)
    assert reason in caught.value.params["reason"]
    assert all(name in error_text(caught.value, language) for language in LANGUAGES)


@pytest.mark.parametrize(
    ("said", "reason", "refusing"),
    [
        ("a\x01", "strange_character", {"c.xlsx"}),
        ("a\r\nb", "strange_character", {"c.xlsx"}),
        ("_x000D_", "strange_character", {"c.xlsx"}),
    ],
)
def test_text_that_a_format_would_change_is_refused_and_not_changed(
    tmp_path, said, reason, refusing
):
    tree = odd()
    tree["products"][0]["notes"] = [text(said)]
    for name in FORMATS:
        if name not in refusing:
            assert through(of(tree), tmp_path / name).version == of(tree).version
            continue
        with pytest.raises(Unwritable) as caught:
            write_catalogue(of(tree).document(), tmp_path / name)
        assert caught.value.params["reason"] == reason
        assert all(str(tmp_path) in error_text(caught.value, language) for language in LANGUAGES)
        assert not (tmp_path / name).exists()


def test_a_list_too_long_for_a_cell_is_refused_with_its_place(tmp_path):
    tree = odd()
    tree["products"][0]["keywords"] = [f"{i:>0200}" for i in range(200)]
    with pytest.raises(Unwritable) as caught:
        write_catalogue(of(tree).document(), tmp_path / "c.xlsx")
    assert caught.value.params["sheet"] == "products"
    assert through(of(tree), tmp_path / "tables").version == of(tree).version
