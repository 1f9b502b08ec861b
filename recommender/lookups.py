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
    def lowered(answers: Any, places: Any, table: Any) -> None:
        """Lower answers (b,) to table[place]."""
        np.minimum(answers, table.take(places), out=answers)

    @staticmethod
    def raised(answers: Any, places: Any, table: Any) -> None:
        """Raise answers (b,) to table[place]."""
        np.maximum(answers, table.take(places), out=answers)

    @staticmethod
    def added(sums: Any, rows: Any, places: Any, table: Any) -> None:
        """Add table[place] of some rows to sums (k,)."""
        sums += table.take(places.take(rows))


def lookups() -> Any:
    """`lowered`, `raised` and `added`."""
    return import_module("recommender.sweep_kernel") if available() else Plain
