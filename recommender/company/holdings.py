"""What a company holds and owes: collateral, facilities, insurance, papers, positions, facts."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from recommender.errors import Problem
from recommender.records import (
    LARGEST,
    Amount,
    Day,
    Identifier,
    Name,
    Percent,
    Record,
    Share,
    YesNo,
    described,
    raise_problems,
)
from recommender.vocabulary import Bucket, CollateralKind, Currency, FactSource, Issuer


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
        "Value before any advance rate.", zh="价值", en="Value", unit="currency"
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
    secured_by: Name | None = described(
        "What secures it.", zh="担保方式", en="Secured by", unit="text"
    )
    application: Identifier | None = described(
        "Application on record under which it was drawn.",
        zh="所属申请",
        en="Application",
        unit="id",
    )
    as_of: Day | None = described("Day it was true.", zh="数据日期", en="As of", unit="date")

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
    trade: Identifier | None = described(
        "The trade it belongs to.", zh="所属交易", en="Trade", unit="id"
    )
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
    receipts: Amount | None = described(
        "To be received.", zh="应收", en="Receipts", unit="currency"
    )
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


_MOST = 200


def _plain_answer(value: Any) -> Any:
    """One message for an answer that is none of the kinds a fact may have."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)) and all(_is_name(item) for item in value[:_MOST]):
        if len(value) > _MOST:
            raise_problems((Problem("list_too_long", value=value, allowed=_MOST),))
        return tuple(value)
    number = isinstance(value, (int, float)) and abs(value) <= LARGEST
    if not (value is None or number or _is_name(value)):
        raise_problems((Problem("not_an_answer", value=value),))
    return value


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200


FactAnswer = Annotated[
    Any,
    BeforeValidator(_plain_answer),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["boolean", "number", "string", "null"]},
                {"type": "array", "items": {"type": "string"}},
            ]
        }
    ),
]


class Fact(Record):
    """The answer to one question of the catalogue's dictionary, with where it comes from."""

    value: FactAnswer = Field(
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
    def _bare_answer(cls, data: Any) -> Any:
        return data if isinstance(data, dict) else {"value": data}


class Consents(Record):
    """What the company agreed to."""

    contact: YesNo | None = described(
        "May be contacted.", zh="同意联系", en="May be contacted", unit="yes/no"
    )
    data_use: tuple[Name, ...] | None = described(
        "Purposes the data may be used for.",
        zh="数据用途授权",
        en="Data use",
        unit="code",
        max_length=50,
    )
