"""Tables in Excel workbooks and CSV files: rows with their numbers, columns with their letters.

Text is always written as text: nothing that a cell holds becomes a formula. A workbook is written
without the time of writing, so that the same tables give the same bytes.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recommender.errors import UnreadableFile, Unwritable
from recommender.tables import read_text

Cell = str | int | float | None
CELL_CHARACTERS = 32_767
FIELD_CHARACTERS = 131_072
ROWS = 1_048_576
COLUMNS = 2_000
MOST_UNPACKED, MOST_STRINGS, MOST_HELD = 2 << 30, 256 << 20, 512 << 20
PART, OVERLAP = 1 << 20, 100
# Cells beyond the header that are looked at, so that a row that stands beside the table is seen.
BESIDE = 256
EPOCH, STAMP = (1980, 1, 1, 0, 0, 0), b"1980-01-01T00:00:00Z"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STRANGE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_?x[0-9A-Fa-f]{4}_")
_RISKY = tuple("=+-@\t\r'")
_MERGED = re.compile(rb'<mergeCell ref="([^"]+)"')
_MODIFIED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


@dataclass(frozen=True)
class Formula:
    """A cell that computes its value; it is never used as one."""

    text: str


@dataclass(frozen=True)
class Line:
    """One row. number: as the spreadsheet shows it; values: cells by header, None for empty."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Sheet:
    """One table that was read. letters: column letters by header; header: its row number."""

    name: str
    file: str
    letters: Mapping[str, str]
    lines: Sequence[Line]
    header: int = 1
    merged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table to be written."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]] = field(default_factory=list)


def read_workbook(path: Path) -> list[Sheet]:
    """Every sheet of a workbook with its rows; hidden ones too, as hiding is a matter of view.

    Raises UnreadableFile for what is no workbook, is protected by a password, or names a column
    twice.
    """
    import openpyxl  # deferred: half of a second that no served request needs

    _refuse_others(path)
    try:
        refuse_bomb(path, MOST_HELD)
        # Opened here: what is no workbook would be left open by openpyxl.
        with (
            path.open("rb") as file,
            zipfile.ZipFile(file) as packed,
            closing(openpyxl.load_workbook(file, read_only=True)) as book,
        ):
            return [_sheet(sheet, path, packed) for sheet in book.worksheets]
    except UnreadableFile:
        raise
    except Exception as error:
        raise UnreadableFile(file=str(path), reason="not_workbook") from error


def refuse_bomb(path: Path, most: int = MOST_UNPACKED) -> None:
    """Raise UnreadableFile for a workbook that unpacks to more than any honest one does.

    most: bytes. A packed file cannot hold more than it declares: reading stops there.
    """
    with zipfile.ZipFile(path) as packed:
        sizes = {member.filename: member.file_size for member in packed.infolist()}
    held = max(
        (size for name, size in sizes.items() if name.endswith("sharedStrings.xml")), default=0
    )
    if sum(sizes.values()) > most or held > MOST_STRINGS:
        raise UnreadableFile(file=str(path), reason="workbook_unpacks")


def _refuse_others(path: Path) -> None:
    try:
        raw = path.read_bytes()
    except OSError:
        read_text(path)  # words the reason
        raise
    if raw.startswith(_OLE):
        locked = "EncryptedPackage".encode("utf-16-le") in raw
        raise UnreadableFile(file=str(path), reason="password" if locked else "old_workbook")


def _sheet(sheet: Any, path: Path, packed: zipfile.ZipFile) -> Sheet:
    # What a sheet says of its own size may be a lie that fills memory with empty cells.
    sheet.reset_dimensions()
    number, header = _head(sheet)
    letters = _letters(header, f"{path} [{sheet.title}]")
    width = max(max(header, default=0) + 1, BESIDE)
    last = ROWS if header else number
    with closing(sheet.iter_rows(min_row=number + 1, max_row=last, max_col=width)) as rows:
        lines = [
            Line(n, {header[i]: _value(row[i]) for i in header if i < len(row)})
            for n, row in enumerate(rows, start=number + 1)
            if _filled(row)
        ]
    spans = tuple(_merged(packed, sheet._worksheet_path.lstrip("/")))
    return Sheet(sheet.title, str(path), letters, lines, number, spans)


def _head(sheet: Any) -> tuple[int, dict[int, str]]:
    """The number of the first row that holds anything, and its cells by place."""
    with closing(sheet.iter_rows(max_row=ROWS)) as rows:
        filled = ((n, row) for n, row in enumerate(rows, start=1) if _filled(row))
        number, first = next(filled, (1, ()))
    return number, {i: str(c.value).strip() for i, c in enumerate(first) if c.value is not None}


def _merged(packed: zipfile.ZipFile, name: str) -> Iterator[str]:
    """Merged cells of a sheet, which is looked at part by part."""
    seen = b""
    with packed.open(name) as sheet:
        while part := sheet.read(PART):
            seen += part
            for found in _MERGED.finditer(seen):
                yield found[1].decode("utf-8", "replace")
            # What ends in the overlap was told; what goes on behind it is found with the next part.
            last = max((found.end() for found in _MERGED.finditer(seen)), default=0)
            seen = seen[max(last, len(seen) - OVERLAP) :]


def _filled(row: Sequence[Any]) -> bool:
    return any(c.value is not None and str(c.value).strip() for c in row)


