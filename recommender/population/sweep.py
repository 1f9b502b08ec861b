"""One product over all companies of a segment: the gate, and what hangs on single columns.

Rules and parts of the score that look at one column are asked of its patterns, by the reference
(`recommender.population.columnar`), and looked up for each company. What is added up are the
reference's own millionths, so that the sums need no margin; parts that look at several columns or
lists are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.matching.eligibility import NO, UNKNOWN, YES, Between
from recommender.matching.scoring import Micros
from recommender.population.columnar import OF_ONE_NUMBER, Lens, documents, merged, preferences
from recommender.population.columnar_gate import Gate
from recommender.population.lookups import lookups
from recommender.population.patterns import Column, Patterns, column_of
from recommender.population.population import Segment

BLOCK = 1 << 16
Array = NDArray[Any]
Bools = NDArray[np.bool_]
Verdicts = NDArray[np.int8]
Key = Any
ANSWERS = np.array([NO, UNKNOWN, YES], dtype=np.int8)
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Looked:
    """A table (entries,) and the places of companies in it; None where all have the first."""

    places: Array | None
    table: Array


@dataclass(frozen=True)
class Compared:
    """A comparison of two numbers, each as places in a table."""

    left: Looked
    right: Looked
    low: float
    high: float


class Four:
    """Tables to be looked up in, by fours of one type of places; `neutral` changes nothing.

    first: of what is the same for all.
    """

    def __init__(self, looked: Iterable[Looked], neutral: Callable[[Array], Array]) -> None:
        self.first: list[Any] = []
        self._fours: list[tuple[list[Array], tuple[Array, ...]]] = []
        by_type: dict[Any, list[tuple[Array, Array]]] = {}
        for one in looked:
            if one.places is None:
                self.first.append(one.table[0])
            else:
                by_type.setdefault(one.places.dtype, []).append((one.places, one.table))
        for own in by_type.values():
            places, table = own[0]
            filled = [*own, *[(places, neutral(table))] * (-len(own) % 4)]
            for four in (filled[i : i + 4] for i in range(0, len(filled), 4)):
                self._fours.append(([places for places, _ in four], tuple(t for _, t in four)))

    def each(self, part: slice) -> Iterator[tuple[tuple[Array, ...], tuple[Array, ...]]]:
        """Places of some companies in four columns, and their tables."""
        for places, tables in self._fours:
            yield tuple([own[part] for own in places]), tables


@dataclass(frozen=True)
class Mixed:
    """A rule that looks at several columns. parts: sign, and answers to raise to.

    counts (3,): what no, not known and yes count as.
    """

    parts: Sequence[tuple[int, Sequence[Looked | Compared]]]
    counts: Array

    def places(self, ops: Any, part: slice) -> Array:
        """Answers of some companies as places in `counts`."""
        answer = np.full(part.stop - part.start, NO, dtype=np.int8)
        for sign, leaves in self.parts:
            own = np.full(len(answer), NO, dtype=np.int8)
            for looked in leaves:
                _raise(ops, own, looked, part)
            np.maximum(answer, sign * own, out=answer)
        return (answer + np.int8(1)).view(np.uint8)


@dataclass(frozen=True)
class Tally:
    """A part that counts over several columns. table: what each count is worth."""

    counts: Four
    rules: Sequence[Mixed]
    table: Micros


@dataclass(frozen=True, eq=False)
class Swept:
    """What is known of the companies of a segment.

    fit (n,): 1 eligible, 0 conditional, -1 not; maybe (n,): which of the last might be near misses.
    rows, high (k,): those that fit, in order, and the most that their scores may be, in millionths;
    left: the parts that are not added up: the most of each counts (see
    `recommender.prospects.shortlist`).
    """

    fit: Verdicts
    maybe: Bools
    rows: Array
    high: Micros
    left: tuple[str, ...]


def _raise(ops: Any, answers: Verdicts, looked: Looked | Compared, part: slice) -> None:
    if isinstance(looked, Compared):
        sides = (_placed(looked.left, part), _placed(looked.right, part))
        places, tables = zip(*sides, strict=True)
        ops.compared(answers, places, tables, looked.low, looked.high)
    else:
        ops.raised(answers, *_placed(looked, part))


def _placed(looked: Looked, part: slice) -> tuple[Array, Array]:
    """Places of some companies, and their table."""
    if looked.places is None:
        return np.zeros(part.stop - part.start, dtype=np.uint8), looked.table
    return looked.places[part], looked.table


class Columns:
    """The columns of a segment as a product looks at them."""

    def __init__(self, gate: Gate, segment: Segment) -> None:
        self.gate, self.segment = gate, segment
        self._found: dict[Key, Column | None] = {}

    def get(self, name: str) -> Column | None:
        """A column with its patterns; None where there are too many."""
        if name not in self._found:
            self._found[name] = column_of(self.segment, name)
        return self._found[name]

    def patterns(self, name: str) -> Patterns:
        """The patterns of a column that has them."""
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found.patterns

    def look(self, name: Key, table: Array) -> Looked | Compared:
        """A table of answers to the patterns of a column, with the places of companies."""
        if isinstance(name, Between):
            return self._compared(name)
        found = self.get(name)
        return Looked(None if found is None else found.places, table)

    def placed(self, tables: Mapping[str, Array]) -> list[Looked]:
        """Tables of answers to the patterns of columns, with the places of companies."""
        found = ((self.get(name), table) for name, table in tables.items())
        return [Looked(column.places, table) for column, table in found if column is not None]

    def _compared(self, leaf: Between) -> Looked | Compared:
        """A comparison for which there is no column: of two numbers, or of one of many values."""
        sides = [self._number(name) for name in self.gate.columns_of(leaf)]
        if sides[0] is None or sides[1] is None:
            return Looked(self.gate.answers(leaf, self.segment), ANSWERS)
        return Compared(sides[0], sides[1], leaf.low, leaf.high)

    def _number(self, name: str | None) -> Looked | None:
        """Values of a number, 0 without a name; None where they are too many."""
        if name is None:
            return Looked(None, np.zeros(1))
        found = self.get(name)
        return found and Looked(found.places, found.patterns.column(name))

    def pieces(self, bits: Iterable[tuple[int, int]]) -> list[str]:
        """The pieces that hold some bits."""
        masks = merged(bits)
        return [
            piece.name
            for word, mask in masks.items()
            for piece in self.segment.pieces[word]
            if mask & piece.mask
        ]

    def leaf(self, leaf: Any) -> list[tuple[Key, Verdicts]]:
        """Columns a leaf looks at, each with the answers of its patterns; the highest counts."""
        if not isinstance(leaf, Between):
            names = self.pieces([(leaf.word, leaf.mask)])
            return [(name, self.gate.leaf(leaf, self.patterns(name))) for name in names]
        both = self.gate.columns_of(leaf)
        names = [column for column in both if column]
        if len(names) != 1 or self.get(names[0]) is None:
            return [(leaf, ANSWERS)]
        name = names[0]
        return [(name, self.gate.leaf(leaf, self.patterns(name)))]


class Sweep:
    """What to look up in a segment for one product, and what that adds up to."""

    def __init__(self, lens: Lens, segment: Segment) -> None:
        self._lens, self._segment = lens, segment
        self._columns = Columns(lens, segment)
        self._lowest: dict[Key, Verdicts] = {}
        self._mixed: list[Mixed] = []
        for rule in lens.every:
            self._rule(rule)
        self._worth: dict[str, Micros] = {}
        self._tallies: list[Tally] = []
        self._base = lens.base
        self._left = tuple(name for name in lens.parts if not self._added(name))
        flags = self._columns.patterns("flags")
        ceilings = [lens.ceiling(name, flags) + np.zeros(len(flags), int) for name in self._left]
        self._worth["flags"] = sum(ceilings, np.zeros(len(flags), dtype=np.int64))

    # --- the gate ------------------------------------------------------------------------------

    def _rule(self, rule: int) -> None:
        found = self._planned(rule, self._lens.counts(rule))
        if isinstance(found, Mixed):
            self._mixed.append(found)
            return
        name, answers = found
        lowest = self._lowest.get(name)
        self._lowest[name] = answers if lowest is None else np.minimum(lowest, answers)

    def _planned(self, rule: int, counts: Array) -> Mixed | tuple[Key, Array]:
        """A rule as a table of what its answers count as; or what it is mixed of."""
        parts = [
            (sign, [one for leaf in leaves for one in self._columns.leaf(leaf)])
            for sign, leaves in self._lens.rule(rule)
        ]
        names = {name for _, leaves in parts for name, _ in leaves}
        alone = len(names) == 1 and all(leaves for _, leaves in parts)
        if not alone or isinstance(next(iter(names)), Between):
            own = [(sign, [self._columns.look(*one) for one in leaves]) for sign, leaves in parts]
            return Mixed(own, counts)
        (name,) = names
        raised = [sign * np.maximum.reduce([table for _, table in own]) for sign, own in parts]
        return name, counts[np.maximum.reduce(raised) + 1]

    # --- the score -----------------------------------------------------------------------------

    def _added(self, name: str) -> bool:
        """Plan how a part is added up; False where it has to be left."""
        if self._lens.adds_nothing(name):
            return True
        tally = {"documents": self._documents, "preferences": self._preferences}.get(name)
        if tally is not None:
            return tally()
        column = self._single(name)
        if column is None or self._columns.get(column) is None:
            return False
        worth = self._lens.part(name, self._columns.patterns(column))
        self._worth[column] = self._worth.get(column, 0) + worth
        return True

    def _single(self, name: str) -> str | None:
        """The one column that a part looks at; None where there are more."""
        number = OF_ONE_NUMBER.get(name)
        if number is not None or name == "peers":
            return f"number.{number}" if number else "segment"
        fits = self._lens.fits_of(name)
        pieces = self._columns.pieces(fits.bits) if fits else []
        return pieces[0] if len(pieces) == 1 else None

    def _documents(self) -> bool:
        lens, looked = self._lens, list[tuple[Key, Micros]]()
        names = self._columns.pieces(lens.offers.papers)
        ends = (int(lens.offers.wanted[lens.at]) + 1, len(names) + 1, len(names) + 1)
        for name in names:
            found = lens.papers(self._columns.patterns(name))
            looked.append((name, _number(ends, [np.asarray(part, np.int64) for part in found])))
        held, has, may = _numbers(ends)
        return self._tally("documents", looked, documents(lens, held, has > 0, may > 0))

    def _preferences(self) -> bool:
        lens = self._lens
        ends = (2 * len(lens.soft) + 1, len(lens.soft) + 1)
        answers = np.array([NO, UNKNOWN, YES], dtype=np.int64)
        counts = _number(ends, [1 + answers, np.abs(answers)])
        looked, mixed = list[tuple[Key, Micros]](), list[Mixed]()
        for rule in lens.soft:
            found = self._planned(rule, counts)
            if isinstance(found, Mixed):
                mixed.append(found)
            else:
                looked.append(found)
        points, known = _numbers(ends)
        table = preferences(lens, points / 2, known > 0)
        return self._tally("preferences", looked, table, mixed)

    def _tally(
        self,
        name: str,
        looked: Sequence[tuple[Key, Micros]],
        values: Array,
        rules: Sequence[Mixed] = (),
    ) -> bool:
        every: dict[Key, Micros] = {}
        for column, table in looked:
            every[column] = every.get(column, 0) + table
        counts = Four(self._columns.placed(every), np.zeros_like)
        self._tallies.append(Tally(counts, rules, self._lens.worth(name, values)))
        return True

    # --- all companies -------------------------------------------------------------------------

    def run(self, *, scores: bool = True) -> Swept:
        """All companies of the segment, some thousand at a time. scores: add up parts, too."""
        ops, count = lookups(), self._segment.rows
        fit = np.empty(count, dtype=np.int8)
        rows, sums = [_NONE], [_NONE]
        lowest = Four(self._columns.placed(self._lowest), np.copy)
        worth = Four(self._columns.placed(self._worth), np.zeros_like)
        for start in range(0, count, BLOCK):
            part = slice(start, min(start + BLOCK, count))
            self._gate(ops, fit[part], part, lowest)
            fitting = np.flatnonzero(fit[part] >= 0)
            rows.append(fitting + start)
            if scores:
                sums.append(self._sums(ops, fitting, part, worth))
        maybe = fit == NO
        np.maximum(fit, np.int8(NO), out=fit)
        return Swept(fit, maybe, np.concatenate(rows), np.concatenate(sums), self._left)

    def _gate(self, ops: Any, best: Verdicts, part: slice, lowest: Four) -> None:
        best[:] = min([self._lens.best_fit, *lowest.first])
        for looked in lowest.each(part):
            ops.lowered(best, *looked)
        for rule in self._mixed:
            np.minimum(best, rule.counts.take(rule.places(ops, part)), out=best)

    def _sums(self, ops: Any, rows: Array, part: slice, worth: Four) -> Micros:
        found = _added(ops, self._base, worth, rows, part)
        for tally in self._tallies:
            counts = _added(ops, 0, tally.counts, rows, part)
            for rule in tally.rules:
                counts += rule.counts.take(rule.places(ops, part).take(rows))
            found += tally.table.take(counts)
        return found


def _added(ops: Any, base: int, four: Four, rows: Array, part: slice) -> Micros:
    sums = np.full(len(rows), base + sum(four.first), dtype=np.int64)
    for looked in four.each(part):
        ops.added(sums, rows, *looked)
    return sums


def _number(ends: Sequence[int], parts: Sequence[Micros]) -> Micros:
    """Several small counts as one number, so that sums of numbers are numbers of sums."""
    found = np.zeros(len(parts[0]), dtype=np.int64)
    for end, part in zip(ends, parts, strict=True):
        found = found * end + part
    return found


def _numbers(ends: Sequence[int]) -> Sequence[Micros]:
    """The counts behind every number there is."""
    return [part.ravel() for part in np.indices(ends)]


def swept(lens: Lens, segment: Segment, *, scores: bool = True) -> Swept:
    """Gate and sums of a segment; see `Swept`."""
    return Sweep(lens, segment).run(scores=scores)
