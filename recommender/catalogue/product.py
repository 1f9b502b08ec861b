"""The catalogue's vocabulary: products, facts, documents, sources and relations.

A catalogue is data: a new one brings new products, facts, documents and rules without a change
of code. Everything a user reads stands here in both languages. Fields without an entry in
`provenance` are illustrative, whatever the product's sources say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from recommender.errors import Problem
from recommender.records import (
    Amount,
    Day,
    Identifier,
    Name,
    Record,
    Share,
    WholeDays,
    YesNo,
    raise_problems,
    repeated,
)
from recommender.rules import Bilingual, Implication, Rule, in_one_order
from recommender.texts import Label
from recommender.vocabulary import (
    PROVENANCES,
    AmountFormula,
    AskedOf,
    Changeable,
    Currency,
    Direction,
    HsCode,
    Issuer,
    Lane,
    Mode,
    Provenance,
    ScalarOrList,
    SettlementMethod,
    SizeClass,
    Stage,
)


class Option(Record):
    """One possible answer of a choice."""

    id: Name
    label: Bilingual


class FactDefinition(Record):
    """One question of the dictionary.

    asked_of: who answers; a company's own answer to a bank's or a screening question is a
    declaration. changeable: who can make it true. document: the paper it is a property of.
    implied_by: what the profile already says about it.
    """

    id: Identifier
    type: Literal["flag", "number", "choice", "choices", "date"]
    unit: Name | None = None
    options: tuple[Option, ...] | None = None
    label: Bilingual
    question: Bilingual
    asked_of: AskedOf = "company"
    changeable: Changeable = "no"
    effort: Bilingual | None = None
    document: Name | None = None
    implied_by: tuple[Implication, ...] = ()

    @model_validator(mode="after")
    def _type_fits(self) -> Self:
        choice = self.type in ("choice", "choices")
        if choice != bool(self.options):
            raise_problems((Problem("options_of_choice", "options", self.type),))
        ids = [option.id for option in self.options or ()]
        raise_problems(repeated("options", ids))
        if self.type == "number" and self.unit is None:
            raise_problems((Problem("missing", "unit"),))
        return self


class DocumentDefinition(Record):
    """One paper: the same id wherever it is required or held.

    character: `title` (negotiable), `contractual` (control by contract and registration), `none`.
    obtained_from: who has to act for it to be had; issuer: who issues it. obtainable_in: stages of
    trade at which it can still be had; None: any. sets: facts that hold once it is issued.
    """

    id: Name
    label: Bilingual
    kind: Literal[
        "transport", "trade", "insurance", "finance", "registration", "authorisation", "company"
    ]
    synonyms: tuple[Name, ...] = ()
    character: Literal["title", "contractual", "none"] = "none"
    obtained_from: Literal["company", "third_party", "bank"] = "company"
    obtainable_in: tuple[Stage, ...] | None = None
    issuer: Issuer | None = None
    sets: dict[Name, ScalarOrList] = Field(default_factory=dict)


class Source(Record):
    """Where something was read."""

    quality: Provenance
    title: Name
    url: str | None = Field(None, max_length=500)
    date: Day | None = None


class Range(Record):
    """From low to high, both included; None: open."""

    low: Amount | None = None
    high: Amount | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise_problems((Problem("range_reversed", value=[float(self.low), float(self.high)]),))
        return self


class ShareRange(Range):
    """A range of shares in [0, 1]."""

    low: Share | None = None
    high: Share | None = None


class DayRange(Range):
    """A range of whole days."""

    low: WholeDays | None = None
    high: WholeDays | None = None


class Relation(Record):
    """How a product stands to others; `any_of` holds one id or alternatives."""

    kind: Literal["prerequisite", "takes_out", "substitutes", "complements"]
    any_of: tuple[Identifier, ...] = Field(min_length=1)
    when: Bilingual | None = None

    _listed = field_validator("any_of")(classmethod(in_one_order))


class LegalNote(Record):
    """A dated statement of the legal basis."""

    text: Bilingual
    as_of: Day


class Product(Record):
    """One product of the catalogue.

    amount: CNY, smallest and largest single use. tenor_days: shortest and longest.
    directions, routes, hs, stages, settlement_methods, sizes: scope; None: not limited. Scope
    gates only where its provenance is public (see `recommender.catalogue.gates`).
    accepts: collateral types with this product's advance range; None: the dated default.
    share: of the order or payment in advance, for the formulas that lend on one.
    covers: what an insurance or guarantee covers; decides its lane gate.
    provenance: field -> provenance word or key of `sources`; absent: illustrative.
    fit_ceiling: `conditional` when it can never be called eligible.
    """

    id: Identifier
    name_zh: Name
    name_en: Name
    lane: Lane
    category: Name
    provider: Bilingual
    summary: Bilingual
    keywords: tuple[Name, ...] = ()
    funded: YesNo = False
    covers: Literal["receivables", "cargo", "loan", "hedge_margin"] | None = None
    directions: tuple[Direction, ...] | None = Field(None, min_length=1)
    routes: tuple[Mode, ...] | None = Field(None, min_length=1)
    hs: tuple[HsCode, ...] | None = Field(None, min_length=1)
    stages: tuple[Stage, ...] | None = Field(None, min_length=1)
    settlement_methods: tuple[SettlementMethod, ...] | None = Field(None, min_length=1)
    sizes: tuple[SizeClass, ...] | None = Field(None, min_length=1)
    family: Name
    accepts: dict[Name, ShareRange | None] = Field(default_factory=dict)
    formula: AmountFormula
    share: ShareRange | None = None
    amount: Range | None = None
    tenor_days: DayRange | None = None
    currencies: tuple[Currency, ...]
    rules: tuple[Rule, ...] = ()
    documents: tuple[Name, ...] = ()
    relations: tuple[Relation, ...] = ()
    valid_from: Day | None = None
    valid_until: Day | None = None
    suspended: YesNo = False
    contact: Bilingual | None = None
    legal_notes: tuple[LegalNote, ...] = ()
    notes: tuple[Bilingual, ...] = ()
    public_facts: tuple[Bilingual, ...] = ()
    sources: dict[Name, Source] = Field(default_factory=dict)
    provenance: dict[Name, Name] = Field(default_factory=dict)
    fit_ceiling: Literal["conditional"] | None = None

    _scope = field_validator("directions", "routes", "hs", "stages", "settlement_methods", "sizes")(
        classmethod(in_one_order)
    )
    _listed = field_validator("currencies", "documents", "keywords", "relations")(
        classmethod(in_one_order)
    )

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        raise_problems(self._faults())
        return self

    def _faults(self) -> Iterator[Problem]:
        window = (self.valid_from, self.valid_until)
        if None not in window and self.valid_from > self.valid_until:  # type: ignore[operator]
            yield Problem("range_reversed", "valid_until", [str(day) for day in window])
        yield from repeated("documents", self.documents)
        if self.lane in ("insurance", "guarantee") and self.covers is None:
            yield Problem(
                "covers_missing", "covers", None, ["receivables", "cargo", "loan", "hedge_margin"]
            )
        if self.lane in ("financing", "lease", "equity") and self.amount is None:
            yield Problem("amount_missing", "amount", None, self.lane)
        needs_share = self.formula in ("order_share", "prepayment_share")
        if needs_share and None in (self.share or ShareRange()).model_dump().values():
            yield Problem("share_missing", "share", None, self.formula)
        if not self.currencies and self.lane != "service":
            yield Problem("list_too_short", "currencies", [], 1)
        if not self.rules and self.lane != "service" and self.fit_ceiling is None:
            yield Problem("rules_missing", "rules", [], self.lane)

    @property
    def name(self) -> Label:
        """The name in both languages."""
        return Label(self.name_zh, self.name_en)

    @property
    def quality(self) -> Provenance:
        """The weakest of its sources; illustrative when it has none."""
        found = [source.quality for source in self.sources.values()]
        return max(found, key=PROVENANCES.index) if found else "illustrative"

    def provenance_of(self, field: str) -> Provenance:
        """How well a field is attested; a part of it inherits from the whole."""
        word = self.provenance.get(field) or self.provenance.get(field.split(".")[0])
        return self.resolve(word or "illustrative")

    def resolve(self, word: str) -> Provenance:
        """The provenance behind a word: itself, or that of the source it names."""
        return self.sources[word].quality if word in self.sources else _provenance(word)


def _provenance(word: str) -> Provenance:
    return PROVENANCES[PROVENANCES.index(word)]
