"""Looking up places in tables, company by company: by numba where there is one, else by numpy."""

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
    """The lookups in numpy; see `recommender.population.sweep_kernel`."""

    @staticmethod
    def lowered(answers: Any, places: Any, tables: Any) -> None:
        """Lower answers (b,) to table[place] of some columns."""
        for own, table in zip(places, tables, strict=True):
            np.minimum(answers, table.take(own), out=answers)

    @staticmethod
    def raised(answers: Any, places: Any, table: Any) -> None:
        """Raise answers (b,) to table[place]."""
        np.maximum(answers, table.take(places), out=answers)

    @staticmethod
    def compared(answers: Any, places: Any, tables: Any, low: float, high: float) -> None:
        """Raise answers (b,) to: 1 where low <= left - right <= high, 0 where that is NaN."""
        left, right = (table.take(own) for own, table in zip(places, tables, strict=True))
        difference = left - right
        inside = (difference >= low) & (difference <= high)
        outside = (difference < low) | (difference > high)
        np.maximum(answers, inside.view(np.int8) - outside.view(np.int8), out=answers)

    @staticmethod
    def added(sums: Any, rows: Any, places: Any, tables: Any) -> None:
        """Add table[place] of some columns to the sums (k,) of some rows."""
        for own, table in zip(places, tables, strict=True):
            sums += table.take(own.take(rows))


def lookups() -> Any:
    """`lowered` and `added`, of four columns at once; `raised` and `compared`."""
    return import_module("recommender.population.sweep_kernel") if available() else Plain


def made_ready() -> None:
    """Compile what there is to compile, once for each type of places, and keep it on disk."""
    if not available():
        return
    ops = lookups()
    answers, sums, rows = np.zeros(1, np.int8), np.zeros(1, np.int64), np.zeros(1, np.int64)
    points, values, starts = np.zeros(1, np.int64), np.zeros(1), np.zeros(2, np.int64)
    kinds = [np.zeros(1, dtype=kind) for kind in (np.uint8, np.uint16, np.uint32)]
    for places in kinds:
        places.setflags(write=False)  # as those that are mapped: it is part of the type
        ops.lowered(answers, (places,) * 4, (answers,) * 4)
        ops.raised(answers, places, answers)
        ops.added(sums, rows, (places,) * 4, (points,) * 4)
        for table in (points, values):
            ops.list_sums(starts, rows, places, table)
