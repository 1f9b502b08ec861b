"""The input of a run: Parquet files and lines of JSON, cut into partitions by row.

A partition is a run of rows of one file, so that it can be read alone, by any process. Everything
here follows from the bytes of the files; nothing hangs on who reads them.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recommender.batch.places import CHUNK, Place
from recommender.batch.schema import COMPANIES
from recommender.errors import UnreadableFile

PARQUET, LINES = ".parquet", ".jsonl"
COLUMNS = ("id", "profile")


@dataclass(frozen=True)
class Part:
    """Rows of one file. number: of the partition, from 0; first: of its rows, from 0.

    start, size: its bytes, in a file of lines. twice: rows of the partition, from 0, whose id
    stands before, and where.
    """

    number: int
    file: str
    first: int
    rows: int
    start: int = 0
    size: int = 0
    twice: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class File:
    """A file of the input: its name in the folder, its rows, and what its bytes hash to."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class _Scan:
    """A file, the ids of its rows (None: none), and where every n-th line begins, for lines."""

    file: File
    ids: pa.Array
    starts: Sequence[int] = ()


@dataclass(frozen=True)
class Input:
    """What a run reads: files in order of their names, and partitions in order of their rows."""

    files: tuple[File, ...]
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)


def read_input(place: Place, partition_rows: int) -> Input:
    """Look over a file or folder: every file is read once, for its hash and its ids.

    Raises UnreadableFile for what is missing, is no such file, or lacks a column.
    """
    names = _names(place)
    scans = [
        _parquet(place, name) if name.endswith(PARQUET) else _lines(place, name, partition_rows)
        for name in names
    ]
    twice = _twice(scans)
    parts: list[Part] = []
    for number, scan in enumerate(scans):
        for first in range(0, scan.file.rows, partition_rows):
            parts.append(_part(len(parts), scan, first, partition_rows, twice.get(number, {})))
    return Input(tuple(scan.file for scan in scans), tuple(parts))


def _names(place: Place) -> list[str]:
    """Files of the input, `` for the place itself."""
    from pyarrow.fs import FileType

    with place.reading():
        kind = place.fs.get_file_info(place.path).type
    if kind == FileType.NotFound:
        raise UnreadableFile(file=place.name, reason="no_such_file")
    if kind == FileType.Directory:
        found = [n for n in place.names() if n.endswith((PARQUET, LINES)) and n[0] != "_"]
        if not found:
            raise UnreadableFile(file=place.name, reason="batch_empty_folder")
        return found
    if not place.path.endswith((PARQUET, LINES)):
        raise UnreadableFile(file=place.name, reason="batch_ending")
    return [place.path.rpartition("/")[2]]


def file_of(place: Place, name: str) -> str:
    """The path of a file of the input, which may be the place itself."""
    return place.path if place.path.endswith((PARQUET, LINES)) else place.below(name)


def _parquet(place: Place, name: str) -> _Scan:
    path = file_of(place, name)
    with place.reading(name), place.fs.open_input_file(path) as file:
        try:
            opened = pq.ParquetFile(file)
            _check_columns(opened.schema_arrow, path)
            ids = opened.read(columns=["id"]).column(0).cast(pa.string())
        except pa.ArrowInvalid as error:
            raise UnreadableFile(file=path, reason="not_parquet") from error
    file_place = Place(place.fs, path.rpartition("/")[0], place.name)
    found = file_place.hash(name) or ""
    return _Scan(File(name, opened.metadata.num_rows, found), ids)


def _check_columns(schema: pa.Schema, path: str) -> None:
    missing = [name for name in COLUMNS if name not in schema.names]
    if missing:
        params = {"columns": missing, "found": schema.names}
        raise UnreadableFile(file=path, reason="batch_columns", **params)
    kind = schema.field("profile").type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)):
        raise UnreadableFile(file=path, reason="batch_profile_type", kind=str(kind))


def _lines(place: Place, name: str, step: int) -> _Scan:
    path, found = file_of(place, name), hashlib.sha256()
    ids: list[str | None] = []
    starts, at = [], 0
    with place.reading(name), place.fs.open_input_stream(path) as stream:
        for line in _split(stream, found):
            if len(ids) % step == 0:
                starts.append(at)
            ids.append(_id_of(line))
            at += len(line)
    file = File(name, len(ids), found.hexdigest())
    return _Scan(file, pa.array(ids, pa.string()), (*starts, at))


def _split(stream: Any, found: Any) -> Iterator[bytes]:
    """Lines with their ends, hashed on the way."""
    rest = b""
    while chunk := stream.read(CHUNK):
        found.update(chunk)
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def _id_of(line: bytes) -> str | None:
    """The id of a profile; None where it has none, or is no profile."""
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    name = raw.get("id") if isinstance(raw, dict) else None
    return name if isinstance(name, str) else None


