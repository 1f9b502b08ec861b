"""Read YAML, JSON, CSV, XLSX and Parquet to plain rows that remember their place.

Nothing here knows what a row means. Numbers in YAML and JSON stay numbers; cells of CSV and XLSX
stay text unless the format itself has a type. Empty cells are None, which means *not known*.
"""

from __future__ import annotations

import csv
import gc
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from recommender.errors import UnreadableFile

_TAG = "tag:yaml.org,2002:"
_MERGE, _MAPPING, _SEQUENCE = f"{_TAG}merge", f"{_TAG}map", f"{_TAG}seq"
_COUNTED = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_DIGITS = 400
_LEVELS, _SAFE_LEVELS = 500, 10_000
ROWS_OF_A_BYTE, VALUES_OF_A_ROW = 64, 10_000
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

    def get_single_data(self) -> Any:
        """The values of the one document; None for an empty one."""
        self._made: dict[Any, Any] = {}
        node = self.get_single_node()
        return None if node is None else self._value(node)

    def _value(self, node: Any) -> Any:
        """The value of a node; what is referred to twice is one object, as YAML has it."""
        if node.tag in _PLAIN and isinstance(node, yaml.ScalarNode):
            return _PLAIN[node.tag](self, node)
        if node in self._made:
            return self._made[node]
        if node.tag == _MAPPING and isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if node.tag == _SEQUENCE and isinstance(node, yaml.SequenceNode):
            found = self._made[node] = []
            found.extend([self._value(item) for item in node.value])
            return found
        return self.construct_object(node, deep=True)

    def _mapping(self, node: Any) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        self._made[node] = found
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:  # a few lines of them can expand to gigabytes
                _refuse("merge keys (<<) are not supported", key_node)
            key = self._value(key_node)
            if not isinstance(key, Hashable):
                _refuse("found unhashable key", key_node)
            if key in found:
                _refuse(f"duplicate key {key!r}", key_node)
            found[key] = self._value(value_node)
        return found

    def decimal_int(self, node: Any) -> Any:
        """A whole number; 010 and 12:30, which old YAML reads as 8 and 750, stay text."""
        plain = _COUNTED.fullmatch(self.construct_scalar(node))
        return self.construct_yaml_int(node) if plain else self.construct_scalar(node)

    def decimal_float(self, node: Any) -> Any:
        """A number; 1:30.5, which old YAML reads as 90.5, stays text."""
        sixties = ":" in self.construct_scalar(node)
        return self.construct_scalar(node) if sixties else self.construct_yaml_float(node)


def _refuse(reason: str, node: Any) -> None:
    raise yaml.MarkedYAMLError(problem=reason, problem_mark=node.start_mark)


