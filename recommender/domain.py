"""The company profile: one vocabulary for files, forms, HTTP and storage.

Every field is optional. None (or an absent field) means *not known* and is never read as no, zero
or average; an empty list means *none*. Amounts are Decimal with at most two decimals in the
currency that stands beside them. Models are frozen, and unknown fields are refused.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from recommender import codes
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
    Share,
    Text,
    Years,
    YesNo,
    checked,
    described,
    examined,
    raise_problems,
)
from recommender.tables import read_document

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
FactSource = Literal["company", "bank", "screening", "document", "register"]

BUCKET_DAYS: dict[str, tuple[int, int]] = {
    "0-1m": (0, 30),
    "1-3m": (31, 90),
    "3-6m": (91, 180),
    "6-12m": (181, 365),
    "12m+": (366, 36_500),
}


HsCode = Annotated[str, checked(codes.hs_problem)]
Country = Annotated[str, checked(codes.country_problem)]
Currency = Annotated[str, checked(codes.currency_problem)]
Division = Annotated[str, checked(codes.division_problem)]
Industry = Annotated[str, checked(codes.industry_problem)]
Uscc = Annotated[str, checked(codes.uscc_problem)]
Place = Annotated[str, checked(lambda code: codes.locode_problem(code, None))]
CollateralKind = Annotated[str, checked(codes.collateral_type_problem)]


class Route(Record):
    """One way the goods go. The order of legs matters."""

    mode: Mode = Field(
        description="Transport mode of the corridor; see data/README.md.",
        json_schema_extra={"unit": "code", "label_zh": "运输方式", "label_en": "Transport mode"},
    )
    legs: tuple[Place, ...] | None = described(
        "Places in order of travel.", zh="途经地", en="Legs", unit="UN/LOCODE", max_length=20
    )

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
        "What the company does on the corridor.", zh="业务方向", en="Direction", unit="code"
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
        "Delivery terms in use.", zh="贸易术语", en="Incoterms", unit="Incoterms 2020"
    )
    settlement_methods: tuple[SettlementMethod, ...] | None = described(
        "How buyers or suppliers are paid.", zh="结算方式", en="Settlement method", unit="code"
    )
    payment_term_days: Annotated[int, Field(ge=0, le=3_650, strict=True)] | None = described(
        "Usual credit period granted or taken.", zh="账期", en="Payment term", unit="days"
    )
    buyers: tuple[Buyer, ...] | None = described(
        "Main buyers or suppliers.", zh="主要交易对手", en="Buyers", unit="buyer", max_length=500
    )
    export_12m_usd: Amount | None = described(
        "Exports of the last twelve months.", zh="近12个月出口额", en="Exports, 12 months", unit="USD"
    )
    import_12m_usd: Amount | None = described(
        "Imports of the last twelve months.", zh="近12个月进口额", en="Imports, 12 months", unit="USD"
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


class Collateral(Record):
    """One thing that can be pledged, assigned or relied on."""

    type: CollateralKind = Field(
        description="Kind of collateral; see data/reference/collateral_types.csv.",
        json_schema_extra={"unit": "code", "label_zh": "押品类型", "label_en": "Collateral type"},
    )
    trade: Identifier | None = described(
        "The trade it belongs to: cargo, its bill of lading and its receivable are one.",
        zh="所属交易",
        en="Trade",
        unit="id",
    )
    value: Amount | None = described(
        "Value before any haircut.", zh="价值", en="Value", unit="currency"
    )
    currency: Currency | None = described(
        "Currency of value and senior claim.", zh="币种", en="Currency", unit="ISO 4217"
    )
    senior_claim: Amount | None = described(
        "Amount already secured ahead of a new lender (maximum secured amount).",
        zh="在先债权额",
        en="Senior claim",
        unit="currency",
    )


class Facility(Record):
    """An existing credit facility."""

    lender: Name | None = described("Lender.", zh="贷款人", en="Lender", unit="name")
    kind: Name | None = described("Kind of facility.", zh="授信品种", en="Kind", unit="text")
    limit: Amount | None = described("Limit.", zh="额度", en="Limit", unit="currency")
    drawn: Amount | None = described("Drawn.", zh="已用额度", en="Drawn", unit="currency")
    currency: Currency | None = described("Currency.", zh="币种", en="Currency", unit="ISO 4217")
    maturity: Day | None = described("Maturity.", zh="到期日", en="Maturity", unit="date")
    secured_by: Name | None = described("What secures it.", zh="担保方式", en="Secured by", unit="text")

    @model_validator(mode="after")
    def _drawn_within_limit(self) -> Self:
        if self.limit is not None and self.drawn is not None and self.drawn > self.limit:
            raise_problems((Problem("drawn_above_limit", "drawn", self.drawn, self.limit),))
        return self


class Insurance(Record):
    """Credit insurance on one trade."""

    trade: Identifier | None = described("The trade insured.", zh="所属交易", en="Trade", unit="id")
    declared: Amount | None = described(
        "Amount declared to the insurer.", zh="已申报金额", en="Declared", unit="currency"
    )
    free_limit: Amount | None = described(
        "Buyer limit on matching terms still free.",
        zh="可用买方限额",
        en="Free buyer limit",
        unit="currency",
    )
    currency: Currency | None = described("Currency.", zh="币种", en="Currency", unit="ISO 4217")
    cover_pct: Percent | None = described(
        "Insured share.", zh="赔付比例", en="Cover ratio", unit="percent"
    )
    premium_paid: YesNo | None = described(
        "Whether the premium is paid.", zh="保费已缴", en="Premium paid", unit="yes/no"
    )


class Paper(Record):
    """A document the company holds."""

    type: Name = Field(
        description="Id or synonym from the catalogue's dictionary of documents.",
        json_schema_extra={"unit": "code", "label_zh": "单证类型", "label_en": "Document type"},
    )
    trade: Identifier | None = described("The trade it belongs to.", zh="所属交易", en="Trade", unit="id")
    issuer: Issuer | None = described("Who issued it.", zh="签发人", en="Issuer", unit="code")


class Position(Record):
    """Foreign-currency flows of one currency and bucket of days to settlement."""

    currency: Currency = Field(
        description="Currency of the flows.",
        json_schema_extra={"unit": "ISO 4217", "label_zh": "币种", "label_en": "Currency"},
    )
    bucket: Bucket = Field(
        description="Days to settlement: 0-30, 31-90, 91-180, 181-365, more.",
        json_schema_extra={"unit": "bucket", "label_zh": "期限区间", "label_en": "Bucket"},
    )
    receipts: Amount | None = described("To be received.", zh="应收", en="Receipts", unit="currency")
    payables: Amount | None = described("To be paid.", zh="应付", en="Payables", unit="currency")
    fx_debt: Amount | None = described(
        "Foreign-currency debt due.", zh="外币债务", en="FX debt due", unit="currency"
    )
    bought: Amount | None = described(
        "Forwards bought.", zh="已签远期购汇", en="Forwards bought", unit="currency"
    )
    sold: Amount | None = described(
        "Forwards sold.", zh="已签远期结汇", en="Forwards sold", unit="currency"
    )
    balances: Amount = described(
        "Balances on accounts; counts in the bucket 0-1m only, 0 unless stated.",
        zh="账户余额",
        en="Balances",
        unit="currency",
        default=Decimal(0),
    )
    documented: YesNo | None = described(
        "Whether contracts, orders or declarations prove the flows.",
        zh="有无单证证明",
        en="Documented",
        unit="yes/no",
    )
    probability: Share | None = described(
        "Likelihood of the flows; 1 for documented ones unless stated.",
        zh="发生概率",
        en="Probability",
        unit="share",
    )


class Fact(Record):
    """The answer to one question of the catalogue's dictionary, with where it comes from."""

    value: bool | int | float | Name | tuple[Name, ...] | None = Field(
        description="The answer; its type is the fact's type in the dictionary; null: not known.",
        json_schema_extra={"unit": "as the fact", "label_zh": "取值", "label_en": "Value"},
    )
    source: FactSource = Field(
        "company",
        description="Who says so.",
        json_schema_extra={"unit": "code", "label_zh": "来源", "label_en": "Source"},
    )
    as_of: Day | None = described("Date of the answer.", zh="截至日期", en="As of", unit="date")

    @model_validator(mode="before")
    @classmethod
    def _plain_answer(cls, data: Any) -> Any:
        return data if isinstance(data, dict) else {"value": data}


