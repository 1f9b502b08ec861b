"""The tokens a model knows, and companies as a sparse table of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from recommender.matching.encoding import Ints

Row = Mapping[str, float]


@dataclass(frozen=True)
class Vocabulary:
    """The tokens a model knows, in a fixed order; others are passed over."""

    names: tuple[str, ...]

    @classmethod
    def learned(cls, rows: Iterable[Row], least: int = 1) -> Vocabulary:
        """Tokens that at least this many companies carry, sorted."""
        counts = Counter(token for row in rows for token in row)
        return cls(tuple(sorted(token for token, count in counts.items() if count >= least)))

    @cached_property
    def place(self) -> dict[str, int]:
        """Token to column."""
        return {name: column for column, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def encode(self, rows: Sequence[Row]) -> Any:
        """Companies as a sparse table (n, tokens) of float64, columns of a row in order."""
        columns: list[int] = []
        values: list[float] = []
        ends: list[int] = [0]
        for row in rows:
            known = sorted(
                (self.place[token], value) for token, value in row.items() if token in self.place
            )
            columns += [column for column, _ in known]
            values += [value for _, value in known]
            ends.append(len(columns))
        parts = (np.array(values, dtype=np.float64), np.array(columns, dtype=np.int32))
        return csr_matrix((*parts, _indices(ends)), shape=(len(rows), len(self)))


def _indices(ends: list[int]) -> Ints:
    return np.array(ends, dtype=np.int64)
