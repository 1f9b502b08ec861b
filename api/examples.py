"""The made-up exporter of the documentation: every example answer is computed from it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

EXPORTER: Mapping[str, Any] = {
    "synthetic": True,
    "name_zh": "重庆某农机出口有限公司",
    "name_en": "Example Farm Machinery Export Co.",
    "registered_province": "50",
    "industry": "C35",
    "ownership": "private",
    "staff": 45,
    "revenue_cny": 38_000_000,
    "years_operating": 6,
    "trade": {
        "directions": ["export"],
        "routes": [{"mode": "RSI", "legs": ["CNCKG", "CNQZH", "VNHPH"]}],
        "hs": ["8432"],
        "incoterms": ["FOB"],
        "settlement_methods": ["OA"],
        "payment_term_days": 90,
        "buyers": [{"country": "VN", "share_pct": 60, "related": False}],
        "export_12m_usd": 4_200_000,
        "corridor_shipments_12m": 14,
        "stage": "post_shipment",
        "description": "出口微耕机及配件",
    },
    "need": {
        "amount": 2_000_000,
        "currency": "CNY",
        "tenor_days": 90,
        "date": "2026-12-15",
        "purpose": "working_capital",
    },
    "collateral": [
        {
            "type": "insured_receivable",
            "trade": "T1",
            "value": 250_000,
            "currency": "USD",
            "senior_claim": 0,
        }
    ],
    "insurance": [
        {
            "trade": "T1",
            "declared": 250_000,
            "free_limit": 200_000,
            "currency": "USD",
            "cover_pct": 90,
            "premium_paid": True,
        }
    ],
    "documents": [{"type": "OCEAN_BL", "trade": "T1", "issuer": "carrier"}],
    "positions": [
        {
            "currency": "USD",
            "bucket": "1-3m",
            "receipts": 250_000,
            "payables": 0,
            "fx_debt": 0,
            "bought": 0,
            "sold": 0,
            "documented": True,
        }
    ],
    "facts": {"has_eci_policy": True, "overdue_loans": {"value": False, "as_of": "2026-11-20"}},
}

OPTIONS: Mapping[str, Any] = {"as_of": "2026-11-23", "limit": 1, "lanes": ["financing", "hedge"]}

PLAN_OPTIONS: Mapping[str, Any] = {"as_of": "2026-11-23", "plans": 1}

CHANGES: Mapping[str, Any] = {"need.amount": 900_000}

SMALL: Mapping[str, Any] = {
    "trade": {
        "directions": ["export"],
        "routes": [{"mode": "RSI"}],
        "hs": ["8432"],
        "settlement_methods": ["OA"],
        "stage": "post_shipment",
    },
    "need": {"amount": 2_000_000, "currency": "CNY", "tenor_days": 90},
}

PROSPECTS: Mapping[str, Any] = {"n": 20, "region": "50", "not_contacted_days": 30}

RELATIONSHIP: Mapping[str, Any] = {
    "manager": "Li",
    "last_contacted": "2026-09-01",
    "consent_to_contact": True,
    "lanes_held": ["insurance"],
}


@lru_cache(maxsize=2)
def plans(language: str) -> Any:
    """The plan of the exporter, kept as a file: the serving process has no solver."""
    path = Path(__file__).parent / "assets" / f"plan_{language}.json"
    return orjson.loads(path.read_bytes())
