"""Plans: what is asked, and the shape of the answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.answers import DatedNote, Line, OpenRule
from api.schemas.figures import Amount
from api.schemas.products import PaperName
from api.schemas.requests import CompanyId
from recommender.company.profile import Company
from recommender.plan_options import PlanOptions
from recommender.records import Record
from recommender.texts import Language
from recommender.vocabulary import Bucket, Lane

Standing = Literal["eligible", "conditional"]


class PlansRequest(Record):
    """A profile, and what the plans have to keep to."""

    company: Company = Field(default_factory=Company, description="The profile.")
    company_id: CompanyId = Field("", description="Company of the record, in place of a profile.")
    options: PlanOptions | None = Field(None, description="Limits; null: the defaults.")


class Want(BaseModel):
    """One need."""

    amount: float = Field(description="In its currency.")
    currency: str = Field(description="ISO 4217.")
    cny: float = Field(description="In CNY.")
    start: str = Field(description="When the money is needed.")
    tenor_days: int | None = Field(description="How long; null: not known.")
    end: str | None = Field(description="When it is no longer needed; null: not known.")


class HedgeTarget(BaseModel):
    """The hedge ratio aimed at."""

    low: float = Field(description="At least.")
    high: float = Field(description="Never above.")
    source: str = Field(description="Where it comes from.")
    text: str = Field(description="In words.")


class UsedRate(BaseModel):
    """An exchange rate that was used."""

    currency: str = Field(description="ISO 4217.")
    cny_per_unit: float = Field(description="CNY for one unit.")
    date: str = Field(description="Day of the rate.")
    source: str = Field(description="Publication, or the request.")


class SituationNote(BaseModel):
    """What was planned for."""

    needs: list[Want] = Field(description="Needs over time.")
    need_cny: float = Field(description="All needs, CNY.")
    hedge_target: HedgeTarget | None = Field(description="Null: none is in force.")
    rates: list[UsedRate] = Field(description="Rates used.")


class PlanTerm(BaseModel):
    """One input of a figure."""

    name: str = Field(description="Stable name.")
    label: str = Field(description="In words.")
    value: Any = Field(description="Its value.")
    unit: str | None = Field(None, description="Unit, or a currency.")


class Pledged(BaseModel):
    """A trade that secures a line; no other line of the plan has it."""

    place: str = Field(description="Where it stands in the profile.")
    trade: str | None = Field(description="The trade it belongs to.")
    type: str = Field(description="Type of collateral.")
    label: str = Field(description="In words.")
    lends_low_cny: float = Field(description="At the low advance rate.")
    lends_cny: float = Field(description="At the high advance rate, after what others hold.")
    held_by_others_cny: float = Field(description="What an existing facility holds of it.")
    formula: str = Field(description="How it is computed.")
    terms: list[PlanTerm] = Field(description="From what.")


class Repayment(BaseModel):
    """What a line repays before anything of it is new money."""

    product_id: str = Field(description="What is taken out.")
    name: str = Field(description="Its name.")
    cny: float = Field(description="Amount.")
    text: str = Field(description="In words.")


class PlanLine(BaseModel):
    """Money drawn."""

    product_id: str = Field(description="Id.")
    name_zh: str = Field(description="Chinese name.")
    name_en: str = Field(description="English name.")
    lane: Lane = Field(description="Lane.")
    provider: str = Field(description="Who offers it.")
    fit: Standing = Field(description="conditional: something is open, see conditions.")
    fit_text: str = Field(description="In words.")
    need: int = Field(description="Which need it is for, from 0.")
    amount: Amount = Field(description="high: as planned; low: at the low advance rates.")
    cny: float = Field(description="As planned, in CNY.")
    converted: bool = Field(description="Borrowed in foreign currency and sold spot.")
    net_new_cny: float = Field(description="After what it repays first.")
    repays: list[Repayment] = Field(description="What it repays first.")
    start: str = Field(description="When it is drawn.")
    tenor_days: int | None = Field(
        description="How long; null: the tenor of the need is not known."
    )
    end: str | None = Field(description="When it is repaid.")
    secured_by: list[Pledged] = Field(description="Trades that secure it.")
    conditions: list[str] = Field(description="What is still open.")
    subject_to: list[Line] = Field(description="What banks and screening have to confirm.")
    cautions: list[Line] = Field(description="What is unusual.")
    unknowns: list[OpenRule] = Field(description="What the firm has not said.")
    documents_missing: list[PaperName] | None = Field(description="Null: not known.")
    legal_note: DatedNote | None = Field(description="Dated legal basis.")
    reason: str = Field(description="Why it is in the plan.")


class ExistingLine(BaseModel):
    """What is drawn under a facility that is there already."""

    place: str = Field(description="Where it stands in the profile.")
    lender: str = Field(description="Lender.")
    need: int = Field(description="Which need it is for, from 0.")
    cny: float = Field(description="Drawn by the plan.")
    free_cny: float = Field(description="Undrawn before it.")
    text: str = Field(description="In words.")


class PlanHedge(BaseModel):
    """A hedge on one position."""

    product_id: str = Field(description="Id.")
    name_zh: str = Field(description="Chinese name.")
    name_en: str = Field(description="English name.")
    fit: Standing = Field(description="conditional: something is open.")
    fit_text: str = Field(description="In words.")
    currency: str = Field(description="ISO 4217.")
    bucket: Bucket = Field(description="Days to settlement.")
    side: Literal["sell", "buy"] = Field(description="A long position sells, a short one buys.")
    amount: float = Field(description="In its currency.")
    cny: float = Field(description="In CNY.")
    margin_cny: float = Field(description="Cash it ties up.")
    text: str = Field(description="In words.")
    conditions: list[str] = Field(description="What is still open.")
    subject_to: list[Line] = Field(description="What banks and screening have to confirm.")
    documents_missing: list[PaperName] | None = Field(description="Null: not known.")


class Arrangement(BaseModel):
    """A product of the plan that pays nothing out."""

    product_id: str = Field(description="Id.")
    name_zh: str = Field(description="Chinese name.")
    name_en: str = Field(description="English name.")
    lane: Lane = Field(description="Lane.")
    fit: Standing = Field(description="conditional: something is open.")
    fit_text: str = Field(description="In words.")
    cny: float | None = Field(description="Amount guaranteed, opened or stood in for; null: none.")
    margin_cny: float = Field(description="Cash it ties up.")
    serves: list[str] = Field(description="Lines that need it first.")
    text: str = Field(description="In words.")


class MoneyNote(BaseModel):
    """The money of a plan, all in CNY."""

    need: float = Field(description="All needs.")
    margins: float = Field(description="A need beside them.")
    margins_without_money: float = Field(description="Of the margins.")
    gross: float = Field(description="New lines.")
    repaid: float = Field(description="What they repay first.")
    net_new: float = Field(description="gross - repaid.")
    existing: float = Field(description="Drawn under existing facilities.")
    covered: float = Field(description="Of the needs.")
    covered_low: float = Field(description="The same at the low advance rates.")
    uncovered: float = Field(description="need - covered.")


class GapNote(BaseModel):
    """The collateral gap."""

    before: float | None = Field(description="Without the plan; null: not known.")
    after: float | None = Field(description="With it.")
    formula: str = Field(description="How it is computed.")
    missing: list[str] = Field(description="What is not known.")


class FundingGap(BaseModel):
    """The funding gap."""

    value: float = Field(description="CNY.")
    formula: str = Field(description="How it is computed.")
    terms: list[PlanTerm] = Field(description="From what.")


class Stretch(BaseModel):
    """Need and cover between two days."""

    from_: str = Field(alias="from", description="First day.")
    to: str = Field(description="Last day.")
    need: float = Field(description="CNY.")
    covered: float = Field(description="CNY.")
    uncovered: float = Field(description="CNY.")


class PlannedPosition(BaseModel):
    """A position of one currency and bucket after the plan, in its currency."""

    currency: str = Field(description="ISO 4217.")
    bucket: Bucket = Field(description="Days to settlement.")
    documented_before_hedges: float = Field(description="From the profile.")
    debt_of_plan: float = Field(description="Own lines that fall due here.")
    paid_by_plan: float = Field(description="Payables that own lines pay.")
    position: float = Field(description="After those.")
    hedges_held: float = Field(description="Forwards signed, net, on its side.")
    hedges_new: float = Field(description="Of the plan.")
    side: Literal["sell", "buy"] | None = Field(description="Null: nothing is open.")
    hedge_ratio: float | None = Field(description="Null: nothing is open.")
    within_target: bool | None = Field(description="Null: nothing to compare.")
    formula: str = Field(description="How it is computed.")
    text: str = Field(description="In words.")


class PaperByDate(BaseModel):
    """A paper to get."""

    by: str = Field(description="Day of the first line that needs it.")
    id: str = Field(description="Id.")
    label: str = Field(description="Name.")
    obtained_from: Literal["company", "third_party", "bank"] = Field(description="Who has to act.")
    obtained_from_text: str = Field(description="In words.")
    for_: list[str] = Field(alias="for", description="Products that ask for it.")


class Closing(BaseModel):
    """A way to cover more, tried by planning again."""

    kind: Literal["limit", "change"] = Field(description="A higher limit, or a change.")
    by: str = Field(description="Who has to act.")
    covered_cny: float = Field(description="Need then covered.")
    closes: bool = Field(description="Whether nothing is left open.")
    set: dict[str, Any] = Field(description="What changes; of a limit, by how much.")
    text: str = Field(description="In words.")


class Dependence(BaseModel):
    """What is covered without one item or facility."""

    place: str = Field(description="Where it stands in the profile.")
    label: str = Field(description="In words.")
    covered_cny: float = Field(description="Need covered without it.")
    lost_cny: float = Field(description="What is lost.")
    text: str = Field(description="In words.")


class Complement(BaseModel):
    """A product that goes with a line."""

    product_id: str = Field(description="Id.")
    name: str = Field(description="Name.")
    when: str | None = Field(description="Under which circumstances.")


class PlanNote(BaseModel):
    """One plan."""

    name: Literal["A", "B", "C"] = Field(description="Name.")
    angle: Literal["most_covered", "surest", "simplest", "other"] = Field(
        description="How it differs."
    )
    title: str = Field(description="The same in words.")
    summary: str = Field(description="In two or three sentences.")
    proven_optimal: bool = Field(description="Whether nothing better exists under its angle.")
    optimality: str = Field(description="In words.")
    nodes: int = Field(description="Nodes of the search.")
    least_uncovered_cny: float = Field(description="What must stay open, as proven.")
    lines: list[PlanLine] = Field(description="New money.")
    existing: list[ExistingLine] = Field(description="Money there is.")
    hedges: list[PlanHedge] = Field(description="Hedges.")
    arranged: list[Arrangement] = Field(description="What has to be there beside them.")
    money: MoneyNote = Field(description="Sums.")
    collateral_gap: GapNote = Field(description="Collateral gap.")
    funding_gap: FundingGap = Field(description="Funding gap.")
    cover_over_time: list[Stretch] = Field(description="Need and cover over time.")
    positions: list[PlannedPosition] = Field(description="Currency after the plan.")
    papers: list[PaperByDate] = Field(description="Papers to get, in order of time.")
    why_open: list[str] = Field(description="Why something stays open.")
    ways_to_close: list[Closing] = Field(description="Cheapest first; of plan A only.")
    hangs_on: list[Dependence] = Field(description="Largest loss first; of plan A only.")
    also: list[Complement] = Field(description="What goes with the lines.")


class PlansAnswer(BaseModel):
    """Plans for one company."""

    as_of: str = Field(description="Day of the answer.")
    engine_version: str = Field(description="Version of the engine.")
    catalogue_version: str = Field(description="Hash of the catalogue.")
    parameters_version: str = Field(description="Hash of the dated parameters.")
    planning_version: str = Field(description="Hash of how plans are made.")
    model_version: str = Field(description="Version of the weights.")
    language: Language = Field(description="Language of the texts.")
    notices: list[str] = Field(description="What has to be said of all plans.")
    situation: SituationNote = Field(description="What was planned for.")
    plans: list[PlanNote] = Field(description="Up to three clearly different plans.")
    nothing: str | None = Field(description="Said when no plan does anything.")
