"""From the values of a solved programme to a plan in cents: rounded down, repaired, added up again.

The programme decides what is used and roughly how much; every amount is then computed in Decimal
from its own bounds, so that what is shown can be computed again from the profile.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from typing import Literal

from recommender.planning.plans import (
    ZERO,
    Angle,
    Arranged,
    Drawn,
    Flow,
    Hedged,
    Line,
    Plan,
    Position,
    Repaid,
)
from recommender.planning.search import Found
from recommender.planning.situation import Cover, Situation

CENT = Decimal("0.01")
NEAR = Decimal("0.02")
PIP = Decimal("0.0001")
MOST_REPAIRED = Decimal(10)
Parts = dict[int, dict[int, Decimal]]


def floor(amount: Decimal) -> Decimal:
    """Down to the cent."""
    return amount.quantize(CENT, ROUND_DOWN)


def ceiling(amount: Decimal) -> Decimal:
    """Up to the cent."""
    return amount.quantize(CENT, ROUND_CEILING)


class Composer:
    """One plan from one search."""

    def __init__(self, found: Found, angle: Angle) -> None:
        self._found, self._angle = found, angle
        self._s: Situation = found.model.s
        self._rates = self._s.rates

    def plan(self) -> Plan:
        """The plan."""
        chosen = [i for i in range(len(self._s.candidates)) if self._on(("y", i))]
        drawn = self._drawn()
        self._owns = {i: self._own(i) for i in chosen}
        self._due, self._pays = self._flows()
        hedges = self._hedges_wanted()
        arranged = self._arranged(chosen, hedges)
        margins = self._margins(hedges, arranged)
        self._repair(chosen, drawn, sum(margins.values(), ZERO))
        lines = tuple(self._line(i, repaid) for i, repaid in self._repaid(chosen).items())
        needed = sum(margins.values(), ZERO)
        covered, left = [], ZERO
        for k, want in enumerate(self._s.wants):
            money = sum((x.net for x in lines if x.candidate.need == k), ZERO)
            money += sum((d.amount for d in drawn if d.need == k), ZERO)
            covered.append(min(money, want.amount))
            left += max(ZERO, money - want.amount)
        gap = self._s.gap
        if gap is not None:
            backed = [a.amount or ZERO for a in arranged if a.helper.product.covers == "loan"]
            free = sum((x.net for x in lines if not x.candidate.rests_on_coverage), ZERO)
            free += sum((d.amount for d in drawn), ZERO)
            gap = max(ZERO, gap - free - floor(sum(backed, ZERO) * self._s.guarantee_share))
        return Plan(
            day=self._s.day,
            angle=self._angle,
            lines=lines,
            drawn=drawn,
            hedges=tuple(hedges),
            arranged=arranged,
            positions=self._positions(hedges),
            covered=tuple(covered),
            margins=margins,
            margin_open=max(ZERO, needed - left),
            gap=gap,
            proven=self._found.proven,
            bound=max(ZERO, self._money_of(self._found.bound).quantize(CENT)),
            nodes=self._found.nodes,
        )

    def _value(self, name: object) -> float:
        return self._found.values.get(name, 0.0)

    def _on(self, name: object) -> bool:
        return self._value(name) > 0.5

    def _money(self, name: object) -> Decimal:
        return self._money_of(max(0.0, self._value(name)))

    def _money_of(self, value: float) -> Decimal:
        return Decimal(repr(value)) * self._found.model.unit

    # --- lines -----------------------------------------------------------------------------------

    def _rate(self, currency: str) -> Decimal:
        return Decimal(1) if currency == "CNY" else self._rates[currency].cny_per_unit

    def _covers(self, i: int) -> tuple[Cover, ...]:
        line = self._s.candidates[i]
        return tuple(c for c in line.covers if self._on(("b", i, c.group))) if line.secured else ()

    def _cap(self, i: int) -> Decimal:
        line = self._s.candidates[i]
        lent = sum((cover.lent for cover in self._covers(i)), ZERO)
        return floor(min(line.high, lent) if line.secured else line.high)

    def _own(self, i: int) -> Decimal:
        """The amount in the line's currency: down to the cent, never outside its range."""
        line, cap = self._s.candidates[i], self._cap(i)
        amount = self._money(("x", i))
        if abs(amount - cap) < NEAR or amount > cap:
            amount = cap
        amount = max(amount, line.low)
        rate = self._rate(line.currency)
        own = floor(amount / rate + Decimal("0.00001"))
        fits = (own + CENT) * rate <= cap and self._slack(i) >= 2 * CENT * rate
        if line.currency != "CNY" and own * rate < amount and fits:
            own += CENT  # rather a few fen more than a need left open by the rounding
        return own if own * rate >= line.low else ceiling(line.low / rate)

    def _slack(self, i: int) -> Decimal:
        """What the ceilings that a line shares with others leave free, in CNY."""
        lines, line = self._s.candidates, self._s.candidates[i]
        shared = [
            (self._s.rooms[name], [j for j, other in enumerate(lines) if name in other.rooms])
            for name in line.rooms
        ]
        ceiling = line.product.amount.high if line.product.amount else None
        if ceiling is not None:
            shared.append((ceiling, self._found.model.of(line.product.id)))
        used = [size - sum((self._money(("x", j)) for j in some), ZERO) for size, some in shared]
        return min(used, default=line.high)

    def _cny(self, i: int) -> Decimal:
        return floor(self._owns[i] * self._rate(self._s.candidates[i].currency))

    def _repaid(self, chosen: list[int]) -> dict[int, tuple[Repaid, ...]]:
        """What each line repays: as the programme shares it out, then what is left in order."""
        left = dict(self._s.outstanding)
        rest = {i: self._cny(i) for i in chosen}
        found: dict[tuple[int, str], Decimal] = {}
        pairs = [(i, name) for i in chosen for name in self._s.candidates[i].repays]
        for shared in (True, False):
            for i, name in pairs:
                wanted = floor(self._money(("r", i, name))) if shared else rest[i]
                if not shared and self._on(("d", name)) and left[name] > NEAR * len(pairs):
                    continue
                amount = min(wanted, rest[i], left[name])
                found[i, name] = found.get((i, name), ZERO) + amount
                rest[i], left[name] = rest[i] - amount, left[name] - amount
        return {
            i: tuple(Repaid(n, amount) for (j, n), amount in found.items() if j == i and amount > 0)
            for i in chosen
        }

    def _repair(self, chosen: list[int], drawn: tuple[Drawn, ...], margins: Decimal) -> None:
        """Give the cents lost in rounding to lines in CNY that have room; take back any excess."""
        repaid = self._repaid(chosen)
        for k, want in enumerate(self._s.wants):
            here = [i for i in chosen if self._s.candidates[i].need == k]
            money = sum((d.amount for d in drawn if d.need == k), ZERO)
            money += sum(
                (self._cny(i) - sum((r.amount for r in repaid[i]), ZERO) for i in here), ZERO
            )
            spare = min(margins, floor(self._money(("t", k)) + NEAR))
            target = want.amount + spare - floor(self._money(("u", k)) + CENT / 2)
            self._move(here, chosen, target - money)

    def _move(self, here: list[int], chosen: list[int], missing: Decimal) -> None:
        for i in here:
            line = self._s.candidates[i]
            if line.currency != "CNY" or missing == 0 or abs(missing) > MOST_REPAIRED:
                continue
            room = self._cap(i) - self._owns[i]
            for name in line.rooms:
                used = [self._cny(j) for j in chosen if name in self._s.candidates[j].rooms]
                room = min(room, self._s.rooms[name] - sum(used, ZERO))
            step = max(min(missing, max(room, ZERO)), line.low - self._owns[i])
            self._owns[i] += step
            missing -= step

    def _line(self, i: int, repaid: tuple[Repaid, ...]) -> Line:
        candidate, covers, amount = self._s.candidates[i], self._covers(i), self._cny(i)
        low = amount
        if candidate.secured:
            lent = sum((max(ZERO, (c.low.number or ZERO) - c.bound) for c in covers), ZERO)
            low = min(amount, floor(lent))
        elif candidate.modest is not None:
            low = min(amount, floor(candidate.modest))
        hangs = tuple(s for j, s in enumerate(candidate.hangs) if self._on(("h", i, j)))
        start = self._s.wants[candidate.need].start
        flows = [
            tuple(Flow(self._s.spots[q].bucket, part) for q, part in parts.get(i, {}).items())
            for parts in (self._due, self._pays)
        ]
        return Line(candidate, self._owns[i], amount, low, covers, repaid, hangs, start, *flows)

    def _drawn(self) -> tuple[Drawn, ...]:
        found = []
        for e, facility in enumerate(self._s.existing):
            for k in facility.needs:
                amount = self._money(("e", e, k))
                amount = facility.free if abs(amount - facility.free) < NEAR else floor(amount)
                if amount > 0:
                    found.append(Drawn(facility, k, min(amount, self._s.wants[k].amount)))
        return tuple(found)

    # --- currency --------------------------------------------------------------------------------

    def _flows(self) -> tuple[Parts, Parts]:
        """Where each foreign-currency line is repaid and what it pays, by position."""
        due: Parts = {}
        pays: Parts = {}
        for i, own in self._owns.items():
            line, left = self._s.candidates[i], own
            if line.currency == "CNY":
                continue
            due[i], pays[i] = {}, {}
            for q, spot in enumerate(self._s.spots):
                wanted = self._money(("a", i, q)) / spot.rate
                room = max(ZERO, spot.free - _at(due, q))
                part = min(left, room, floor(wanted) + CENT if wanted > CENT else ZERO)
                if part:
                    due[i][q], left = part, left - part
            for q, spot in enumerate(self._s.spots):
                if (spot.currency, spot.bucket) == (line.currency, line.bucket) and left:
                    due[i][q] = due[i].get(q, ZERO) + left
            if not line.converts:
                self._pay(i, own, pays)
        return due, pays

    def _pay(self, i: int, own: Decimal, pays: Parts) -> None:
        """Payables in the currency of a line are paid from it, the first due first."""
        for q, spot in enumerate(self._s.spots):
            wanted = self._money(("pay", i, q))
            part = min(own, spot.due - _at(pays, q), floor(wanted / spot.rate + CENT))
            if wanted > CENT and part > 0:
                pays[i][q], own = part, own - part

    def _hedges_wanted(self) -> list[Hedged]:
        found = []
        target = self._s.target or (ZERO, ZERO)
        for h, hedge in enumerate(self._s.hedges):
            for way, side in (("s", "sell"), ("f", "buy")):
                if not self._on((way, "y", h)):
                    continue
                spot = self._s.spots[hedge.spot]
                position = spot.before - _at(self._due, hedge.spot) + _at(self._pays, hedge.spot)
                held = max(ZERO, (spot.sold - spot.bought) * (1 if way == "s" else -1))
                most = floor(min(abs(position) * target[1] - held, hedge.high / spot.rate))
                least = max(
                    ceiling(abs(position) * target[0] - held), ceiling(hedge.low / spot.rate)
                )
                amount = floor(self._money((way, h)) / spot.rate)
                amount = min(max(amount, min(least, most)), most)
                if amount > 0 and amount * spot.rate >= hedge.low:
                    found.append(Hedged(hedge, _side(side), amount))
        return found

    def _positions(self, hedges: list[Hedged]) -> tuple[Position, ...]:
        return tuple(
            position_after(
                self._s,
                q,
                _at(self._due, q),
                _at(self._pays, q),
                sum((h.amount for h in hedges if h.hedge.spot == q), ZERO),
            )
            for q in range(len(self._s.spots))
        )

    # --- what pays nothing out -------------------------------------------------------------------

    def _arranged(self, chosen: list[int], hedges: list[Hedged]) -> tuple[Arranged, ...]:
        found = []
        for h, helper in enumerate(self._s.helpers):
            if not self._on(("v", h)):
                continue
            name = helper.product.id
            lines = [self._s.candidates[i] for i in chosen]
            serves = tuple(c.product.id for c in lines if any(name in some for some in c.hangs))
            amount = None
            if helper.product.covers == "loan":
                amount = floor(self._money(("g", h)) + CENT / 2)
            elif helper.product.covers == "hedge_margin":
                need = sum((self._margin_of(h_) for h_ in hedges), ZERO)
                amount = min(need, helper.high)
            elif helper.margin:
                amount = sum((self._cny(i) for i in chosen if self._uses(i, name)), ZERO)
            if amount is None or amount > 0:
                found.append(Arranged(helper, amount, serves))
        return tuple(found)

    def _uses(self, i: int, name: str) -> bool:
        return any(name in some for some in self._s.candidates[i].hangs)

    def _margin_of(self, hedged: Hedged) -> Decimal:
        rate = self._s.spots[hedged.hedge.spot].rate
        return (hedged.amount * rate * self._s.margin_rate).quantize(CENT)

    def _margins(self, hedges: list[Hedged], arranged: tuple[Arranged, ...]) -> dict[str, Decimal]:
        """Margins by product; what stands in for them is below zero."""
        found: dict[str, Decimal] = {}
        for hedged in hedges:
            name = hedged.hedge.product.id
            found[name] = found.get(name, ZERO) + self._margin_of(hedged)
        for a in arranged:
            if a.helper.margin and a.amount:
                found[a.helper.product.id] = (a.amount * a.helper.margin).quantize(CENT)
            if a.helper.product.covers == "hedge_margin" and a.amount:
                found[a.helper.product.id] = -a.amount
        return {name: amount for name, amount in found.items() if amount}


def _at(parts: Parts, q: int) -> Decimal:
    """Of all lines at one position."""
    return sum((some.get(q, ZERO) for some in parts.values()), ZERO)


def _side(side: str) -> Literal["sell", "buy"]:
    return "sell" if side == "sell" else "buy"


def position_after(
    situation: Situation, q: int, debt: Decimal, paid: Decimal, new: Decimal
) -> Position:
    """A position after a plan's own lines and hedges, in its currency."""
    spot = situation.spots[q]
    position = spot.before - debt + paid
    side: Literal["sell", "buy"] | None = None
    if position != 0:
        side = "sell" if position > 0 else "buy"
    held = (spot.sold - spot.bought) * (1 if position > 0 else -1)
    ratio = within = None
    if position != 0:
        exact = (held + new) / abs(position)
        ratio = exact.quantize(PIP)
        aim = situation.target
        within = None if aim is None else aim[0] <= exact <= aim[1]
    return Position(spot, debt, paid, position, held, new, side, ratio, within)
