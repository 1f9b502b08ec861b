"""The rules of one product as arrays for `gate_kernel`, with what they look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.matching.eligibility import Between
from recommender.population.population import Segment

Array = NDArray[Any]
Verdicts = NDArray[np.int8]
Leaf = Any
BITS, NUMBER = 0, 1


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


class Program:
    """Rules in the order in which they are asked: those that nothing mends first.

    rules: number, whether the company answers it, and whether it can be mended. table: of compiled
    rules. compare: the answers of a segment to a comparison of numbers.
    """

    def __init__(
        self,
        rules: Sequence[tuple[int, bool, bool]],
        table: Any,
        compare: Callable[[Between, Segment], Verdicts],
    ) -> None:
        self._compare = compare
        self._words: list[int] = []
        self._numbers: list[Between] = []
        parts: list[tuple[int, int, int]] = []
        leaves: list[tuple[int, int, int]] = []
        spans: list[tuple[int, int, int]] = []
        for rule, ours, mendable in sorted(rules, key=lambda one: one[2]):
            first = len(parts)
            for sign, own in table.rules[rule]:
                start = len(leaves)
                leaves += [self._leaf(leaf) for leaf in own]
                parts.append((start, len(leaves), sign))
            spans.append((first, len(parts), ours + 2 * mendable))
        self._spans = np.array(spans, dtype=np.int64).reshape(-1, 3)
        self._parts = np.array(parts, dtype=np.int64).reshape(-1, 3)
        self._leaves = np.array([leaf[:2] for leaf in leaves], dtype=np.int64).reshape(-1, 2)
        self._masks = np.array([leaf[2] for leaf in leaves], dtype=np.uint64)

    def _leaf(self, leaf: Leaf) -> tuple[int, int, int]:
        if isinstance(leaf, Between):
            if leaf not in self._numbers:
                self._numbers.append(leaf)
            return NUMBER, self._numbers.index(leaf), 0
        if leaf.word not in self._words:
            self._words.append(leaf.word)
        return BITS, 2 * self._words.index(leaf.word), leaf.mask

    @property
    def fits(self) -> bool:
        """Whether it is small enough for the kernel."""
        from recommender.population.gate_kernel import NUMBERS, WORDS

        return 2 * len(self._words) <= WORDS and len(self._numbers) <= NUMBERS

    def run(self, segment: Segment) -> Verdicts:
        """Of every row (n,): 1 eligible, 0 conditional, -1 not, perhaps a near miss; -2 not."""
        from recommender.population.gate_kernel import NUMBERS, WORDS, Arrays, gated

        words = [_word(segment, f"{kind}.{at}") for at in self._words for kind in ("has", "may")]
        strides = [int(len(word) > 1) for word in words]
        numbers = [self._compare(leaf, segment) for leaf in self._numbers]
        words += [np.zeros(1, dtype=np.uint64)] * (WORDS - len(words))
        strides += [0] * (WORDS - len(strides))
        numbers += [np.zeros(1, dtype=np.int8)] * (NUMBERS - len(numbers))
        for array in (*words, *numbers):
            array.setflags(write=False)  # one type for all: the compiled function has one, too
        fit = np.empty(segment.rows, dtype=np.int8)
        gated(
            Arrays(
                tuple(words), np.array(strides), tuple(numbers), self._spans, self._parts,
                self._leaves, self._masks,
            ),
            fit,
        )  # fmt: skip
        return fit


def _word(segment: Segment, name: str) -> Array:
    """A column of bits, or the one value that stands for all."""
    stored = segment.stored(name)
    return np.ascontiguousarray(stored, dtype=np.uint64)


def compared(difference: Array, leaf: Between) -> Verdicts:
    """Answers of differences to a comparison; NaN is not known."""
    inside = (difference >= leaf.low) & (difference <= leaf.high)
    outside = (difference < leaf.low) | (difference > leaf.high)
    found: Verdicts = inside.view(np.int8) - outside.view(np.int8)
    return found


def compared_column(segment: Segment, name: str, leaf: Between, sign: float) -> Verdicts:
    """Answers of one column to a comparison, by its table where it has one."""
    placed = segment.columns[name]
    if placed.table is None or placed.count < placed.rows:
        return compared(sign * segment.read(name), leaf)
    return compared(sign * segment.stored(placed.table), leaf).take(segment.stored(name))
