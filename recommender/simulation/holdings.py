"""What a made-up firm holds and owes, in keeping with the stage of its trade."""

from __future__ import annotations

import datetime
from typing import Any

from recommender.simulation.draws import figure, round_amount
from recommender.simulation.firm import PRICES, TRADE, Firm
from recommender.simulation.world import Line, World

TITLES = {
    "OCEAN_BL": "ocean_bl",
    "DIGITAL_MULTIMODAL_BL": "digital_bl",
    "CIFA_MULTIMODAL_BL": "multimodal_bl",
    "ENCD": "encd",
    "RAIL_BL": "goods_in_transit",
}
ISSUERS = {
    "OCEAN_BL": "carrier",
    "SEA_WAYBILL": "carrier",
    "ROAD_WAYBILL": "carrier",
    "AIR_WAYBILL": "carrier",
    "ENCD": "carrier",
    "DIGITAL_MULTIMODAL_BL": "corridor_operator",
    "CIFA_MULTIMODAL_BL": "forwarder",
    "RAIL_BL": "forwarder",
    "RAIL_WAYBILL": "railway",
}
BUCKETS = ((30, "0-1m"), (90, "1-3m"), (180, "3-6m"), (365, "6-12m"))
REBATE = 0.09
Rows = list[dict[str, Any]]


def papers(world: World, firm: Firm) -> Rows:
    """Papers in hand; the firm's tags learn of each."""
    rows: Rows = []
    carried = firm.has("goods", "shipped") and not firm.has("in_stock") and firm.mode is not None
    if carried:
        kind = firm.draws.one(world.carriage[str(firm.mode)])
        rows.append({"type": kind, "trade": TRADE, "issuer": ISSUERS[kind]})
        firm.tags |= {f"doc:{kind}"} | ({"titled"} if kind in TITLES else set())
    for line in world.papers:
        if firm.tags >= line.when and firm.draws.yes(line.more["chance"]):
            rows.append(_paper(line))
            firm.tags.add(f"doc:{line.name}")
    return rows


def _paper(line: Line) -> dict[str, Any]:
    trade = {"trade": TRADE} if line.more.get("trade") else {}
    issuer = {"issuer": line.more["issuer"]} if "issuer" in line.more else {}
    return {"type": line.name, **trade, **issuer}


def insurance(firm: Firm) -> Rows:
    """The credit insurance on the trade, if there is any."""
    if not firm.has("insured"):
        return []
    declared = firm.in_currency(firm.deal)
    limit = round_amount(declared * firm.draws.between(0.7, 1.6))
    row = {"trade": TRADE, "declared": declared if firm.has("shipped") else 0, "free_limit": limit}
    paid = firm.has("shipped") and firm.draws.yes(0.93)
    cover = firm.draws.item((80, 90, 90, 90))
    return [{**row, "currency": firm.currency, "cover_pct": cover, "premium_paid": paid}]


def collateral(firm: Firm) -> Rows:
    """What can be pledged or assigned: of the trade, then of the firm."""
    return [*_of_trade(firm), *_of_firm(firm)]


def _of_trade(firm: Firm) -> Rows:
    kinds = []
    if firm.has("export", "sold") and "method:TT_ADVANCE" not in firm.tags:
        kinds.append("insured_receivable" if firm.has("insured") else "export_receivable")
    if firm.has("export", "method:LC") and not firm.has("in_stock"):
        kinds.append("export_lc")
    if firm.has("freight") and firm.stage != "capex":
        kinds.append("freight_receivable")
    if firm.has("in_stock"):
        kinds.append("warehouse_receipt" if firm.has("doc:WAREHOUSE_RECEIPT") else "inventory")
    kinds += [kind for paper, kind in TITLES.items() if firm.has(f"doc:{paper}")]
    if firm.stage == "in_transit" and firm.has("goods") and not firm.has("titled"):
        kinds.append("goods_in_transit")
    value, currency = firm.in_currency(firm.deal), firm.currency
    return [
        {"type": kind, "trade": TRADE, "value": value, "currency": currency, "senior_claim": 0}
        for kind in dict.fromkeys(kinds)
    ]


