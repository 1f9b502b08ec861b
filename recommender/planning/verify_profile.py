"""What the checker reads from profile, catalogue and dated parameters, with its own arithmetic.

Nothing here is shared with what makes plans: a mistake there must not excuse itself here.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal

from recommender import codes
from recommender.catalogue.product import Product
from recommender.company.profile import Collateral, Company, Insurance, Need
from recommender.engine import Engine
from recommender.plan_options import PlanOptions
from recommender.planning.settings import Settings

CENT = Decimal("0.01")
ZERO = Decimal(0)
LENT_ON_FACT = {
    "order_share": "order_unpaid_cny",
    "prepayment_share": "import_prepayment_cny",
    "tax_rebate": "rebate_refundable_confirmed_cny",
}
DECLARATION, LIABILITY = "declaration_unfinanced_balance_usd", "policy_max_liability_left"
ON_ITEMS = ("advance", "insured_receivable", "documentary_credit")
WORKING_CAPITAL = (
    "profit_margin_pct",
    "sales_growth_pct",
    "working_capital_turns",
    "own_funds_cny",
    "existing_wc_loans_cny",
)


def cents(amount: Decimal) -> Decimal:
    """Half up, as figures are."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def place_of(index: int) -> str:
    """Where an item of collateral stands."""
    return f"collateral[{index}]"


