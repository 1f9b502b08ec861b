"""Columns of one segment of a population as raw little-endian blocks that are mapped, not read.

A block is one file; each of its columns begins at a multiple of 64 bytes. A column is kept in the
smallest type that holds every one of its values exactly: as one value when all are equal, whole
numbers of a float column as small integers (their least value stands for NaN), other floats in 32
bits where none loses a digit. What is read back is what was written, to the last bit.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recommender.errors import CorridorError

Array = NDArray[Any]
ALIGN = 64
FLOAT = "<f8"
TABLED = 16  # a table may take so many parts more: what is asked of few values is asked faster
_SMALL_INTS = (np.int8, np.int16)
_UNSIGNED = (np.uint8, np.uint16, np.uint32, np.uint64)


class DamagedPopulation(CorridorError):
    """A file of a population that is missing, cut off or changed. params: file, reason."""

    code = "damaged_population"


@dataclass(frozen=True)
class Placed:
    """Where a column stands.

    dtype: as stored; kind: as read; at: byte of its block; count: of values stored, 1 for a column
    of equal ones; rows: of values it stands for. table: the column that the stored numbers are
    places in.
    """

    block: str
    dtype: str
    kind: str
    at: int
    count: int
    rows: int
    table: str | None = None


class BlockWriter:
    """Writes columns behind one another into the block files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.columns: dict[str, Placed] = {}
        self.blocks: dict[str, dict[str, Any]] = {}
        self._streams: dict[str, tuple[Any, Any]] = {}

    def append(self, block: str, raw: bytes) -> None:
        """More bytes of a block that is written as it comes; `finish` makes it a column."""
        if block not in self._streams:
            file = (self._folder / f"{block}.bin").open("xb")
            self._streams[block] = (file, hashlib.sha256())
        file, digest = self._streams[block]
        file.write(raw)
        digest.update(raw)

    def finish(self, block: str) -> None:
        """End a block that was appended to: one column of bytes of its own name."""
        self.append(block, b"")
        file, digest = self._streams.pop(block)
        size = file.tell()
        _to_disk(file)
        file.close()
        self.columns[block] = Placed(block, "|u1", "|u1", 0, size, size)
        self.blocks[block] = {"bytes": size, "sha256": digest.hexdigest()}

    def write(self, block: str, columns: Mapping[str, Array]) -> None:
        """One block with its columns in order; the file is on disk when this returns."""
        digest, at = hashlib.sha256(), 0
        with (self._folder / f"{block}.bin").open("xb") as file:
            for name, stored, placed in _stored(block, columns):
                raw = stored.tobytes()
                gap = bytes(-at % ALIGN)
                at += len(gap)
                self.columns[name] = replace(placed, at=at)
                for part in (gap, raw):
                    file.write(part)
                    digest.update(part)
                at += len(raw)
            _to_disk(file)
        self.blocks[block] = {"bytes": at, "sha256": digest.hexdigest()}

    def manifest(self) -> dict[str, Any]:
        """Blocks and columns as JSON values."""
        return {
            "blocks": self.blocks,
            "columns": {name: asdict(placed) for name, placed in self.columns.items()},
        }


def _stored(block: str, columns: Mapping[str, Array]) -> Iterator[tuple[str, Array, Placed]]:
    """Arrays as they are stored, a table before what refers to it."""
    for name, values in columns.items():
        stored, kind = smallest(values)
        table, places = _tabled(values) if kind == FLOAT else (values, values)
        own = None
        room = stored.nbytes + stored.nbytes // TABLED
        if kind == FLOAT and len(stored) > 1 and table.nbytes + places.nbytes < room:
            stored, own = places, f"{name}.table"
            yield own, table, Placed(block, FLOAT, FLOAT, 0, len(table), len(table))
        yield name, stored, Placed(block, stored.dtype.str, kind, 0, len(stored), len(values), own)


def _tabled(values: Array) -> tuple[Array, Array]:
    """The distinct values, NaN among them, and the place of each; as it is where that fails."""
    values = values.astype(FLOAT)
    if np.signbit(values[values == 0]).any():
        return values, values
    table, places = np.unique(values, return_inverse=True)
    fit = next(kind for kind in _UNSIGNED if len(table) <= np.iinfo(kind).max + 1)
    return table, places.astype(np.dtype(fit).newbyteorder("<"))


