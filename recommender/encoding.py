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
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.fields import Codes, Value

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]
Ints = NDArray[np.int64]
Matching = Literal["equal", "prefix"]
WORD = 64


@dataclass(frozen=True)
class Columns:
    """Encoded fields of n companies: numbers (n, F), has and may (n, W)."""

    numbers: Floats
    has: Words
    may: Words

    def __len__(self) -> int:
        return int(self.numbers.shape[0])

    def repeated(self, times: int) -> Columns:
        """One company, several times over."""
        return Columns(
            np.repeat(self.numbers, times, axis=0),
            np.repeat(self.has, times, axis=0),
            np.repeat(self.may, times, axis=0),
        )


@dataclass
class CodeColumn:
    """The bits of one field of codes; a code outside the vocabulary leaves no trace."""

    matching: Matching
    bits: dict[str, tuple[int, int]]
    whole: tuple[tuple[int, int], ...]
    _prefixes: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = field(
        default_factory=dict
    )

    def write(self, has: list[int], may: list[int], value: Value) -> None:
        """Set the bits of a value in the words of one company, over what was there."""
        known = isinstance(value, Codes) and value.may is not None
        for word, mask in self.whole:
            has[word] &= ~mask & _ALL
            may[word] = may[word] & ~mask & _ALL if known else may[word] | mask
        if not isinstance(value, Codes):
            return
        for code in value.has:
            certain, possible = self.found(code)
            for word, mask in certain:
                has[word] |= mask
                may[word] |= mask
            for word, mask in possible:
                may[word] |= mask
        for code in value.may or ():
            for part in self.found(code):
                for word, mask in part:
                    may[word] |= mask

    def found(self, code: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Bits a code certainly sets, and bits it possibly sets."""
        if self.matching == "equal":
            bit = self.bits.get(code)
            return ([bit], []) if bit else ([], [])
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

    def empty(self, n: int) -> Columns:
        """N companies of which nothing is known."""
        numbers = np.full((n, len(self.numbers) + 1), np.nan)
        numbers[:, 0] = 0.0
        may = np.full((n, self.words), ~np.uint64(0), dtype=np.uint64)
        return Columns(numbers, np.zeros((n, self.words), dtype=np.uint64), may)

    def encode(self, rows: Sequence[Mapping[str, Value]]) -> Columns:
        """Columns of several companies from their values by field; absent is unknown."""
        columns = self.empty(len(rows))
        has, may = columns.has.tolist(), columns.may.tolist()
        numbers = columns.numbers.tolist()
        for i, row in enumerate(rows):
            for name, value in row.items():
                self._write(numbers[i], has[i], may[i], name, value)
        return Columns(
            np.array(numbers, dtype=np.float64).reshape(columns.numbers.shape),
            np.array(has, dtype=np.uint64).reshape(columns.has.shape),
            np.array(may, dtype=np.uint64).reshape(columns.may.shape),
        )

    def put(self, columns: Columns, row: int, values: Mapping[str, Value]) -> None:
        """Write values over what was there; a field nothing asks about is left out."""
        numbers, has, may = (
            x.tolist() for x in (columns.numbers[row], columns.has[row], columns.may[row])
        )
        for name, value in values.items():
            self._write(numbers, has, may, name, value)
        columns.numbers[row], columns.has[row], columns.may[row] = numbers, has, may

    def _write(
        self, numbers: list[float], has: list[int], may: list[int], name: str, value: Value
    ) -> None:
        position = self.numbers.get(name)
        if position is not None:
            numbers[position] = as_number(value)
        elif name in self.codes:
            self.codes[name].write(has, may, value)


_ALL = (1 << WORD) - 1


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


@dataclass(frozen=True)
class Pledge:
    """One item of collateral in CNY: lendable = max(0, min(advance x base, cap) - senior).

    group: items of one trade share a group, of which only the best counts. NaN: unknown.
    """

    kind: str
    base_cny: float
    senior_cny: float
    group: str
    cap_cny: float = float("inf")


@dataclass(frozen=True)
class Exposure:
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