def _value(cell: Any) -> Any:
    return Formula(str(cell.value)) if cell.data_type == "f" else cell.value


def _letters(header: Mapping[int, str], file: str) -> dict[str, str]:
    check_header(list(header.values()), file)
    return {name: _letter(i) for i, name in header.items()}


def check_header(names: Sequence[str], file: str) -> None:
    """Raise UnreadableFile for a header with too many columns, or one that names a column twice."""
    if len(names) > COLUMNS:
        counts = {"count": len(names), "most": COLUMNS}
        raise UnreadableFile(file=file, reason="too_many_columns", **counts)
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise UnreadableFile(file=file, reason="column_twice", columns=twice)


def _letter(place: int) -> str:
    """Letters of a column counted from 0.

    >>> [_letter(i) for i in (0, 25, 26, 701, 702)]
    ['A', 'Z', 'AA', 'ZZ', 'AAA']
    """
    found = ""
    while place >= 0:
        place, rest = divmod(place, 26)
        found, place = chr(65 + rest) + found, place - 1
    return found


def read_csv(path: Path) -> Sheet:
    """A CSV file in UTF-8, separated by commas, semicolons or tabs as its header is.

    Raises UnreadableFile for another encoding, a column named twice or a row that is too long.
    """
    text = decoded(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise UnreadableFile(file=f"{path}:{reader.line_num}", reason=str(error)) from error
    filled = [(number, row) for number, row in rows if any(cell.strip() for cell in row)]
    number, first = filled[0] if filled else (1, [])
    header = {i: name.strip() for i, name in enumerate(first) if name.strip()}
    letters = _letters(header, str(path))
    lines = [Line(n, _named(path, n, header, len(first), row)) for n, row in filled[1:]]
    return Sheet(path.stem, str(path), letters, lines, number)


def decoded(path: Path) -> str:
    """Text of a CSV file; Excel's own encodings are refused with the way out of them."""
    try:
        return read_text(path)
    except UnreadableFile as error:
        if error.params["reason"] == "not_utf8":
            params = {**error.params, "reason": "csv_not_utf8"}
            raise UnreadableFile(**params) from error
        raise


def _named(
    path: Path, number: int, header: Mapping[int, str], width: int, row: list[str]
) -> dict[str, Any]:
    if any(cell.strip() for cell in row[width:]):
        raise UnreadableFile(file=f"{path}:{number}", reason="too_many_cells")
    return {name: bare(row[i]) or None for i, name in header.items() if i < len(row)}


def _separator(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=line.count)


def bare(cell: str) -> str:
    """A cell of a CSV file without the quote that kept it from being a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _RISKY and len(cell) > 1 else cell


def csv_bytes(table: Table) -> bytes:
    """A table as CSV for Excel: UTF-8 with a byte-order mark; text like a formula gets a quote."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(table.header)
    for row in _checked(table, FIELD_CHARACTERS, None):
        writer.writerow([csv_cell(cell) for cell in row])
    return ("\ufeff" + written.getvalue()).encode()


def csv_cell(cell: Cell) -> Cell:
    """A cell of a CSV file; text that a spreadsheet would take for a formula gets a quote.

    >>> csv_cell("=1+1"), csv_cell("84"), csv_cell(-1)
    ("'=1+1", '84', -1)
    """
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in _RISKY else cell


def _checked(table: Table, limit: int, strange: re.Pattern[str] | None) -> Iterator[Sequence[Cell]]:
    """The rows; raises Unwritable where a cell would be too long or not come back as it is."""
    for number, row in enumerate(table.rows, start=2):
        for place, cell in enumerate(row):
            if not isinstance(cell, str):
                continue
            where = {"sheet": table.name, "cell": f"{_letter(place)}{number}"}
            if len(cell) >= limit:
                raise Unwritable(reason="cell_too_long", limit=limit, **where)
            found = strange.search(cell) if strange else None
            if found:
                raise Unwritable(reason="strange_character", value=ascii(found[0]), **where)
        yield row


def filled_book(tables: Sequence[Table]) -> Any:
    """A workbook of tables: header in bold and frozen; every text cell is of the text format."""
    import openpyxl
    from openpyxl.styles import Font

    book = openpyxl.Workbook()
    for sheet in list(book.worksheets):
        book.remove(sheet)
    for table in tables:
        sheet = book.create_sheet(table.name)
        sheet.append(list(table.header))
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        sheet.freeze_panes = "B2"
        for number, row in enumerate(_checked(table, CELL_CHARACTERS, _STRANGE), start=2):
            for place, value in enumerate(row, start=1):
                if value is not None:
                    put(sheet.cell(number, place), value)
    return book


def put(cell: Any, value: Cell) -> None:
    """Write a value; a text stays text, whatever it begins with."""
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
        cell.number_format = "@"


def workbook_bytes(book: Any) -> bytes:
    """A workbook as a file, without the time of writing."""
    saved, packed = io.BytesIO(), io.BytesIO()
    book.save(saved)
    with (
        zipfile.ZipFile(saved) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            raw = source.read(name)
            if name == "docProps/core.xml":
                raw = _MODIFIED.sub(rb"\g<1>" + STAMP, raw)
            target.writestr(zipfile.ZipInfo(name, EPOCH), raw, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
