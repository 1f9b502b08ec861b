"""Columns of packed companies as places in tables of patterns.

A few neighbouring codes have few patterns of yes, no and not known among many companies, and so do
most numbers. What is asked of one column is asked of its patterns, and looked up for each company.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.encoding import Layout
from recommender.population import BITS, Piece, Segment

RUN, WIDEST, FLAGS = 16, 32, 16
Array = NDArray[Any]


def pieces_of(layout: Layout) -> tuple[Piece, ...]:
    """The bitsets cut into pieces: short fields whole and together, long ones by 32 bits."""
    found: list[Piece] = []
    for word, fields in enumerate(_fields(layout)):
        low = end = 0
        for start, stop in fields:
            if stop - low > RUN and start > low:
                found.append(Piece(word, low, start - low))
                low = start
            while stop - low > WIDEST:
                found.append(Piece(word, low, WIDEST))
                low += WIDEST
            end = stop
        found.append(Piece(word, low, end - low))
    return tuple(found)


def _fields(layout: Layout) -> list[list[tuple[int, int]]]:
    """First and last bit of the fields of each word, in order."""
    spans: list[list[tuple[int, int]]] = [[] for _ in range(layout.words)]
    for column in layout.codes.values():
        for word, mask in column.whole:
            low = (mask & -mask).bit_length() - 1
            spans[word].append((low, mask.bit_length()))
    return [sorted(part) for part in spans]


def as_places(columns: Mapping[str, Array], pieces: tuple[Piece, ...]) -> dict[str, Array]:
    """Columns with the words of `has` and `may` as places in tables of patterns."""
    found = {n: values for n, values in columns.items() if n.partition(".")[0] not in BITS}
    for piece in pieces:
        mask, low = np.uint64((1 << piece.width) - 1), np.uint64(piece.low)
        has, may = ((columns[f"{kind}.{piece.word}"] >> low) & mask for kind in BITS)
        table, places = np.unique((has << np.uint64(WIDEST)) | may, return_inverse=True)
        found[piece.name] = places.astype(np.uint32)
        found[f"{piece.name}.has"] = table >> np.uint64(WIDEST)
        found[f"{piece.name}.may"] = table & np.uint64((1 << WIDEST) - 1)
    return found


class Column(NamedTuple):
    """A column that has patterns. places (n,): of each company; None where all have the first."""

    places: Array | None
    patterns: Patterns


class Patterns:
    """The patterns of one column as if each were a company: what `Rows` gives, of that column.

    Bits of other columns are answered with no.
    """

    def __init__(self, segment: Segment, name: str, values: Mapping[str, Array]) -> None:
        self.segment, self.name, self._values = segment, name, values

    def __len__(self) -> int:
        return len(next(iter(self._values.values())))

    def column(self, name: str) -> Any:
        """Values of a column by pattern; raises KeyError for another one that is not of bits."""
        if name not in self._values and name.partition(".")[0] in BITS:
            return np.zeros(len(self), dtype=np.uint64)
        return self._values[name]

    def distinct(self, name: str) -> tuple[Any, None]:
        """The values, as `Rows.distinct` gives those of a column without a table."""
        return self.column(name), None


def column_of(segment: Segment, name: str) -> Column | None:
    """A column of a segment with its patterns; None for one that has too many to tell apart.

    name: of a piece of the bitsets, of a number, `flags` or `segment`.
    """
    placed = segment.columns[name]
    stored = segment.stored(name)
    alone = placed.count < placed.rows or placed.rows == 1
    if name.startswith("bits."):
        piece = next(p for parts in segment.pieces.values() for p in parts if p.name == name)
        low = np.uint64(piece.low)
        values = {
            f"{kind}.{piece.word}": segment.read(f"{name}.{kind}") << low for kind in BITS
        }
    elif name in ("flags", "segment"):
        values = {name: np.arange(len(segment.dictionaries["segments"]) if name == "segment" else FLAGS)}
    elif placed.table is not None:
        values = {name: segment.stored(placed.table)}
    elif alone:
        values = {name: segment.read(name, 0, 1)}
    elif stored.dtype.kind == "i":
        kind = np.dtype(f"<u{stored.dtype.itemsize}")
        every = np.arange(np.iinfo(kind).max + 1, dtype=kind).view(stored.dtype)
        return Column(stored.view(kind), Patterns(segment, name, {name: segment.decoded(name, every)}))
    else:
        return None
    if alone and placed.table is None:
        at = int(stored[0]) if stored.dtype.kind == "u" else 0
        values = {of: part[at : at + 1] for of, part in values.items()}
        return Column(None, Patterns(segment, name, values))
    return Column(stored, Patterns(segment, name, values))
