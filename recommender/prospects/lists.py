"""Prospects: the companies of a population to call about one product, with what to say to each.

The score is that of `Engine.recommend`, the other way round. Companies are ranked on their packed
columns; the profiles of those on the page are read, assessed as any company is, and have to come to
the same score.
"""

from __future__ import annotations

import base64
import binascii
import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from recommender import __about__, codes
from recommender.company.profile import Company
from recommender.company.relationship import Relationship
from recommender.engine import Engine
from recommender.errors import InvalidOptions, Problem
from recommender.matching.scoring import MICRO, Weights, digest
from recommender.population.column_files import DamagedPopulation
from recommender.population.columnar import Lens
from recommender.population.packing import consented, first_loan
from recommender.population.population import Population
from recommender.prospects.filters import filters
from recommender.prospects.options import Order, ProspectOptions
from recommender.prospects.ranking import (
    Array,
    Entry,
    Field,
    Gated,
    by_score,
    gated,
    keys_of,
    scored,
    walk,
)
from recommender.prospects.talking_points import talking_points
from recommender.texts import Language, show, text

Json = dict[str, Any]
LOOKED_AT = 200
KEPT = 4
OF_THE_PRODUCT = (
    "product_id", "name_zh", "name_en", "lane", "category", "provider", "summary", "tenor_days",
    "documents_required", "relations", "provenance", "legal_note", "notes",
)  # fmt: skip


class Cursor(NamedTuple):
    """Where a page begins.

    given: companies before it; main: of those that fit; near: candidates for near misses that were
    looked at; stamp: what the list was made from.
    """

    given: int = 0
    main: int = 0
    near: int = 0
    stamp: str = ""

    def written(self) -> str:
        """As text."""
        return base64.urlsafe_b64encode(orjson.dumps(list(self))).decode().rstrip("=")

    @classmethod
    def read(cls, given: str | None, stamp: str) -> Cursor:
        """From text; raises InvalidOptions for what is none, or one of another list."""
        if given is None:
            return cls(stamp=stamp)
        try:
            raw = orjson.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
            found = cls(*raw)
            fine = all(type(part) is int and part >= 0 for part in found[:3])
        except (TypeError, ValueError, binascii.Error):
            fine = False
        if not fine:
            raise InvalidOptions([Problem("not_cursor", "cursor", given)])
        if found.stamp != stamp:
            raise InvalidOptions([Problem("cursor_of_another", "cursor", given)])
        return found


@dataclass(frozen=True, eq=False)
class _List:
    """One list: what the gate left, in the order that was asked for."""

    gated: Gated
    order: Order
    weights: Weights

    @property
    def lens(self) -> Lens:
        """What it looks at companies through."""
        return self.gated.lens

    def keys(self, field: Field) -> list[Array]:
        """What companies are ordered by."""
        return keys_of(field, self.order, self.lens.product.lane, self.weights)

    def best(self, count: int) -> tuple[Field, list[Array]]:
        """Companies and their keys, among them the first `count`."""
        if not by_score(self.order, self.lens.product.lane, self.weights):
            return self._all
        field = self.gated.field(count)
        return field, self.keys(field)

    @cached_property
    def _all(self) -> tuple[Field, list[Array]]:
        field = self.gated.field()
        return field, self.keys(field)


