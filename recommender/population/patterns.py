"""Columns of packed companies as places in tables of patterns.

A few neighbouring codes have few patterns of yes, no and not known among many companies, and so do
most numbers. What is asked of one column is asked of its patterns, and looked up for each company.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.matching.encoding import Layout
from recommender.population.population import BITS, Piece, Segment

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

    def bits(self, name: str, mask: int) -> Any:
        """Some bits of a word, as `Rows.bits` gives them."""
        return self.column(name) & np.uint64(mask)

    def distinct(self, name: str) -> tuple[Any, None]:
        """The values, as `Rows.distinct` gives those of a column without a table."""
        return self.column(name), None


def column_of(segment: Segment, name: str) -> Column | None:
    """A column of a segment with its patterns; None for one that has too many to tell apart.

    name: of a piece of the bitsets, of a number, `flags` or `segment`.
    """
    placed, stored = segment.columns[name], segment.stored(name)
    values, places = _values(segment, name, stored)
    if values is None:
        return None
    if placed.count < placed.rows:
        at = int(places[0])
        values = {of: part[at : at + 1] for of, part in values.items()}
    alone = placed.count < placed.rows
    return Column(None if alone else places, Patterns(segment, name, values))


def _values(segment: Segment, name: str, stored: Array) -> tuple[dict[str, Array] | None, Array]:
    """The patterns of a column, and the places of companies among them."""
    table = segment.columns[name].table
    if name == "flags":
        return {name: np.arange(FLAGS, dtype=np.uint8)}, stored
    if name == "segment":
        return {name: np.arange(len(segment.dictionaries["segments"]), dtype=np.uint32)}, stored
    if name.startswith("bits."):
        low = np.uint64(name.rpartition(".")[2])
        word = name.split(".")[1]
        return {f"{kind}.{word}": segment.read(f"{name}.{kind}") << low for kind in BITS}, stored
    if table is not None:
        return {name: segment.stored(table)}, stored
    if len(stored) == 1:
        return {name: segment.decoded(name, stored)}, np.zeros(1, dtype=np.uint8)
    if stored.dtype.kind != "i":
        return None, stored
    kind = np.dtype(f"<u{stored.dtype.itemsize}")
    every = np.arange(np.iinfo(kind).max + 1, dtype=kind).view(stored.dtype)
    return {name: segment.decoded(name, every)}, stored.view(kind)
