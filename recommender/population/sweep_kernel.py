"""Looking up places in tables, company by company, compiled by numba (extra `fast`).

Exact, not a guess: integers and small answers are looked up, compared and added, as
`recommender.population.lookups` does with numpy where numba is not installed. Compiled at first use
and kept on disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def lowered(answers: Any, places: Any, tables: Any) -> None:
    """Lower answers (b,) to table[place] of four columns: at once they take half of the time."""
    p, q, r, s = places
    a, b, c, d = tables
    for i in range(len(answers)):
        first, second = min(a[p[i]], b[q[i]]), min(c[r[i]], d[s[i]])
        answers[i] = min(answers[i], first, second)


@njit(cache=True, nogil=True)
def raised(answers: Any, places: Any, table: Any) -> None:
    """Raise answers (b,) to table[place]."""
    for i in range(len(answers)):
        answers[i] = max(answers[i], table[places[i]])


@njit(cache=True, nogil=True)
def compared(answers: Any, places: Any, tables: Any, low: float, high: float) -> None:
    """Raise answers (b,) to: 1 where low <= left - right <= high, 0 where that is NaN."""
    p, q = places
    a, b = tables
    for i in range(len(answers)):
        difference = a[p[i]] - b[q[i]]
        if low <= difference <= high:
            answers[i] = 1
        elif not (difference < low or difference > high):
            answers[i] = max(answers[i], 0)


@njit(cache=True, nogil=True)
def added(sums: Any, rows: Any, places: Any, tables: Any) -> None:
    """Add table[place] of four columns to the sums (k,) of some rows."""
    p, q, r, s = places
    a, b, c, d = tables
    for i in range(len(rows)):
        row = rows[i]
        sums[i] += a[p[row]] + b[q[row]] + c[r[row]] + d[s[row]]


@njit(cache=True, nogil=True)
def list_sums(starts: Any, rows: Any, items: Any, table: Any) -> Any:
    """Sums (n,) of table[item] over the list of each of some rows, from its first item on."""
    found = np.zeros(len(rows), dtype=table.dtype)
    for i in range(len(rows)):
        total = found[i]
        for at in range(starts[rows[i]], starts[rows[i] + 1]):
            total += table[items[at]]
        found[i] = total
    return found


@njit(cache=True, nogil=True)
def list_products(starts: Any, rows: Any, items: Any, table: Any, places: Any, values: Any) -> Any:
    """Sums (n,) of table[item] x values[place] over lists, as `list_sums`."""
    found = np.zeros(len(rows))
    for i in range(len(rows)):
        total = 0.0
        for at in range(starts[rows[i]], starts[rows[i] + 1]):
            total += table[items[at]] * values[places[at]]
        found[i] = total
    return found
