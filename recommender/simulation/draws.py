"""Chance from a seed: the same draws on every machine, for every version of Python."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from statistics import NormalDist
from typing import TypeVar

_NORMAL = NormalDist()
_ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
T = TypeVar("T")


class Draws:
    """A stream of chance named by its parts; equal names give equal streams.

    Only `Random.random` is used: it is the one method whose numbers Python promises to keep.
    """

    def __init__(self, *name: object) -> None:
        source = random.Random("/".join(map(str, name)))  # noqa: S311 - repeatable, no secret
        self.share = source.random

    def yes(self, chance: float) -> bool:
        """True with this chance."""
        return self.share() < chance

    def one(self, weights: Mapping[str, float]) -> str:
        """One of the keys, by weight."""
        keys, bounds = _bounds(tuple(weights.items()))
        return keys[min(bisect_right(bounds, self.share() * bounds[-1]), len(keys) - 1)]

    def item(self, items: Sequence[T]) -> T:
        """One of some items, all alike."""
        return items[int(self.share() * len(items))]

    def some(self, weights: Mapping[str, float], most: int) -> list[str]:
        """One to `most` distinct keys, fewer more often, in the order of the mapping."""
        first = self.one(weights)
        more = {self.one(weights) for _ in range(most - 1) if self.yes(0.35)}
        return [key for key in weights if key == first or key in more]

    def between(self, low: float, high: float) -> float:
        """A number of a range, all alike."""
        return low + (high - low) * self.share()

    def whole(self, low: int, high: int) -> int:
        """A whole number of a range, ends included."""
        return low + int(self.share() * (high - low + 1))

    def lognormal(self, median: float, spread: float) -> float:
        """A positive number; spread is the standard deviation of its logarithm."""
        return median * math.exp(spread * _NORMAL.inv_cdf(min(max(self.share(), 1e-4), 1 - 1e-4)))


@lru_cache(maxsize=4096)
def _bounds(weights: tuple[tuple[str, float], ...]) -> tuple[list[str], list[float]]:
    return [key for key, _ in weights], list(accumulate(weight for _, weight in weights))


def round_amount(value: float) -> int:
    """The nearest amount people ask for: 1, 1.2, 1.5, 2, 2.5 ... times a power of ten.

    >>> round_amount(2_130_000), round_amount(960), round_amount(0.3)
    (2000000, 1000, 1)
    """
    if value < 1:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    near: float = min(_ROUND, key=lambda step: abs(math.log(value / (step * power))))
    return int(near * power)


def figure(value: float, digits: int = 3) -> int:
    """A figure with a few leading digits, as accounts in thousands show it.

    >>> figure(38_472_911), figure(45.4)
    (38500000, 45)
    """
    if value < 10**digits:
        return round(value)
    step = int(10 ** (math.floor(math.log10(value)) - digits + 1))
    return round(value / step) * step


def first(found: Iterable[T]) -> T | None:
    """The first of some, None when there is none."""
    return next(iter(found), None)