def _twice(scans: Sequence[_Scan]) -> dict[int, dict[int, str]]:
    """Rows whose id stood before, with the place where: by number of the file and row from 0."""
    ids = pa.chunked_array([chunk for scan in scans for chunk in _chunks(scan.ids)], pa.string())
    table = pa.table({"id": ids, "at": pa.array(range(len(ids)), pa.int64())})
    table = table.filter(pc.is_valid(table["id"]))
    counted = table.group_by("id").aggregate([("at", "count"), ("at", "min")])
    many = counted.filter(pc.greater(counted["at_count"], 1))
    if not len(many):
        return {}
    first = dict(zip(many["id"].to_pylist(), many["at_min"].to_pylist(), strict=True))
    ends = [0]
    for scan in scans:
        ends.append(ends[-1] + scan.file.rows)
    found: dict[int, dict[int, str]] = {}
    for line in table.filter(pc.is_in(table["id"], many["id"].combine_chunks())).to_pylist():
        here, there = line["at"], first[line["id"]]
        if here != there:
            file, other = (bisect_right(ends, at) - 1 for at in (here, there))
            shown = f"{scans[other].file.name}:{there - ends[other] + 1}"
            found.setdefault(file, {})[here - ends[file]] = shown
    return found


def _chunks(ids: Any) -> Iterator[pa.Array]:
    yield from ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]


def _part(number: int, scan: _Scan, first: int, step: int, twice: Mapping[int, str]) -> Part:
    rows = min(step, scan.file.rows - first)
    own = {str(row - first): twice[row] for row in twice if first <= row < first + rows}
    start = size = 0
    if scan.starts:
        start, end = scan.starts[first // step], scan.starts[first // step + 1]
        size = end - start
    return Part(number, scan.file.name, first, rows, start, size, own)


def read_part(place: Place, part: Part) -> pa.RecordBatch:
    """The companies of a partition as COMPANIES; raises UnreadableFile."""
    path = file_of(place, part.file)
    with place.reading(part.file):
        if part.file.endswith(LINES):
            ids, profiles = _read_lines(place, path, part)
        else:
            ids, profiles = _read_rows(place, path, part)
    if len(profiles) != part.rows:
        raise UnreadableFile(file=path, reason="batch_changed")
    rows = pa.array(range(part.first + 1, part.first + part.rows + 1), pa.int64())
    twice = pa.array([part.twice.get(str(i)) for i in range(part.rows)], pa.string())
    found = pa.RecordBatch.from_arrays([rows, ids, profiles, twice], schema=COMPANIES)
    return found.filter(_given(profiles)) if part.file.endswith(LINES) else found


def _given(profiles: pa.Array) -> pa.Array:
    """Lines that are not empty."""
    return pa.array([bool(line.strip()) for line in profiles.to_pylist()], pa.bool_())


def _read_lines(place: Place, path: str, part: Part) -> tuple[pa.Array, pa.Array]:
    with place.fs.open_input_file(path) as file:
        file.seek(part.start)
        lines = file.read(part.size).split(b"\n")
    lines = lines[:-1] if not lines[-1] else lines
    return pa.array([_id_of(line) for line in lines], pa.string()), pa.array(lines, pa.binary())


def _read_rows(place: Place, path: str, part: Part) -> tuple[pa.Array, pa.Array]:
    with place.fs.open_input_file(path) as file:
        try:
            opened = pq.ParquetFile(file)
            groups, skip = _groups(opened.metadata, part)
            batches = opened.iter_batches(row_groups=groups, columns=list(COLUMNS))
            table = _cut(batches, skip, part.rows)
        except pa.ArrowInvalid as error:
            raise UnreadableFile(file=path, reason="not_parquet") from error
    kinds = (("id", pa.string()), ("profile", pa.binary()))
    ids, profiles = (table[name].cast(kind).combine_chunks() for name, kind in kinds)
    return ids, profiles


def _groups(metadata: Any, part: Part) -> tuple[list[int], int]:
    """The row groups a partition lies in, and its first row within them."""
    found: list[int] = []
    begin = skip = 0
    for number in range(metadata.num_row_groups):
        end = begin + metadata.row_group(number).num_rows
        if begin < part.first + part.rows and end > part.first:
            skip = skip if found else part.first - begin
            found.append(number)
        begin = end
    return found, skip


def _cut(batches: Iterator[pa.RecordBatch], skip: int, rows: int) -> pa.Table:
    """Some rows, without reading on when they are complete."""
    found, left = [], rows
    for batch in batches:
        here = batch.slice(skip, left)
        skip = max(0, skip - batch.num_rows)
        left -= here.num_rows
        found.append(here)
        if not left:
            break
    return pa.Table.from_batches(found)
