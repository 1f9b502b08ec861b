"""How near a company's codes are to what a product asks for: small tables looked up by code.

A product without a scope list is open to all: it fits at OPEN, less than a product made for the
case and more than one that misses it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender import codes
from recommender.matching.encoding import Bit, Floats, Layout

OPEN = 0.7
Affinity = Callable[[str, str], float]


@dataclass(frozen=True, eq=False)
class Fits:
    """Fit of each code of a vocabulary with each product.

    rows (codes, m); none, unknown (m,): fits of a company without codes, and of one whose codes
    are not known (NaN). Products in `open` (m,) fit at OPEN everywhere. Arrays are read-only.
    """

    rows: Floats
    none: Floats
    unknown: Floats
    open: NDArray[np.bool_]

    @classmethod
    def of(cls, table: Floats, open_: NDArray[np.bool_]) -> Fits:
        """From a table (codes, m) of affinities and the products that are open to all (m,)."""
        rows, none, unknown = (np.where(open_, OPEN, part) for part in (table, 0.0, np.nan))
        for part in (rows, none, unknown):
            part.flags.writeable = False
        return cls(rows, none, unknown, open_)

    def mean(self, codes: Sequence[int], *, known: bool) -> Floats:
        """Mean fit over codes in order (m,); known: whether a company without any has none."""
        if len(codes) < 2:
            return self.rows[codes[0]] if codes else self.none if known else self.unknown
        total: Floats = self.rows[codes[0]].copy()
        for code in codes[1:]:
            total += self.rows[code]
        total /= len(codes)
        np.copyto(total, OPEN, where=self.open)
        return total


@dataclass(frozen=True, eq=False)
class CodeFits:
    """The fits of a field of codes. bits: word and mask of each code in the bitsets."""

    bits: tuple[Bit, ...]
    fits: Fits

    def mean(self, has: Sequence[int], may: Sequence[int]) -> Floats:
        """Mean fit over the codes a company certainly has (m,), from the words of its bitsets."""
        codes = held(self.bits, has)
        return self.fits.mean(codes, known=bool(codes) or not held(self.bits, may))


def bits_of(layout: Layout, name: str, tokens: Sequence[str]) -> tuple[Bit, ...]:
    """Where codes of one field stand in the bitsets, in the given order."""
    return tuple(layout.codes[name].bits[token] for token in tokens)


def held(bits: Sequence[Bit], words: Sequence[int]) -> list[int]:
    """Which of some codes are set in the words of one company's bitset."""
    return [i for i, (word, mask) in enumerate(bits) if words[word] & mask]


def pairs(*groups: tuple[str, str, float]) -> Affinity:
    """Equal codes fit at 1, those of a pair at its value whatever the order, others not at all."""
    table = {frozenset(group[:2]): group[2] for group in groups}
    return lambda a, b: 1.0 if a == b else table.get(frozenset((a, b)), 0.0)


ROUTE_AFFINITY = pairs(
    ("RSI", "XBR", 0.5),
    ("RSI", "IRT", 0.5),
    ("XBR", "IRT", 0.5),
    ("IRT", "CER", 0.4),
    ("RSI", "RIV", 0.4),
    ("RSI", "SEA", 0.4),
    ("RIV", "SEA", 0.4),
)
STAGE_AFFINITY = pairs(
    ("pre_shipment", "before_departure", 0.4),
    ("before_departure", "in_transit", 0.4),
    ("in_transit", "post_shipment", 0.4),
    ("import_order", "in_transit", 0.4),
    ("in_transit", "import_payment", 0.4),
    ("import_payment", "stock", 0.4),
)
SETTLEMENT_AFFINITY = pairs(("DP", "DA", 0.5), ("DA", "OA", 0.5), ("LC", "DP", 0.3))
SIZE_AFFINITY = pairs(("micro", "small", 0.5), ("small", "medium", 0.5), ("medium", "large", 0.5))


def hs_affinity(code: str, scope: str) -> float:
    """Nearness of two HS codes: one within the other 1, chapter 0.8, section 0.3, else 0."""
    if code.startswith(scope):
        return 1.0
    if code[:2] == scope[:2]:
        return 0.8
    return 0.3 if codes.hs_section(code[:2]) == codes.hs_section(scope[:2]) else 0.0


def scope_table(
    tokens: Sequence[str], scopes: Sequence[Sequence[str] | None], affinity: Affinity
) -> Floats:
    """Fit of each token with each scope: the best affinity; 0 without a scope."""
    fits = [
        [max((affinity(token, s) for s in scope or ()), default=0.0) for scope in scopes]
        for token in tokens
    ]
    return np.array(fits)
