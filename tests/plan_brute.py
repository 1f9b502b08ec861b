"""Brute force: every choice of lines, pledges, repayments, arranged products and hedges, by hand.

Amounts of each choice come from linear programming; the rules are written anew from the decision on
plans, with nothing of the programme under test. For at most about six candidate products.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import product as every_combination

import numpy as np
from scipy.optimize import linprog

ZERO = Decimal(0)
SLACK = 1e-6
OPEN = float("inf")


def brute_force(situation, weights):
    """Least need left uncovered, CNY, and twice the fewest points of the second stage.

    First of plans that leave a yuan more at most, then of those that leave no more; without what
    only breaks ties. weights: of the second stage.
    """
    unit = float(max(situation.need, _at_stake(situation), Decimal(1000)) / 1000)
    found = []
    for choice in choices(situation):
        lp = Amounts(situation, choice, unit)
        least = lp.least({("u", k): 1.0 for k in range(len(situation.wants))})
        if least is not None:
            found.append((least, lp, choice))
    best = min(least for least, _, _ in found)
    fewest = []
    for top in (best + 1 / unit, best + SLACK):
        points = [lp.points(choice, weights, top) for least, lp, choice in found if least <= top]
        fewest.append(min(p for p in points if p is not None))
    return best * unit, *fewest


def _at_stake(s):
    return sum((abs(p.before) * p.rate for p in s.spots), ZERO)


class Choice:
    """What is decided by yes or no.

    lines; owner: line by sale; done: products repaid in full; arranged: helpers; hedge: one by
    position, or None; side: by position, +1 long or -1 short.
    """

    def __init__(self, lines, owner, done, arranged, hedge, side):
        self.lines, self.owner, self.done = lines, owner, done
        self.arranged, self.hedge, self.side = arranged, hedge, side


def choices(s):
    """Every choice that the relations between products allow."""
    spots, helpers = range(len(s.spots)), range(len(s.helpers))
    per_spot = [[None, *(h for h, x in enumerate(s.hedges) if x.spot == q)] for q in spots]
    owing = sorted(s.outstanding)
    for chosen in every_combination((False, True), repeat=len(s.candidates)):
        lines = [i for i, yes in enumerate(chosen) if yes]
        if not allowed(s, lines):
            continue
        secured = [i for i in lines if s.candidates[i].secured]
        groups = sorted({c.group for i in secured for c in s.candidates[i].covers})
        takers = [[None, *(i for i in secured if _lends(s.candidates[i], g))] for g in groups]
        for owners in every_combination(*takers):
            owner = dict(zip(groups, owners, strict=True))
            if one_sale_twice(s, lines, owner):
                continue
            for done in every_combination((False, True), repeat=len(owing)):
                repaid = {n for n, yes in zip(owing, done, strict=True) if yes}
                for some in every_combination((False, True), repeat=len(s.helpers)):
                    arranged = [h for h in helpers if some[h]]
                    for hedge in every_combination(*per_spot):
                        for side in every_combination((1, -1), repeat=len(s.spots)):
                            yield Choice(lines, owner, repaid, arranged, hedge, side)


def _lends(line, group):
    return any(c.group == group for c in line.covers)


def one_sale_twice(s, lines, owner):
    """Whether an amount and a sale that it may be are both lent on."""
    pledged = {group for group, i in owner.items() if i is not None}
    facts = {fact for i in lines for fact in s.candidates[i].resources}
    return any(pledged & set(s.one_sale.get(fact, ())) for fact in facts)


def allowed(s, lines):
    """Relations, limits, and facts that are lent on once."""
    names = [s.candidates[i].product.id for i in lines]
    keys = [(s.candidates[i].product.id, s.candidates[i].need) for i in lines]
    facts = {(f, s.candidates[i].product.id) for i in lines for f in s.candidates[i].resources}
    return (
        len(set(keys)) == len(keys)
        and len({f for f, _ in facts}) == len(facts)
        and not any(a in names and b in names for a, b in s.exclusive)
        and len(lines) <= s.most_lines
        and len({s.candidates[i].provider for i in lines}) <= s.most_banks
    )


class Amounts:
    """The amounts of one choice, in thousandths of what is at stake."""

    def __init__(self, s, choice, unit):
        self.s, self.c, self.unit = s, choice, unit
        self.bounds, self.at = [], {}
        self.rows, self.tops, self.equal, self.values = [], [], [], []
        self.possible = True
        self._lines()
        self._repaid()
        self._facilities()
        self._together()
        self._positions()
        self._arranged()
        self._needs()

    def z(self, amount):
        """In units."""
        return float(amount) / self.unit

    def new(self, name, low=0.0, high=OPEN):
        """A variable."""
        self.possible = self.possible and low <= high + 1e-12
        self.at[name] = len(self.bounds)
        self.bounds.append((low, max(low, high)))
        return name

    def below(self, terms, top):
        """Terms that sum to at most so much."""
        self.rows.append(terms)
        self.tops.append(top)

    def same(self, terms, value):
        """Terms that sum to so much."""
        self.equal.append(terms)
        self.values.append(value)

    def _lines(self):
        for i in self.c.lines:
            line, high = self.s.candidates[i], self.s.candidates[i].high
            if line.secured:
                mine = [c.lent for c in line.covers if self.c.owner.get(c.group) == i]
                high = min(high, sum(mine, ZERO))
            self.new(("x", i), self.z(line.low), self.z(high))

    def _repaid(self):
        for i in self.c.lines:
            owed = {n: self.z(self.s.outstanding[n]) for n in self.s.candidates[i].repays}
            parts = [(self.new(("r", i, n), 0.0, size), 1.0) for n, size in owed.items()]
            self.below([(("x", i), -1.0), *parts], 0.0)
            if any(n not in self.c.done for n in self.s.candidates[i].repays):
                self.same([(("x", i), 1.0), *((r, -1.0) for r, _ in parts)], 0.0)
        for n, size in self.s.outstanding.items():
            takers = [i for i in self.c.lines if n in self.s.candidates[i].repays]
            paid = [(("r", i, n), 1.0) for i in takers]
            if paid and n in self.c.done:
                self.same(paid, self.z(size))
            elif paid:
                self.below(paid, self.z(size))

    def _facilities(self):
        for e, facility in enumerate(self.s.existing):
            drawn = [(self.new(("e", e, k)), 1.0) for k in facility.needs]
            self.below(drawn, self.z(facility.free))

    def _together(self):
        for room, size in self.s.rooms.items():
            sharing = [i for i in self.c.lines if room in self.s.candidates[i].rooms]
            self.below([(("x", i), 1.0) for i in sharing], self.z(size))
        for name in {self.s.candidates[i].product.id for i in self.c.lines}:
            own = [i for i in self.c.lines if self.s.candidates[i].product.id == name]
            ceiling = self.s.candidates[own[0]].product.amount.high
            self.below([(("x", i), 1.0) for i in own], self.z(ceiling))

    # --- currency --------------------------------------------------------------------------------

    def _positions(self):
        """Debts meet receipts of their life or fall due at their end; hedges come on top."""
        for i in self.c.lines:
            self._flows(i)
        for q, spot in enumerate(self.s.spots):
            debts = [(name, 1.0) for name in self.at if name[0] in ("a", "due") and name[2] == q]
            pays = [(name, -1.0) for name in self.at if name[0] == "pay" and name[2] == q]
            met = [(name, 1.0) for name in self.at if name[0] == "a" and name[2] == q]
            self.below(met, self.z(spot.free * spot.rate))
            self.below([(n, 1.0) for n, _ in pays], self.z(spot.due * spot.rate))
            size, sign = self.new(("size", q)), self.c.side[q]
            self.same([(size, float(sign)), *debts, *pays], self.z(spot.before * spot.rate))
            self._hedge(q, spot)

    def _flows(self, i):
        line, parts = self.s.candidates[i], []
        if line.currency == "CNY":
            return
        for q, spot in enumerate(self.s.spots):
            if spot.currency != line.currency:
                continue
            lived = spot.bucket in line.window
            if lived and line.repaid_by_receipts and spot.free > 0:
                parts.append((self.new(("a", i, q)), 1.0))
            if spot.bucket == line.bucket:
                parts.append((self.new(("due", i, q)), 1.0))
            if lived and not line.converts and spot.due > 0:
                self.new(("pay", i, q))
        pays = [(n, 1.0) for n in self.at if n[0] == "pay" and n[1] == i]
        self.same([(("x", i), -1.0), *parts], 0.0)
        self.below([*pays, (("x", i), -1.0)], 0.0)

    def _hedge(self, q, spot):
        """At most up to the target; what misses its low end is counted, on either side."""
        low, high = (float(end) for end in self.s.target or (ZERO, ZERO))
        h, amount = self.c.hedge[q], []
        for way in (1, -1):
            held = self.z(max(ZERO, (spot.sold - spot.bought) * way) * spot.rate)
            on_side = way == self.c.side[q]
            if h is not None and on_side:
                hedge = self.s.hedges[h]
                name = self.new(("h", q), self.z(hedge.low), self.z(hedge.high))
                amount = [(name, 1.0)]
                self.below([*amount, (("size", q), -high)], -held)
            w = self.new(("w", q, way))
            mine = [(("size", q), low), *((n, -1.0) for n, _ in amount)] if on_side else []
            self.below([*mine, (w, -1.0)], held)

    # --- what is arranged, and the needs ---------------------------------------------------------

    def _arranged(self):
        s, cash = self.s, float(self.s.margin_rate)
        self.margins = [(name, cash) for name in self.at if name[0] == "h"]
        tied = list(self.margins)
        share, self.closed = float(s.guarantee_share), []
        for h in self.c.arranged:
            helper = s.helpers[h]
            if helper.product.covers == "loan":
                g = self.new(("g", h), self.z(helper.low), self.z(helper.high))
                self.below([(g, share)], self.z(s.gap or ZERO))
                self.closed.append((g, share))
            elif helper.product.covers == "hedge_margin":
                q = self.new(("q", h), 0.0, self.z(helper.high))
                self.below([(q, 1.0), *((n, -f) for n, f in tied)], 0.0)
                self.margins.append((q, -1.0))
            elif helper.margin:
                under = [i for i in self.c.lines if self.names(i, helper.product.id)]
                settled = [(("x", i), 1.0) for i in under]
                self.below(settled, self.z(helper.high))
                self.below([(n, -1.0) for n, _ in settled], -self.z(helper.low))
                self.margins += [(n, float(helper.margin)) for n, _ in settled]

    def names(self, i, product):
        """Whether a line hangs on a product."""
        return any(product in some for some in self.s.candidates[i].hangs)

    def net(self, i):
        """New money of a line."""
        return [(("x", i), 1.0), *((("r", i, n), -1.0) for n in self.s.candidates[i].repays)]

    def _needs(self):
        s, spare = self.s, []
        for k, want in enumerate(s.wants):
            u = self.new(("u", k), 0.0, self.z(want.amount))
            t = self.new(("t", k))
            money = [p for i in self.c.lines if s.candidates[i].need == k for p in self.net(i)]
            money += [(n, 1.0) for n in self.at if n[0] == "e" and n[2] == k]
            self.same([*money, (u, 1.0), (t, -1.0)], self.z(want.amount))
            spare.append((t, 1.0))
        um = self.new(("um",))
        self.same([*spare, (um, 1.0), *((n, -f) for n, f in self.margins)], 0.0)
        open_ = [(("u", k), -1.0) for k in range(len(s.wants))]
        for g, share in self.closed:
            self.below([(g, share), *open_], 0.0)
        gap = self.new(("gap",), 0.0, self.z(s.gap or ZERO))
        free = [i for i in self.c.lines if not s.candidates[i].rests_on_coverage]
        money = [(n, -f) for i in free for n, f in self.net(i)]
        money += [(n, -1.0) for n in self.at if n[0] == "e"]
        closed = [(g, -share) for g, share in self.closed]
        self.below([(gap, -1.0), *money, *closed], -self.z(s.gap or ZERO))

    # --- solving ---------------------------------------------------------------------------------

    def least(self, aims, top=None):
        """The least sum of some aims; top: on need left uncovered; None when impossible."""
        if not self.possible:
            return None
        rows, tops = list(self.rows), list(self.tops)
        if top is not None:
            rows.append([(("u", k), 1.0) for k in range(len(self.s.wants))])
            tops.append(top)
        found = linprog(
            self._row(aims.items()),
            A_ub=np.array([self._row(r) for r in rows]) if rows else None,
            b_ub=tops or None,
            A_eq=np.array([self._row(r) for r in self.equal]),
            b_eq=self.values,
            bounds=self.bounds,
            method="highs",
        )
        return float(found.fun) if found.status == 0 else None

    def _row(self, terms):
        row = np.zeros(len(self.bounds))
        for name, factor in terms:
            row[self.at[name]] += factor
        return row

    def points(self, choice, w, top):
        """The fewest points of the second stage with this choice; None when impossible."""
        s = self.s
        aims = {("um",): w.margin / 1000, ("gap",): w.gap / 1000}
        for name in self.at:
            if name[0] == "w":
                aims[name] = w.exposure / 1000
            elif name[0] == "h":
                aims[name] = w.tied * float(s.margin_rate) / 1000
            elif name[0] == "q":
                aims[name] = -w.tied / 1000
            elif name[0] == "x" and s.candidates[name[1]].standing == "conditional":
                aims[name] = w.conditional / 1000
        amounts = self.least(aims, top)
        return None if amounts is None else amounts + self._fixed(choice, w)

    def _fixed(self, choice, w):
        """Points of what is decided by yes or no."""
        s, total = self.s, 0.0
        ready = {s.helpers[h].product.id for h in choice.arranged}
        for i in choice.lines:
            line = s.candidates[i]
            total += w.line + w.paper * line.missing_papers - w.fit * line.score
            total += w.conditional / 2 if line.standing == "conditional" else 0.0
            total += w.hangs * sum(ready.isdisjoint(some) for some in line.hangs)
        total += w.item * sum(i is not None for i in choice.owner.values())
        total += w.bank * len({s.candidates[i].provider for i in choice.lines})
        for h in choice.arranged:
            helper = s.helpers[h]
            total += w.line / 2 + w.paper * helper.missing_papers
            total += w.hangs / 2 if helper.standing == "conditional" else 0.0
        for h in choice.hedge:
            if h is not None:
                hedge = s.hedges[h]
                total += w.line + w.paper * hedge.missing_papers - w.fit * hedge.score
                total += w.conditional / 2 if hedge.standing == "conditional" else 0.0
        return total
