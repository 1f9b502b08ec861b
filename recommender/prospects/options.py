"""What a relationship manager asks of a product: how many companies, which ones, in what order."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator

from recommender.errors import InvalidOptions, Problem
from recommender.records import (
    Record,
    YesNo,
    described,
    examined,
    raise_problems,
    short_enough,
)
from recommender.texts import Language
from recommender.vocabulary import Division, HsCode, Mode, SizeClass

MOST = 1_000
Order = Literal["likelihood", "fit", "value"]
Held = Literal["exclude", "only"]
Days = Annotated[int, Field(ge=1, le=36_500, strict=True)]
Cap = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class ProspectOptions(Record):
    """Options of a list of prospects; what is absent takes its default, or asks nothing.

    A filter that chooses (region, size, hs, route, first_loan, consent, lane_held `only`) takes
    companies that are known to meet it. One that leaves out (not_contacted_days, not_declined_days,
    lane_held `exclude`) leaves out those that are known to; the answer shows what is not known.
    """

    n: Annotated[int, Field(ge=0, le=MOST, strict=True)] = described(
        "Companies on a page; 0 counts only.",
        zh="条数",
        en="Companies",
        unit="companies",
        default=20,
    )
    cursor: Annotated[str, Field(max_length=400)] | None = described(
        "Where the page before ended: its `next`.", zh="翻页位置", en="Cursor", unit="text"
    )
    language: Language | None = described("zh or en.", zh="语言", en="Language", unit="code")
    order: Order = described(
        "likelihood: by uptake probability, else score; fit: by score; value: by probability x "
        "indicative amount.",
        zh="排序",
        en="Order",
        unit="code",
        default="likelihood",
    )
    region: Division | None = described(
        "Registered here; a prefix of the code.", zh="地区", en="Region", unit="GB/T 2260 prefix"
    )
    size: tuple[SizeClass, ...] | None = described(
        "Size classes.", zh="企业规模", en="Size", unit="code", min_length=1, max_length=4
    )
    hs: HsCode | None = described(
        "Trades goods under this code.", zh="商品HS编码", en="Goods (HS)", unit="HS, 2 to 6 digits"
    )
    route: tuple[Mode, ...] | None = described(
        "Uses one of these modes.",
        zh="运输方式",
        en="Route",
        unit="code",
        min_length=1,
        max_length=7,
    )
    lane_held: Held | None = described(
        "Companies that hold a product of the lane: exclude them, or only them.",
        zh="已持有同类产品",
        en="Lane held",
        unit="code",
    )
    not_contacted_days: Days | None = described(
        "Leave out those contacted within so many days.",
        zh="未联系天数",
        en="Not contacted for",
        unit="days",
    )
    not_declined_days: Days | None = described(
        "Leave out those that declined within so many days.",
        zh="未拒绝天数",
        en="Not declined for",
        unit="days",
    )
    consent: YesNo = described(
        "Only companies known to agree to be contacted.",
        zh="须同意联系",
        en="Consent required",
        unit="yes/no",
        default=True,
    )
    first_loan: YesNo | None = described(
        "Companies that never had a bank loan, or only others.",
        zh="首贷户",
        en="First loan",
        unit="yes/no",
    )
    per_group: Cap | None = described(
        "At most so many of one group.", zh="每集团上限", en="Per group", unit="companies"
    )
    per_manager: Cap | None = described(
        "At most so many of one manager.", zh="每客户经理上限", en="Per manager", unit="companies"
    )
    near_misses: YesNo = described(
        "After those that fit, list near misses.",
        zh="包含差一步可满足的企业",
        en="Near misses",
        unit="yes/no",
        default=True,
    )

    _short = field_validator("size", "route", mode="before")(classmethod(short_enough))

    @field_validator("hs")
    @classmethod
    def _packed_digits(cls, value: str | None) -> str | None:
        if value is not None and len(value) > 6:
            raise_problems((Problem("hs_too_fine", value=value, allowed=6),))
        return value

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Options from plain values; raises InvalidOptions with every problem at once."""
        options, problems = examined(cls, {} if raw is None else raw)
        if problems or options is None:
            raise InvalidOptions(problems)
        return options