def _or_text(construct: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A scalar that is not what it looks like (2026-02-30) stays text for its field to refuse."""

    def scalar(loader: Any, node: Any) -> Any:
        try:
            return construct(loader, node)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return loader.construct_scalar(node)

    return scalar


_PLAIN: dict[str, Callable[[Any, Any], Any]] = {
    f"{_TAG}str": lambda _, node: node.value,
    f"{_TAG}null": lambda *_: None,
    f"{_TAG}int": _or_text(_UniqueKeyLoader.decimal_int),
    f"{_TAG}float": _or_text(_UniqueKeyLoader.decimal_float),
    f"{_TAG}bool": _or_text(_UniqueKeyLoader.construct_yaml_bool),
    f"{_TAG}timestamp": _or_text(_UniqueKeyLoader.construct_yaml_timestamp),
}


def _refuse_depth(text: str) -> None:
    """Raise MarkedYAMLError for levels within levels at which the composer, in C, would crash.

    A level takes a bracket of its own, or a column of the line it stands on; few of both are safe.
    """
    lines = max(map(len, text.splitlines()), default=0)
    if text.count("[") + text.count("{") + lines <= _SAFE_LEVELS:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_UniqueKeyLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _LEVELS:
            _refuse(f"more than {_LEVELS} levels", event)


@contextmanager
def without_collection() -> Iterator[None]:
    """No search for reference cycles meanwhile; for work that makes many objects and no cycles.

    The search goes over all objects again and again as they grow in number, and takes more than
    half of the time of a large file.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def parse_yaml(text: str, name: str) -> Any:
    """Parse one YAML document.

    Raises UnreadableFile naming line and column of the first syntax error or duplicate key.
    """
    try:
        with without_collection():
            _refuse_depth(text)
            return yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - derives from CSafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise UnreadableFile(file=place, reason=str(error.problem)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableFile(file=name, reason=str(error).splitlines()[0]) from error


def parse_json(text: str, name: str) -> Any:
    """Parse one JSON document.

    Raises UnreadableFile for NaN and infinity, numbers beyond double precision and a key given
    twice, where JSON readers would drop one.
    """
    try:
        return json.loads(
            text,
            parse_constant=_json_number,
            parse_float=_json_number,
            parse_int=_json_whole,
            object_pairs_hook=_distinct,
        )
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(file=name, reason=str(error)) from error


def _json_number(token: str) -> float:
    number = float(token)
    if not isfinite(number):
        raise ValueError(f"{token[:20]} is not a JSON number")
    return number


def _json_whole(token: str) -> int:
    if len(token) > _DIGITS:
        raise ValueError(f"{token[:20]}... has {len(token)} digits")
    return int(token)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"duplicate key {key[:80]!r}")
        found[key] = value
    return found


def read_text(path: Path) -> str:
    """Text of a UTF-8 file, a leading byte-order mark dropped; `.gz` is unpacked."""
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(file=str(path), reason="not_utf8", byte=error.start + 1) from error
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise UnreadableFile(file=str(path), reason=_reason(error)) from error


def _reason(error: Exception) -> str:
    """Key of a sentence in data/texts (`file_reason.<key>`), or what the system says."""
    known = (reason for kind, reason in _REASONS.items() if isinstance(error, kind))
    return next(known, None) or getattr(error, "strerror", None) or str(error)


_REASONS: dict[type[Exception], str] = {
    FileNotFoundError: "no_such_file",
    NotADirectoryError: "no_such_file",
    IsADirectoryError: "is_folder",
    PermissionError: "not_permitted",
    gzip.BadGzipFile: "not_gzip",
    EOFError: "not_gzip",
    zlib.error: "not_gzip",
}


def read_document(path: Path) -> Any:
    """The one document of a `.yaml`, `.yml` or `.json` file, as plain Python values."""
    ending = path.suffix.lower()
    if ending in (".yaml", ".yml"):
        return parse_yaml(read_text(path), str(path))
    if ending == ".json":
        return parse_json(read_text(path), str(path))
    raise UnreadableFile(file=str(path), reason="document_ending")


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of a `.csv`, `.csv.gz`, `.xlsx` or `.parquet` table, header names as keys.

    Raises UnreadableFile for an unknown ending, a missing file, two columns of one name or a row
    longer than its header.
    """
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".csv"):
        yield from _csv_rows(path)
    elif name.endswith(".xlsx"):
        yield from _xlsx_rows(path)
    elif name.endswith(".parquet"):
        yield from _parquet_rows(path)
    else:
        raise UnreadableFile(file=str(path), reason="table_ending")


def _csv_rows(path: Path) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(read_text(path)), strict=True)
    try:
        _check_header(reader.fieldnames or (), path)
        for number, values in enumerate(reader, start=1):
            if None in values:
                raise UnreadableFile(file=f"{path}:{number + 1}", reason="too_many_cells")
            yield Row({key: cell or None for key, cell in values.items()}, str(path), number)
    except csv.Error as error:
        raise UnreadableFile(file=f"{path}:{reader.line_num}", reason=str(error)) from error


def _check_header(names: Sequence[str | None], path: Path) -> None:
    given = [name for name in names if name]
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise UnreadableFile(file=str(path), reason="column_twice", columns=twice)


def _xlsx_rows(path: Path) -> Iterator[Row]:
    import openpyxl  # deferred: half of a second that no served request needs

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:
        raise UnreadableFile(file=str(path), reason=str(error)) from error
    with closing(book):
        for sheet in book.worksheets:
            with closing(sheet.iter_rows(values_only=True)) as cells:
                yield from _sheet_rows(cells, path, sheet.title)


def _sheet_rows(cells: Iterator[tuple[Any, ...]], path: Path, title: str) -> Iterator[Row]:
    header = [None if c is None else str(c).strip() for c in next(cells, ())]
    _check_header(header, path)
    for number, line in enumerate(cells, start=1):
        if any(cell is not None for cell in line):
            values = {k: v for k, v in zip(header, line, strict=False) if k}
            yield Row(values, str(path), number, title)


def refuse_repetition(metadata: Any, path: Path) -> None:
    """Raise UnreadableFile for a Parquet file that repeats a value more often than honest ones do.

    metadata: of the file, by pyarrow. The format keeps a value that repeats once: a few bytes can
    hold a billion rows, or a list of a billion values.
    """
    most = ROWS_OF_A_BYTE * path.stat().st_size
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    values = max(
        (g.column(i).num_values / (g.num_rows or 1) for g in groups for i in range(g.num_columns)),
        default=0,
    )
    if metadata.num_rows > most or values > VALUES_OF_A_ROW:
        raise UnreadableFile(file=str(path), reason="parquet_unpacks")


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise UnreadableFile(file=str(path), reason="parquet_extra") from error
    try:
        records = parquet.read_table(path).to_pylist()
    except Exception as error:
        raise UnreadableFile(file=str(path), reason=str(error)) from error
    for number, values in enumerate(records, start=1):
        yield Row(values, str(path), number)