class Ledger:
    """One company on one day, in CNY."""

    def __init__(
        self, engine: Engine, company: Company, options: PlanOptions, settings: Settings
    ) -> None:
        self.company = engine.catalogue.normalised(company)
        self.day, self._parameters, self._set = options.day, engine.parameters, settings
        self._papers = engine.catalogue.documents
        rates = engine.parameters.rates(options.day, options.given_rates)
        self.rates = {name: rate.cny_per_unit for name, rate in rates.items()}
        stated = options.needs or ((self.company.need,) if self.company.need else ())
        self.needs: tuple[Need, ...] = tuple(n for n in stated if self.cny(n.amount, n.currency))
        self.items: tuple[Collateral, ...] = self.company.collateral or ()
        self.places = {place_of(i): item for i, item in enumerate(self.items)}
        self.sales = self._sales()

    def cny(self, amount: Decimal | None, currency: str | None) -> Decimal | None:
        """Not rounded; None without a rate."""
        if amount is None:
            return None
        rate = self.rates.get(currency or "")
        return ZERO if amount == 0 else (None if rate is None else amount * rate)

    def number(self, fact: str) -> Decimal | None:
        """A stated number."""
        stated = (self.company.facts or {}).get(fact)
        value = None if stated is None else stated.value
        plain = isinstance(value, (int, float)) and not isinstance(value, bool)
        return Decimal(str(value)) if plain else None

    def parameter(self, name: str) -> Decimal | None:
        """A dated number."""
        found = self._parameters.value(name, self.day)
        return None if found is None else found.value

    def starts(self, need: Need) -> datetime.date:
        """When the money is needed, not before today."""
        return need.date if need.date is not None and need.date > self.day else self.day

    # --- what items lend -------------------------------------------------------------------------

    def advance(self, product: Product, kind: str) -> tuple[Decimal, Decimal] | None:
        """Low and high share: the product's own, else the dated one."""
        if kind not in product.accepts:
            return None
        own = product.accepts[kind]
        if own is not None and own.low is not None and own.high is not None:
            return own.low, own.high
        dated = self._parameters.advance(kind, self.day)
        return None if dated is None else (dated.low, dated.high)

    def worth(self, place: str, share: Decimal) -> Decimal | None:
        """What an item lends at a share; None when not known or when it does not count."""
        item = self.places[place]
        kind = codes.collateral_type(item.type)
        if kind.needs_control and self._controlled(item) is not True:
            return None
        if kind.family == "insured_receivable":
            own = self._insured(item, share)
        elif item.value is None:
            return None
        elif kind.family == "documentary_credit":
            own = item.value * share
        elif kind.family == "guarantee":
            own = max(ZERO, item.value * share - (item.senior_claim or ZERO))
        elif item.senior_claim is None:
            return None
        else:
            own = max(ZERO, item.value * share - item.senior_claim)
        amount = None if own is None else self.cny(cents(own), item.currency)
        return None if amount is None else cents(amount)

    def _controlled(self, item: Collateral) -> bool | None:
        """Whether a paper of its trade gives control; None: it cannot be told."""
        if self.company.documents is None:
            return None
        papers = [
            paper
            for paper in self.company.documents
            if paper.type in self._papers and self._papers[paper.type].character != "none"
        ]
        if item.trade is not None and any(paper.trade == item.trade for paper in papers):
            return True
        vague = item.trade is None or any(paper.trade is None for paper in papers)
        return None if papers and vague else False

    def _insured(self, item: Collateral, share: Decimal) -> Decimal | None:
        """The least of the policies of its trade; the policy bank's strict reading."""
        policies = [p for p in self.company.insurance or () if p.trade == item.trade]
        vague = any(p.trade is None for p in self.company.insurance or ())
        if item.trade is None or vague or not policies:
            return None
        found = [self._under(policy, item, share) for policy in policies]
        return None if None in found else min(amount for amount in found if amount is not None)

    def _under(self, policy: Insurance, item: Collateral, share: Decimal) -> Decimal | None:
        declared, limit = (
            self._exchanged(amount, policy.currency, item.currency)
            for amount in (policy.declared, policy.free_limit)
        )
        known = (item.value, declared, limit, policy.cover_pct, policy.premium_paid)
        if any(part is None for part in known) or item.senior_claim is None:
            return None
        least = min(part for part in (item.value, declared, limit) if part is not None)
        caps = (self.number(DECLARATION), self.number(LIABILITY))
        bounds = [self._exchanged(cap, "USD", item.currency) for cap in caps]
        amount = share * (policy.cover_pct or ZERO) / 100 * least * bool(policy.premium_paid)
        return max(ZERO, min([amount, *(b for b in bounds if b is not None)]) - item.senior_claim)

    def _exchanged(
        self, amount: Decimal | None, source: str | None, target: str | None
    ) -> Decimal | None:
        if source == target or not amount:
            return amount
        value, price = self.cny(amount, source), self.rates.get(target or "")
        return None if value is None or price is None else cents(value / price)

    # --- one sale --------------------------------------------------------------------------------

    def _sales(self) -> dict[str, str]:
        """By place: the trade it names, or the one sale that all unnamed things must be."""
        found = {}
        for place, item in self.places.items():
            beside = codes.collateral_type(item.type).family == "guarantee"
            found[place] = place if beside or item.trade is None else item.trade
        together = [place for place, item in self.places.items() if self._is_form(item)]
        kinds = [self.places[place].type for place in together]
        named = {self.places[place].trade for place in together} - {None}
        if len(kinds) == len(set(kinds)) and len(named) <= 1:
            one = next(iter(named), None) or (together[0] if together else "")
            found |= dict.fromkeys(together, one)
        return found

    def _is_form(self, item: Collateral) -> bool:
        trade, table = self.company.trade, self._set.sales
        importing = trade is not None and "import" in (trade.directions or ())
        before = trade is not None and trade.stage == "pre_shipment"
        credit = codes.collateral_type(item.type).family == "documentary_credit"
        apart = (before and credit) or (importing and item.type in table.of_exporters)
        return item.type in table.forms and not apart

    def sales_behind(self, fact: str) -> set[str]:
        """Sales that an amount lent on may be: of its papers' trades, else any it could be."""
        shown = self._set.sales.facts.get(fact)
        if shown is None:
            return set()
        papers = {p.trade for p in self.company.documents or () if p.type in shown.papers} - {None}
        return {
            self.sales[place]
            for place, item in self.places.items()
            if (
                item.trade in papers
                if papers
                else codes.collateral_type(item.type).family in shown.families
            )
        }

    # --- existing credit -------------------------------------------------------------------------

    def _drawn(self) -> Iterator[tuple[str | None, Decimal, str | None]]:
        """Product, amount and security of what is drawn."""
        kinds = {kind.lower(): name for kind, name in self._set.kinds.items()}
        for facility in self.company.facilities or ():
            amount = self.cny(facility.drawn, facility.currency)
            kind = facility.kind
            if amount:
                product = kinds.get(kind.strip().lower(), kind) if kind else None
                yield product, amount, facility.secured_by

    def held(self, sale: str, product: Product) -> Decimal:
        """What existing credit that this product does not repay takes of a sale."""
        takes, total = taken_out_by(product), ZERO
        for kind, amount, security in self._drawn():
            named = [
                place
                for place, item in self.places.items()
                if security and security in (item.trade, item.type) and item.senior_claim == 0
            ]
            if named and self.sales[named[0]] == sale and kind not in takes:
                total += amount
        return total

    def owed(self) -> dict[str, Decimal]:
        """Drawn by product; a fact on the same product is the same money."""
        found: dict[str, Decimal] = {}
        for product, amount, _ in self._drawn():
            if product:
                found[product] = found.get(product, ZERO) + amount
        for fact, product in self._set.outstanding.items():
            stated = self.number(fact) or ZERO
            if stated > found.get(product, ZERO):
                found[product] = stated
        return found

    def have(self) -> set[str]:
        """Products that an existing facility is, drawn or not."""
        kinds = {kind.lower(): name for kind, name in self._set.kinds.items()}
        every = [f.kind for f in self.company.facilities or () if f.kind]
        return {kinds.get(kind.strip().lower(), kind) for kind in every}

    # --- ceilings --------------------------------------------------------------------------------

    def ceilings(self, product: Product, kinds: set[str]) -> Mapping[str, Decimal]:
        """What lines may come to together, by name, for a line on these kinds of item."""
        rooms = {
            "wc_ceiling_cny": self._working_capital,
            "self_borrow_room_usd": self._self_borrowing,
            "foreign_debt_room_usd": self._foreign_debt,
        }
        found = {
            rule.v_field: rooms[rule.v_field]()
            for rule in product.rules
            if rule.op == "at_most" and rule.f in ("need_cny", "need_usd") and rule.v_field in rooms
        }
        families = {codes.collateral_type(kind).family for kind in kinds}
        if product.formula in ON_ITEMS and families:
            if families <= {"receivable", "insured_receivable"}:
                found[DECLARATION] = self.cny(self.number(DECLARATION), "USD")
            if families == {"insured_receivable"}:
                found[LIABILITY] = self.cny(self.number(LIABILITY), "USD")
        return {name: room for name, room in found.items() if name and room is not None}

    def _working_capital(self) -> Decimal | None:
        margin, growth, turns, own, loans = (self.number(fact) for fact in WORKING_CAPITAL)
        sales = self.company.revenue_cny
        if None in (sales, margin, growth, turns, own, loans):
            return None
        m, g, t, o, old = (part or ZERO for part in (margin, growth, turns, own, loans))
        if t < CENT or old < 0 or not (-100 <= m <= 1000 and -100 <= g <= 1000):
            return None
        ceiling = (sales or ZERO) * (1 - m / 100) * (1 + g / 100) / t - o - old
        return max(ZERO, cents(ceiling))

    def _self_borrowing(self) -> Decimal | None:
        """In CNY; None while it depends on something that is not known."""
        owed, price = self.number("foreign_debt_outstanding_usd"), self.rates.get("USD")
        quota, higher = (
            self.parameter(f"self_borrowing_quota{end}") for end in ("", "_innovation_points")
        )
        if owed is None or owed < 0 or quota is None or price is None:
            return None
        stated = (self.company.facts or {}).get("innovation_points_selected")
        chosen = stated.value if stated is not None and isinstance(stated.value, bool) else None
        if higher is not None and chosen is None:
            need = self.company.need
            wanted = self.cny(need.amount, need.currency) if need else None
            if wanted is None or wanted / price > max(ZERO, quota - owed):
                return None
        top = higher if higher is not None and chosen else quota
        return cents(cents(max(ZERO, top - owed)) * price)

    def _foreign_debt(self) -> Decimal | None:
        """In CNY: net assets at the leverage allowed, less what is outstanding, by weight."""
        names = ("leverage", "short_term_factor", "fx_factor")
        leverage, short_factor, fx_factor = (self.parameter(f"foreign_debt_{n}") for n in names)
        macro, price = self.parameter("macro_prudential_parameter"), self.rates.get("USD")
        assets, owed = self.number("net_assets_cny"), self.number("foreign_debt_outstanding_usd")
        short, in_fx = (
            ZERO if owed == 0 else self.number(f"foreign_debt_{name}_usd")
            for name in ("short_term", "in_fx")
        )
        need = self.company.need or Need()
        known = (leverage, short_factor, fx_factor, macro, price, assets, owed, short, in_fx)
        values = [part for part in known if part is not None]
        negative = any(part is not None and part < 0 for part in (owed, short, in_fx))
        if len(values) < len(known) or need.tenor_days is None or not need.currency or negative:
            return None
        lev, short_f, fx_f, mac, usd, net, out, near, foreign = values
        weight = (short_f if need.tenor_days <= 365 else 1) + (
            fx_f if need.currency != "CNY" else 0
        )
        weighted = out + near * (short_f - 1) + foreign * fx_f
        return cents(cents(max(ZERO, net * lev * mac / usd - weighted) / weight) * usd)

    # --- the whole -------------------------------------------------------------------------------

    def covered_by_collateral(self, advances: Mapping[str, Decimal]) -> Decimal | None:
        """Best item of each trade and guarantees; None where something is not known."""
        if self.company.collateral is None:
            return None
        best: dict[str, Decimal] = {}
        for place, item in self.places.items():
            kind = codes.collateral_type(item.type)
            lost = kind.needs_control and self._controlled(item) is False
            if item.type not in advances or not kind.counts_in_coverage or lost:
                continue
            amount = self.worth(place, advances[item.type])
            if amount is None:
                return None
            own = place if kind.family == "guarantee" else item.trade or place
            best[own] = max(best.get(own, ZERO), amount)
        return sum(best.values(), ZERO)


def taken_out_by(product: Product) -> set[str]:
    """Products that a product repays first."""
    return {name for r in product.relations if r.kind == "takes_out" for name in r.any_of}
