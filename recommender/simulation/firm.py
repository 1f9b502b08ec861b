"""The firm behind a profile: what it is, what it trades, what it needs."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from recommender.simulation.draws import Draws, figure, first, round_amount
from recommender.simulation.world import Archetype, World
from recommender.texts import text

USD = 7.0  # CNY for one, to put figures in proportion; the answers use dated rates
PRICES = {"CNY": 1.0, "USD": USD, "EUR": 7.9, "SGD": 5.4, "THB": 0.21, "VND": 0.00028}
WATER = ("RSI", "RIV", "SEA")
CAPITAL = {
    "equipment": (0.05, 0.3),
    "vessel_acquisition": (0.3, 0.9),
    "infrastructure_capex": (1.0, 4.0),
    "industrial_park": (1.0, 4.0),
    "outward_investment": (0.05, 0.4),
    "growth_equity": (0.15, 0.6),
}
YEARS = {
    "equipment": (2, 5),
    "vessel_acquisition": (6, 12),
    "infrastructure_capex": (8, 15),
    "industrial_park": (7, 12),
    "outward_investment": (2, 5),
    "growth_equity": (4, 7),
}
TERMS = {"LC": (0, 90), "DP": (0, 0), "DA": (30, 90), "OA": (30, 120), "TT_ADVANCE": (0, 0)}
TENORS = {
    "pre_shipment": (60, 90, 90, 120, 180),
    "before_departure": (60, 90, 120),
    "in_transit": (30, 45, 60, 90),
    "post_shipment": (30, 60, 60, 90, 90, 120),
    "import_order": (60, 90, 90, 120),
    "import_payment": (30, 60, 90, 90, 120),
    "stock": (90, 90, 120, 180),
    "capex": (365, 730, 1095),
}
SHIPPED = ("in_transit", "post_shipment", "import_payment", "stock")
NOT_SHIPPED = ("pre_shipment", "before_departure", "import_order")
TRADE = "T1"


@dataclass
class Firm:
    """One firm while it is drawn; amounts in CNY unless a currency stands beside them.

    deal: the trade to be financed, in CNY. tags: what the tables of answers and papers look at.
    """

    kind: Archetype
    draws: Draws
    day: datetime.date
    region: str
    industry: str
    revenue: int
    staff: int
    assets: int
    years: int
    ownership: str
    routes: list[dict[str, Any]]
    mode: str | None
    country: str
    currency: str
    methods: list[str]
    hs: list[str]
    incoterm: str | None
    purpose: str
    stage: str
    traded: float
    deal: float
    term: int
    tags: set[str] = field(default_factory=set)
    papers: list[dict[str, Any]] = field(default_factory=list)

    def has(self, *tags: str) -> bool:
        """Whether all tags hold."""
        return self.tags.issuperset(tags)

    def in_currency(self, cny: float) -> int:
        """A CNY amount in the currency of the trade, as invoices show it."""
        return max(1, figure(cny / PRICES[self.currency]))


def draw(world: World, draws: Draws) -> Firm:
    """A firm of any kind."""
    kind = world.archetypes[draws.one(world.shares)]
    revenue = figure(draws.lognormal(kind.revenue["median"], kind.revenue["spread"]))
    purpose = draws.one(kind.needs)
    stages = {"capex": 1.0} if purpose in CAPITAL else kind.stages
    ways = draws.some(kind.routes, 3) if kind.routes else []
    taken = [world.routes[name] for name in ways]
    main = first(taken)
    methods = draws.some(kind.methods, 2) if kind.methods else []
    traded = revenue * min(0.98, kind.trade_share * draws.between(0.7, 1.3))
    low, high = TERMS[methods[0]] if methods else (0, 0)
    firm = Firm(
        kind=kind,
        draws=draws,
        day=world.day,
        region=draws.one(world.region_weights),
        industry=draws.one(kind.industries),
        revenue=revenue,
        staff=max(2, round(revenue / draws.lognormal(kind.revenue_per_head, 0.45))),
        assets=figure(revenue * kind.assets_share * draws.lognormal(1.0, 0.35)),
        years=max(0, round(draws.lognormal(6.5, 0.75)) - 1),
        ownership=_ownership(kind, revenue, draws),
        routes=[{"mode": way["mode"], "legs": _legs(way, kind)} for way in taken],
        mode=main["mode"] if main else None,
        country=main["country"] if main else "CN",
        currency=draws.one(main["currencies"]) if main and _goods(kind) else "CNY",
        methods=methods,
        hs=draws.some(kind.hs, 2) if kind.hs else [],
        incoterm=_incoterm(world, kind, main, draws),
        purpose=purpose,
        stage=draws.one(stages),
        traded=traded,
        deal=(traded or revenue) / draws.whole(6, 18),
        term=round(draws.between(low, high) / 15) * 15,
    )
    firm.tags = set(_tags(firm))
    return firm


def _goods(kind: Archetype) -> bool:
    return bool({"export", "import"} & set(kind.directions))


def _legs(way: Any, kind: Archetype) -> list[str]:
    """Places in order of travel: towards the corridor's inland end for who only imports."""
    legs: list[str] = list(way["legs"])
    return legs[::-1] if kind.directions == ("import",) else legs


