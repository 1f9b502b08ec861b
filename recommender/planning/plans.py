"""A plan: what is drawn, hedged and arranged, with every amount as Decimal to the cent."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from recommender.planning.situation import Candidate, Cover, Existing, Hedge, Helper, Spot

ZERO = Decimal(0)
Angle = Literal["most_covered", "surest", "simplest", "other"]


class Repaid(NamedTuple):
    """What a line repays first. product: what is taken out; amount: CNY."""

    product: str
    amount: Decimal


class Flow(NamedTuple):
    """A foreign-currency amount by its bucket, in the currency of the line."""

    bucket: str
    amount: Decimal


@dataclass(frozen=True)
class Line:
    """Money drawn. own: in its currency; amount: the same in CNY; low: CNY, at the low advances.

    covers: the trades that secure it. hangs: unmet prerequisites without a line of this plan.
    due: where a foreign-currency line is repaid; pays: payables in its currency that it pays.
    """

    candidate: Candidate
    own: Decimal
    amount: Decimal
    low: Decimal
    covers: tuple[Cover, ...]
    repaid: tuple[Repaid, ...]
    hangs: tuple[tuple[str, ...], ...]
    start: datetime.date
    due: tuple[Flow, ...] = ()
    pays: tuple[Flow, ...] = ()

    @property
    def net(self) -> Decimal:
        """New money, in CNY."""
        return self.amount - sum((r.amount for r in self.repaid), ZERO)

    @property
    def conditional(self) -> bool:
        """Whether something is still open before it can be had."""
        return self.candidate.standing == "conditional" or bool(self.hangs)


class Drawn(NamedTuple):
    """What is drawn under an existing facility for a need. amount: CNY."""

    facility: Existing
    need: int
    amount: Decimal


class Hedged(NamedTuple):
    """A hedge. amount: in the currency of the position; side: sell or buy."""

    hedge: Hedge
    side: Literal["sell", "buy"]
    amount: Decimal


class Arranged(NamedTuple):
    """A product that pays nothing out. amount: CNY, of a guarantee, credit or margin; else None."""

    helper: Helper
    amount: Decimal | None
    serves: tuple[str, ...]


class Position(NamedTuple):
    """A position after the plan, in its currency. debt: of the plan's own lines; paid: by them.

    position: after those, before hedges. held: net forwards signed on its side; new: of the plan.
    ratio: None when nothing is left to hedge. within: inside the band.
    """

    spot: Spot
    debt: Decimal
    paid: Decimal
    position: Decimal
    held: Decimal
    new: Decimal
    side: Literal["sell", "buy"] | None
    ratio: Decimal | None
    within: bool | None


@dataclass(frozen=True)
class Plan:
    """One plan, as of a day. margins: by what they are for, CNY; margin_open: without money.

    covered: by need, CNY. gap: collateral gap after guarantees; None: not known. proven: nothing
    covers more; bound: the least need that stays uncovered, as proven, CNY.
    """

    day: datetime.date
    angle: Angle
    lines: tuple[Line, ...]
    drawn: tuple[Drawn, ...]
    hedges: tuple[Hedged, ...]
    arranged: tuple[Arranged, ...]
    positions: tuple[Position, ...]
    covered: tuple[Decimal, ...]
    margins: Mapping[str, Decimal]
    margin_open: Decimal
    gap: Decimal | None
    proven: bool
    bound: Decimal
    nodes: int

    @property
    def net_new(self) -> Decimal:
        """Net new money of new lines, in CNY."""
        return sum((line.net for line in self.lines), ZERO)

    @property
    def total_covered(self) -> Decimal:
        """Of all needs, in CNY."""
        return sum(self.covered, ZERO)

    @property
    def products(self) -> tuple[tuple[str, str], ...]:
        """What pays out, with its currency."""
        return tuple(sorted({(x.candidate.product.id, x.candidate.currency) for x in self.lines}))
