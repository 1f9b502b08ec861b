"""Read YAML, JSON, CSV, XLSX and Parquet to plain rows that remember their place.

Nothing here knows what a row means. Numbers in YAML and JSON stay numbers; cells of CSV and XLSX
stay text unless the format itself has a type. Empty cells are None, which means *not known*.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from recommender.errors import UnreadableFile

PACKAGED_DATA = Path(__file__).parent / "_data"
CHECKOUT_DATA = Path(__file__).parent.parent / "data"


def data_dir() -> Path:
    """Folder of the data that comes with the project: inside the wheel, or beside a checkout."""
    return PACKAGED_DATA if PACKAGED_DATA.is_dir() else CHECKOUT_DATA


@dataclass(frozen=True)
class Row:
    """One record with its place. row counts from 1, the header line of a table not included."""

    values: dict[str, Any]
    file: str
    row: int
    sheet: str | None = None


class _UniqueKeyLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader that refuses a mapping with the same key twice, where YAML would drop one."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (str, int, float, bool)) and key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"duplicate key {key!r}", problem_mark=key_node.start_mark
                )
            seen.add(key if isinstance(key, (str, int, float, bool)) else id(key_node))
        return dict(super().construct_mapping(node, deep=deep))


def parse_yaml(text: str, name: str) -> Any:
    """Parse one YAML document.

    Raises UnreadableFile naming line and column of the first syntax error or duplicate key.
    """
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - derives from CSafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise UnreadableFile(file=place, reason=str(error.problem)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableFile(file=name, reason=str(error).splitlines()[0]) from error


def parse_json(text: str, name: str) -> Any:
    """Parse one JSON document; NaN and infinity are refused, as the standard says."""

    def refuse(token: str) -> Any:
        raise ValueError(f"{token} is not a JSON number")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(file=name, reason=str(error)) from error


def read_text(path: Path) -> str:
    """Text of a UTF-8 file, a leading byte-order mark dropped; `.gz` is unpacked."""
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(file=str(path), reason=f"not UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise UnreadableFile(file=str(path), reason=error.strerror or str(error)) from error


def read_document(path: Path) -> Any:
    """The one document of a `.yaml`, `.yml` or `.json` file, as plain Python values."""
    if path.suffix in (".yaml", ".yml"):
        return parse_yaml(read_text(path), str(path))
    if path.suffix == ".json":
        return parse_json(read_text(path), str(path))
    raise UnreadableFile(file=str(path), reason="expected .yaml, .yml or .json")


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of a `.csv`, `.csv.gz`, `.xlsx` or `.parquet` table, header names as keys.

    Raises UnreadableFile for an unknown ending, a missing file or a row longer than its header.
    """
    name = path.name.removesuffix(".gz")
    if name.endswith(".csv"):
        yield from _csv_rows(path)
    elif name.endswith(".xlsx"):
        yield from _xlsx_rows(path)
    elif name.endswith(".parquet"):
        yield from _parquet_rows(path)
    else:
        raise UnreadableFile(file=str(path), reason="expected .csv, .xlsx or .parquet")


def _csv_rows(path: Path) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(read_text(path)))
    for number, values in enumerate(reader, start=1):
        if None in values:
            raise UnreadableFile(file=f"{path}:{number + 1}", reason="more cells than columns")
        yield Row({key: cell or None for key, cell in values.items()}, str(path), number)


def _xlsx_rows(path: Path) -> Iterator[Row]:
    import openpyxl  # deferred: half of a second that no served request needs

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:
        raise UnreadableFile(file=str(path), reason=str(error)) from error
    for sheet in book.worksheets:
        cells = sheet.iter_rows(values_only=True)
        header = [None if c is None else str(c).strip() for c in next(cells, ())]
        for number, line in enumerate(cells, start=1):
            if any(cell is not None for cell in line):
                values = {k: v for k, v in zip(header, line, strict=False) if k}
                yield Row(values, str(path), number, sheet.title)


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        reason = "Parquet needs the extra 'parquet': pip install 'corridor-match[parquet]'"
        raise UnreadableFile(file=str(path), reason=reason) from error
    try:
        records = parquet.read_table(path).to_pylist()
    except Exception as error:
        raise UnreadableFile(file=str(path), reason=str(error)) from error
    for number, values in enumerate(records, start=1):
        yield Row(values, str(path), number)