def _ownership(kind: Archetype, revenue: float, draws: Draws) -> str:
    if "project" in kind.traits or ("chartered" in kind.traits and draws.yes(0.5)):
        return "state"
    large = revenue > 4e8
    weights = {"private": 50, "state": 25, "listed": 12, "joint_venture": 8, "foreign": 5}
    small = {"private": 92, "collective": 1, "joint_venture": 3, "foreign": 2, "state": 2}
    return draws.one(weights if large else small)


def _incoterm(world: World, kind: Archetype, way: Any, draws: Draws) -> str | None:
    if way is None or not _goods(kind):
        return None
    side = "water" if way["mode"] in WATER else "land"
    return draws.one(world.incoterms[kind.directions[0]][side])


def _tags(firm: Firm) -> list[str]:
    draws, stage, kind = firm.draws, firm.stage, firm.kind
    exporter = "export" in kind.directions
    sells = exporter and stage not in ("capex", "import_payment")
    duty = ("CIF", "CIP", "DAP", "DPU", "DDP") if exporter else ("FOB", "CFR", "FCA", "CPT", "EXW")
    stated = {
        "goods": _goods(kind),
        "shipped": stage in SHIPPED,
        "not_shipped": stage in NOT_SHIPPED,
        "sold": stage == "post_shipment",
        "arrived": stage in ("import_payment", "stock"),
        "in_stock": stage == "stock",
        "capital": firm.purpose in CAPITAL,
        "water": firm.mode in WATER,
        "bears_transit": firm.incoterm in duty,
        "cny": firm.currency == "CNY" and _goods(kind),
        "young": firm.years < 2,
        "big": firm.revenue > 4e8,
        "weak": draws.yes(0.05),
        "banked": draws.yes(0.1),
        "borrower": draws.yes(0.25 if firm.revenue < 1e7 else 0.65),
        "insured": sells and draws.yes(kind.insured),
        "rebate": exporter and "made_goods" in kind.traits and draws.yes(0.08),
        "related": exporter and draws.yes(0.06),
        "hedged": _goods(kind) and firm.currency != "CNY" and draws.yes(0.2),
        "documented": False,
    }
    named = [f"method:{method}" for method in firm.methods[:1]]
    named += [f"mode:{firm.mode}", f"purpose:{firm.purpose}", *kind.directions, *kind.traits]
    return [*named, *(tag for tag, holds in stated.items() if holds)]


def need(firm: Firm) -> dict[str, Any]:
    """What the firm wants, in proportion to its trade and in round numbers."""
    draws = firm.draws
    soon = draws.whole(3, 40)
    if firm.purpose == "hedging":
        return {"amount": 0, "currency": "CNY", "purpose": "hedging", **_when(firm, soon, 90)}
    if firm.purpose in CAPITAL:
        amount = firm.revenue * draws.between(*CAPITAL[firm.purpose])
        years = draws.whole(*YEARS[firm.purpose])
        return _wanted(firm, amount, "CNY") | _when(firm, soon * 3, years * 365)
    foreign = firm.currency in ("USD", "EUR") and draws.yes(0.15)
    amount = firm.deal * draws.between(0.4, 1.0)
    tenor = draws.item(TENORS[firm.stage])
    return _wanted(firm, amount, firm.currency if foreign else "CNY") | _when(firm, soon, tenor)


def _wanted(firm: Firm, cny: float, currency: str) -> dict[str, Any]:
    amount = max(10_000, round_amount(cny / PRICES[currency]))
    return {"amount": amount, "currency": currency, "purpose": firm.purpose}


def _when(firm: Firm, ahead: int, tenor: int) -> dict[str, Any]:
    date = firm.day + datetime.timedelta(days=ahead)
    return {"tenor_days": tenor, "date": date.isoformat()}


def trade(firm: Firm) -> dict[str, Any]:
    """The `trade` part of the profile."""
    sides = [side for side in firm.kind.directions if side in ("export", "import")]
    volume = int(round(firm.traded / USD, -3) / max(1, len(sides)))
    busy = firm.traded / 600_000 if firm.traded else firm.revenue / 80_000
    return {
        "directions": list(firm.kind.directions),
        "routes": firm.routes,
        "hs": firm.hs,
        "incoterms": [firm.incoterm] if firm.incoterm else [],
        "settlement_methods": firm.methods,
        "payment_term_days": firm.term,
        "buyers": _buyers(firm),
        "export_12m_usd": volume if "export" in sides else 0,
        "import_12m_usd": volume if "import" in sides else 0,
        "corridor_shipments_12m": round(busy * firm.draws.between(0.2, 1.0)) if firm.routes else 0,
        "stage": firm.stage,
        "description": _description(firm),
    }


def _buyers(firm: Firm) -> list[dict[str, Any]]:
    shares, left = [], 95
    for _ in range(firm.draws.whole(1, 3) if firm.has("goods") else 0):
        shares.append(firm.draws.whole(5, left))
        left = max(5, left - shares[-1])
    while sum(shares) > 100:
        shares.pop()
    related = firm.has("related")
    return [
        {"country": firm.country, "share_pct": share, "related": related and i == 0}
        for i, share in enumerate(sorted(shares, reverse=True))
    ]


def _description(firm: Firm) -> str:
    """What the firm does, in both languages."""
    key = f"simulation.does.{firm.kind.directions[0]}"
    goods = firm.kind.goods
    return f"{text(key, 'zh', goods=goods['zh'])}; {text(key, 'en', goods=goods['en'].lower())}"
