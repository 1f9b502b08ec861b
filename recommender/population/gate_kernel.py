"""The gate of one product over many packed companies in one pass, compiled by numba.

Exact, not a guess: three-valued answers from bits and from numbers that were compared before. The
same as `columnar.Lens.gate`, which stands in where numba is not installed. Compiled at first use
and kept on disk; the arrays are padded to fixed numbers, so that one compilation serves every
product.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

WORDS, NUMBERS = 16, 24
OURS, MENDABLE = 1, 2


BLOCK = 2048


@njit(cache=True, nogil=True)
def list_sums(starts: Any, rows: Any, items: Any, table: Any) -> Any:
    """Sums (n,) of table[item] over the list of each of some rows, from its first item on."""
    found = np.zeros(len(rows))
    for i in range(len(rows)):
        total = 0.0
        for at in range(starts[rows[i]], starts[rows[i] + 1]):
            total += table[items[at]]
        found[i] = total
    return found


@njit(cache=True, nogil=True)
def _bits(has: Any, may: Any, mask: Any, answer: Any) -> None:
    """Raise answers (b,) to those of bits: 1 where `has` shares one, 0 where `may` does."""
    for i in range(len(answer)):
        found = np.int8((has[i] & mask) != 0) + np.int8((may[i] & mask) != 0) - np.int8(1)
        answer[i] = max(answer[i], found)


@njit(cache=True, nogil=True)
def _raised(answers: Any, answer: Any) -> None:
    """Raise answers (b,) to others."""
    for i in range(len(answer)):
        answer[i] = max(answer[i], answers[i])


@njit(cache=True, nogil=True)
def _one(words: Any, strides: Any, at: Any, start: Any, size: Any) -> Any:
    """A block of a column of bits; one value that stands for all is the same everywhere."""
    if strides[at]:
        return words[at][start : start + size]
    return np.full(size, words[at][0])


@njit(cache=True, nogil=True)
def _lowered(best: Any, rule: Any, asked: Any) -> None:
    """Lower fits (b,) to the answers of one rule. asked: OURS | MENDABLE."""
    no = np.int8(-1) if asked & MENDABLE else np.int8(-2)
    ours = (asked & OURS) != 0
    for i in range(len(best)):
        if rule[i] == -1:
            best[i] = min(best[i], no)
        elif ours:
            best[i] = min(best[i], rule[i])


class Arrays(NamedTuple):
    """A program and the columns it looks at.

    words: WORDS arrays of uint64, those of `has` and `may` by turns, with strides (WORDS,) of 0 for
    one value that stands for all. numbers: NUMBERS arrays of answers (n,). rules (r, 3): first and
    last part, and OURS | MENDABLE. parts (p, 3): first and last leaf, and sign. leaves (l, 2): kind
    (0 bits, 1 number) and which array; masks (l,).
    """

    words: Any
    strides: Any
    numbers: Any
    rules: Any
    parts: Any
    leaves: Any
    masks: Any


@njit(cache=True, nogil=True)
def _part_answers(a: Any, p: Any, start: Any, part: Any) -> None:
    """Fill the answers (b,) to one part of a rule, for a block that begins at start."""
    part[:] = -1
    for leaf in range(a.parts[p, 0], a.parts[p, 1]):
        at = a.leaves[leaf, 1]
        if a.leaves[leaf, 0] == 1:
            _raised(a.numbers[at][start : start + len(part)], part)
        else:
            has = _one(a.words, a.strides, at, start, len(part))
            may = _one(a.words, a.strides, at + 1, start, len(part))
            _bits(has, may, a.masks[leaf], part)


@njit(cache=True, nogil=True)
def gated(a: Any, fit: Any) -> None:
    """Fill fit (n,): 1 eligible, 0 conditional, -1 not but perhaps a near miss, -2 not at all."""
    part = np.empty(BLOCK, dtype=np.int8)
    rule = np.empty(BLOCK, dtype=np.int8)
    for start in range(0, len(fit), BLOCK):
        size = min(BLOCK, len(fit) - start)
        best = fit[start : start + size]
        best[:] = 1
        for r in range(len(a.rules)):
            rule[:] = -1
            for p in range(a.rules[r, 0], a.rules[r, 1]):
                _part_answers(a, p, start, part[:size])
                sign = np.int8(a.parts[p, 2])
                for i in range(size):
                    rule[i] = max(rule[i], sign * part[i])
            _lowered(best, rule, a.rules[r, 2])
