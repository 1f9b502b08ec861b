"""Dated parameters: what held on a day, with its source; values are added, never overwritten.

Files of data/parameters, documented in its README.md. Nothing is read at import. Every method
takes the day and returns what was in force on it, or None when nothing was; it never falls back
to an older or newer value. The one exception is stated at `Parameters.rate`.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeVar

from recommender import codes
from recommender.errors import InvalidOptions, InvalidParameters, NotFound
from recommender.parameter_files import (
    CLASSES,
    PARTS,
    RATES,
    GivenRate,
    Number,
    Reader,
    SizeRow,
    SizeTable,
    Source,
    Version,
)
from recommender.tables import data_dir
from recommender.vocabulary import PROVENANCES, Provenance

__all__ = [
    "Advance",
    "CountryClass",
    "Number",
    "Parameters",
    "Provenance",
    "Rate",
    "SizeRow",
    "SizeTable",
    "Source",
    "checked_rates",
]

CROSS = Context(prec=8)
_STALE_DAYS = 92
_GIVEN = Source(title="given with the request")
_VersionType = TypeVar("_VersionType", bound=Version)


@dataclass(frozen=True)
class Rate:
    """An exchange rate: CNY for one unit of the currency.

    date: last day of the month it is the average of, or the day given with the request.
    stale: more than three months older than the day asked for; it is used and says so.
    """

    currency: str
    cny_per_unit: Decimal
    date: date
    source: Source
    stale: bool = False


@dataclass(frozen=True)
class Advance:
    """Share of an item's value that counts: the usual range and a starting value.

    provenance: that of the weakest of the three; parts: of each.
    """

    type: str
    low: Decimal
    default: Decimal
    high: Decimal
    source: Source
    provenance: Provenance
    parts: Mapping[str, Provenance]
    since: date


@dataclass(frozen=True)
class CountryClass:
    """OECD country risk, 0 (least) to 7; value None: not classified, which is not zero risk."""

    iso2: str
    value: int | None
    as_of: date
    source: Source


@dataclass(frozen=True, eq=False)
class Parameters:
    """Every dated parameter of a folder; immutable.

    version: twelve hex digits of the SHA-256 of the content; comments, line ends and the order of
    keys do not count.
    """

    version: str
    values: Mapping[str, tuple[str, tuple[Number, ...]]]
    advances: Mapping[str, tuple[Number, ...]]
    sizes: tuple[SizeTable, ...]
    fx: Mapping[str, tuple[Sequence[date], Sequence[Decimal]]]
    classes: Mapping[str, tuple[CountryClass, ...]]
    sources: Mapping[str, Source]

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Read a folder, by default the packaged one.

        Raises UnreadableFile, or InvalidParameters with every problem (file, row or field).
        """
        reader = Reader(folder or data_dir() / "parameters")
        sources = reader.sources()
        advances, sizes = reader.advances(), reader.sizes()
        values, fx, classes = reader.values(), reader.rates(), reader.classes()
        if reader.problems:
            raise InvalidParameters(reader.problems)
        return cls(
            _fingerprint(reader.content),
            MappingProxyType({name: (p.unit, _sorted(p.versions)) for name, p in values.items()}),
            MappingProxyType({name: _sorted(found) for name, found in advances.items()}),
            _sorted(sizes),
            MappingProxyType(_cny_series(fx)),
            MappingProxyType(_country_classes(classes, sources[CLASSES])),
            MappingProxyType(sources),
        )

    def value(self, name: str, as_of: date) -> Number | None:
        """A scalar (`value`) or range (`low`, `high`); raises NotFound for an unknown name."""
        if name not in self.values:
            raise NotFound(kind="parameter", id=name)
        return _in_force(self.values[name][1], as_of)

    def unit(self, name: str) -> str:
        """Unit of a scalar or range: share, USD or CNY; raises NotFound for an unknown name."""
        if name not in self.values:
            raise NotFound(kind="parameter", id=name)
        return self.values[name][0]

    def advance(self, collateral_type: str, as_of: date) -> Advance | None:
        """The advance of a collateral type: its own, else its family's; KeyError if unknown."""
        family = codes.collateral_type(collateral_type).family
        versions = self.advances.get(f"types.{collateral_type}")
        found = _in_force(versions or self.advances.get(f"families.{family}", ()), as_of)
        if found is None or found.low is None or found.default is None or found.high is None:
            return None
        parts: dict[str, Provenance] = {part: found.provenance[part] for part in PARTS[1:]}
        weakest = max(parts.values(), key=PROVENANCES.index)
        shares = (found.low, found.default, found.high)
        return Advance(collateral_type, *shares, found.source, weakest, parts, found.since)

    def sme_rows(self, as_of: date) -> SizeTable | None:
        """The table of size classes in force: rows with lower bounds per class."""
        return _in_force(self.sizes, as_of)

    def oecd_class(self, iso2: str, as_of: date | None = None) -> CountryClass | None:
        """The class valid on the day, by default the newest; None for a country not listed."""
        found = [c for c in self.classes.get(iso2, ()) if as_of is None or c.as_of <= as_of]
        return found[-1] if found else None

    def rate(
        self, currency: str, as_of: date, overrides: Mapping[str, Rate] | None = None
    ) -> Rate | None:
        """CNY for one unit of a currency: as given with the request, else the monthly average.

        The average is of the newest month that ended on or before the day, however old: the rate
        carries its date. CNY is 1. None for a currency without a rate. Other currencies are
        crossed over USD, to eight significant digits.
        """
        if currency == "CNY":
            return Rate("CNY", Decimal(1), as_of, Source(title="CNY"))
        if overrides is not None and currency in overrides:
            return overrides[currency]
        ends, rates = self.fx.get(currency, ((), ()))
        newest = bisect_right(ends, as_of) - 1
        if newest < 0:
            return None
        stale = (as_of - ends[newest]).days > _STALE_DAYS
        return Rate(currency, rates[newest], ends[newest], self.sources[RATES], stale)

    def rates(self, as_of: date, overrides: Mapping[str, Rate] | None = None) -> Mapping[str, Rate]:
        """Every rate known on the day, by currency; a currency without one is absent."""
        names = {"CNY", *self.fx, *(overrides or ())}
        found = {name: self.rate(name, as_of, overrides) for name in sorted(names)}
        return MappingProxyType({name: rate for name, rate in found.items() if rate is not None})


