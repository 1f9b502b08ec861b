"""Companies from a file, one after another: JSON lines, CSV, XLSX and Parquet of any length.

A row that cannot be read is a row with problems, and the next one is read all the same; only a
file that is not of its kind at all is refused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from recommender.errors import Problem, UnreadableFile
from recommender.population.company_columns import Facts, read_row, split
from recommender.tables import read_text, refuse_repetition
from recommender.workbooks import BESIDE, ROWS, bare, check_header, refuse_bomb

ENDINGS = (".jsonl", ".csv", ".xlsx", ".parquet")
LONGEST_LINE = 1 << 20
ROWS_AT_ONCE = 1_000


class Read(NamedTuple):
    """One row. number: as the file counts; JSON lines and Parquet from 1, tables as shown."""

    number: int
    profile: dict[str, Any]
    relation: dict[str, Any]
    problems: list[Problem]


# Number, cells by column, and what is wrong with the row as such.
TableRow = tuple[int, dict[str, Any], list[Problem]]


def read_companies(path: Path, facts: Facts) -> Iterator[Read]:
    """The rows of a file by its ending, read as they are asked for; raises UnreadableFile."""
    if _ending(path) == ".jsonl":
        yield from _lines(path)
        return
    for number, row, problems in _table(path):
        yield Read(number, *_joined(read_row(row, facts), problems))


def read_rows(path: Path) -> Iterator[TableRow]:
    """The rows of a file of anything by its ending, as plain cells; raises UnreadableFile."""
    if _ending(path) == ".jsonl":
        for read in _lines(path):
            yield read.number, {**read.profile, **read.relation}, read.problems
        return
    yield from _table(path)


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UnreadableFile(file=str(path), reason="companies_ending")
    if not path.is_file():
        read_text(path)  # words the reason
    return ending


def _table(path: Path) -> Iterator[TableRow]:
    kinds = {".csv": _csv_rows, ".xlsx": _sheet_rows, ".parquet": _parquet_rows}
    return kinds[path.suffix.lower()](path)


def _joined(
    found: tuple[dict[str, Any], dict[str, Any], list[Problem]], more: list[Problem]
) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    return found[0], found[1], [*more, *found[2]]


def _lines(path: Path) -> Iterator[Read]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE)
                yield Read(number, {}, {}, [Problem("line_too_long", "", None, LONGEST_LINE)])
            elif line.strip():
                yield _line(number, line)


def _line(number: int, line: bytes) -> Read:
    try:
        raw = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return Read(
            number, {}, {}, [Problem("line_not_json", "", line[:80].decode("utf-8", "replace"))]
        )
    if not isinstance(raw, dict):
        return Read(number, {}, {}, [Problem("not_record", "", raw)])
    return Read(number, *split(raw), [])


def _csv_rows(path: Path) -> Iterator[TableRow]:
    """Rows of UTF-8 text; a byte that is none becomes a mark, and its row is reported."""
    with path.open("rb") as raw:
        text = io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="")
        first = text.readline()
        text.seek(0)
        reader = csv.reader(text, delimiter=max(",;\t", key=first.count))
        header: list[str] | None = None
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield reader.line_num, {}, [Problem("row_not_csv", "")]
                continue
            if header is None:
                header = _header(path, cells)
            elif any(cell.strip() for cell in cells):
                yield _named(reader.line_num, header, cells)


def _named(number: int, header: Sequence[str], cells: Sequence[str]) -> TableRow:
    problems = []
    if any(cell.strip() for cell in cells[len(header) :]):
        problems.append(Problem("too_many_cells", "", len(cells), len(header)))
    row = {name: bare(cell) for name, cell in zip(header, cells, strict=False) if name}
    for name, cell in list(row.items()):
        if not cell.isascii() and any("\udc80" <= sign <= "\udcff" for sign in cell):
            problems.append(Problem("cell_not_utf8", name))
            row[name] = ""
    return number, row, problems


def _header(path: Path, cells: Sequence[Any]) -> list[str]:
    names = [str("" if cell is None else cell).strip() for cell in cells]
    check_header([name for name in names if name], str(path))
    if any("\udc80" <= sign <= "\udcff" for name in names for sign in name):
        raise UnreadableFile(file=str(path), reason="csv_not_utf8", byte=1)
    return names


def _sheet_rows(path: Path) -> Iterator[TableRow]:
    """Rows of the first sheet."""
    import openpyxl  # deferred: half of a second that no served request needs

    try:
        refuse_bomb(path)
        with (
            path.open("rb") as file,
            closing(openpyxl.load_workbook(file, read_only=True, data_only=True)) as book,
        ):
            yield from _named_cells(path, book.worksheets[0])
    except UnreadableFile:
        raise
    except Exception as error:
        raise UnreadableFile(file=str(path), reason="not_workbook") from error


def _named_cells(path: Path, sheet: Any) -> Iterator[TableRow]:
    """The rows behind the first that holds anything, no wider than that one."""
    # What a sheet says of its own size may be a lie that fills memory with empty cells.
    sheet.reset_dimensions()
    first = ((n, c) for n, c in enumerate(_cells(sheet, 1, None), start=1) if any(_there(c)))
    number, cells = next(first, (1, ()))
    header = _header(path, cells)
    if not header:
        return
    width = max(len(header), BESIDE)
    for place, line in enumerate(_cells(sheet, number + 1, width), start=number + 1):
        if any(_there(line)):
            named = zip(header, line, strict=False)
            yield place, {name: cell for name, cell in named if name}, []


def _cells(sheet: Any, first: int, width: int | None) -> Iterator[tuple[Any, ...]]:
    found: Iterator[tuple[Any, ...]] = sheet.iter_rows(
        min_row=first, max_row=ROWS, max_col=width, values_only=True
    )
    return found


def _there(cells: Sequence[Any]) -> Iterator[bool]:
    return (cell is not None for cell in cells)


def _parquet_rows(path: Path) -> Iterator[TableRow]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise UnreadableFile(file=str(path), reason="parquet_extra") from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            refuse_repetition(file.metadata, path)
            _header(path, file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                for row in batch.to_pylist(maps_as_pydicts="lossy"):
                    number += 1
                    yield number, row, []
    except (ArrowException, OSError) as error:
        raise UnreadableFile(file=str(path), reason="not_parquet") from error
