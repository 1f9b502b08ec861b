"""Computed figures in answers, each with the terms it was computed from."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from recommender.vocabulary import Bucket

Value = float | str | None


class TermNote(BaseModel):
    """One input of a figure."""

    name: str = Field(description="Stable name.")
    label: str = Field(description="In words.")
    value: Value = Field(description="Its value; null: not known.")
    unit: str = Field(description="Unit, or a currency.")
    source: str | None = Field(description="Profile field or publication it comes from.")


class FigureNote(BaseModel):
    """One figure with its formula."""

    figure: str = Field(description="Stable name, or the place of an item.")
    label: str = Field(description="In words.")
    value: Value = Field(description="The figure; null: not known.")
    unit: str = Field(description="Unit, or a currency.")
    formula: str = Field(description="The formula in words.")
    terms: list[TermNote] = Field(description="Its inputs.")
    missing: list[str] = Field(description="What is not known, by profile field.")


class PositionNote(BaseModel):
    """Net open position of one currency and bucket; never summed across currencies."""

    currency: str = Field(description="ISO 4217.")
    bucket: Bucket = Field(description="Days to settlement.")
    documented: float | None = Field(description="Proven by papers: the cap for a forward.")
    expected: float | None = Field(description="With unproven flows by their probability.")
    before_hedges: float | None = Field(description="Position before forwards.")
    hedges: float | None = Field(description="Forwards already agreed.")
    hedge_ratio: float | None = Field(description="Hedges over position before hedges.")
    side: Literal["sell", "buy"] | None = Field(
        description="A long position sells forward, a short one buys."
    )
    terms: list[TermNote] = Field(description="Its inputs.")
    missing: list[str] = Field(description="What is not known.")


class RateNote(BaseModel):
    """An exchange rate that was used."""

    currency: str = Field(description="ISO 4217.")
    cny_per_unit: float = Field(description="CNY for one unit.")
    date: str = Field(description="Day of the rate.")
    source: str = Field(description="Publication, or the request.")
    stale: bool = Field(description="Older than it should be.")


class DerivedFigures(BaseModel):
    """Every figure computed from the profile; null: not known."""

    size_class: Literal["micro", "small", "medium", "large"] | None = Field(
        description="By the dated table of the industry."
    )
    need: float | None = Field(description="The need in CNY.")
    collateral_coverage: float | None = Field(description="At the catalogue's best advances, CNY.")
    guarantees: float | None = Field(description="What guarantees held add to it, CNY.")
    collateral_gap: float | None = Field(description="max(0, secured need - coverage), CNY.")
    funding_gap: float | None = Field(description="Need and margins, nothing funded yet, CNY.")
    positions: list[PositionNote] = Field(description="Open positions.")
    cny: dict[str, float | None] = Field(description="CNY equivalents by profile field.")
    rates: list[RateNote] = Field(description="Rates used.")
    rates_missing: list[str] = Field(description="Currencies without a rate.")
    terms: list[FigureNote] = Field(description="Each figure with its inputs.")


class AmountTerm(BaseModel):
    """One figure behind an indicative amount."""

    name: str = Field(description="Stable name.")
    label: str = Field(description="In words.")
    value: float | None = Field(description="Its value; null: not known.")
    unit: str = Field(description="Unit, or a currency.")
    formula: str | None = Field(description="The formula in words; null: as stated.")


class Amount(BaseModel):
    """What may be had; an indication, never an offer."""

    low: float | None = Field(description="Lower end; null: not known.")
    high: float | None = Field(description="Upper end; null: not known.")
    currency: str | None = Field(description="ISO 4217.")
    formula: str = Field(description="How it is computed.")
    terms: list[AmountTerm] = Field(description="The figures behind it.")
    missing: list[str] = Field(description="What is not known, by profile field.")


class Span(BaseModel):
    """From low to high, both included."""

    low: float | None = Field(description="Null: open.")
    high: float | None = Field(description="Null: open.")
