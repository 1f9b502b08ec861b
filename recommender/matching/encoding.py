"""Companies as plain numpy columns and bitsets; the same code for one company and for millions.

Numbers and days are float64 columns with NaN for unknown. Every code a rule or similarity asks
about is a bit in two uint64 bitsets: `has` (certainly) and `may` (possibly, a superset): a code is
yes when in `has`, unknown when only in `may`, no otherwise.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.company.readings import UNKNOWN, Codes, Value

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]
Ints = NDArray[np.int64]
Matching = Literal["equal", "prefix"]
Bit = tuple[int, int]
WORD = 64
_ALL = (1 << WORD) - 1
_NEITHER: tuple[list[Bit], list[Bit]] = ([], [])


class Values(NamedTuple):
    """Encoded fields of one company as plain lists: numbers (F,), has and may (W,)."""

    numbers: list[float]
    has: list[int]
    may: list[int]

    def copy(self) -> Values:
        """The same values, to be changed."""
        return Values(self.numbers[:], self.has[:], self.may[:])


@dataclass(frozen=True)
class Columns:
    """Encoded fields of n companies: numbers (n, F), has and may (n, W)."""

    numbers: Floats
    has: Words
    may: Words

    def __len__(self) -> int:
        return int(self.numbers.shape[0])

    def values(self, row: int = 0) -> Values:
        """One company as plain lists."""
        return Values(self.numbers[row].tolist(), self.has[row].tolist(), self.may[row].tolist())


@dataclass
class CodeColumn:
    """The bits of one field of codes; a code outside the vocabulary leaves no trace."""

    matching: Matching
    bits: dict[str, tuple[int, int]]
    whole: tuple[tuple[int, int], ...]
    _prefixes: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        """Look up once what an equal code sets."""
        self.equal = {code: ([bit], list[Bit]()) for code, bit in self.bits.items()}

    def write(self, has: list[int], may: list[int], value: Value) -> None:
        """Set the bits of a value in the words of one company, over what was there."""
        codes = value if isinstance(value, Codes) else UNKNOWN
        for word, mask in self.whole:
            has[word] &= ~mask
            may[word] = may[word] | mask if codes.may is None else may[word] & ~mask
        for code in codes.has:
            certain, possible = self.found(code)
            for word, mask in certain:
                has[word] |= mask
                may[word] |= mask
            for word, mask in possible:
                may[word] |= mask
        for code in codes.may or ():
            for part in self.found(code):
                for word, mask in part:
                    may[word] |= mask

    def found(self, code: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Bits a code certainly sets, and bits it possibly sets."""
        if self.matching == "equal":
            return self.equal.get(code, _NEITHER)
        known = self._prefixes.get(code)
        if known is None:
            certain = [bit for token, bit in self.bits.items() if code.startswith(token)]
            possible = [b for t, b in self.bits.items() if t.startswith(code) and t != code]
            known = self._prefixes[code] = (certain, possible)
        return known


class Layout:
    """Where each field and fact stands in the columns.

    numbers: ids of numeric and day fields; column 0 is the constant 0.
    vocabulary: for each field of codes, the codes anything asks about, and how codes match.
    """

    def __init__(
        self,
        numbers: Iterable[str],
        vocabulary: Mapping[str, Iterable[str]],
        matching: Mapping[str, Matching],
    ) -> None:
        self.numbers = {name: i for i, name in enumerate(sorted(set(numbers)), start=1)}
        self.codes: dict[str, CodeColumn] = {}
        position = 0
        for name in sorted(vocabulary):
            tokens = sorted(set(vocabulary[name]))
            if position % WORD + len(tokens) > WORD:
                position = -(-position // WORD) * WORD
            bits = {t: divmod(position + i, WORD) for i, t in enumerate(tokens)}
            position += len(tokens)
            masked = {token: (word, 1 << bit) for token, (word, bit) in bits.items()}
            self.codes[name] = CodeColumn(
                matching.get(name, "equal"), masked, _merged(masked.values())
            )
        self.words = max(1, -(-position // WORD))

    def encode(self, rows: Sequence[Mapping[str, Value]]) -> Columns:
        """Columns of several companies from their values by field; absent is unknown."""
        found = []
        for row in rows:
            found.append(self.blank())
            self.write(found[-1], row)
        return self.columns(found)

    def blank(self) -> Values:
        """One company of which nothing is known."""
        return Values([0.0, *[nan] * len(self.numbers)], [0] * self.words, [_ALL] * self.words)

    def columns(self, rows: Sequence[Values]) -> Columns:
        """Columns of several companies from their lists."""
        n, width = len(rows), len(self.numbers) + 1
        return Columns(
            np.array([row.numbers for row in rows], dtype=np.float64).reshape(n, width),
            np.array([row.has for row in rows], dtype=np.uint64).reshape(n, self.words),
            np.array([row.may for row in rows], dtype=np.uint64).reshape(n, self.words),
        )

    def write(self, company: Values, values: Mapping[str, Value]) -> None:
        """Write values over what was there; a field nothing asks about is left out."""
        numbers, has, may = company
        places, columns = self.numbers, self.codes
        for name, value in values.items():
            if name in columns:
                columns[name].write(has, may, value)
            elif name in places:
                numbers[places[name]] = as_number(value)


def _merged(bits: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    masks: dict[int, int] = {}
    for word, mask in bits:
        masks[word] = masks.get(word, 0) | mask
    return tuple(sorted(masks.items()))


def as_number(value: Value) -> float:
    """A number or the ordinal of a day as float; NaN for unknown."""
    if value is None or isinstance(value, Codes):
        return float("nan")
    return float(value.toordinal() if isinstance(value, datetime.date) else value)


_LATIN = re.compile(r"[a-z0-9]+")
_HAN = re.compile(r"[\u3400-\u9fff]+")


def ngrams(text: str) -> list[str]:
    """Distinct character n-grams in sorted order: pairs of Han characters, trigrams of words."""
    lowered = text.lower()
    found = {run[i : i + 2] for run in _HAN.findall(lowered) for i in range(max(1, len(run) - 1))}
    for word in _LATIN.findall(lowered):
        padded = f" {word} "
        found |= {padded[i : i + 3] for i in range(len(padded) - 2)}
    return sorted(found)


class Pledge(NamedTuple):
    """One item of collateral in CNY: lendable = max(0, min(advance x base, cap) - senior).

    group: items of one trade share a group, of which only the best counts. NaN: unknown.
    """

    kind: str
    base_cny: float
    senior_cny: float
    group: str
    cap_cny: float = float("inf")


class Exposure(NamedTuple):
    """One currency and bucket: documented position after own hedges, in CNY; NaN: unknown."""

    currency: str
    bucket: str
    open_cny: float


@dataclass(frozen=True)
class Companies:
    """n encoded companies: columns for rules, and what only similarities look at.

    hs, text: tokens of goods and description. They, pledges and positions are None for a company
    that does not say; goods none of which is known are not known either.
    coverage: CNY lendable at the catalogue's best advances (n,), NaN unknown.
    """

    columns: Columns
    hs: tuple[list[int] | None, ...]
    text: tuple[list[int] | None, ...]
    pledges: tuple[tuple[Pledge, ...] | None, ...]
    positions: tuple[tuple[Exposure, ...] | None, ...]
    coverage: Floats

    def __len__(self) -> int:
        return len(self.columns)
