"""How much room is left: to borrow abroad by two rules, and to finance as working capital.

Figures of what the company says of itself (facts of the dictionary, by id) and of dated parameters.
Unknowns and rounding follow `recommender.company.figures`; an answer that makes no sense (a
negative balance, a growth of a million per cent) counts as not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache

from recommender.company.figures import (
    ONE,
    ZERO,
    Figure,
    combined,
    given,
    stated_number,
    unknown,
    working_capital_ceiling,
)
from recommender.company.profile import Company, Need
from recommender.parameters import Parameters, Rate

Rates = Mapping[str, Rate]
SELECTED = "innovation_points_selected"
OUTSTANDING = "foreign_debt_outstanding_usd"
SHORT = "foreign_debt_short_term_usd"
IN_FX = "foreign_debt_in_fx_usd"
NET_ASSETS = "net_assets_cny"
LENT_AS_WORKING_CAPITAL = (
    "profit_margin_pct",
    "sales_growth_pct",
    "working_capital_turns",
    "own_funds_cny",
    "existing_wc_loans_cny",
)
RESTS_ON: Mapping[str, tuple[str, ...]] = {
    "self_borrow_room_usd": (SELECTED, OUTSTANDING),
    "foreign_debt_room_usd": (NET_ASSETS, OUTSTANDING, SHORT, IN_FX),
    "wc_ceiling_cny": LENT_AS_WORKING_CAPITAL,
}
NEEDS = ("need_cny", "need_usd")
_ALL_FACTS = frozenset(fact for facts in RESTS_ON.values() for fact in facts)
FROM_NEED = frozenset({"need.amount", "need.currency", "need.tenor_days", SELECTED})
YEAR_DAYS = 365
PERCENT = (Decimal(-100), Decimal(1_000))
SLOWEST = Decimal("0.01")
_NO_NEED = Need()


def headroom(
    company: Company, need: Figure, parameters: Parameters, as_of: date, rates: Rates
) -> Mapping[str, Figure]:
    """The rooms by name, each in the currency its name ends in, and `need_usd` to hold to them.

    need: in CNY. Unknown, and missing the facts that would tell, where a figure rests on one.
    """
    return _Rooms(company, need, parameters, as_of, rates).figures()


def with_need(
    company: Company,
    need: Figure,
    parameters: Parameters,
    as_of: date,
    rates: Rates,
    before: Mapping[str, Figure],
) -> Mapping[str, Figure]:
    """`headroom` after the need alone has changed; rooms that lack facts still do."""
    rooms = _Rooms(company, need, parameters, as_of, rates)
    if any(
        FROM_NEED.issuperset(figure.missing) for name, figure in before.items() if name in RESTS_ON
    ):
        return rooms.figures()
    return {**before, "need_usd": rooms.need_usd()}


class _Rooms:
    """The inputs of one company on one day."""

    def __init__(
        self, company: Company, need: Figure, parameters: Parameters, as_of: date, rates: Rates
    ) -> None:
        self._company, self._cny, self._as_of = company, need, as_of
        self._need, self._rates, self._parameters = company.need or _NO_NEED, rates, parameters

    def figures(self) -> Mapping[str, Figure]:
        usd = self.need_usd()
        if _ALL_FACTS.isdisjoint(self._company.facts or ()):
            return {"need_usd": usd, **self._unsaid()}
        return {
            "need_usd": usd,
            "self_borrow_room_usd": self.self_borrow(usd),
            "foreign_debt_room_usd": self.foreign_debt(),
            "wc_ceiling_cny": self.working_capital(),
        }

    def _unsaid(self) -> dict[str, Figure]:
        """The rooms of a company that has said nothing they rest on, with what they miss."""
        need, company = self._need, self._company
        known = (need.tenor_days is not None, need.currency is not None)
        given_ = (*known, company.revenue_cny is not None, self._rates.get("USD") is not None)
        return _unsaid(self._parameters, self._as_of, *given_)

    def need_usd(self) -> Figure:
        """The need in USD."""
        if self._need.currency == "USD":
            return given("need_usd", self._need.amount, "USD", "need.amount")
        return combined("need_usd", "USD", (self._cny, self._price()), lambda n, p: n / p)

    def _price(self) -> Figure:
        rate = self._rates.get("USD")
        if rate is None:
            return unknown("rate", "rate", ("rates.USD",), "derived.formula.given")
        figure = given("rate", rate.cny_per_unit, "rate")
        return figure._replace(source=f"{rate.source.title}, {rate.date}")

    def self_borrow(self, need: Figure) -> Figure:
        """Quota without regard to net assets, less the foreign debt outstanding."""
        outstanding = self._fact(OUTSTANDING, "USD")
        room = self._room(self._dated("self_borrowing_quota", "USD"), outstanding)
        higher = self._dated("self_borrowing_quota_innovation_points", "USD")
        if higher.value is None:
            return room
        selected = self._flag(SELECTED)
        if selected:
            return self._room(higher, outstanding)
        enough = None not in (room.number, need.number) and need.number <= room.number  # type: ignore[operator]
        if selected is None and not enough:
            missing = tuple(dict.fromkeys((*room.missing, SELECTED)))
            return room._replace(value=None, missing=missing)
        return room

    def _room(self, quota: Figure, outstanding: Figure) -> Figure:
        parts = (quota, outstanding)
        return combined("self_borrow_room_usd", "USD", parts, lambda q, o: max(ZERO, q - o))

    def foreign_debt(self) -> Figure:
        """What may still be borrowed at the weight of the loan wanted.

        max(0, net assets x leverage x macro-prudential parameter - weighted outstanding) / weight.
        Debt up to one year counts at the short-term factor; debt in foreign currency adds its own.
        """
        outstanding = self._fact(OUTSTANDING, "USD")
        none = outstanding.number == 0
        parts = (
            self._fact(NET_ASSETS, "CNY", signed=True),
            self._dated("foreign_debt_leverage", "factor"),
            self._dated("macro_prudential_parameter", "factor"),
            self._price(),
            outstanding,
            given(SHORT, ZERO, "USD") if none else self._fact(SHORT, "USD"),
            given(IN_FX, ZERO, "USD") if none else self._fact(IN_FX, "USD"),
            self._dated("foreign_debt_short_term_factor", "factor"),
            self._dated("foreign_debt_fx_factor", "factor"),
            self._weight(),
        )
        return combined("foreign_debt_room_usd", "USD", parts, _weighted_room)

    def _weight(self) -> Figure:
        """How heavily one unit of the loan wanted would count."""
        days, currency = self._need.tenor_days, self._need.currency
        asked = {"need.tenor_days": days, "need.currency": currency}
        if days is None or currency is None:
            missing = [field for field, value in asked.items() if value is None]
            return unknown("need_weight", "factor", missing)
        tenor = given("tenor_factor", ONE, "factor")
        if days <= YEAR_DAYS:
            tenor = self._dated("foreign_debt_short_term_factor", "factor")
        own = given("fx", ZERO, "factor")
        if currency != "CNY":
            own = self._dated("foreign_debt_fx_factor", "factor")
        return combined("need_weight", "factor", (tenor, own), lambda t, f: t + f)

    def working_capital(self) -> Figure:
        """What a bank would still finance as working capital."""
        margin, growth, turns, own, loans = LENT_AS_WORKING_CAPITAL
        figure = working_capital_ceiling(
            given("sales", self._company.revenue_cny, "CNY", "revenue_cny"),
            self._share("profit_margin", margin),
            self._share("growth", growth),
            self._turns(turns),
            self._fact(own, "CNY", signed=True, name="own_funds"),
            self._fact(loans, "CNY", name="existing_loans"),
        )
        return figure._replace(name="wc_ceiling_cny")

    def _share(self, name: str, fact: str) -> Figure:
        percent = self._number(fact)
        low, high = PERCENT
        sensible = percent is not None and low <= percent <= high
        return given(
            name, percent / 100 if percent is not None and sensible else None, "share", fact
        )

    def _turns(self, fact: str) -> Figure:
        turns = self._number(fact)
        return given(
            "turns", turns if turns is not None and turns >= SLOWEST else None, "times", fact
        )

    def _fact(
        self, fact: str, unit: str, *, signed: bool = False, name: str | None = None
    ) -> Figure:
        amount = self._number(fact)
        sensible = amount is not None and (signed or amount >= 0)
        return given(name or fact, amount if sensible else None, unit, fact)

    def _number(self, fact: str) -> Decimal | None:
        return stated_number(self._company, fact)

    def _flag(self, fact: str) -> bool | None:
        stated = (self._company.facts or {}).get(fact)
        return stated.value if stated is not None and isinstance(stated.value, bool) else None

    def _dated(self, name: str, unit: str) -> Figure:
        return _dated(self._parameters, name, unit, self._as_of)


@lru_cache(maxsize=256)
def _dated(parameters: Parameters, name: str, unit: str, as_of: date) -> Figure:
    """A dated parameter; where none was in force nothing the company says would help."""
    found = parameters.value(name, as_of)
    if found is None or found.value is None:
        return unknown(name, unit, (), "derived.formula.given")
    source = f"{found.source.title}, {found.source.date or found.since}"
    return given(name, found.value, unit)._replace(source=source)


@lru_cache(maxsize=256)
def _unsaid(
    parameters: Parameters, as_of: date, tenor: bool, currency: bool, revenue: bool, priced: bool
) -> dict[str, Figure]:
    """Computed once for a company of which as much is known; nothing but `missing` is used."""
    need = Need(tenor_days=1 if tenor else None, currency="CNY" if currency else None)
    company = Company(need=need, revenue_cny=Decimal(1) if revenue else None)
    rates = parameters.rates(as_of) if priced else {}
    rooms = _Rooms(company, unknown("need", "CNY", ("need.amount",)), parameters, as_of, rates)
    found = {
        "self_borrow_room_usd": rooms.self_borrow(unknown("need_usd", "USD", ("need.amount",))),
        "foreign_debt_room_usd": rooms.foreign_debt(),
        "wc_ceiling_cny": rooms.working_capital(),
    }
    return {name: figure._replace(terms=()) for name, figure in found.items()}


def _weighted_room(
    net_assets: Decimal, leverage: Decimal, parameter: Decimal, price: Decimal, *debt: Decimal
) -> Decimal:
    outstanding, short, in_fx, short_factor, fx_factor, weight = debt
    weighted = outstanding + short * (short_factor - ONE) + in_fx * fx_factor
    return max(ZERO, net_assets * leverage * parameter / price - weighted) / weight