class Prospects:
    """Lists of prospects of one population for one engine.

    Raises PopulationMismatch where the population was packed for another catalogue, other
    parameters or another layout. Another model is fine: scores are made from the columns.
    """

    def __init__(self, engine: Engine, population: Population) -> None:
        population.check(engine)
        self.engine, self.population = engine, population
        self._version = population.version
        self._lists: dict[str, _List] = {}

    def top(self, product_id: str, options: ProspectOptions | None = None, **kw: Any) -> Json:
        """A page of the companies for one product. kw: single options, such as n=50.

        Raises NotFound for an unknown product and InvalidOptions.
        """
        stated = (options or ProspectOptions()).model_dump(exclude_unset=True)
        chosen = ProspectOptions.parse({**stated, **kw}) if kw else options or ProspectOptions()
        product = self.engine.catalogue.product(product_id)
        if chosen.order == "value" and product.lane not in self.engine.weights.uptake:
            raise InvalidOptions([Problem("order_without_chances", "order", chosen.order)])
        stamp = self._stamp(product_id, chosen)
        cursor = Cursor.read(chosen.cursor, stamp)
        ranked = self._ranked(stamp, product_id, chosen)
        page = _Page(self, ranked, chosen, cursor)
        prospects = page.prospects()
        versions = {"as_of": self.population.as_of, "population_version": self._version}
        counts = {"companies": self.population.companies, **asdict(ranked.gated.counts)}
        return answer_json(
            self.engine, product_id, chosen, versions,
            {**counts, "looked_at": page.cursor.near}, prospects, page.next(),
        )  # fmt: skip

    def _stamp(self, product_id: str, options: ProspectOptions) -> str:
        asked = options.model_dump(mode="json", exclude={"n", "cursor", "language"})
        parts = (self._version, self.engine.model_version, self.engine.catalogue.version)
        return digest([*parts, __about__.__version__, product_id, asked])

    def _ranked(self, stamp: str, product_id: str, options: ProspectOptions) -> _List:
        if stamp not in self._lists:
            lens = Lens(self.engine, product_id, self.population.as_of)
            lane = lens.product.lane
            asked = filters(options, lens.matcher.layout, self.population.as_of, lane)
            found = gated(lens, self.population, asked)
            while len(self._lists) >= KEPT:
                self._lists.pop(next(iter(self._lists)))
            self._lists[stamp] = _List(found, options.order, self.engine.weights)
        return self._lists[stamp]


class _Page:
    """One page as it is filled: those that fit first, then near misses."""

    def __init__(
        self, whole: Prospects, ranked: _List, options: ProspectOptions, cursor: Cursor
    ) -> None:
        self._engine, self._population = whole.engine, whole.population
        self._ranked, self._options = ranked, options
        self._start, self.cursor = cursor, cursor
        self._caps = {"group": options.per_group, "manager": options.per_manager}
        self._seen: dict[str, Counter[str]] = {name: Counter() for name in self._caps}
        self._looked, self._more = 0, False

    def prospects(self) -> list[Json]:
        """The companies of the page; moves the cursor behind them."""
        found: list[Json] = []
        if self._options.n == 0:
            return found
        done = 0
        for entry in self._walked():
            done += 1
            if done <= self._start.main:
                continue
            if len(found) == self._options.n:
                self._more = True
                return found
            found.append(self._fitting(entry, self.cursor.given + 1))
            self._moved(main=done)
        if self._options.near_misses and len(self._ranked.gated.near):
            self._near(found)
        return found

    def next(self) -> str | None:
        """The cursor of the page behind; None at the end."""
        return self.cursor.written() if self._more else None

    def _moved(self, *, main: int | None = None, near: int | None = None, given: int = 1) -> None:
        c = self.cursor
        self.cursor = Cursor(
            c.given + given, c.main if main is None else main, c.near if near is None else near,
            c.stamp,
        )  # fmt: skip

    def _id(self, row: int) -> str:
        segment, place = self._population.place(row)
        return segment.id(place)

    def _walked(self) -> Iterator[Entry]:
        """Those that fit in order, at most so many of a group or manager."""
        ready = self._start.main + self._options.n + 1
        for entry in walk(self._ranked.best, self._id, ready):
            if self._room(entry.row):
                yield entry

    def _room(self, row: int) -> bool:
        """Whether neither cap is reached; counts the company when it is not."""
        names: dict[str, str] = {}
        for kind, cap in self._caps.items():
            if cap is None:
                continue
            segment, place = self._population.place(row)
            name = segment.word(kind, place)
            if name is not None:
                if self._seen[kind][name] >= cap:
                    return False
                names[kind] = name
        for kind, name in names.items():
            self._seen[kind][name] += 1
        return True

    def _near(self, found: list[Json]) -> None:
        """Near misses by score: candidates are tried one after another, some on each page."""
        ranked = self._ranked
        field = scored(ranked.lens, self._population, ranked.gated.near)
        keys = keys_of(field, "fit", ranked.lens.product.lane, self._engine.weights)
        capped = any(cap is not None for cap in self._caps.values())
        ready = self.cursor.near + LOOKED_AT
        for at, entry in enumerate(walk(lambda _: (field, keys), self._id, ready)):
            before = at < self._start.near
            if before and not capped:
                continue
            if len(found) == self._options.n or self._looked >= LOOKED_AT:
                self._more = True
                return
            prospect = self._near_miss(entry.row, entry.total)
            if prospect is not None and not self._room(entry.row):
                prospect = None
            if before:
                continue
            self._looked += 1
            self._moved(near=at + 1, given=int(prospect is not None))
            if prospect is not None:
                found.append({**prospect, "rank": self.cursor.given})

    def _near_miss(self, row: int, total: int) -> Json | None:
        prospect = self._prospect(row, total)
        return prospect if prospect["fit"] == "near_miss" else None

    def _fitting(self, entry: Entry, rank: int) -> Json:
        prospect = self._prospect(entry.row, entry.total)
        chance, amount = prospect["uptake_probability"], entry.amount
        known = chance is not None and amount == amount  # noqa: PLR0124 - NaN is not itself
        worth = round(chance * amount, 2) if known else None
        return {**prospect, "rank": rank, "expected_value_cny": worth}

    def _prospect(self, row: int, total: int) -> Json:
        """One company, assessed from its own profile; raises DamagedPopulation if it differs."""
        segment, place = self._population.place(row)
        profile, own = segment.profile(place)
        prospect = prospect_json(
            self._engine, self._ranked.lens.product.id, Company.parse(profile),
            Relationship.model_validate(own), self._population.as_of,
            self._options.language or "zh",
        )  # fmt: skip
        if prospect["score"] != total / MICRO:
            raise DamagedPopulation(file=str(self._population.folder), reason="changed")
        return prospect