class Consents(Record):
    """What the company agreed to."""

    contact: YesNo | None = described(
        "May be contacted.", zh="同意联系", en="May be contacted", unit="yes/no"
    )
    data_use: tuple[Name, ...] | None = described(
        "Purposes the data may be used for.", zh="数据用途授权", en="Data use", unit="code"
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
        "New area or zone; cannot be read from the USCC.", zh="功能区", en="Special zone", unit="name"
    )
    industry: Industry | None = described(
        "Industry.", zh="行业", en="Industry", unit="GB/T 4754 code"
    )
    ownership: Ownership | None = described("Ownership.", zh="所有制", en="Ownership", unit="code")
    staff: Count | None = described("Employees.", zh="从业人数", en="Staff", unit="persons")
    revenue_cny: Amount | None = described(
        "Revenue of the last financial year.", zh="营业收入", en="Revenue", unit="CNY"
    )
    total_assets_cny: Amount | None = described("Total assets.", zh="资产总额", en="Total assets", unit="CNY")
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
        "Credit insurance in force.", zh="信用保险", en="Credit insurance", unit="item", max_length=500
    )
    documents: tuple[Paper, ...] | None = described(
        "Documents held.", zh="持有单证", en="Documents held", unit="document", max_length=500
    )
    positions: tuple[Position, ...] | None = described(
        "Foreign-currency flows.", zh="外汇敞口", en="FX positions", unit="position", max_length=500
    )
    facts: dict[Name, Fact] | None = described(
        "Answers to the catalogue's questions, by fact id.", zh="事实", en="Facts", unit="fact"
    )
    consents: Consents | None = described("Consents.", zh="授权", en="Consents", unit="record")

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
