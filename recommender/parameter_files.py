"""The files of data/parameters: their records, and a reader that reports every problem at once.

Sections and columns are documented in data/parameters/README.md. `recommender.parameters` answers
what held on a day; here is only what a file may say.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import BeforeValidator, Field, model_validator

from recommender import codes
from recommender.errors import Problem
from recommender.records import (
    Amount,
    Day,
    Identifier,
    Name,
    Record,
    Text,
    examined,
    raise_problems,
)
from recommender.rules import Bilingual
from recommender.tables import Row, read_document, read_rows
from recommender.vocabulary import Provenance

ADVANCES, SIZES = "advance_rates.yaml", "sme_size.yaml"
VALUES, SOURCES = "values.yaml", "sources.yaml"
RATES, CLASSES = "fx_monthly.csv", "oecd_crc.csv"
Part = Literal["value", "low", "default", "high"]
PARTS: tuple[Part, ...] = get_args(Part)
Measure = Literal["staff", "revenue_cny", "total_assets_cny"]
_MONTH = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])")
RecordType = TypeVar("RecordType", bound=Record)


def _number(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, (int, float, Decimal)):
        raise_problems((Problem("not_number", value=given),))
    return given


Quantity = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)]


class Source(Record):
    """Where a value was read. date: of the publication; url only where it may be linked."""

    title: Name
    publication: Name | None = None
    url: Name | None = None
    date: Day | None = None


def _per_part(given: Any) -> Any:
    return given if isinstance(given, Mapping) else dict.fromkeys(PARTS, given)


class Version(Record):
    """A value in force from a day on, until a day or until the next version."""

    since: Day = Field(alias="from")
    until: Day | None = None
    source: Source
    provenance: Annotated[dict[Part, Provenance], BeforeValidator(_per_part)]
    note: Text | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.until is not None and self.until < self.since:
            raise_problems((Problem("range_reversed", "until", [self.since, self.until]),))
        return self

    def holds_on(self, day: datetime.date) -> bool:
        """Whether the day lies in its time."""
        return self.since <= day and (self.until is None or day <= self.until)


class Number(Version):
    """A scalar (`value`), or a range (`low`, `high`, perhaps a `default` between them)."""

    value: Quantity | None = None
    low: Quantity | None = None
    default: Quantity | None = None
    high: Quantity | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        ends = (self.low, self.high)
        given = [n for n in (self.low, self.default, self.high) if n is not None]
        if (self.value is None) != (None not in ends) or (self.value is not None and given):
            raise_problems((Problem("parameter_form", "value", self.value),))
        if given != sorted(given):
            raise_problems((Problem("range_reversed", "high", given),))
        stated = {part for part in PARTS if getattr(self, part) is not None}
        unsaid = sorted(stated - self.provenance.keys())
        raise_problems(Problem("missing", f"provenance.{part}") for part in unsaid)
        return self


class Parameter(Record):
    """One scalar or range with its versions."""

    unit: Literal["share", "factor", "USD", "CNY"]
    versions: tuple[Number, ...] = Field(min_length=1)


class Advances(Record):
    """Versions of advance rates by collateral type, and by family for the types not named."""

    types: dict[Name, tuple[Number, ...]]
    families: dict[Name, tuple[Number, ...]]


class SizeRow(Record):
    """Lower bounds of the classes of some industries; below `small` is micro."""

    id: Identifier
    label: Bilingual
    codes: tuple[Name, ...] = Field(min_length=1)
    small: dict[Measure, Amount] = Field(min_length=1)
    medium: dict[Measure, Amount]
    large: dict[Measure, Amount]

    @model_validator(mode="after")
    def _bounds_rise(self) -> Self:
        for lower, upper in pairwise((self.small, self.medium, self.large)):
            if lower.keys() != upper.keys() or any(lower[m] >= upper[m] for m in lower):
                raise_problems((Problem("size_bounds", "large", self.id),))
        return self


class SizeTable(Version):
    """A table of size classes."""

    rows: tuple[SizeRow, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        listed = [code for row in self.rows for code in row.codes]
        raise_problems(
            Problem("duplicate_code", "rows", code)
            for code in sorted(set(listed))
            if listed.count(code) > 1
        )
        return self

    def row_of(self, industry: str) -> SizeRow | None:
        """The row of the longest code that begins the industry's; None: no row, unknown class."""
        found = {code: row for row in self.rows for code in row.codes if industry.startswith(code)}
        return found[max(found, key=len)] if found else None

    def narrower(self, industry: str) -> bool:
        """Whether a longer code of this industry could have a row."""
        return any(code.startswith(industry) for row in self.rows for code in row.codes)


