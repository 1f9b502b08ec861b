"""The fields of a profile that rules and similarities may use, beside the catalogue's facts.

A field is a number, a day, or a set of codes (see `recommender.company.readings`). Adding one is
one entry in FIELDS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from recommender import codes
from recommender.company import readings
from recommender.company.headroom import RESTS_ON
from recommender.company.readings import SEARCHED, Reader
from recommender.texts import Label, label
from recommender.vocabulary import Changeable


@dataclass(frozen=True)
class ProfileField:
    """One field.

    kind: `number`, `day` or `codes`; matching: codes are equal, or one is a prefix of the other.
    changeable: who can change it; a change is shown only for `company` and `third_party`.
    code_label: label of one of its codes. parts: the top-level parts of the profile it is computed
    from, where it is not a part itself; facts: numbers of the dictionary among them.
    """

    id: str
    kind: Literal["number", "day", "codes"]
    read: Reader
    unit: str = ""
    matching: Literal["equal", "prefix"] = "equal"
    changeable: Changeable = "no"
    single: bool = False
    code_label: Callable[[str], Label] | None = None
    parts: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """The top-level parts of the profile that decide it."""
        return self.parts or (self.id.split(".")[0],)

    @property
    def name(self) -> Label:
        """Label in both languages."""
        return label(f"field.{self.id}")


def _worded(section: str) -> Callable[[str], Label]:
    return lambda code: label(f"{section}.{code}")


def _currency_label(token: str) -> Label:
    currency, _, bucket = token.partition(":")
    name, span = codes.currency_label(currency), label(f"bucket.{bucket}")
    return Label(f"{name.zh} {span.zh}", f"{currency} {span.en}")


FIELDS: tuple[ProfileField, ...] = (
    ProfileField("as_of", "day", lambda p: p.as_of),
    ProfileField(
        "trade.directions",
        "codes",
        lambda p: readings.known(p.trade.directions),
        code_label=_worded("direction"),
    ),
    ProfileField(
        "trade.routes", "codes", readings.modes, code_label=_worded("mode"), changeable="company"
    ),
    ProfileField(
        "trade.hs",
        "codes",
        lambda p: readings.known(p.trade.hs),
        matching="prefix",
        code_label=codes.hs_label,
    ),
    ProfileField(
        "trade.incoterms",
        "codes",
        lambda p: readings.known(p.trade.incoterms),
        code_label=_worded("incoterm"),
        changeable="third_party",
    ),
    ProfileField(
        "trade.settlement_methods",
        "codes",
        lambda p: readings.known(p.trade.settlement_methods),
        code_label=_worded("settlement_method"),
        changeable="third_party",
    ),
    ProfileField(
        "trade.stage",
        "codes",
        lambda p: readings.one(p.trade.stage),
        single=True,
        code_label=_worded("stage"),
    ),
    ProfileField(
        "trade.payment_term_days",
        "number",
        lambda p: p.trade.payment_term_days,
        "days",
        changeable="third_party",
    ),
    ProfileField("trade.export_12m_usd", "number", lambda p: p.trade.export_12m_usd, "USD"),
    ProfileField("trade.import_12m_usd", "number", lambda p: p.trade.import_12m_usd, "USD"),
    ProfileField(
        "trade.corridor_shipments_12m",
        "number",
        lambda p: p.trade.corridor_shipments_12m,
        "shipments",
        changeable="company",
    ),
    ProfileField(
        "registered_province",
        "codes",
        readings.province,
        matching="prefix",
        single=True,
        code_label=codes.division_label,
        parts=("registered_province", "uscc"),
    ),
    ProfileField(
        "special_zone", "codes", lambda p: readings.one(p.company.special_zone), single=True
    ),
    ProfileField(
        "industry",
        "codes",
        lambda p: readings.one(p.company.industry),
        matching="prefix",
        single=True,
        code_label=codes.industry_label,
    ),
    ProfileField(
        "ownership",
        "codes",
        lambda p: readings.one(p.company.ownership),
        single=True,
        code_label=_worded("ownership"),
    ),
    ProfileField("staff", "number", lambda p: p.company.staff, "persons"),
    ProfileField("revenue_cny", "number", lambda p: p.company.revenue_cny, "CNY"),
    ProfileField("total_assets_cny", "number", lambda p: p.company.total_assets_cny, "CNY"),
    ProfileField("years_operating", "number", lambda p: p.company.years_operating, "years"),
    ProfileField(
        "need.currency",
        "codes",
        lambda p: readings.one(p.need.currency),
        single=True,
        changeable="company",
        code_label=codes.currency_label,
    ),
    ProfileField(
        "need.tenor_days", "number", lambda p: p.need.tenor_days, "days", changeable="company"
    ),
    ProfileField("need.date", "day", lambda p: p.need.date, changeable="company"),
    ProfileField(
        "need.purpose",
        "codes",
        lambda p: readings.one(p.need.purpose),
        single=True,
        code_label=_worded("purpose"),
    ),
    ProfileField("documents", "codes", readings.papers),
    ProfileField("document_issuers", "codes", readings.issued_papers, parts=("documents",)),
    ProfileField(
        "collateral",
        "codes",
        readings.pledges,
        code_label=lambda kind: codes.collateral_type(kind).label,
    ),
    ProfileField("insurance", "codes", readings.insured, code_label=_worded("insured")),
    ProfileField(
        "size_class",
        "codes",
        readings.size,
        single=True,
        code_label=_worded("size_class"),
        parts=("industry", "staff", "revenue_cny", "total_assets_cny"),
    ),
    ProfileField(
        "need_cny",
        "number",
        lambda p: p.derived.need.number,
        "CNY",
        changeable="company",
        parts=("need",),
    ),
    ProfileField(
        "collateral_gap_cny",
        "number",
        readings.gap,
        "CNY",
        parts=("need", "collateral", "documents", "insurance", "facts", "trade"),
    ),
    ProfileField(
        "documented_positions",
        "codes",
        readings.open_positions,
        code_label=_currency_label,
        parts=("positions",),
    ),
    ProfileField(
        "receivable_currencies",
        "codes",
        readings.receivable_currencies_of,
        code_label=codes.currency_label,
        parts=("collateral", "positions"),
    ),
    ProfileField(
        "related_buyers",
        "codes",
        readings.related_buyers,
        single=True,
        code_label=_worded("related"),
        parts=("trade",),
    ),
    ProfileField(
        "register_search_days",
        "number",
        readings.search_days,
        "days",
        parts=("facts",),
        facts=(SEARCHED,),
    ),
    ProfileField(
        "need_usd",
        "number",
        readings.room("need_usd"),
        "USD",
        changeable="company",
        parts=("need",),
    ),
    *(
        ProfileField(
            name,
            "number",
            readings.room(name),
            name[-3:].upper(),
            parts=("need", "revenue_cny", "facts"),
            facts=facts,
        )
        for name, facts in RESTS_ON.items()
    ),
)
BY_ID = {field.id: field for field in FIELDS}


@cache
def read_from(parts: frozenset[str]) -> tuple[ProfileField, ...]:
    """The fields that some top-level parts of the profile decide."""
    return tuple(field for field in FIELDS if not parts.isdisjoint(field.reads))
