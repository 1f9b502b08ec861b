"""The gate of one product over many packed companies: the readable reference."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.engine import Engine
from recommender.matching.eligibility import NO, UNKNOWN, YES, Between
from recommender.population.population import BITS, Segment
from recommender.population.segment_rows import Bools, Rows

NO_AT_ALL = NO - 1  # a no that nothing mends
Verdicts = NDArray[np.int8]


class Gate:
    """The rules of one product of an engine's catalogue."""

    def __init__(self, engine: Engine, product_id: str) -> None:
        self.matcher = engine.matcher
        self.product = engine.catalogue.product(product_id)
        self.at = self.matcher.index[product_id]
        ours, theirs, soft = self.matcher.parts[self.at]
        self._ours = list(dict.fromkeys(i for i, _ in ours))
        self.every = list(dict.fromkeys(i for i, _ in (*ours, *theirs)))
        self.soft = [i for i, _ in soft]
        self._mendable = engine.mendable

    def gate(self, rows: Rows) -> tuple[Verdicts, Bools]:
        """Fit (n,): 1 eligible, 0 conditional, -1 not; and which of the last might be near misses.

        Those whose hard rules that say no are all of a kind that a company can mend.
        """
        fit = np.full(len(rows), YES, dtype=np.int8)
        stuck = np.zeros(len(rows), dtype=np.bool_)
        ours = set(self._ours)
        for rule in self.every:
            verdict = self.verdict(rule, rows)
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
    def best_fit(self) -> np.int8:
        """The best fit there is."""
        return np.int8(UNKNOWN if self.matcher.ceilings[self.at] else YES)

    def counts(self, rule: int) -> Verdicts:
        """What no, not known and yes to a hard rule (3,) let the fit be at best; see NO_AT_ALL."""
        no = NO if self._mendable[rule] else NO_AT_ALL
        open_ = UNKNOWN if rule in self._ours else YES
        return np.array([no, open_, YES], dtype=np.int8)

    def rule(self, rule: int) -> Any:
        """The parts of a rule: sign and leaves of each."""
        return self.matcher.table.rules[rule]

    def columns_of(self, leaf: Between) -> list[str | None]:
        """The two numbers that are compared; None for 0."""
        return [f"number.{self._names[at]}" if at else None for at in (leaf.left, leaf.right)]

    def answers(self, leaf: Between, segment: Segment) -> Any:
        """Answers of every row to a comparison, as places in no, not known and yes (n,)."""
        every = Rows(segment, 0, segment.rows)
        found = (self.leaf(leaf, every) + np.int8(1)).view(np.uint8)
        found.setflags(write=False)  # as those on disk: compiled functions have one type for both
        return found

    def verdict(self, rule: int, rows: Any) -> Verdicts:
        """Answers (n,) to a rule."""
        found = np.full(len(rows), NO, dtype=np.int8)
        for sign, leaves in self.matcher.table.rules[rule]:
            part = np.full(len(rows), NO, dtype=np.int8)
            for leaf in leaves:
                np.maximum(part, self.leaf(leaf, rows), out=part)
            np.maximum(found, sign * part, out=found)
        return found

    def leaf(self, leaf: Any, rows: Any) -> Verdicts:
        """Answers (n,) to one comparison of numbers or codes. rows: or patterns."""
        if isinstance(leaf, Between):
            difference = self._number(leaf.left, rows) - self._number(leaf.right, rows)
            return compared(np.broadcast_to(difference, len(rows)), leaf)
        has, may = (rows.bits(f"{kind}.{leaf.word}", leaf.mask) != 0 for kind in BITS)
        found: Verdicts = has.view(np.int8) + may.view(np.int8) - np.int8(1)
        return found

    def _number(self, place: int, rows: Any) -> Any:
        return rows.column(f"number.{self._names[place]}") if place else 0.0

    @cached_property
    def _names(self) -> dict[int, str]:
        return {place: name for name, place in self.matcher.layout.numbers.items()}


def compared(difference: NDArray[Any], leaf: Between) -> Verdicts:
    """Answers of differences to a comparison; NaN is not known."""
    inside = (difference >= leaf.low) & (difference <= leaf.high)
    outside = (difference < leaf.low) | (difference > leaf.high)
    found: Verdicts = inside.view(np.int8) - outside.view(np.int8)
    return found
