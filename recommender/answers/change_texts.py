"""Changes in words: what to set, who can do it, with the effort the dictionary names."""

from __future__ import annotations

from typing import Any

from recommender.answers.changes import Change
from recommender.answers.explain import Wording, plain
from recommender.catalogue import Catalogue
from recommender.company.fields import BY_ID
from recommender.texts import Language, Money, show, table, text


class ChangeWriter:
    """Writes changes for one company's need, in one language."""

    def __init__(self, catalogue: Catalogue, currency: str | None, language: Language) -> None:
        self._catalogue, self._currency, self._language = catalogue, currency, language
        self._wording = Wording(catalogue)

    def change(self, change: Change) -> dict[str, Any]:
        """A change as JSON: `set` can be posted to what-if as it stands."""
        by = text(f"change.by.{change.by}", self._language)
        return {
            "set": {name: _jsonable(value) for name, value in change.values},
            "by": change.by,
            "text": f"{self._text(change)}{by}",
        }

    def _text(self, change: Change) -> str:
        if change.document is not None and "documents" in dict(change.values):
            name = self._catalogue.documents[change.document].label.label
            return text("change.document", self._language, document=name)
        settled = self._catalogue.facts.get(change.fact or "")
        if settled is not None and settled.effort is not None:
            return show(settled.effort.label, self._language).rstrip("。.")
        currency = dict(change.values).get("need.currency", self._currency)
        parts = [self._part(name, value, currency) for name, value in change.values]
        rest = parts[1:] if self._language == "zh" else [p[:1].lower() + p[1:] for p in parts[1:]]
        return text("change.and", self._language).join([*parts[:1], *rest])

    def _part(self, name: str, value: Any, currency: str | None) -> str:
        fact = self._catalogue.facts.get(name)
        if fact is not None and fact.effort is not None:
            return show(fact.effort.label, self._language).rstrip("。.")
        if fact is not None:
            shown = self._wording.code(name, value) if isinstance(value, str) else value
            return text("change.fact", self._language, label=fact.label.label, value=shown)
        shown = self._value(name, value, currency)
        if f"change.{name}" in table():
            return text(f"change.{name}", self._language, value=shown)
        return text("change.fact", self._language, label=self._wording.name(name), value=shown)

    def _value(self, name: str, value: Any, currency: str | None) -> Any:
        if name == "need.amount":
            return Money(value, currency or "CNY")
        if isinstance(value, list) and name in BY_ID and name != "insurance":
            codes = [item["mode"] if isinstance(item, dict) else str(item) for item in value]
            return [self._wording.code(name, code) for code in codes]
        known = name in BY_ID and BY_ID[name].code_label is not None
        return self._wording.code(name, value) if known and isinstance(value, str) else value


def _jsonable(value: Any) -> Any:
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    return plain(value)