def answer_json(
    engine: Engine,
    product_id: str,
    options: ProspectOptions,
    versions: Mapping[str, Any],
    counts: Json,
    prospects: list[Json],
    cursor: str | None,
) -> Json:
    """A page as a plain dict. versions: `as_of` and `population_version`; cursor: of the next."""
    language: Language = options.language or "zh"
    as_of = versions["as_of"]
    _, match = engine.match(Company(), product_id, as_of=as_of, language=language)
    return {
        "as_of": as_of.isoformat(),
        "engine_version": __about__.__version__,
        "catalogue_version": engine.catalogue.version,
        "parameters_version": engine.parameters.version,
        "model_version": engine.model_version,
        "population_version": versions["population_version"],
        "language": language,
        "product": {name: match[name] for name in OF_THE_PRODUCT},
        "order": options.order,
        "calibrated": match["lane"] in engine.weights.uptake,
        "counts": counts,
        "prospects": prospects,
        "next": cursor,
        "notices": _notices(engine, prospects, language),
    }


def _notices(engine: Engine, prospects: list[Json], language: Language) -> list[str]:
    made_up = sum(prospect["company"]["synthetic"] is True for prospect in prospects)
    found = [text("prospects.notice.not_a_decision", language)]
    found += [text("prospects.notice.synthetic", language, count=made_up)] if made_up else []
    if engine.weights.trained_on is None:
        found.append(text("prospects.notice.expert", language))
    return found


def prospect_json(
    engine: Engine,
    product_id: str,
    company: Company,
    relation: Relationship,
    as_of: datetime.date,
    language: Language,
) -> Json:
    """One company for one product, without its rank and expected value."""
    case, match = engine.match(company, product_id, as_of=as_of, language=language)
    product = engine.catalogue.product(product_id)
    kept = {name: part for name, part in match.items() if name not in OF_THE_PRODUCT}
    own = {**relation.model_dump(mode="json"), "consent_to_contact": consented(case, relation)}
    return {
        "rank": 0,
        "company": company_json(case, language),
        "relationship": own,
        **kept,
        "expected_value_cny": None,
        "talking_points": talking_points(case, product, match, engine.catalogue),
    }


def company_json(case: Any, language: Language) -> Json:
    """Who a prospect is, for a list."""
    company, size = case.company, case.derived.size_class.value
    province = getattr(case.row["registered_province"], "has", ())
    region = province[0] if province else None
    trade = case.profile.trade
    return {
        "id": company.id,
        "name_zh": company.name_zh,
        "name_en": company.name_en,
        "synthetic": company.synthetic,
        "region": region,
        "region_label": show(codes.division_label(region), language) if region else None,
        "size_class": size,
        "size_label": text(f"size_class.{size}", language) if size else None,
        "hs": None if trade.hs is None else list(trade.hs),
        "routes": None if trade.routes is None else sorted({route.mode for route in trade.routes}),
        "first_loan": first_loan(case),
    }