def _of_firm(firm: Firm) -> Rows:
    draws, small, made = firm.draws, firm.revenue < 3e7, firm.has("made_goods")
    chances = {
        "residential_property": 0.35 if small else 0.1,
        "commercial_property": 0.12,
        "industrial_plant": 0.4 if made and not small else 0.0,
        "land_use_right": 0.8 if firm.has("project") else 0.0,
        "machinery": 0.25 if made else 0.0,
        "vehicle": 0.4 if firm.has("mode:XBR", "logistics") else 0.0,
        "vessel": 0.8 if firm.has("chartered") else 0.0,
        "deposit_cny": 0.15,
        "domestic_receivable": 0.25 if made else 0.05,
        "public_guarantee": 0.06 if firm.revenue < 1e8 else 0.0,
    }
    sizes = {"industrial_plant": 0.3, "land_use_right": 0.4, "vessel": 0.5, "deposit_cny": 0.03}
    rows: Rows = []
    for kind, chance in chances.items():
        if draws.yes(chance):
            value = round_amount(firm.assets * sizes.get(kind, 0.12) * draws.between(0.5, 1.5))
            rows.append(_owned(firm, kind, value))
    if firm.has("rebate"):
        value = round_amount(firm.traded * REBATE / 6)
        rows.append(_owned(firm, "tax_rebate_account", value))
    return rows


def _owned(firm: Firm, kind: str, value: int) -> dict[str, Any]:
    mortgaged = kind.endswith(("property", "plant", "right", "vessel")) and firm.has("borrower")
    claim = round_amount(value * 0.35) if mortgaged and firm.draws.yes(0.5) else 0
    return {"type": kind, "value": value, "currency": "CNY", "senior_claim": claim}


def facilities(firm: Firm) -> Rows:
    """Existing credit of a firm that borrows."""
    if not firm.has("borrower"):
        return []
    rows: Rows = []
    for number in range(firm.draws.item((1, 1, 1, 2, 2, 3) if firm.revenue > 3e7 else (1, 1, 2))):
        limit = round_amount(firm.revenue * firm.draws.between(0.02, 0.1))
        maturity = firm.day + datetime.timedelta(days=firm.draws.whole(30, 540))
        row = {"lender": f"Example Bank {number + 1}", "kind": "working_capital", "limit": limit}
        drawn = figure(limit * firm.draws.between(0.3, 1.0), 2)
        rows.append(
            {**row, "drawn": min(limit, drawn), "currency": "CNY", "maturity": maturity.isoformat()}
        )
    return rows


def positions(firm: Firm) -> Rows:
    """What falls due in the currency of the trade, with what is hedged; none in renminbi."""
    if firm.currency == "CNY" or not firm.has("goods"):
        return []
    due = firm.in_currency(firm.traded / 6)
    ahead = firm.term + firm.draws.whole(0, 60)
    bucket = next(name for days, name in BUCKETS if ahead <= days)
    both = len(firm.kind.directions) > 1
    long, short = firm.has("export"), firm.has("import")
    other = figure(due * firm.draws.between(0.1, 0.7)) if both else 0
    hedge = figure(due * firm.draws.item((0.3, 0.5, 0.5, 0.7))) if firm.has("hedged") else 0
    documented = firm.draws.yes(0.9)
    if documented and firm.currency in PRICES and firm.currency not in ("VND", "THB"):
        firm.tags.add("documented")
    return [
        {
            "currency": firm.currency,
            "bucket": bucket,
            "receipts": due if long else 0,
            "payables": due if short and not long else other,
            "fx_debt": 0,
            "bought": 0 if long else hedge,
            "sold": hedge if long else 0,
            "documented": documented,
            "probability": 1 if documented else 0.8,
        }
    ]
