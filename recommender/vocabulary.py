"""The closed vocabularies of a profile, and public codes as checked types.

Labels of every code in both languages: data/texts/labels.yaml.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator

from recommender import codes
from recommender.errors import Problem
from recommender.records import LARGEST, Identifier, checked, day_of, raise_problems

Direction = Literal["export", "import", "logistics", "infrastructure"]
Mode = Literal["RSI", "XBR", "IRT", "CER", "RIV", "SEA", "AIR"]
Incoterm = Literal["EXW", "FCA", "FAS", "FOB", "CFR", "CIF", "CPT", "CIP", "DAP", "DPU", "DDP"]
SettlementMethod = Literal["LC", "DP", "DA", "OA", "TT_ADVANCE"]
Stage = Literal[
    "pre_shipment",
    "before_departure",
    "in_transit",
    "post_shipment",
    "import_order",
    "import_payment",
    "stock",
    "capex",
]
Bucket = Literal["0-1m", "1-3m", "3-6m", "6-12m", "12m+"]
Purpose = Literal[
    "working_capital",
    "equipment",
    "vessel_acquisition",
    "infrastructure_capex",
    "industrial_park",
    "outward_investment",
    "growth_equity",
    "hedging",
]
Ownership = Literal["private", "state", "collective", "foreign", "joint_venture", "listed"]
Issuer = Literal["carrier", "corridor_operator", "forwarder", "railway", "bank", "insurer", "other"]
Insured = Literal["in_force", "declared_and_paid", "limit_free"]
Related = Literal["all", "some", "none"]
FactSource = Literal["company", "bank", "screening", "document", "register"]

BUCKET_DAYS: dict[str, tuple[int, int]] = {
    "0-1m": (0, 30),
    "1-3m": (31, 90),
    "3-6m": (91, 180),
    "6-12m": (181, 365),
    "12m+": (366, 36_500),
}

Lane = Literal[
    "financing", "insurance", "guarantee", "hedge", "settlement", "lease", "equity", "service"
]
LANES: tuple[Lane, ...] = get_args(Lane)
Provenance = Literal["article", "first_hand", "secondary", "illustrative"]
PROVENANCES: tuple[Provenance, ...] = get_args(Provenance)
Operator = Literal[
    "at_least",
    "at_most",
    "between",
    "one_of",
    "none_of",
    "overlaps",
    "holds",
    "lacks",
    "before",
    "after",
]
AskedOf = Literal["company", "bank", "screening"]
Changeable = Literal["company", "third_party", "no"]
SizeClass = Literal["micro", "small", "medium", "large"]
AmountFormula = Literal[
    "unsecured",
    "advance",
    "insured_receivable",
    "tax_rebate",
    "documentary_credit",
    "order_share",
    "prepayment_share",
    "guarantee",
    "hedge_margin",
    "position",
    "receivables",
    "asset",
    "none",
]

HsCode = Annotated[str, checked(codes.hs_problem)]
Country = Annotated[str, checked(codes.country_problem)]
Currency = Annotated[str, checked(codes.currency_problem)]
Division = Annotated[str, checked(codes.division_problem)]
Industry = Annotated[str, checked(codes.industry_problem)]
Uscc = Annotated[str, checked(codes.uscc_problem)]
Place = Annotated[str, checked(lambda code: codes.locode_problem(code, None))]
CollateralKind = Annotated[str, checked(codes.collateral_type_problem)]


def _plain(value: Any) -> Any:
    """What a rule compares with, or a fact is set to: a scalar or a list of scalars."""
    if isinstance(value, (list, tuple)):
        return tuple(_scalar(item) for item in value)
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, datetime.date) and day_of(value):
        return value.isoformat()
    number = isinstance(value, (int, float)) and abs(value) <= LARGEST
    if not (value is None or number or (isinstance(value, str) and len(value) <= 200)):
        raise_problems((Problem("not_an_answer", value=value),))
    return value


Scalar = bool | int | float | str
ScalarOrList = Annotated[Scalar | tuple[Scalar, ...], BeforeValidator(_plain)]


def _all_or_some(value: Any) -> Any:
    if value != "all" and not (isinstance(value, (list, tuple)) and value):
        raise_problems((Problem("stop_scope", value=value),))
    return value


def _in_one_order(scope: Any) -> Any:
    return scope if scope == "all" else tuple(sorted(scope))


Scope = Annotated[
    Literal["all"] | tuple[Identifier, ...],
    BeforeValidator(_all_or_some),
    AfterValidator(_in_one_order),
]