def checked_rates(raw: Any, as_of: date) -> dict[str, Rate]:
    """Rates given with a request, `{USD: {rate: 6.78, date: 2026-11-20}}`: CNY for one unit.

    None or an empty mapping gives none. Raises InvalidOptions with every problem: an unknown
    currency, CNY itself, a rate that is not above zero, a date after the day of the request.
    """
    given, problems = GivenRate.examine_all({} if raw is None else raw, as_of)
    if problems:
        raise InvalidOptions(problems)
    return {name: Rate(name, r.rate, r.date, _GIVEN) for name, r in given.items()}


def _in_force(versions: Iterable[_VersionType], as_of: date) -> _VersionType | None:
    return next((version for version in versions if version.holds_on(as_of)), None)


def _sorted(versions: Iterable[_VersionType]) -> tuple[_VersionType, ...]:
    return tuple(sorted(versions, key=lambda version: version.since, reverse=True))


def _cny_series(
    fx: Mapping[date, Mapping[str, Decimal]],
) -> dict[str, tuple[tuple[date, ...], tuple[Decimal, ...]]]:
    """CNY for one unit, by currency, with the ends of the months in ascending order."""
    series: dict[str, list[tuple[date, Decimal]]] = {}
    for end in sorted(fx):
        cny = fx[end]["CNY"]
        series.setdefault("USD", []).append((end, cny))
        for currency in fx[end].keys() - {"CNY"}:
            series.setdefault(currency, []).append((end, CROSS.divide(cny, fx[end][currency])))
    return {name: (tuple(d for d, _ in s), tuple(r for _, r in s)) for name, s in series.items()}


def _country_classes(
    rows: Iterable[tuple[str, int | None, date]], source: Source
) -> dict[str, tuple[CountryClass, ...]]:
    classes: dict[str, list[CountryClass]] = {}
    for iso2, value, as_of in sorted(rows, key=lambda row: row[2]):
        classes.setdefault(iso2, []).append(CountryClass(iso2, value, as_of, source))
    return {iso2: tuple(found) for iso2, found in classes.items()}


def _fingerprint(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
