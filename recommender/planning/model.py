"""The situation as a mixed-integer programme, in thousandths of the money at stake.

Variables, by name: ("x", i) amount of line i, ("y", i) whether it is used, ("n", i) its net new
money, ("b", i, group) whether a trade secures it, ("r", i, product) what it repays, ("u", k) need k
left uncovered, ("s" / "f", h) hedge h sold or bought forward, and a few that tie these together.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from recommender.planning.programme import Name, Programme
from recommender.planning.situation import Candidate, Situation, Spot

THOUSAND = Decimal(1000)


class Rules(NamedTuple):
    """What one of several plans must keep to, beyond the situation.

    without: products not to be used; sure: nothing conditional; most_lines: that pay out.
    """

    without: frozenset[str] = frozenset()
    sure: bool = False
    most_lines: int | None = None


class Model:
    """One programme for one situation."""

    def __init__(self, situation: Situation, rules: Rules | None = None) -> None:
        self.s, self.rules = situation, rules or Rules()
        self.p = Programme()
        self.unit = self._stake() / THOUSAND
        self._lines()
        self._pledges()
        self._shared()
        self._repayments()
        self._existing()
        self._open_needs()
        self._helpers()
        self._positions()
        self._margins()
        self._needs()
        self._limits()

    def _stake(self) -> Decimal:
        size = sum((abs(p.before) * p.rate for p in self.s.spots), Decimal(0))
        return max(self.s.need, size, Decimal(1000))

    def scaled(self, amount: Decimal) -> float:
        """An amount in CNY in units of the programme."""
        return float(amount / self.unit)

    def uncovered(self) -> dict[object, float]:
        """The first objective: need left uncovered."""
        return {("u", k): 1.0 for k in range(len(self.s.wants))}

    # --- lines -----------------------------------------------------------------------------------

    def _open(self, line: Candidate) -> bool:
        if line.product.id in self.rules.without:
            return False
        return not (self.rules.sure and (line.standing == "conditional" or self._unready(line)))

    def _unready(self, line: Candidate) -> bool:
        sure = {h.product.id for h in self.s.helpers if h.standing == "eligible"}
        return any(sure.isdisjoint(some) for some in line.hangs)

    def _lines(self) -> None:
        for i, line in enumerate(self.s.candidates):
            low, high = self.scaled(line.low), self.scaled(line.high)
            x, y = self.p.amount(("x", i), high), self.p.yes_no(("y", i))
            self.p.amount(("n", i), high)
            self.p.row([(x, 1), (y, -high)])
            self.p.row([(y, low), (x, -1)])
            if not self._open(line):
                self.p.equal([(y, 1)])
        for name in self._products():
            used = self.p.yes_no(("p", name))
            for i in self.of(name):
                self.p.row([(("y", i), 1), (used, -1)])
            self.p.row([(used, 1), *((("y", i), -1) for i in self.of(name))])
        for name in self._products():
            self._once_per_need(name)

    def _products(self) -> list[str]:
        return list(dict.fromkeys(line.product.id for line in self.s.candidates))

    def of(self, product_id: str) -> list[int]:
        """The lines of a product."""
        return [i for i, line in enumerate(self.s.candidates) if line.product.id == product_id]

    def _once_per_need(self, name: str) -> None:
        """One currency for each need; the product's ceiling holds for all of its lines."""
        lines = self.of(name)
        for k in range(len(self.s.wants)):
            same = [i for i in lines if self.s.candidates[i].need == k]
            if len(same) > 1:
                self.p.row([(("y", i), 1) for i in same], high=1)
        ceiling = self.s.candidates[lines[0]].product.amount
        if len(self.s.wants) > 1 and ceiling is not None and ceiling.high is not None:
            self.p.row([(("x", i), 1) for i in lines], high=self.scaled(ceiling.high))

    def _pledges(self) -> None:
        """Each trade secures one line at most; a line comes to what its trades lend."""
        takers: dict[str, list[object]] = {}
        for i, line in enumerate(self.s.candidates):
            if not line.secured:
                continue
            lent = []
            for cover in line.covers:
                b = self.p.yes_no(("b", i, cover.group))
                self.p.row([(b, 1), (("y", i), -1)])
                lent.append((b, -self.scaled(cover.lent)))
                takers.setdefault(cover.group, []).append(b)
            self.p.row([(("x", i), 1), *lent])
        for bound in takers.values():
            if len(bound) > 1:
                self.p.row([(b, 1) for b in bound], high=1)

    def _shared(self) -> None:
        """What lines rest on together: facts once, ceilings in sum, pairs that exclude."""
        lines = self.s.candidates
        for name in sorted({r for line in lines for r in line.resources}):
            users = {line.product.id for line in lines if name in line.resources}
            self.p.row([(("p", user), 1) for user in sorted(users)], high=1)
        for fact, groups in sorted(self.s.one_sale.items()):
            self._one_sale(fact, groups)
        for room, size in self.s.rooms.items():
            sharing = [i for i, line in enumerate(lines) if room in line.rooms]
            if sharing:
                self.p.row([(("x", i), 1) for i in sharing], high=self.scaled(size))
        for a, b in sorted(self.s.exclusive):
            if ("p", a) in self.p.index and ("p", b) in self.p.index:
                self.p.row([(("p", a), 1), (("p", b), 1)], high=1)

    def _one_sale(self, fact: str, groups: tuple[str, ...]) -> None:
        """What is lent on a fact is not lent on a sale that it may be."""
        lines = self.s.candidates
        users = sorted({line.product.id for line in lines if fact in line.resources})
        for j, line in enumerate(lines):
            for cover in line.covers if line.secured else ():
                if cover.group in groups:
                    taken = ("b", j, cover.group)
                    for user in users:
                        self.p.row([(("p", user), 1), (taken, 1)], high=1)

    def _repayments(self) -> None:
        """A line first repays what it takes out; only when that is done is the rest new money."""
        for name, owed in sorted(self.s.outstanding.items()):
            takers = [i for i, line in enumerate(self.s.candidates) if name in line.repays]
            if not takers:
                continue
            done, size = self.p.yes_no(("d", name)), self.scaled(owed)
            for i in takers:
                r = self.p.amount(("r", i, name), size)
                self.p.row([(r, 1), (("y", i), -size)])
                self.p.row([(("n", i), 1), (done, -self.scaled(self.s.candidates[i].high))])
            repaid = [(("r", i, name), 1.0) for i in takers]
            self.p.row(repaid, high=size)
            self.p.row([(done, size), *((r, -f) for r, f in repaid)])
        for i, line in enumerate(self.s.candidates):
            paid = [(("r", i, name), 1.0) for name in line.repays]
            self.p.equal([(("n", i), 1), (("x", i), -1), *paid])

    def _existing(self) -> None:
        for e, facility in enumerate(self.s.existing):
            for k in facility.needs:
                self.p.amount(("e", e, k), self.scaled(facility.free))
            drawn = [(("e", e, k), 1.0) for k in facility.needs]
            self.p.row(drawn, high=self.scaled(facility.free))

    def _helpers(self) -> None:
        """Prerequisites come with a line, or the line hangs on them; guarantees close the gap."""
        for h, helper in enumerate(self.s.helpers):
            v = self.p.yes_no(("v", h))
            shut = helper.product.id in self.rules.without
            if shut or (self.rules.sure and helper.standing == "conditional"):
                self.p.equal([(v, 1)])
        place = {helper.product.id: h for h, helper in enumerate(self.s.helpers)}
        for i, line in enumerate(self.s.candidates):
            for j, some in enumerate(line.hangs):
                hangs = self.p.yes_no(("h", i, j))
                ready = [(("v", place[name]), -1.0) for name in some if name in place]
                self.p.row([(("y", i), 1), (hangs, -1), *ready])
        gap = self.scaled(self.s.gap or Decimal(0))
        left = self.p.amount(("gap",), gap)
        open_ = [(("u", k), -1.0) for k in range(len(self.s.wants))]
        free: list[tuple[Name, float]] = [(("n", i), 1.0) for i, c in enumerate(self.s.candidates)]
        free = [
            part for part, c in zip(free, self.s.candidates, strict=True) if not c.rests_on_coverage
        ]
        free += [(("e", e, k), 1.0) for e, f in enumerate(self.s.existing) for k in f.needs]
        share = float(self.s.guarantee_share)
        closed = []
        for h, helper in enumerate(self.s.helpers):
            if helper.product.covers == "loan":
                most = min(self.scaled(helper.high), gap / share if share else 0.0)
                g = self.p.amount(("g", h), max(0.0, most))
                self.p.row([(g, 1), (("v", h), -most)])
                self.p.row([(("v", h), self.scaled(helper.low)), (g, -1)])
                self.p.row([(g, share), *open_])
                closed.append((g, share))
        self.p.row([(left, 1), *free, *closed], low=gap, high=float("inf"))

    # --- currency --------------------------------------------------------------------------------

    def _positions(self) -> None:
        """Each position after the lines' own debts, its hedges, what is missing to the target."""
        self._debts()
        for q, spot in enumerate(self.s.spots):
            before = self.scaled(spot.before * spot.rate)
            long, short = self.p.amount(("long", q)), self.p.amount(("short", q))
            debts = [(name, 1.0) for name in self.debts[q]]
            pays = [(name, -1.0) for name in self.pays[q]]
            self.p.equal([(long, 1), (short, -1), *debts, *pays], before)
            most = abs(before) + sum(self.p.bounds[self.p.index[n]][1] for n in self.debts[q])
            side = self.p.yes_no(("side", q))
            self.p.row([(long, 1), (side, -most)])
            self.p.row([(short, 1), (side, most)], high=most)
            self._hedges(q, spot, most)

    def _debts(self) -> None:
        """Where foreign-currency lines fall due, and which receipts or payables they meet."""
        self.debts: list[list[object]] = [[] for _ in self.s.spots]
        self.pays: list[list[object]] = [[] for _ in self.s.spots]
        free: dict[int, list[object]] = {}
        for i, line in enumerate(self.s.candidates):
            if line.currency == "CNY":
                continue
            spots = [q for q, s in enumerate(self.s.spots) if s.currency == line.currency]
            parts = []
            met = [q for q in spots if self.s.spots[q].bucket in line.window]
            for q in met if line.repaid_by_receipts else ():
                if self.s.spots[q].free > 0:
                    a = self.p.amount(("a", i, q), self._money(self.s.spots[q], "free"))
                    self.debts[q].append(a)
                    free.setdefault(q, []).append(a)
                    parts.append((a, 1.0))
            for q in spots:
                if self.s.spots[q].bucket == line.bucket:
                    debt = self.p.amount(("due", i, q), self.scaled(line.high))
                    self.debts[q].append(debt)
                    parts.append((debt, 1.0))
            self.p.equal([(("x", i), -1), *parts])
            if not line.converts:
                self._paid(i, met)
        for q, parts_of in free.items():
            self.p.row([(a, 1) for a in parts_of], high=self._money(self.s.spots[q], "free"))

    def _paid(self, i: int, spots: list[int]) -> None:
        """A line in the currency of payables pays them."""
        paid = []
        for q in spots:
            if self.s.spots[q].due > 0:
                a = self.p.amount(("pay", i, q), self._money(self.s.spots[q], "due"))
                self.pays[q].append(a)
                paid.append((a, 1.0))
        if paid:
            self.p.row([*paid, (("x", i), -1)])
            for q in {q for q in spots if self.pays[q]}:
                due = self._money(self.s.spots[q], "due")
                self.p.row([(a, 1) for a in self.pays[q]], high=due)

    def _money(self, spot: Spot, part: str) -> float:
        return self.scaled(getattr(spot, part) * spot.rate)

    def _hedges(self, q: int, spot: Spot, most: float) -> None:
        """Forwards on the right side, up to the target and never above; what is open below it."""
        sold = self.scaled(max(Decimal(0), spot.sold - spot.bought) * spot.rate)
        bought = self.scaled(max(Decimal(0), spot.bought - spot.sold) * spot.rate)
        aim = self.s.target or (Decimal(0), Decimal(0))
        low, high = float(aim[0]), float(aim[1])
        here = [h for h, hedge in enumerate(self.s.hedges) if hedge.spot == q]
        for way, size, held, sign in (("s", "long", sold, 1), ("f", "short", bought, -1)):
            amounts = []
            for h in here:
                hedge = self.s.hedges[h]
                top = min(self.scaled(hedge.high), most)
                a, y = self.p.amount((way, h), top), self.p.yes_no((way, "y", h))
                self.p.row([(a, 1), (y, -top)])
                self.p.row([(y, self.scaled(hedge.low)), (a, -1)])
                side = ("side", q)
                self.p.row(
                    [(y, 1), (side, -1)] if sign > 0 else [(y, 1), (side, 1)],
                    high=0.0 if sign > 0 else 1.0,
                )
                if hedge.product.id in self.rules.without or (
                    self.rules.sure and hedge.standing == "conditional"
                ):
                    self.p.equal([(y, 1)])
                amounts.append((a, 1.0))
            used = [((way, "y", h), 1.0) for h in here]
            if used:
                self.p.row(used, high=1)
                loose = most + held
                self.p.row(
                    [*amounts, ((size, q), -high), *((y, loose) for y, _ in used)],
                    high=loose - held,
                )
            w = self.p.amount(("w", way, q))
            self.p.row([((size, q), low), (w, -1), *((a, -1.0) for a, _ in amounts)], high=held)

    # --- money -----------------------------------------------------------------------------------

    def _margins(self) -> None:
        """Margins are a need; a public pool may stand in for them."""
        rate = float(self.s.margin_rate)
        hedged = [((w, h), rate) for h in range(len(self.s.hedges)) for w in ("s", "f")]
        tied = []
        for h, helper in enumerate(self.s.helpers):
            if helper.margin:
                tied.append((self.p.amount(("lc", h)), 1.0))
                self._lc_margin(h)
        self.p.amount(("um",))
        support = []
        for h, helper in enumerate(self.s.helpers):
            if helper.product.covers == "hedge_margin":
                q = self.p.amount(("q", h), self.scaled(helper.high))
                self.p.row([(q, 1), (("v", h), -self.scaled(helper.high))])
                self.p.row([(q, 1), *((name, -factor) for name, factor in hedged)])
                support.append((q, -1.0))
        self.margins = [*hedged, *tied, *support]

    def _lc_margin(self, h: int) -> None:
        """A share of all that is settled under the credit, which has a range of its own."""
        helper = self.s.helpers[h]
        share, name = float(helper.margin), helper.product.id
        under = [
            (i, self.scaled(line.high))
            for i, line in enumerate(self.s.candidates)
            if any(name in some for some in line.hangs)
        ]
        settled: list[tuple[Name, float]] = [(("x", i), 1.0) for i, _ in under]
        most = sum(high for _, high in under)
        margin = [(part, factor * share) for part, factor in settled]
        self.p.row([*margin, (("lc", h), -1), (("v", h), most * share)], high=most * share)
        self.p.row([(("lc", h), 1), *((part, -factor) for part, factor in margin)])
        self.p.row([(("lc", h), 1), (("v", h), -most * share)])
        self.p.row([*settled, (("v", h), most)], high=most + min(self.scaled(helper.high), most))
        self.p.row([(("v", h), self.scaled(helper.low)), *((x, -f) for x, f in settled)])

    def _open_needs(self) -> None:
        for k, want in enumerate(self.s.wants):
            self.p.amount(("u", k), self.scaled(want.amount))

    def _needs(self) -> None:
        """Net new money covers needs and margins, and nothing beyond them."""
        spare = []
        for k, want in enumerate(self.s.wants):
            amount = self.scaled(want.amount)
            u, t = ("u", k), self.p.amount(("t", k))
            money: list[tuple[Name, float]] = [
                (("n", i), 1.0) for i, c in enumerate(self.s.candidates) if c.need == k
            ]
            money += [(("e", e, k), 1.0) for e, f in enumerate(self.s.existing) if k in f.needs]
            self.p.equal([*money, (u, 1), (t, -1)], amount)
            spare.append((t, 1.0))
        self.p.equal([*spare, (("um",), 1), *((name, -f) for name, f in self.margins)])

    def _limits(self) -> None:
        """Most lines that pay out and most providers."""
        lines = [(("y", i), 1.0) for i in range(len(self.s.candidates))]
        most = self.s.most_lines
        if self.rules.most_lines is not None:
            most = min(most, self.rules.most_lines)
        if lines:
            self.p.row(lines, high=most)
        providers = self.providers()
        for name, products in providers.items():
            bank = self.p.yes_no(("bank", name))
            for product in products:
                self.p.row([(("p", product), 1), (bank, -1)])
        if providers:
            self.p.row([(("bank", name), 1) for name in providers], high=self.s.most_banks)

    def providers(self) -> dict[str, list[str]]:
        """Products that pay out, by who offers them."""
        found: dict[str, list[str]] = {}
        for line in self.s.candidates:
            if line.product.id not in found.setdefault(line.provider, []):
                found[line.provider].append(line.product.id)
        return found

    def names(self, kind: str) -> Iterable[tuple[object, ...]]:
        """Variables of one kind."""
        return [n for n in self.p.names if isinstance(n, tuple) and n[0] == kind]
