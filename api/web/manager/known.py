"""What is known of a company, field by field, in words and with its source and day."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from api.store.profiles import leaves
from api.web.words import say
from recommender import Catalogue, codes
from recommender.company import holdings
from recommender.company.profile import Buyer, Company, Need, Route, Trade
from recommender.records import Record
from recommender.texts import Label, Language, Money, Percent, show, text

Json = Mapping[str, Any]
PARTS: Mapping[str, type[Record]] = {"trade": Trade, "need": Need}
LISTS: Mapping[str, type[Record]] = {
    "trade.routes": Route,
    "trade.buyers": Buyer,
    "collateral": holdings.Collateral,
    "facilities": holdings.Facility,
    "insurance": holdings.Insurance,
    "documents": holdings.Paper,
    "positions": holdings.Position,
}
# Fields whose codes data/texts words, by the section that does.
SECTIONS: Mapping[str, str] = {
    "directions": "direction",
    "incoterms": "incoterm",
    "settlement_methods": "settlement_method",
    "stage": "stage",
    "purpose": "purpose",
    "ownership": "ownership",
    "mode": "mode",
    "bucket": "bucket",
    "issuer": "issuer",
}
CODES: Mapping[str, Any] = {
    "hs": codes.hs_label,
    "registered_province": codes.division_label,
    "industry": codes.industry_label,
    "country": codes.country_label,
    "legs": codes.locode_label,
}
NAMED = ("name_zh", "name_en", "uscc")


class Known(NamedTuple):
    """A field: its name in words, its value or values in words, who says so and since when.

    as_fact: the answer to a question of products rather than a field of the profile.
    """

    name: str
    label: str
    values: list[str]
    source: str | None
    as_of: str | None
    as_fact: bool = False


def fields(company: Json, catalogue: Catalogue, language: Language) -> list[Known]:
    """What is known of a company besides its names; what is not known is not there.

    company: as `companies.shown` gives it.
    """
    words = _Words(catalogue, language)
    rest = {name: v for name, v in company["profile"].items() if name not in ("id", "consents")}
    found = []
    for name, value in leaves(rest):
        if name in NAMED:
            continue
        source = company["sources"].get(name, {})
        values = list(words.values(name, value, rest))
        said = values or [text("common.none", language)]
        row = Known(name, words.label(name), said, source.get("source"), source.get("as_of"))
        found.append(row)
    return [*sorted(found, key=_order), *words.facts(rest.get("facts", {}))]


def _order(row: Known) -> int:
    names = [*Company.model_fields]
    for part, model in PARTS.items():
        place = names.index(part)
        names[place : place + 1] = [f"{part}.{name}" for name in model.model_fields]
    return names.index(row.name)


class _Words:
    def __init__(self, catalogue: Catalogue, language: Language) -> None:
        self._catalogue, self._language = catalogue, language

    def label(self, name: str) -> str:
        part, _, inner = name.partition(".")
        model = PARTS.get(part, Company) if inner else Company
        return self._named(model, inner or name)

    def _named(self, model: type[Record], name: str) -> str:
        extra: Any = model.model_fields[name].json_schema_extra
        return str(extra[f"label_{self._language}"])

    def values(self, name: str, value: Any, profile: Json) -> Iterator[str]:
        """A value as one or more phrases."""
        if name in LISTS:
            yield from (self._record(LISTS[name], item) for item in value)
        elif isinstance(value, list):
            yield from (self._plain(name.rpartition(".")[2], item, None) for item in value)
        else:
            inner = name.rpartition(".")[2]
            yield self._plain(inner, value, profile.get("need", {}).get("currency"))

    def _record(self, model: type[Record], item: Json) -> str:
        """The parts of a record one after the other."""
        currency = item.get("currency")
        parts = []
        for name, value in item.items():
            if name == "currency" or value is None:
                continue
            several = value if isinstance(value, list) else [value]
            said = " → ".join(self._plain(name, one, currency) for one in several)
            joint = "：" if self._language == "zh" else ": "
            parts.append(f"{self._named(model, name)}{joint}{said}")
        if currency and not any(_is_amount(item[name]) for name in item):
            parts.insert(0, str(currency))
        return ("；" if self._language == "zh" else "; ").join(parts)

    def _plain(self, name: str, value: Any, currency: str | None) -> str:
        language = self._language
        if isinstance(value, bool):
            return show(value, language)
        if name in SECTIONS:
            return text(f"{SECTIONS[name]}.{value}", language)
        if name in CODES:
            return f"{show(CODES[name](value), language)} ({value})"
        if name == "type":
            return show(self._type(str(value)), language)
        if _is_amount(value):
            return self._number(name, value, currency)
        if isinstance(value, str) and name in ("date", "maturity"):
            return show(datetime.date.fromisoformat(value), language)
        return str(value)

    def _type(self, code: str) -> Label | str:
        """A kind of collateral, or a paper by its id."""
        paper = self._catalogue.documents.get(code)
        if paper is not None:
            return paper.label.label
        return code if codes.collateral_type_problem(code) else codes.collateral_type(code).label

    def _number(self, name: str, value: Any, currency: str | None) -> str:
        language = self._language
        if name.endswith(("_cny", "_usd")):
            return show(Money(value, name[-3:].upper()), language)
        if name.endswith("_pct"):
            return f"{show(value, language)}%"
        if name == "probability":
            return show(Percent(float(value)), language)
        if name.endswith("_days"):
            return say(language, "%(count)s days", count=show(value, language))
        if name in ("staff", "years_operating", "corridor_shipments_12m"):
            return show(value, language)
        return show(value if currency is None else Money(value, currency), language)

    def facts(self, given: Json) -> Iterator[Known]:
        """Answers to the questions of products; each carries its own source."""
        for name, fact in sorted(given.items()):
            known = self._catalogue.facts.get(name)
            label = name if known is None else show(known.label.label, self._language)
            value = fact.get("value")
            several = value if isinstance(value, list) else [value]
            said = [self._answer(known, one) for one in several]
            yield Known(f"facts.{name}", label, said, fact.get("source"), fact.get("as_of"), True)

    def _answer(self, known: Any, value: Any) -> str:
        options = {} if known is None else {o.id: o for o in known.options or ()}
        if isinstance(value, str) and value in options:
            return show(options[value].label.label, self._language)
        return show(value, self._language)


def _is_amount(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
