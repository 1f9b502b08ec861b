"""The gate of one product over many packed companies: the readable reference, and the kernel."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.engine import Engine
from recommender.matching.eligibility import NO, UNKNOWN, YES, Between
from recommender.population.gate_programs import Program, available, compared, compared_column
from recommender.population.population import Segment
from recommender.population.segment_rows import Bools, Rows

CHUNK = 1 << 15
Verdicts = NDArray[np.int8]


class Gate:
    """The rules of one product of an engine's catalogue."""

    def __init__(self, engine: Engine, product_id: str) -> None:
        self.matcher = engine.matcher
        self.product = engine.catalogue.product(product_id)
        self.at = self.matcher.index[product_id]
        ours, theirs, soft = self.matcher.parts[self.at]
        self._ours = list(dict.fromkeys(i for i, _ in ours))
        self._every = list(dict.fromkeys(i for i, _ in (*ours, *theirs)))
        self._soft = [i for i, _ in soft]
        self._mendable = engine.mendable

    def gate(self, rows: Rows) -> tuple[Verdicts, Bools]:
        """Fit (n,): 1 eligible, 0 conditional, -1 not; and which of the last might be near misses.

        Those whose hard rules that say no are all of a kind that a company can mend.
        """
        fit = np.full(len(rows), YES, dtype=np.int8)
        stuck = np.zeros(len(rows), dtype=np.bool_)
        ours = set(self._ours)
        for rule in self._every:
            verdict = self._verdict(rule, rows)
            no = verdict == NO
            if rule in ours:
                np.minimum(fit, verdict, out=fit)
            else:
                fit[no] = NO
            if not self._mendable[rule]:
                stuck |= no
        if self.matcher.ceilings[self.at]:
            np.minimum(fit, np.int8(UNKNOWN), out=fit)
        return fit, (fit == NO) & ~stuck

    @cached_property
    def program(self) -> Program | None:
        """The gate for the compiled kernel; None where it cannot be had."""
        if not available():
            return None
        ours = set(self._ours)
        rules = [(rule, rule in ours, bool(self._mendable[rule])) for rule in self._every]
        found = Program(rules, self.matcher.table, self._compare)
        return found if found.fits else None

    def gate_all(self, segment: Segment) -> tuple[Verdicts, Bools]:
        """The gate of every row of a segment, by the kernel where there is one; see `gate`."""
        if self.program is None:
            parts = [
                self.gate(Rows(segment, start, min(start + CHUNK, segment.rows)))
                for start in range(0, segment.rows, CHUNK)
            ]
            fits = np.concatenate([fit for fit, _ in parts])
            return fits, np.concatenate([maybe for _, maybe in parts])
        found = self.program.run(segment)
        maybe = found == NO
        np.maximum(found, np.int8(NO), out=found)
        if self.matcher.ceilings[self.at]:
            np.minimum(found, np.int8(UNKNOWN), out=found)
        return found, maybe

    def _compare(self, leaf: Between, segment: Segment) -> Verdicts:
        """Answers of every row to a comparison of numbers."""
        names = [f"number.{self._names[at]}" if at else None for at in (leaf.left, leaf.right)]
        if names[1] is None and names[0] is not None:
            return compared_column(segment, names[0], leaf, 1.0)
        if names[0] is None and names[1] is not None:
            return compared_column(segment, names[1], leaf, -1.0)
        rows = Rows(segment, 0, segment.rows)
        difference = self._number(leaf.left, rows) - self._number(leaf.right, rows)
        return compared(np.broadcast_to(difference, segment.rows), leaf)

    def _verdict(self, rule: int, rows: Rows) -> Verdicts:
        found = np.full(len(rows), NO, dtype=np.int8)
        for sign, leaves in self.matcher.table.rules[rule]:
            part = np.full(len(rows), NO, dtype=np.int8)
            for leaf in leaves:
                np.maximum(part, self._leaf(leaf, rows), out=part)
            np.maximum(found, sign * part, out=found)
        return found

    def _leaf(self, leaf: Any, rows: Rows) -> Verdicts:
        if isinstance(leaf, Between):
            difference = self._number(leaf.left, rows) - self._number(leaf.right, rows)
            return compared(np.asarray(difference), leaf)
        mask = np.uint64(leaf.mask)
        has = (rows.column(f"has.{leaf.word}") & mask) != 0
        may = (rows.column(f"may.{leaf.word}") & mask) != 0
        found: Verdicts = has.view(np.int8) + may.view(np.int8) - np.int8(1)
        return found

    def _number(self, place: int, rows: Rows) -> Any:
        return rows.column(f"number.{self._names[place]}") if place else 0.0

    @cached_property
    def _names(self) -> dict[int, str]:
        return {place: name for name, place in self.matcher.layout.numbers.items()}
