"""The gate of one product over many packed companies in one pass, compiled by numba.

Exact, not a guess: three-valued answers from bits and from numbers that were compared before. The
same as `columnar.Lens.gate`, which stands in where numba is not installed. Compiled at first use
and kept on disk; the arrays are padded to fixed numbers, so that one compilation serves every
product.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

WORDS, NUMBERS = 16, 24
OURS, MENDABLE = 1, 2


BLOCK = 2048


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def list_sums(starts: Any, rows: Any, items: Any, table: Any) -> Any:
    """Sums (n,) of table[item] over the list of each of some rows, from its first item on."""
    found = np.zeros(len(rows))
    for i in range(len(rows)):
        total = 0.0
        for at in range(starts[rows[i]], starts[rows[i] + 1]):
            total += table[items[at]]
        found[i] = total
    return found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _bits(has: Any, may: Any, mask: Any, answer: Any) -> None:
    """Raise answers (b,) to those of bits: 1 where `has` shares one, 0 where `may` does."""
    for i in range(len(answer)):
        found = np.int8((has[i] & mask) != 0) + np.int8((may[i] & mask) != 0) - np.int8(1)
        answer[i] = max(answer[i], found)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _raised(answers: Any, answer: Any) -> None:
    """Raise answers (b,) to others."""
    for i in range(len(answer)):
        answer[i] = max(answer[i], answers[i])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _one(words: Any, strides: Any, at: Any, start: Any, size: Any) -> Any:
    """A block of a column of bits; one value that stands for all is the same everywhere."""
    if strides[at]:
        return words[at][start : start + size]
    return np.full(size, words[at][0])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def gated(
    words: Any, strides: Any, numbers: Any, rules: Any, parts: Any, leaves: Any, masks: Any,
    fit: Any,
) -> None:  # fmt: skip
    """Fill fit (n,): 1 eligible, 0 conditional, -1 not but perhaps a near miss, -2 not at all.

    words: WORDS arrays of uint64, those of `has` and `may` by turns, with strides (WORDS,) of 0 for
    one value that stands for all. numbers: NUMBERS arrays of answers (n,). rules (r, 3): first and
    last part, and OURS | MENDABLE, those that nothing mends first. parts (p, 3): first and last
    leaf, and sign. leaves (l, 2): kind (0 bits, 1 number) and which array; masks (l,).
    """
    part = np.empty(BLOCK, dtype=np.int8)
    rule = np.empty(BLOCK, dtype=np.int8)
    for start in range(0, len(fit), BLOCK):
        size = min(BLOCK, len(fit) - start)
        best = fit[start : start + size]
        best[:] = 1
        for r in range(len(rules)):
            rule[:] = -1
            for p in range(rules[r, 0], rules[r, 1]):
                part[:] = -1
                for leaf in range(parts[p, 0], parts[p, 1]):
                    at = leaves[leaf, 1]
                    if leaves[leaf, 0] == 1:
                        _raised(numbers[at][start : start + size], part[:size])
                    else:
                        has = _one(words, strides, at, start, size)
                        may = _one(words, strides, at + 1, start, size)
                        _bits(has, may, masks[leaf], part[:size])
                sign = np.int8(parts[p, 2])
                for i in range(size):
                    rule[i] = max(rule[i], sign * part[i])
            ours = (rules[r, 2] & OURS) != 0
            mendable = (rules[r, 2] & MENDABLE) != 0
            if not mendable:
                for i in range(size):
                    if rule[i] == -1:
                        best[i] = -2
                    elif ours:
                        best[i] = min(best[i], rule[i])
            else:
                for i in range(size):
                    if rule[i] == -1:
                        best[i] = min(best[i], np.int8(-1))
                    elif ours:
                        best[i] = min(best[i], rule[i])
