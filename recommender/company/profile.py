"""The company profile: one vocabulary for files, forms, HTTP and storage.

Every field is optional. None (or an absent field) means *not known* and is never read as no, zero
or average; an empty list means *none*. Amounts are Decimal with at most two decimals in the
currency that stands beside them. Models are frozen, and unknown fields are refused.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from recommender import codes
from recommender.company.holdings import (
    Collateral,
    Consents,
    Facility,
    Fact,
    Insurance,
    Paper,
    Position,
)
from recommender.errors import InvalidProfile, Problem
from recommender.records import (
    Amount,
    Count,
    Day,
    Days,
    Identifier,
    Name,
    Percent,
    Record,
    Text,
    Years,
    YesNo,
    described,
    examined,
    raise_problems,
    short_enough,
)
from recommender.tables import read_document
from recommender.vocabulary import (
    Country,
    Currency,
    Direction,
    Division,
    HsCode,
    Incoterm,
    Industry,
    Mode,
    Ownership,
    Place,
    Purpose,
    SettlementMethod,
    Stage,
    Uscc,
)

__all__ = [
    "Buyer",
    "Collateral",
    "Company",
    "Consents",
    "Facility",
    "Fact",
    "Insurance",
    "Need",
    "Paper",
    "Position",
    "Route",
    "Trade",
]


class Route(Record):
    """One way the goods go. The order of legs matters."""

    mode: Mode = Field(
        description="Transport mode of the corridor; see data/README.md.",
        json_schema_extra={"unit": "code", "label_zh": "运输方式", "label_en": "Transport mode"},
    )
    legs: tuple[Place, ...] | None = described(
        "Places in order of travel.", zh="途经地", en="Legs", unit="UN/LOCODE", max_length=20
    )

    _short = field_validator("legs", mode="before")(classmethod(short_enough))

    @model_validator(mode="after")
    def _legs_exist(self) -> Self:
        legs = enumerate(self.legs or ())
        found = ((i, leg, codes.locode_problem(leg, self.mode)) for i, leg in legs)
        raise_problems(replace(p, field=f"legs[{i}]", value=leg) for i, leg, p in found if p)
        return self


class Buyer(Record):
    """A buyer of an exporter, or a supplier of an importer."""

    country: Country | None = described(
        "Country of the buyer.", zh="买方国家", en="Buyer country", unit="ISO 3166-1 alpha-2"
    )
    share_pct: Percent | None = described(
        "Share of the company's sales.", zh="占销售额比例", en="Share of sales", unit="percent"
    )
    related: YesNo | None = described(
        "Whether the buyer is a related party.", zh="是否关联方", en="Related party", unit="yes/no"
    )


class Trade(Record):
    """What the company trades, where and on what terms."""

    directions: tuple[Direction, ...] | None = described(
        "What the company does on the corridor.",
        zh="业务方向",
        en="Direction",
        unit="code",
        max_length=20,
    )
    routes: tuple[Route, ...] | None = described(
        "Ways the goods go.", zh="运输路线", en="Routes", unit="route", max_length=50
    )
    hs: tuple[HsCode, ...] | None = described(
        "Goods, at any level of the nomenclature.",
        zh="商品HS编码",
        en="Goods (HS)",
        unit="HS 2022, 2 to 10 digits",
        max_length=200,
    )
    incoterms: tuple[Incoterm, ...] | None = described(
        "Delivery terms in use.",
        zh="贸易术语",
        en="Incoterms",
        unit="Incoterms 2020",
        max_length=20,
    )
    settlement_methods: tuple[SettlementMethod, ...] | None = described(
        "How buyers or suppliers are paid.",
        zh="结算方式",
        en="Settlement method",
        unit="code",
        max_length=20,
    )
    payment_term_days: Annotated[int, Field(ge=0, le=3_650, strict=True)] | None = described(
        "Usual credit period granted or taken.", zh="账期", en="Credit period", unit="days"
    )
    buyers: tuple[Buyer, ...] | None = described(
        "Main buyers or suppliers.", zh="主要交易对手", en="Buyers", unit="buyer", max_length=500
    )
    export_12m_usd: Amount | None = described(
        "Exports of the last twelve months.",
        zh="近12个月出口额",
        en="Exports, 12 months",
        unit="USD",
    )
    import_12m_usd: Amount | None = described(
        "Imports of the last twelve months.",
        zh="近12个月进口额",
        en="Imports, 12 months",
        unit="USD",
    )
    corridor_shipments_12m: Count | None = described(
        "Shipments over the corridor in the last twelve months.",
        zh="近12个月通道运次",
        en="Corridor shipments, 12 months",
        unit="shipments",
    )
    stage: Stage | None = described(
        "Where the trade to be financed stands.", zh="贸易阶段", en="Stage of trade", unit="code"
    )
    description: Text | None = described(
        "The business in the company's own words.", zh="业务描述", en="Description", unit="text"
    )

    _short = field_validator("directions", "routes", "hs", "buyers", mode="before")(
        classmethod(short_enough)
    )


class Need(Record):
    """What the company wants financed."""

    amount: Amount | None = described(
        "Amount wanted; 0 says that nothing is needed now.",
        zh="需求金额",
        en="Amount needed",
        unit="need.currency",
    )
    currency: Currency | None = described(
        "Currency of the need.", zh="需求币种", en="Currency of the need", unit="ISO 4217"
    )
    tenor_days: Days | None = described(
        "How long the money is needed.", zh="期限", en="Tenor", unit="days"
    )
    date: Day | None = described(
        "When the money is needed.", zh="用款日期", en="Date needed", unit="date"
    )
    purpose: Purpose | None = described(
        "What the money is for.", zh="用途", en="Purpose", unit="code"
    )


class Company(Record):
    """A company profile. An empty one is valid: it says that nothing is known yet."""

    id: Identifier | None = described("Own id of the record.", zh="编号", en="Id", unit="id")
    synthetic: YesNo | None = described(
        "Whether the company is made up.", zh="是否虚构", en="Synthetic", unit="yes/no"
    )
    name_zh: Name | None = described("Chinese name.", zh="中文名称", en="Chinese name", unit="name")
    name_en: Name | None = described("English name.", zh="英文名称", en="English name", unit="name")
    uscc: Uscc | None = described(
        "Unified social credit code.", zh="统一社会信用代码", en="USCC", unit="GB 32100-2015"
    )
    registered_province: Division | None = described(
        "Where the company is registered.",
        zh="注册地",
        en="Registered in",
        unit="GB/T 2260 prefix, 2 to 6 digits",
    )
    special_zone: Name | None = described(
        "New area or zone; cannot be read from the USCC.",
        zh="功能区",
        en="Special zone",
        unit="name",
    )
    industry: Industry | None = described(
        "Industry.", zh="行业", en="Industry", unit="GB/T 4754 code"
    )
    ownership: Ownership | None = described("Ownership.", zh="所有制", en="Ownership", unit="code")
    staff: Count | None = described("Employees.", zh="从业人数", en="Staff", unit="persons")
    revenue_cny: Amount | None = described(
        "Revenue of the last financial year.", zh="营业收入", en="Revenue", unit="CNY"
    )
    total_assets_cny: Amount | None = described(
        "Total assets.", zh="资产总额", en="Total assets", unit="CNY"
    )
    years_operating: Years | None = described(
        "Full years in business.", zh="经营年限", en="Years in business", unit="years"
    )
    trade: Trade | None = described("The trade.", zh="贸易情况", en="Trade", unit="record")
    need: Need | None = described("The need.", zh="融资需求", en="Need", unit="record")
    collateral: tuple[Collateral, ...] | None = described(
        "What can be pledged.", zh="可提供的押品", en="Collateral", unit="item", max_length=500
    )
    facilities: tuple[Facility, ...] | None = described(
        "Existing facilities.", zh="现有授信", en="Facilities", unit="facility", max_length=200
    )
    insurance: tuple[Insurance, ...] | None = described(
        "Credit insurance in force.",
        zh="信用保险",
        en="Credit insurance",
        unit="item",
        max_length=500,
    )
    documents: tuple[Paper, ...] | None = described(
        "Documents held.", zh="持有单证", en="Documents held", unit="document", max_length=500
    )
    positions: tuple[Position, ...] | None = described(
        "Foreign-currency flows.", zh="外汇敞口", en="FX positions", unit="position", max_length=500
    )
    facts: dict[Name, Fact] | None = described(
        "Answers to the catalogue's questions, by fact id.",
        zh="事实",
        en="Facts",
        unit="fact",
        max_length=1_000,
    )
    consents: Consents | None = described("Consents.", zh="授权", en="Consents", unit="record")

    _short = field_validator(
        "collateral", "facilities", "insurance", "documents", "positions", "facts", mode="before"
    )(classmethod(short_enough))

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """A company from plain values; raises InvalidProfile with every problem at once."""
        company, problems = cls.examine(raw)
        if problems or company is None:
            raise InvalidProfile(problems)
        return company

    @classmethod
    def examine(cls, raw: Any) -> tuple[Self | None, list[Problem]]:
        """What can be read of a profile, and every problem found in it."""
        company, problems = examined(cls, raw)
        if company is not None:
            problems += _contradictions(company)
        return company, problems

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """A company from a YAML or JSON file; raises UnreadableFile or InvalidProfile."""
        raw = read_document(Path(path))
        try:
            return cls.parse({} if raw is None else raw)
        except InvalidProfile as error:
            placed = (replace(problem, file=str(path)) for problem in error.problems)
            raise InvalidProfile(placed) from None


def _contradictions(company: Company) -> list[Problem]:
    """What cannot be true together, whatever the catalogue."""
    found = []
    unassigned = company.uscc is not None and codes.uscc_facts(company.uscc)["unassigned_region"]
    if unassigned and company.synthetic is False:
        found.append(Problem("uscc_unassigned_region", "uscc", company.uscc))
    buyers = (company.trade.buyers if company.trade else None) or ()
    total = sum((buyer.share_pct or Decimal(0) for buyer in buyers), Decimal(0))
    if total > 100:
        found.append(Problem("shares_above_100", "trade.buyers", total, 100))
    return found
