"""An Excel workbook for people to fill in: one sheet per kind of record, drop-downs, a glossary.

The sheets to be filled hold a header and nothing else: an example row that is forgotten would
become a product. Examples stand in the glossary, from the packaged catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recommender.catalogue.catalogue import Catalogue
from recommender.catalogue.cells import FALSE, TRUE
from recommender.catalogue.columns import ABOUT, Column, SheetSpec, sheet_specs
from recommender.catalogue.files import write_file
from recommender.catalogue.rows import tables_of
from recommender.codes import collateral_types
from recommender.company.fields import FIELDS
from recommender.errors import Unwritable
from recommender.texts import Label, Language, label, table, text
from recommender.vocabulary import PROVENANCES
from recommender.workbooks import Table, filled_book, put, workbook_bytes

ROWS = 10_000
CURRENCIES = ("CNY", "USD", "EUR", "HKD", "SGD", "JPY", "GBP", "THB", "MYR", "VND", "LAK", "IDR")
WIDE, NARROW = 40, 16
ALWAYS_EXACT = ("word", "yes_no")


def write_template(place: Path, language: Language, *, force: bool = False) -> None:
    """Write the workbook; language: of the notes on the columns. Raises Unwritable."""
    if place.suffix.lower() != ".xlsx":
        raise Unwritable(reason="template_ending", file=str(place))
    write_file(workbook_bytes(template(language)), place, force=force)


def template(language: Language) -> Any:
    """The workbook, as openpyxl has it."""
    specs = sheet_specs()
    empty = [Table(name, [c.name for c in spec.columns]) for name, spec in specs.items()]
    choices = {c.name: words for spec in specs.values() for c, words in _choices(spec)}
    book = filled_book([*empty, _glossary(language), _lists(choices)])
    for number, (name, words) in enumerate(choices.items(), start=1):
        _name_choices(book, number, name, len(words))
    for name, spec in specs.items():
        _dress(book[name], spec, language)
    put(book[ABOUT].cell(2, 1), 1)
    _widen(book["glossary"], (14, 22, 22, 50, 50, 10, 40, 40))
    book.active = 1
    return book


def _choices(spec: SheetSpec) -> Iterator[tuple[Column, tuple[str, ...]]]:
    """Columns with a closed vocabulary, named after sheet and column."""
    for column in spec.columns:
        words = _words(spec, column)
        if words:
            name = f"{spec.name}.{column.name}"
            yield Column(name, column.kind), words


def _words(spec: SheetSpec, column: Column) -> tuple[str, ...]:
    """What a cell may hold, as far as it is known beforehand; empty when it is open."""
    if column.allowed:
        return column.allowed
    if column.kind == "yes_no":
        return (TRUE[0], FALSE[0])
    by_name: Mapping[str, tuple[str, ...]] = {
        "currencies": CURRENCIES,
        "category": _labelled("category"),
        "family": _labelled("family"),
        "f": tuple(field.id for field in FIELDS),
        "v_field": tuple(field.id for field in FIELDS),
        "src": PROVENANCES,
        "source": PROVENANCES,
        "type": tuple(kind.type for kind in collateral_types()) if spec.name == "accepts" else (),
    }
    return by_name.get(column.name, ())


def _labelled(section: str) -> tuple[str, ...]:
    start = f"{section}."
    return tuple(key.removeprefix(start) for key in table() if key.startswith(start))


def _lists(choices: Mapping[str, tuple[str, ...]]) -> Table:
    height = max(map(len, choices.values()))
    rows = [
        [words[i] if i < len(words) else None for words in choices.values()] for i in range(height)
    ]
    return Table("lists", list(choices), rows)


def _name_choices(book: Any, number: int, name: str, length: int) -> None:
    from openpyxl.utils import get_column_letter
    from openpyxl.workbook.defined_name import DefinedName

    letter = get_column_letter(number)
    place = f"lists!${letter}$2:${letter}${length + 1}"
    book.defined_names[_list_name(name)] = DefinedName(_list_name(name), attr_text=place)


def _list_name(name: str) -> str:
    return "list_" + name.replace(".", "_")


def _dress(sheet: Any, spec: SheetSpec, language: Language) -> None:
    """Notes, drop-downs, widths and text format for one sheet."""
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    needed = PatternFill("solid", fgColor="FFF2CC")
    for number, column in enumerate(spec.columns, start=1):
        head, letter = sheet.cell(1, number), get_column_letter(number)
        said = _said(spec, column)
        head.comment = Comment(_note(said, column, language), text("glossary.sheet", language))
        head.comment.width, head.comment.height = 320, 140
        if column.required:
            head.fill = needed
        sheet.column_dimensions[letter].width = WIDE if column.kind in ("text", "list") else NARROW
        if column.kind not in ("number",):
            sheet.column_dimensions[letter].number_format = "@"
        if _words(spec, column):
            choice = DataValidation(
                "list", formula1=f"={_list_name(f'{spec.name}.{column.name}')}", allow_blank=True
            )
            exact = column.kind in ALWAYS_EXACT and (column.allowed or column.kind == "yes_no")
            choice.showErrorMessage = bool(exact)
            choice.add(f"{letter}2:{letter}{ROWS}")
            sheet.add_data_validation(choice)


def _said(spec: SheetSpec, column: Column) -> tuple[Label, Label]:
    """Name and meaning of a column in both languages."""
    key = f"columns.{spec.name}.{column.name}"
    if f"{key}.name" in table():
        return label(f"{key}.name"), label(f"{key}.what")
    head, _, half = column.name.rpartition(".")
    name, what = (label(f"columns.{spec.name}.{head}.{part}") for part in ("name", "what"))
    tail = label(f"glossary.half_{half}")
    return Label(name.zh + tail.zh, name.en + tail.en), what


def _note(said: tuple[Label, Label], column: Column, language: Language) -> str:
    name, what = (part.zh if language == "zh" else part.en for part in said)
    form = text(f"column_kind.{column.kind}", language)
    need = f" ({text('glossary.required', language)})" if column.required else ""
    return f"{name}{need}\n{what}\n{form}"


def _glossary(language: Language) -> Table:
    """Every column in both languages, with the language of the notes first."""
    order: tuple[Language, ...] = ("zh", "en") if language == "zh" else ("en", "zh")
    header = ("sheet", "column", "name", "meaning", "form", "required", "allowed", "example")
    said = [" / ".join(text(f"glossary.{word}", one) for one in order) for word in header]
    examples = _examples()
    rows: list[list[Any]] = []
    for spec in sheet_specs().values():
        rows.append([spec.name, None, None, _both(label(f"sheets.{spec.name}"), order)])
        for column in spec.columns:
            name, what = _said(spec, column)
            words = _words(spec, column)
            rows.append(
                [
                    spec.name,
                    column.name,
                    _both(name, order),
                    _both(what, order),
                    _both(label(f"column_kind.{column.kind}"), order),
                    "*" if column.required else None,
                    "; ".join(words) or None,
                    examples.get((spec.name, column.name)),
                ]
            )
    return Table("glossary", said, rows)


def _both(pair: Label, order: tuple[Language, ...]) -> str:
    return "\n".join(pair.zh if language == "zh" else pair.en for language in order)


def _examples() -> dict[tuple[str, str], str]:
    """The first filled cell of every column of the packaged catalogue."""
    found: dict[tuple[str, str], str] = {}
    for one in tables_of(Catalogue.load().document()):
        for row in one.rows:
            for name, cell in zip(one.header, row, strict=True):
                if cell is not None and len(str(cell)) <= 200:
                    found.setdefault((one.name, name), str(cell))
    return found


def _widen(sheet: Any, widths: tuple[int, ...]) -> None:
    from openpyxl.styles import Alignment
    from openpyxl.utils import get_column_letter

    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    for row in sheet.iter_rows():
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
