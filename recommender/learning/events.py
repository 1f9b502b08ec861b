"""Choices as arrays: alternatives event by event, and how likely given weights make them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.errors import InvalidInput, Problem
from recommender.matching.encoding import Floats, Ints

BLOCK = 1_024
SAMPLED = 16


class InvalidChoices(InvalidInput, ValueError):
    """Choices nothing can be learned from; a ValueError too, as scikit-learn's callers expect."""

    code = "invalid_choices"


@dataclass(frozen=True)
class Events:
    """Choices: what was shown in each event, and what was taken.

    values (rows, P): the rows of an event stand together, at starts (events,). chosen (events,):
    its chosen row, -1 for none of them. weight (events,). outside: nothing was an alternative.
    """

    values: Floats
    starts: Ints
    chosen: Ints
    weight: Floats
    outside: bool

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def sizes(self) -> Ints:
        """Alternatives of each event (events,)."""
        return np.diff(self.starts, append=len(self.values))

    def sample(self) -> Events:
        """Every sixteenth event, with sixteen times its weight."""
        sizes, kept = self.sizes, np.arange(len(self)) % SAMPLED == 0
        starts = _starts(sizes[kept])
        moved = self.chosen[kept] - self.starts[kept] + starts
        chosen = np.where(self.chosen[kept] < 0, -1, moved)
        values = self.values[np.repeat(kept, sizes)]
        return Events(values, starts, chosen, self.weight[kept] * SAMPLED, self.outside)

    def chances(self, weights: Floats) -> tuple[float, Floats]:
        """Negative log-likelihood, and the chance of every row (rows,)."""
        utility, sizes = self.values @ weights, self.sizes
        top = np.maximum.reduceat(utility, self.starts)
        top = np.maximum(top, 0.0) if self.outside else top
        shares = np.exp(utility - np.repeat(top, sizes))
        total = np.add.reduceat(shares, self.starts) + (np.exp(-top) if self.outside else 0.0)
        picked = np.where(self.chosen < 0, 0.0, utility[self.chosen])
        shares /= np.repeat(total, sizes)
        return float(self.weight @ (top + np.log(total) - picked)), shares

    def slope(self, chances: Floats) -> Floats:
        """Gradient of the negative log-likelihood (P,)."""
        pull, took = chances * np.repeat(self.weight, self.sizes), self.chosen >= 0
        pull[self.chosen[took]] -= self.weight[took]
        gradient: Floats = pull @ self.values
        return gradient

    def curvature(self, chances: Floats) -> Floats:
        """Hessian of the negative log-likelihood (P, P), in blocks that stay in the cache."""
        bends = np.zeros((self.values.shape[1],) * 2)
        ends = np.append(self.starts, len(self.values))
        for first in range(0, len(self), BLOCK):
            edges = ends[first : first + BLOCK + 1]
            values = self.values[edges[0] : edges[-1]]
            weight = self.weight[first : first + BLOCK, None]
            expected = values * chances[edges[0] : edges[-1], None]
            means = _sums(expected, edges - edges[0])
            bends += (expected * np.repeat(weight, np.diff(edges), axis=0)).T @ values
            bends -= (means * weight).T @ means
        return bends


def read_events(X: Floats, y: Any, groups: Any, sample_weight: Any, outside: bool) -> Events:
    """Rows (rows, P) in any order as events; raises InvalidChoices with every problem."""
    code = event_codes(groups, len(X))
    taken, weight = _taken(y, len(X)), _weights(sample_weight, code)
    problems = list(_problems(code, taken, weight, outside))
    if problems:
        raise InvalidChoices(problems)
    if (code[1:] < code[:-1]).any():
        order = np.argsort(code, kind="stable")
        X, code, taken, weight = X[order], code[order], taken[order], weight[order]
    starts = _starts(np.bincount(code))
    chosen = np.full(len(starts), -1)
    chosen[code[taken]] = np.flatnonzero(taken)
    return Events(X, starts, chosen, weight[starts], outside)


def event_codes(groups: Any, rows: int) -> Ints:
    """Event ids (rows,) as numbers from 0; raises InvalidChoices."""
    ids = _column("groups", groups, rows)
    unknown = np.asarray(pd.isna(ids))
    if unknown.any():
        raise InvalidChoices([_at("groups", int(unknown.argmax()), None)])
    if ids.dtype.kind in "biuf" and (ids[1:] >= ids[:-1]).all():
        return np.concatenate([[0], np.cumsum(ids[1:] != ids[:-1])]).astype(np.int64)
    try:
        return np.unique(ids, return_inverse=True)[1].astype(np.int64)
    except TypeError as error:
        raise InvalidChoices([Problem("choice_table", "groups", str(error))]) from None


def _column(name: str, given: Any, rows: int) -> NDArray[Any]:
    if given is None:
        raise InvalidChoices([Problem("missing", name)])
    column = np.asarray(given)
    if column.shape != (rows,):
        raise InvalidChoices([Problem("choice_rows", name, list(column.shape), [rows])])
    return column


def _at(name: str, row: int, value: Any, allowed: Any = None) -> Problem:
    code = "choice_unknown" if value is None else "not_one_of"
    return Problem(code, f"{name}[{row}]", value, allowed, row=row + 1)


def _taken(y: Any, rows: int) -> NDArray[np.bool_]:
    """Which rows were chosen (rows,)."""
    given = _column("y", y, rows)
    if given.dtype == np.bool_:
        return given
    try:
        flags = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidChoices([Problem("choice_table", "y", str(error))]) from None
    wrong = np.flatnonzero(~np.isin(flags, (0.0, 1.0)))
    if len(wrong):
        value = None if np.isnan(flags[wrong[0]]) else float(flags[wrong[0]])
        raise InvalidChoices([_at("y", int(wrong[0]), value, [True, False])])
    chosen: NDArray[np.bool_] = flags == 1.0
    return chosen


def _weights(sample_weight: Any, code: Ints) -> Floats:
    """Weight of each row's event (rows,)."""
    if sample_weight is None:
        return np.ones(len(code))
    weight = _column("sample_weight", sample_weight, len(code)).astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    if len(wrong):
        row = int(wrong[0])
        place = f"sample_weight[{row}]"
        raise InvalidChoices([Problem("below_minimum", place, float(weight[row]), 0, row=row + 1)])
    return weight


def _problems(
    code: Ints, taken: NDArray[np.bool_], weight: Floats, outside: bool
) -> Iterator[Problem]:
    """What is wrong with single events: the first row of the first one, and how many there are."""
    first = np.unique(code, return_index=True)[1]
    rows, chosen = np.bincount(code), np.bincount(code, weights=taken)
    uneven = np.bincount(code, weights=weight != weight[first][code]) > 0
    kinds = {
        "choice_of_two": chosen > 1,
        "choice_of_none": (chosen == 0) & (not outside),
        "choice_of_one": rows + outside < 2,
        "choice_uneven_weight": uneven,
    }
    for name, wrong in kinds.items():
        if wrong.any():
            row = int(first[wrong.argmax()])
            yield Problem(name, f"groups[{row}]", int(wrong.sum()), row=row + 1)


def _sums(rows: Floats, edges: Ints) -> Floats:
    """Sum of the rows of each event (events, P); events of one size take half the time."""
    size = int(edges[1])
    if (np.diff(edges) != size).any():
        return np.add.reduceat(rows, edges[:-1], axis=0)
    sums: Floats = (np.ones((1, size)) @ rows.reshape(-1, size, rows.shape[1]))[:, 0]
    return sums


def _starts(sizes: Ints) -> Ints:
    return (np.cumsum(sizes) - sizes).astype(np.int64)
