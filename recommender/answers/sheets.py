"""What is said of a product whoever asks: names, papers, relations, sources, legal basis.

Worded once per product and language and shared by every answer: treat it as read-only.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from recommender import codes
from recommender.answers.explain import Wording, joined, plain
from recommender.catalogue import Catalogue
from recommender.catalogue.product import LegalNote, Product, Relation
from recommender.matching.similarity import NAMES
from recommender.rules import Rule
from recommender.texts import Language, show, text

Json = dict[str, Any]
_SCOPES = {
    "route": "routes",
    "cargo": "hs",
    "stage": "stages",
    "settlement": "settlement_methods",
    "size": "sizes",
    "documents": "documents",
}
SOURCED = (
    "name_zh",
    "provider",
    "amount.low",
    "amount.high",
    "tenor_days.low",
    "tenor_days.high",
    "currencies",
    "accepts",
    "share",
    "documents",
    "routes",
    "hs",
)


class Sheets:
    """The sheets of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._heads: dict[tuple[str, Language], Json] = {}
        self._tails: dict[tuple[str, Language], Json] = {}
        self._papers: dict[tuple[str, Language], list[Json]] = {}
        self._conditions: dict[tuple[str, str, Language], Json] = {}
        self._similarities: dict[tuple[str, str, Language], tuple[str, str]] = {}
        self._questions: dict[tuple[str, Language], str] = {}
        self._wording = Wording(catalogue)
        self._open = {p.id: self._asks_nothing(p) for p in catalogue.products.values()}

    def head(self, product: Product, language: Language) -> Json:
        """Who and what the product is."""
        key = (product.id, language)
        if key not in self._heads:
            self._heads[key] = {
                "product_id": product.id,
                "name_zh": product.name_zh,
                "name_en": product.name_en,
                "lane": product.lane,
                "category": product.category,
                "provider": show(product.provider.label, language),
                "summary": show(product.summary.label, language),
            }
        return self._heads[key]

    def tail(self, product: Product, language: Language) -> Json:
        """Its relations, where its terms come from, its legal basis, remarks."""
        key = (product.id, language)
        if key not in self._tails:
            self._tails[key] = {
                "relations": self._relations(product, language),
                "provenance": provenance(product, language),
                "legal_note": _legal(product.legal_notes, language),
                "notes": [show(note.label, language) for note in product.notes],
            }
        return self._tails[key]

    def open_to(self, product: Product) -> tuple[bool, ...]:
        """Whether a product is open to all in what each similarity looks at, in their order."""
        return self._open[product.id]

    def _asks_nothing(self, product: Product) -> tuple[bool, ...]:
        soft = any(not rule.hard for rule in self._catalogue.rules(product.id))
        asked = {name: bool(getattr(product, scope)) for name, scope in _SCOPES.items()}
        asked["preferences"] = soft
        return tuple(not asked.get(name, True) for name in NAMES)

    def similarity(self, name: str, level: str, language: Language) -> tuple[str, str]:
        """The name of a similarity, and what it says at a level."""
        key = (name, level, language)
        if key not in self._similarities:
            said = text(f"feature.{name}.{level}", language)
            self._similarities[key] = (text(f"feature.{name}.label", language), said)
        return self._similarities[key]

    def question(self, field: str, language: Language) -> str:
        """The question that would make a field known."""
        key = (field, language)
        if key not in self._questions:
            self._questions[key] = show(self._wording.question(field), language)
        return self._questions[key]

    def papers(self, product: Product, language: Language) -> list[Json]:
        """The papers a product asks for, by id."""
        key, known = (product.id, language), self._catalogue.documents
        if key not in self._papers:
            self._papers[key] = [
                {"id": name, "label": show(known[name].label.label, language)}
                for name in sorted(product.documents)
            ]
        return self._papers[key]

    def condition(self, rule: Rule, asked_of: str, language: Language) -> Json:
        """What a bank or a screening list has to confirm."""
        key = (rule.reason, asked_of, language)
        if key not in self._conditions:
            first = rule.predicates[0]
            word = "lacks" if first.op in ("lacks", "none_of") else "holds"
            name = self._wording.name(first.f)
            said = text(f"subject_to.{asked_of}.{word}", language, label=name)
            line = {"code": rule.reason, "field": rule.fields, "text": said}
            self._conditions[key] = line
        return self._conditions[key]

    def _relations(self, product: Product, language: Language) -> list[Json]:
        ordered = sorted(product.relations, key=lambda relation: (relation.kind, relation.any_of))
        return [self._relation(relation, language) for relation in ordered]

    def _relation(self, relation: Relation, language: Language) -> Json:
        names = {name: self._catalogue.products[name].name for name in sorted(relation.any_of)}
        shown = [{"product_id": id_, "name": show(name, language)} for id_, name in names.items()]
        return {
            "kind": relation.kind,
            "products": shown,
            "text": text(f"related.{relation.kind}", language, products=list(names.values())),
            "when": show(relation.when.label, language) if relation.when else None,
        }


def provenance(product: Product, language: Language) -> Json:
    """Where a product's terms come from: the whole, each field, the sources with their dates."""
    sources = [
        {
            "quality": source.quality,
            "title": source.title,
            "url": source.url if source.url and codes.linkable(source.url) else None,
            "date": source.date.isoformat() if source.date else None,
        }
        for _, source in sorted(product.sources.items())
    ]
    return {
        "quality": product.quality,
        "text": text(f"provenance.{product.quality}", language),
        "fields": {name: product.provenance_of(name) for name in SOURCED},
        "sources": sources,
    }


def _legal(notes: tuple[LegalNote, ...], language: Language) -> Json | None:
    if not notes:
        return None
    ordered = sorted(notes, key=lambda note: (note.as_of, note.text.en))
    said = joined([show(note.text.label, language) for note in ordered], language)
    return {"text": said, "as_of": max(note.as_of for note in ordered).isoformat()}


def span(product: Product) -> Json:
    """Shortest and longest tenor in days."""
    tenor = product.tenor_days
    return {
        "low": number(tenor.low) if tenor else None,
        "high": number(tenor.high) if tenor else None,
    }


def number(value: Decimal | None) -> int | float | None:
    """A Decimal as JSON has it."""
    found = plain(value)
    return found if found is None or isinstance(found, (int, float)) else None
