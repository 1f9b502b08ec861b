"""Some companies of a segment, as the columns of its blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.matching.encoding import Floats
from recommender.population.lookups import available
from recommender.population.population import Segment

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Rows:
    """Some rows of a segment. chosen: numbers in the segment (n,), ascending."""

    def __init__(self, segment: Segment, start: int, stop: int, kept: Ints | None = None) -> None:
        self.segment, self._start, self._stop = segment, start, stop
        self._kept = kept
        self.chosen: Ints = (
            np.arange(start, stop) if kept is None else kept + start if start else kept
        )

    def __len__(self) -> int:
        return len(self.chosen)

    def among(self, mask: Bools) -> Rows:
        """The rows of a mask over these."""
        kept = np.flatnonzero(mask) if self._kept is None else self._kept[mask]
        return Rows(self.segment, self._start, self._stop, kept)

    def column(self, name: str) -> Any:
        """Values of one column (n,), as they were written."""
        if self._kept is None:
            return self.segment.read(name, self._start, self._stop)
        return self.segment.pick(name, self.chosen)

    def bits(self, name: str, mask: int) -> Any:
        """Some bits (n,) of a word of the bitsets: `has.N` or `may.N`."""
        return self.segment.bits(name, mask, self.column)

    def distinct(self, name: str) -> tuple[Any, Any]:
        """The distinct values of a column, and the place of each row; or its values and None."""
        placed = self.segment.columns[name]
        if placed.table is None or placed.count < placed.rows:
            return self.column(name), None
        return self.segment.stored(placed.table), self.segment.stored(name)[self.chosen]

    def counted(self, masks: Mapping[int, int]) -> Ints:
        """How many of some bits each company certainly has (n,). masks: by word."""
        found = np.zeros(len(self), dtype=np.int64)
        for word, mask in masks.items():
            for piece in self.segment.pieces[word]:
                if mask & piece.mask:
                    bits = np.uint64((mask & piece.mask) >> piece.low)
                    counts = np.bitwise_count(self.segment.read(f"{piece.name}.has") & bits)
                    found += counts.take(self.column(piece.name))
        return found

    def known(self, mark: int) -> Bools:
        """Which companies state a list: goods, text, pledges or positions."""
        found: Bools = (self.column("flags") & mark) != 0
        return found

    def items(self, name: str) -> tuple[Ints, Ints]:
        """The items of lists: row of each among these rows, and its place in the columns."""
        starts = self.segment.starts(name)
        first, sizes = starts[self.chosen], starts[self.chosen + 1] - starts[self.chosen]
        owner = np.repeat(np.arange(len(self)), sizes)
        before = np.cumsum(sizes) - sizes
        place = np.arange(len(owner)) + np.repeat(first - before, sizes)
        return owner, place

    def at(self, name: str, place: Ints) -> Any:
        """Values of a column of items at some places."""
        return self.segment.pick(name, place)

    def table_sums(self, name: str, table: Any) -> Any:
        """Sums by row (n,) of what a table has for each item of a list of numbers.

        A table of whole numbers is added up faster.
        """
        items = self.segment.columns[name]
        if not available() or items.count < items.rows:
            owner, place = self.items(name)
            return self.sums(owner, table[self.at(name, place)])
        from recommender.population.sweep_kernel import list_sums

        stored = self.segment.stored(name)
        return list_sums(self.segment.starts(name), self.chosen, stored, table)

    def table_products(self, lists: str, name: str, table: Floats, worth: str) -> Floats:
        """Sums by row (n,) over a list of what a table has for each item, times a column of it."""
        items, values = self.segment.columns[name], self.segment.columns[worth]
        if not available() or items.count < items.rows or values.table is None:
            owner, place = self.items(lists)
            return self.sums(owner, table[self.at(name, place)] * self.at(worth, place))
        from recommender.population.sweep_kernel import list_products

        segment = self.segment
        found: Floats = list_products(
            segment.starts(lists), self.chosen, segment.stored(name), table,
            segment.stored(worth), segment.stored(values.table),
        )  # fmt: skip
        return found

    def sums(self, owner: Ints, values: Floats) -> Floats:
        """Sums by row (n,), each from its first item to its last."""
        found = np.bincount(owner, weights=values, minlength=len(self))
        return found.astype(np.float64)