def _to_disk(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def smallest(values: Array) -> tuple[Array, str]:
    """The array as it is stored, and the type it is read as."""
    if values.dtype.kind == "f":
        return _small_floats(values.astype(FLOAT)), FLOAT
    kind = values.dtype.newbyteorder("<").str
    if len(values) > 1 and (values == values[0]).all():
        values = values[:1]
    if values.dtype.kind == "u":
        most = int(values.max(initial=0))
        fit = next(t for t in _UNSIGNED if most <= np.iinfo(t).max)
        values = values.astype(fit)
    return values.astype(values.dtype.newbyteorder("<")), kind


def _small_floats(values: Array) -> Array:
    unknown = np.isnan(values)
    if len(values) > 1 and (unknown.all() or (values == values[0]).all()):
        return values[:1]
    whole = values[~unknown]
    if (whole == np.rint(whole)).all() and not np.signbit(whole[whole == 0]).any():
        for kind in _SMALL_INTS:
            room = np.iinfo(kind)
            if len(whole) and room.min < whole.min() and whole.max() <= room.max:
                found = np.full(len(values), room.min, dtype=kind)
                found[~unknown] = whole.astype(kind)
                return found.astype(found.dtype.newbyteorder("<"))
    with np.errstate(over="ignore"):
        single = values.astype("<f4")
    return single if (single.astype(FLOAT) == values)[~unknown].all() else values


class Blocks:
    """The columns of one segment, mapped when they are first asked for."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        self._folder, self._mapped = folder, dict[str, Array]()
        self.blocks: Mapping[str, Mapping[str, Any]] = manifest["blocks"]
        self.columns = {name: Placed(**placed) for name, placed in manifest["columns"].items()}

    def checked(self, *, content: bool = False) -> Self:
        """Itself, once every file has its length; content: its hash too. Raises on damage."""
        for name, said in self.blocks.items():
            path = self._folder / f"{name}.bin"
            if not path.is_file():
                raise DamagedPopulation(file=str(path), reason="missing")
            if path.stat().st_size != said["bytes"]:
                raise DamagedPopulation(file=str(path), reason="cut_off")
            if content and _hash(path) != said["sha256"]:
                raise DamagedPopulation(file=str(path), reason="changed")
        return self

    def stored(self, name: str) -> Array:
        """A column as it is stored, mapped and read-only: one value where all are equal."""
        placed = self.columns[name]
        if placed.block not in self._mapped:
            path = self._folder / f"{placed.block}.bin"
            size = self.blocks[placed.block]["bytes"]
            mapped = np.memmap(path, dtype=np.uint8, mode="r") if size else np.zeros(0, np.uint8)
            self._mapped[placed.block] = mapped.view(np.ndarray)
        dtype = np.dtype(placed.dtype)
        raw = self._mapped[placed.block][placed.at : placed.at + placed.count * dtype.itemsize]
        return raw.view(dtype)

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Array:
        """Values of some rows in the type they were written in; NaN for unknown floats."""
        placed = self.columns[name]
        stop = placed.rows if stop is None else min(stop, placed.rows)
        if placed.count < placed.rows:
            one = self.stored(name).astype(placed.kind)
            return np.broadcast_to(one, (max(stop - start, 0),))
        return self._decoded(placed, self.stored(name)[start:stop])

    def pick(self, name: str, rows: Array) -> Array:
        """Values of rows by number, as `read` gives them."""
        placed = self.columns[name]
        if placed.count < placed.rows:
            return np.broadcast_to(self.stored(name).astype(placed.kind), rows.shape)
        return self._decoded(placed, self.stored(name)[rows])

    def decoded(self, name: str, part: Array) -> Array:
        """Stored values of a column as they were written."""
        return self._decoded(self.columns[name], part)

    def _decoded(self, placed: Placed, part: Array) -> Array:
        """Stored values in the type they were written in."""
        if placed.table is not None:
            return self.stored(placed.table).take(part)
        if placed.kind != FLOAT or part.dtype.kind == "f":
            return part.astype(placed.kind, copy=False)
        found = part.astype(FLOAT)
        found[part == np.iinfo(part.dtype).min] = np.nan
        return found

    def size(self, *blocks: str) -> int:
        """Bytes of some blocks; of all without names."""
        return sum(self.blocks[name]["bytes"] for name in blocks or self.blocks)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
