"""The situation to be planned: needs, lines that could be used, what they share, open positions.

Plain records in one canonical order; amounts are Decimal, in CNY unless they say otherwise.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from recommender.catalogue.product import Product
from recommender.company.figures import Figure
from recommender.parameters import Rate
from recommender.planning.sales import Sales

Standing = Literal["eligible", "conditional"]


class Want(NamedTuple):
    """One need. amount: CNY; own: in its currency; days: None when the tenor is not known."""

    amount: Decimal
    own: Decimal
    currency: str
    start: datetime.date
    days: int | None


class Cover(NamedTuple):
    """What one trade lends to one product, in CNY. low, high: at the low and high advance.

    bound: what an existing facility it secures takes of it; the advance is after that.
    """

    group: str
    place: str
    low: Figure
    high: Figure
    bound: Decimal

    @property
    def lent(self) -> Decimal:
        """The most it lends."""
        return max(Decimal(0), (self.high.number or Decimal(0)) - self.bound)


@dataclass(frozen=True)
class Candidate:
    """A line that could pay out: one product for one need in one currency.

    low, high: smallest and largest amount in CNY. modest: what the low share of a stated amount
    lends; None where items or nothing is lent on. covers: what could secure it; secured: whether it
    must be. days: its tenor. resources: what else it rests on, each used once. rooms: ceilings it
    shares. repays: products whose outstanding amount it first repays. hangs: unmet prerequisites,
    each a tuple of alternatives. converts: foreign currency against receipts, sold at once.
    repaid_by_receipts: its security is due in its currency; bucket: where other debt falls due;
    window: the buckets it lives through, whose receipts can repay it.
    reasons: codes of what makes it conditional. score: in [0, 1].
    """

    product: Product
    need: int
    currency: str
    standing: Standing
    low: Decimal
    high: Decimal
    days: int | None
    covers: tuple[Cover, ...]
    secured: bool
    resources: tuple[str, ...]
    rooms: tuple[str, ...]
    repays: tuple[str, ...]
    hangs: tuple[tuple[str, ...], ...]
    converts: bool
    repaid_by_receipts: bool
    bucket: str | None
    window: tuple[str, ...]
    reasons: tuple[str, ...]
    missing_papers: int
    score: float
    cost: Decimal | None
    modest: Decimal | None = None

    @property
    def key(self) -> tuple[str, int, str]:
        """Identity."""
        return self.product.id, self.need, self.currency

    @property
    def rests_on_coverage(self) -> bool:
        """Whether what secures it counts in coverage; a letter of credit does not."""
        return self.secured and self.product.formula != "documentary_credit"

    @property
    def provider(self) -> str:
        """Who offers it."""
        return self.product.provider.en


@dataclass(frozen=True)
class Helper:
    """A product that pays nothing out: insurance, a letter of credit, a guarantee, margin support.

    low, high: CNY, of guarantees. margin: share of the amount it ties up.
    """

    product: Product
    standing: Standing
    low: Decimal
    high: Decimal
    missing_papers: int
    margin: Decimal


class Spot(NamedTuple):
    """A documented position of one currency and bucket, in its currency; signed.

    before: before hedges. bought, sold: forwards signed. rate: CNY for one unit.
    """

    currency: str
    bucket: str
    before: Decimal
    bought: Decimal
    sold: Decimal
    rate: Decimal

    @property
    def free(self) -> Decimal:
        """Receipts not sold forward yet, which can repay a debt in their currency."""
        return max(Decimal(0), self.before - max(Decimal(0), self.sold - self.bought))

    @property
    def due(self) -> Decimal:
        """Payables not bought forward yet, which a loan in their currency can pay."""
        return max(Decimal(0), -self.before - max(Decimal(0), self.bought - self.sold))


@dataclass(frozen=True)
class Hedge:
    """A hedge that could be used on one position. low, high: CNY."""

    product: Product
    spot: int
    standing: Standing
    low: Decimal
    high: Decimal
    missing_papers: int
    score: float


class Existing(NamedTuple):
    """An undrawn part of a facility. place: in the profile; free: CNY; needs: it lasts for."""

    place: str
    lender: str
    free: Decimal
    own: Decimal
    currency: str
    needs: tuple[int, ...]


class Dropped(NamedTuple):
    """A product that fits but cannot be used, with the code of the reason and its parameters."""

    product: Product
    code: str
    params: Mapping[str, object]


@dataclass(frozen=True)
class Situation:
    """Everything a plan is made of.

    rooms: what lines may come to together, CNY. outstanding: by product, CNY. substitutes, follows:
    pairs that exclude each other. one_sale: by fact lent on, sales it may be, which are not lent on
    beside it. gap: collateral gap before the plan; None: not known.
    target: hedge ratios. margin_rate: of a forward. dropped: what was left out and why.
    """

    day: datetime.date
    wants: tuple[Want, ...]
    candidates: tuple[Candidate, ...]
    helpers: tuple[Helper, ...]
    existing: tuple[Existing, ...]
    spots: tuple[Spot, ...]
    hedges: tuple[Hedge, ...]
    rooms: Mapping[str, Decimal]
    outstanding: Mapping[str, Decimal]
    exclusive: frozenset[tuple[str, str]]
    one_sale: Mapping[str, tuple[str, ...]]
    gap: Decimal | None
    guarantee_share: Decimal
    target: tuple[Decimal, Decimal] | None
    margin_rate: Decimal
    lc_margin: Decimal
    most_lines: int
    most_banks: int
    rates: Mapping[str, Rate]
    dropped: tuple[Dropped, ...] = ()
    sales: Sales | None = None

    @property
    def need(self) -> Decimal:
        """All needs together, in CNY."""
        return sum((want.amount for want in self.wants), Decimal(0))
