"""What plans are measured against: taking one product after the other."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

ZERO = Decimal(0)


class Taken(NamedTuple):
    """What taking one product after the other comes to.

    covered: CNY; lines: products taken; hedges: amounts in the currency of the position, by place.
    positions: after the lines' own debts and payments, by place.
    """

    covered: Decimal
    lines: int
    hedges: dict[int, Decimal]
    positions: list[Decimal]


def greedy(situation):
    """The best-ranked product, then the next, under the same rules; then the best-ranked hedges."""
    purse = Purse(situation)
    ranked = sorted(
        range(len(situation.candidates)),
        key=lambda i: (-situation.candidates[i].score, situation.candidates[i].converts, i),
    )
    for i in ranked:
        purse.take(situation.candidates[i])
    positions = [
        s.before - purse.debts.get(q, ZERO) + purse.paid.get(q, ZERO)
        for q, s in enumerate(situation.spots)
    ]
    hedges = {}
    for q, position in enumerate(positions):
        amount = hedged(situation, q, position)
        if amount:
            hedges[q] = amount
    covered = situation.need - sum(purse.left, ZERO)
    return Taken(covered, purse.lines, hedges, positions)


def hedged(situation, q, position):
    """Up to the low end of the target, by the best-ranked hedge that may be that large."""
    spot, aim = situation.spots[q], situation.target
    if aim is None or not position:
        return ZERO
    held = max(ZERO, (spot.sold - spot.bought) * (1 if position > 0 else -1))
    least, most = (abs(position) * end - held for end in aim)
    here = [hedge for hedge in situation.hedges if hedge.spot == q]
    for hedge in sorted(here, key=lambda h: -h.score):
        amount = max(least, hedge.low / spot.rate)
        if least > 0 and amount <= min(most, hedge.high / spot.rate):
            return amount
    return ZERO


def inside(situation, q, position, new):
    """Whether a position that is left is hedged within the target."""
    spot, (low, high) = situation.spots[q], situation.target or (ZERO, ZERO)
    held = (spot.sold - spot.bought) * (1 if position > 0 else -1)
    return low <= (held + new) / abs(position) <= high


class Purse:
    """What is left of needs, ceilings and pledges while products are taken one by one."""

    def __init__(self, situation):
        self.s = situation
        self.left = [want.amount for want in situation.wants]
        for facility in situation.existing:
            free = facility.free
            for k in facility.needs:
                drawn = min(free, self.left[k])
                free, self.left[k] = free - drawn, self.left[k] - drawn
        self.rooms, self.owed = dict(situation.rooms), dict(situation.outstanding)
        self.taken, self.facts, self.used, self.banks = set(), set(), set(), set()
        self.drawn_for, self.lines, self.spent = set(), 0, {}
        self.debts, self.paid = {}, {}

    def shut(self, line):
        """Whether what was taken before rules a line out."""
        name, sales = line.product.id, self.s.one_sale
        same = any(self.taken & set(sales.get(fact, ())) for fact in line.resources)
        return (
            any({name, other} == set(pair) for other in self.used for pair in self.s.exclusive)
            or self.lines >= self.s.most_lines
            or len(self.banks | {line.provider}) > self.s.most_banks
            or (name, line.need) in self.drawn_for
            or any(fact in self.facts and name not in self.used for fact in line.resources)
            or same
            or self.left[line.need] <= 0
        )

    def most(self, line):
        """The largest amount that ceilings and receipts leave to a line."""
        most = min([line.high, *(self.rooms[r] for r in line.rooms)])
        ceiling = line.product.amount.high if line.product.amount else None
        if ceiling is not None and len(self.s.wants) > 1:
            most = min(most, ceiling - self.spent.get(line.product.id, ZERO))
        if line.converts:
            free = sum((self.receipts(line, q) * s.rate for q, s in self.own(line)), ZERO)
            most = min(most, free)
        return most

    def own(self, line):
        """Positions in the currency of a line."""
        return [(q, s) for q, s in enumerate(self.s.spots) if s.currency == line.currency]

    def receipts(self, line, q):
        """What receipts of one place may still repay of a line."""
        spot = self.s.spots[q]
        met = spot.bucket in line.window and line.repaid_by_receipts
        return max(ZERO, spot.free - self.debts.get(q, ZERO)) if met else ZERO

    def pledges(self, line, goal):
        """Sales for an amount, the largest first, and what they lend."""
        sold = {g for fact in self.facts for g in self.s.one_sale.get(fact, ())}
        free = [c for c in line.covers if c.group not in self.taken | sold]
        groups, lent = [], ZERO
        for cover in sorted(free, key=lambda c: -c.lent):
            if lent < goal:
                groups.append(cover.group)
                lent += cover.lent
        return groups, lent

    def take(self, line):
        """Take a line as large as it can be, if it can be at all."""
        if self.shut(line):
            return
        repaid = sum((self.owed[n] for n in line.repays), ZERO)
        goal, groups = min(self.most(line), self.left[line.need] + repaid), []
        if line.secured:
            groups, lent = self.pledges(line, goal)
            goal = min(goal, lent)
        if goal < line.low or goal <= 0:
            return
        new = goal
        for n in line.repays:
            part = min(self.owed[n], new)
            self.owed[n], new = self.owed[n] - part, new - part
        self.left[line.need] -= new
        for room in line.rooms:
            self.rooms[room] -= goal
        self.note(line, groups, goal)
        self.flows(line, goal)

    def note(self, line, groups, goal):
        """Remember what a line uses."""
        name = line.product.id
        self.taken |= set(groups)
        self.facts |= set(line.resources)
        self.used.add(name)
        self.banks.add(line.provider)
        self.drawn_for.add((name, line.need))
        self.spent[name] = self.spent.get(name, ZERO) + goal
        self.lines += 1

    def flows(self, line, goal):
        """Where a foreign-currency line falls due and what it pays."""
        if line.currency == "CNY":
            return
        left = own = goal / self.s.rates[line.currency].cny_per_unit
        for q, _ in self.own(line):
            part = min(left, self.receipts(line, q))
            self.debts[q], left = self.debts.get(q, ZERO) + part, left - part
        for q, spot in self.own(line):
            if spot.bucket == line.bucket:
                self.debts[q] = self.debts.get(q, ZERO) + left
        for q, spot in self.own(line):
            if not line.converts and spot.bucket in line.window:
                part = min(own, spot.due - self.paid.get(q, ZERO))
                self.paid[q], own = self.paid.get(q, ZERO) + part, own - part