class SizeTables(Record):
    """Every version of the table of size classes."""

    versions: tuple[SizeTable, ...] = Field(min_length=1)


class GivenRate(Record):
    """A rate given with a request: CNY for one unit, and the day it is of."""

    rate: Annotated[Quantity, Field(gt=0, le=1_000_000)]
    date: Day

    @classmethod
    def examine_all(
        cls, raw: Any, as_of: datetime.date
    ) -> tuple[dict[str, GivenRate], list[Problem]]:
        """The rates of a request by currency, and every problem found."""
        if not isinstance(raw, Mapping):
            return {}, [Problem("not_record", "rates", raw)]
        given: dict[str, GivenRate] = {}
        problems: list[Problem] = []
        for currency, entry in raw.items():
            place = f"rates.{currency}"
            wrong = codes.currency_problem(currency) if isinstance(currency, str) else None
            if currency == "CNY" or not isinstance(currency, str):
                wrong = Problem("rate_currency", value=currency)
            record, found = examined(cls, entry, place)
            problems += [*([replace(wrong, field=place)] if wrong else []), *_told_once(found)]
            if record is not None and record.date > as_of:
                problems.append(Problem("rate_after_as_of", f"{place}.date", record.date, as_of))
            elif record is not None:
                given[currency] = record
        return given, problems


