"""Figures: a computed value with its formula, its terms and what is missing for it.

Unknown is carried, never filled: a figure with an unknown term is unknown and names the profile
fields that would make it known. Money is Decimal; each figure is rounded once, half up, to two
decimals, and figures built on it start from the rounded one, so that what is shown adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from recommender.company.profile import Company
from recommender.parameters import Advance, Rate
from recommender.texts import Label

CENT = Decimal("0.01")
PIP = Decimal("0.0001")
ZERO = Decimal(0)
ONE = Decimal(1)


class Term(NamedTuple):
    """One input of a figure. label: its own name; None: the sentence `derived.term.<name>`."""

    name: str
    value: Decimal | str | None
    unit: str
    label: Label | None = None
    source: str | None = None


class Figure(NamedTuple):
    """A computed value.

    value: None when it is not known; missing then names what would make it known: dotted profile
    fields, `rates.VND` for an exchange rate; empty when nothing the company says would.
    unit: ISO currency, `share`, `rate` or `code`. formula: key of a sentence. source: of an input
    that was read somewhere, with its date.
    """

    name: str
    value: Decimal | str | None
    unit: str
    formula: str
    terms: tuple[Term, ...] = ()
    missing: tuple[str, ...] = ()
    source: str | None = None

    @property
    def number(self) -> Decimal | None:
        """The value of a figure that is a number; None when unknown."""
        return self.value if isinstance(self.value, Decimal) else None

    @property
    def term(self) -> Term:
        """This figure as an input of another."""
        return Term(self.name, self.value, self.unit, source=self.source)


def rounded(value: Decimal, step: Decimal = CENT) -> Decimal:
    """To two decimals, half up."""
    return value.quantize(step, ROUND_HALF_UP)


def stated_number(company: Company, fact: str) -> Decimal | None:
    """The answer to a fact that is a number; None for anything else."""
    stated = (company.facts or {}).get(fact)
    value = None if stated is None else stated.value
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Decimal(str(value)) if plain else None


def in_cny(
    amount: Decimal | None, currency: str | None, rates: Mapping[str, Rate]
) -> Decimal | None:
    """An amount in CNY, not rounded; None without a rate, nothing is nothing in any currency."""
    if amount == 0:
        return ZERO
    rate = rates.get(currency) if currency else None
    return None if amount is None or rate is None else amount * rate.cny_per_unit


def given(name: str, value: Decimal | None, unit: str, field: str | None = None) -> Figure:
    """A stated input; when it is not known, `field` (or the name) is what is missing."""
    missing = (field or name,) if value is None else ()
    return Figure(name, value, unit, "derived.formula.given", missing=missing)


def unknown(name: str, unit: str, missing: Sequence[str], formula: str | None = None) -> Figure:
    """A figure of which nothing but the missing fields is known."""
    return Figure(name, None, unit, formula or f"derived.formula.{name}", missing=tuple(missing))


def combined(
    name: str,
    unit: str,
    parts: Sequence[Figure],
    compute: Callable[..., Decimal],
    step: Decimal = CENT,
) -> Figure:
    """A figure of others: unknown as soon as one part is, missing what they miss."""
    terms, formula = tuple([part.term for part in parts]), f"derived.formula.{name}"
    numbers = [part.number for part in parts]
    if None in numbers:
        missing = dict.fromkeys(field for part in parts for field in part.missing)
        return Figure(name, None, unit, formula, terms, tuple(missing))
    return Figure(name, rounded(compute(*numbers), step), unit, formula, terms)


def cny(amount: Figure, currency: str | None, rates: Mapping[str, Rate], field: str) -> Figure:
    """The CNY equivalent of an amount. field: where its currency stands in the profile.

    Unknown, and `rates.<currency>` missing, when the currency has no rate; nothing is nothing in
    any currency.
    """
    if amount.number == 0:
        return Figure("cny", ZERO, "CNY", "derived.formula.cny", (amount.term,))
    if currency is None:
        return unknown("cny", "CNY", (*amount.missing, field))
    rate = rates.get(currency)
    if rate is None:
        missing = (*amount.missing, f"rates.{currency}")
        return Figure("cny", None, "CNY", "derived.formula.cny", (amount.term,), missing)
    if currency == "CNY":
        return Figure("cny", amount.value, "CNY", amount.formula, amount.terms, amount.missing)
    price = Figure("rate", rate.cny_per_unit, "rate", "derived.formula.given")
    figure = combined("cny", "CNY", (amount, price), lambda a, r: a * r)
    quoted = Term("rate", rate.cny_per_unit, "rate", source=f"{rate.source.title}, {rate.date}")
    return Figure("cny", figure.value, "CNY", figure.formula, (amount.term, quoted), figure.missing)


def margin(notional: Figure, share: Figure) -> Figure:
    """Cash paid or blocked for a forward or a letter of credit: notional in CNY times share."""
    return combined("margin", "CNY", (notional, share), lambda n, s: n * s)


def guarantee_cover(loan: Figure, share: Figure) -> Figure:
    """What a guarantee adds to coverage: guaranteed loan times share; it is not cash."""
    return combined("guarantee_cover", "CNY", (loan, share), lambda a, s: a * s)


def collateral_gap(secured_need: Figure, *covers: Figure) -> Figure:
    """What coverage and guarantees leave open of the part of the need that must be secured."""
    return combined(
        "collateral_gap", "CNY", (secured_need, *covers), lambda n, *c: max(ZERO, n - sum(c, ZERO))
    )


def funding_gap(
    need: Figure, margins: Sequence[Figure] = (), funded: Sequence[Figure] = ()
) -> Figure:
    """Need and margins less what pays out; a guarantee, insurance or forward funds nothing."""
    count = len(margins)

    def open_part(need: Decimal, *rest: Decimal) -> Decimal:
        return max(ZERO, need + sum(rest[:count], ZERO) - sum(rest[count:], ZERO))

    return combined("funding_gap", "CNY", (need, *margins, *funded), open_part)


def tax_rebate(refundable: Figure, advance: Advance) -> tuple[Figure, Figure]:
    """Low and high of a loan on the rebate account: share of the refundable amount (应退税额)."""
    ends = (given("advance", share, "share") for share in (advance.low, advance.high))
    low, high = (
        combined("tax_rebate", refundable.unit, (refundable, end), lambda a, s: a * s)
        for end in ends
    )
    return low, high


def take_out(released: Figure, replaced: Figure) -> Figure:
    """New money of a line that first repays the one it replaces; never below zero."""
    return combined("take_out", released.unit, (released, replaced), lambda a, b: max(ZERO, a - b))


def working_capital_ceiling(
    sales: Figure,
    profit_margin: Figure,
    growth: Figure,
    turns: Figure,
    own_funds: Figure,
    existing_loans: Figure,
) -> Figure:
    """Working capital a bank would still finance.

    sales x (1 - margin) x (1 + growth) / turns - own funds - existing working-capital loans, never
    below zero; unknown when turns are zero.
    """
    if turns.number == 0:
        turns = given("turns", None, "share")
    return combined(
        "working_capital_ceiling",
        "CNY",
        (sales, profit_margin, growth, turns, own_funds, existing_loans),
        lambda s, m, g, t, own, loans: max(ZERO, s * (ONE - m) * (ONE + g) / t - own - loans),
    )


def forward_rate(
    spot: Figure,
    domestic: Figure,
    foreign: Figure,
    days: int,
    day_counts: tuple[int, int] = (360, 360),
) -> Figure:
    """Covered parity, an illustration only: S (1 + r_d d / B_d) / (1 + r_f d / B_f).

    domestic, foreign: yearly rates as shares; day_counts: days in a year of each. Four decimals.
    """
    span_d, span_f = (Decimal(days) / basis for basis in day_counts)
    tenor = given("days", Decimal(days), "days")

    def parity(s: Decimal, d: Decimal, f: Decimal, _: Decimal) -> Decimal:
        return s * (ONE + d * span_d) / (ONE + f * span_f)

    return combined("forward_rate", "rate", (spot, domestic, foreign, tenor), parity, PIP)
