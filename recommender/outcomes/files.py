"""Files of outcomes and of the firms in them: CSV, XLSX and Parquet; lines of JSON, or a folder."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
from numpy.typing import NDArray

from recommender.catalogue.files import write_file
from recommender.errors import Problem, UnreadableFile, Unwritable
from recommender.tables import parse_json, read_document, read_text, refuse_repetition
from recommender.workbooks import (
    Table,
    check_header,
    decoded,
    filled_book,
    read_workbook,
    workbook_bytes,
)

ENDINGS = (".csv", ".xlsx", ".parquet")
LINES = ".jsonl"


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells as they stand in a file. numbers: row of each line as the file counts them.

    letters: of the columns, by name; empty where the format has none. sheet: of a workbook.
    """

    cells: pd.DataFrame
    file: str
    numbers: NDArray[np.int64]
    letters: Mapping[str, str]
    sheet: str | None = None

    def placed(self, problem: Problem, row: int | None) -> Problem:
        """A problem with the place it stands in."""
        column = self.letters.get(problem.field.partition(".")[0])
        return replace(problem, file=self.file or None, row=row, sheet=self.sheet, column=column)


def read_grid(path: Path) -> Grid:
    """The cells of a table; empty ones are missing. Raises UnreadableFile."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UnreadableFile(file=str(path), reason="outcomes_ending")
    return {".csv": _csv, ".xlsx": _workbook, ".parquet": _parquet}[ending](path)


def _csv(path: Path) -> Grid:
    text = decoded(path)
    if not text.strip():
        raise UnreadableFile(file=str(path), reason="empty_file")
    header = next(iter(text.splitlines()), "").split(",")
    _refuse_twice(path, [name.strip('" ') for name in header])
    try:
        cells = pd.read_csv(
            io.StringIO(text), dtype=str, keep_default_na=False, na_values=[""],
            skip_blank_lines=False, on_bad_lines="error", low_memory=False,
        )  # fmt: skip
    except (pd.errors.ParserError, ValueError) as error:
        raise _not_a_table(path, str(error).strip()) from error
    last = text.rpartition("\n")[2]
    if last and len(next(csv.reader([last]))) < len(header):
        raise UnreadableFile(file=str(path), reason="cut_off", row=len(cells) + 1)
    return _grid(cells, path, np.arange(2, len(cells) + 2), None)


def _not_a_table(path: Path, said: str) -> UnreadableFile:
    """What pandas says of a CSV file, in the words of the project where it has any."""
    longer = re.search(r"in line (\d+), saw", said)
    if longer:
        return UnreadableFile(file=f"{path}:{longer[1]}", reason="too_many_cells")
    open_quote = re.search(r"EOF inside string starting at row (\d+)", said)
    if open_quote:
        return UnreadableFile(file=str(path), reason="cut_off", row=int(open_quote[1]) + 1)
    return UnreadableFile(file=str(path), reason=said)


def _workbook(path: Path) -> Grid:
    sheet = read_workbook(path)[0]
    cells = pd.DataFrame([line.values for line in sheet.lines], columns=list(sheet.letters))
    cells = cells.astype(object).where(cells.map(lambda v: v is not None and v != ""), None)
    return _grid(cells, path, np.array([line.number for line in sheet.lines]), sheet.name)


def _parquet(path: Path) -> Grid:
    try:
        from pyarrow import ArrowException, ArrowInvalid, parquet
    except ImportError as error:
        raise UnreadableFile(file=str(path), reason="parquet_extra") from error
    try:
        refuse_repetition(parquet.read_metadata(path), path)
        table = parquet.read_table(path)
        _refuse_twice(path, table.column_names)
        cells = table.to_pandas(date_as_object=True, strings_to_categorical=False)
    except FileNotFoundError as error:
        raise UnreadableFile(file=str(path), reason="no_such_file") from error
    except ArrowInvalid as error:
        raise UnreadableFile(file=str(path), reason="not_parquet") from error
    except (ArrowException, OSError, ValueError) as error:
        raise UnreadableFile(file=str(path), reason=str(error).splitlines()[0]) from error
    return _grid(cells, path, np.arange(1, len(cells) + 1), None)


def _refuse_twice(path: Path, names: list[str]) -> None:
    check_header(names, str(path))


def _grid(cells: pd.DataFrame, path: Path, numbers: Any, sheet: str | None) -> Grid:
    filled = cells.notna().any(axis=1).to_numpy() if len(cells) else np.zeros(0, dtype=bool)
    letters = {} if path.suffix.lower() == ".parquet" else _letters(cells)
    rows = np.asarray(numbers, dtype=np.int64)[filled]
    return Grid(cells[filled].reset_index(drop=True), str(path), rows, letters, sheet)


def _letters(cells: pd.DataFrame) -> dict[str, str]:
    return {str(name): chr(65 + i) for i, name in enumerate(cells.columns[:26])}


def read_profiles(path: Path) -> tuple[dict[str, Any], list[Problem]]:
    """Profiles by id, as plain values, with the problems of single ones.

    A `.jsonl` file has one a line; a folder has one in each `.yaml`, `.yml` or `.json` file.
    """
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for file, row, raw in _lines(path) if path.suffix == LINES else _documents(path):
        name = raw.get("id") if isinstance(raw, Mapping) else None
        if not isinstance(name, str):
            problems.append(Problem("missing", "id", None, file=file, row=row))
        elif name in found:
            first = {"first": "id"}
            problems.append(Problem("duplicate_id", "id", name, None, first, file, row))
        else:
            found[name] = raw
    return found, problems


def _lines(path: Path) -> Iterator[tuple[str, int | None, Any]]:
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.strip():
            try:
                yield str(path), number, orjson.loads(line)
            except orjson.JSONDecodeError:
                yield str(path), number, parse_json(line, f"{path}:{number}")


def _documents(path: Path) -> Iterator[tuple[str, int | None, Any]]:
    if not path.is_dir():
        raise UnreadableFile(file=str(path), reason="profiles_ending")
    for file in sorted(path.iterdir()):
        if file.suffix.lower() in (".yaml", ".yml", ".json"):
            yield str(file), None, read_document(file)


def write_outcomes(frame: pd.DataFrame, path: Path, *, force: bool = False) -> None:
    """Write a table by the ending of its name, all or nothing; raises Unwritable."""
    ending = path.suffix.lower()
    if ending == ".csv":
        content = frame.to_csv(index=False, lineterminator="\r\n").encode()
    elif ending == ".parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False, engine="pyarrow")
        content = buffer.getvalue()
    elif ending == ".xlsx":
        plain = frame.astype(object).where(frame.notna(), None)
        rows = plain.to_numpy().tolist()
        table = Table("outcomes", [str(name) for name in plain.columns], rows)
        content = workbook_bytes(filled_book([table]))
    else:
        raise Unwritable(reason="ending", file=str(path))
    write_file(content, path, force=force)