class Reader:
    """Reads one folder. problems: everything found so far; content: what the files say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.content: dict[str, Any] = {}

    def sources(self) -> dict[str, Source]:
        """The sources of the CSV files, by file name."""
        raw = self._document(SOURCES)
        tables = (RATES, CLASSES)
        found = {name: self._record(Source, raw.get(name), SOURCES, name) for name in tables}
        return {name: source for name, source in found.items() if source is not None}

    def advances(self) -> dict[str, tuple[Number, ...]]:
        """Versions by `types.<type>` and `families.<family>`."""
        found = self._record(Advances, self._document(ADVANCES), ADVANCES)
        if found is None:
            return {}
        kinds = codes.collateral_types()
        known = {f"types.{k.type}" for k in kinds} | {f"families.{k.family}" for k in kinds}
        named = {f"types.{name}": versions for name, versions in found.types.items()}
        named |= {f"families.{name}": versions for name, versions in found.families.items()}
        for name, versions in named.items():
            if name not in known:
                self._add(ADVANCES, Problem("collateral_unknown_here", name, name, sorted(known)))
            self._check_times(ADVANCES, name, versions)
            for index, version in enumerate(versions):
                if version.default is None or version.high is None or version.high > 1:
                    self._add(ADVANCES, Problem("advance_form", f"{name}[{index}]", version.high))
        return named

    def sizes(self) -> tuple[SizeTable, ...]:
        """Versions of the table of size classes."""
        found = self._record(SizeTables, self._document(SIZES), SIZES)
        if found is None:
            return ()
        self._check_times(SIZES, "versions", found.versions)
        return found.versions

    def values(self) -> dict[str, Parameter]:
        """Scalars and ranges by name."""
        values: dict[str, Parameter] = {}
        for name, raw in self._document(VALUES).items():
            found = self._record(Parameter, raw, VALUES, str(name))
            if found is not None:
                values[name] = found
                self._check_times(VALUES, name, found.versions)
        return values

    def rates(self) -> dict[datetime.date, dict[str, Decimal]]:
        """Units of a currency per USD by the last day of the month and the currency."""
        months: dict[datetime.date, dict[str, Decimal]] = {}
        for row, (month, currency, per_usd) in self._rows(RATES, "month", "currency", "per_usd"):
            end, rate = _month_end(month), _decimal(per_usd)
            if end is None:
                self._add(RATES, Problem("not_month", "month", month), row)
            if codes.currency_problem(currency or "") or currency == "USD":
                self._add(RATES, Problem("rate_currency", "currency", currency), row)
            if rate is None or rate <= 0:
                self._add(RATES, Problem("not_above", "per_usd", per_usd, 0), row)
            elif end is not None and currency is not None:
                if currency in months.setdefault(end, {}):
                    twice = Problem("duplicate_code", "currency", f"{month} {currency}")
                    self._add(RATES, twice, row)
                months[end][currency] = rate
        for end in (end for end, rates in months.items() if "CNY" not in rates):
            self._add(RATES, Problem("month_without_cny", "month", f"{end:%Y-%m}"))
        return months

    def classes(self) -> list[tuple[str, int | None, datetime.date]]:
        """Country, class (None: not classified) and the day it is valid from."""
        found: list[tuple[str, int | None, datetime.date]] = []
        for row, (iso2, value, as_of) in self._rows(CLASSES, "iso2", "class", "as_of"):
            day = _day(as_of)
            if iso2 is None or codes.country_problem(iso2):
                self._add(CLASSES, Problem("country_unknown_here", "iso2", iso2), row)
            elif value is not None and value not in set("01234567"):
                self._add(CLASSES, Problem("not_one_of", "class", value, list(range(8))), row)
            elif day is None:
                self._add(CLASSES, Problem("not_date", "as_of", as_of), row)
            elif any(iso2 == other and day == since for other, _, since in found):
                self._add(CLASSES, Problem("duplicate_code", "iso2", iso2), row)
            else:
                found.append((iso2, None if value is None else int(value), day))
        return found

    def _document(self, name: str) -> Mapping[str, Any]:
        raw = read_document(self.folder / name)
        self.content[name] = raw
        if isinstance(raw, Mapping):
            return raw
        self._add(name, Problem("not_record", value=raw))
        return {}

    def _rows(self, name: str, *columns: str) -> Iterator[tuple[Row, list[str | None]]]:
        rows = list(read_rows(self.folder / name))
        self.content[name] = [row.values for row in rows]
        for row in rows:
            if set(row.values) != set(columns):
                wrong = Problem("unknown_field", "", sorted(row.values), list(columns))
                self._add(name, wrong, row)
                return
            yield row, [row.values[column] for column in columns]

    def _record(
        self, model: type[RecordType], raw: Any, file: str, place: str = ""
    ) -> RecordType | None:
        record, problems = examined(model, raw, place)
        for problem in _told_once(problems):
            self._add(file, problem)
        return None if problems else record

    def _check_times(self, file: str, name: str, versions: Sequence[Version]) -> None:
        for earlier, later in pairwise(versions):
            if later.since <= (earlier.until or earlier.since):
                self._add(file, Problem("versions_overlap", name, later.since, earlier.since))

    def _add(self, file: str, problem: Problem, row: Row | None = None) -> None:
        placed = replace(problem, file=str(self.folder / file), row=row.row if row else problem.row)
        self.problems.append(placed)


def _told_once(problems: Sequence[Problem]) -> list[Problem]:
    """Without what follows from an earlier problem: a part at fault is left out, then missed."""
    told: list[Problem] = []
    for problem in problems:
        if not any(earlier.field.startswith(problem.field) for earlier in told):
            told.append(problem)
    return told


def _month_end(month: str | None) -> datetime.date | None:
    if month is None or not _MONTH.fullmatch(month):
        return None
    year, number = int(month[:4]), int(month[5:])
    return datetime.date(year, number, calendar.monthrange(year, number)[1])


def _decimal(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _day(text: str | None) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text or "")
    except ValueError:
        return None
