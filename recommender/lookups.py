"""Looking up places in tables, company by company: by numba where it is installed, else by numpy."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


class Plain:
    """The lookups in numpy; see `recommender.sweep_kernel`."""

    @staticmethod
    def lowered(answers: Any, *looked: Any) -> None:
        """Lower answers (b,) to table[place] of pairs of places and tables."""
        for places, table in zip(looked[::2], looked[1::2], strict=True):
            np.minimum(answers, table.take(places), out=answers)

    @staticmethod
    def raised(answers: Any, places: Any, table: Any) -> None:
        """Raise answers (b,) to table[place]."""
        np.maximum(answers, table.take(places), out=answers)

    @staticmethod
    def compared(answers: Any, p: Any, a: Any, q: Any, b: Any, low: float, high: float) -> None:
        """Raise answers (b,) to: 1 where low <= a[p] - b[q] <= high, 0 where that is NaN."""
        difference = a.take(p) - b.take(q)
        inside = (difference >= low) & (difference <= high)
        known = inside | (difference < low) | (difference > high)
        np.maximum(answers, inside.astype(np.int8) - known.astype(np.int8) + inside, out=answers)

    @staticmethod
    def added(sums: Any, rows: Any, *looked: Any) -> None:
        """Add table[place] of pairs of places and tables to sums (k,)."""
        for places, table in zip(looked[::2], looked[1::2], strict=True):
            sums += table.take(places.take(rows))


def lookups() -> Any:
    """`lowered` and `added` of four pairs, `raised` and `compared`."""
    return import_module("recommender.sweep_kernel") if available() else Plain
