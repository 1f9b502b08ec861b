"""From verdicts and contributions to sentences, in Chinese and English.

One table of reason codes (data/texts/reasons.yaml) words every rule: first by its own code, where
the catalogue's gates have one, else by operator and verdict. Facts, options and documents bring
their labels from the catalogue.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, get_args

from recommender.catalogue import Catalogue
from recommender.codes import currency_problem
from recommender.company.fields import BY_ID
from recommender.company.readings import Codes, Value
from recommender.matching.eligibility import NO, UNKNOWN, YES
from recommender.matching.matcher import Case
from recommender.rules import Predicate, Rule
from recommender.texts import Label, Language, Money, label, show, table, text
from recommender.vocabulary import SizeClass, Stage

ORDERS = {"size_class": get_args(SizeClass), "trade.stage": get_args(Stage)}
VERDICT = {YES: "yes", UNKNOWN: "unknown", NO: "no"}


class Wording:
    """Names, values and sentences of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def name(self, field: str) -> Label:
        """Label of a fact or profile field."""
        facts = self._catalogue.facts
        return facts[field].label.label if field in facts else BY_ID[field].name

    def question(self, field: str) -> Label:
        """The question that would make a field known."""
        facts = self._catalogue.facts
        return facts[field].question.label if field in facts else label(f"question.{field}")

    def code(self, field: str, code: str) -> Label | str:
        """Label of one code of a field; the code itself where it has none."""
        facts, documents = self._catalogue.facts, self._catalogue.documents
        if field in facts:
            options = {option.id: option.label.label for option in facts[field].options or ()}
            return options.get(code, code)
        if field in ("documents", "document_issuers"):
            kind, _, issuer = code.partition(":")
            name = documents[kind].label.label if kind in documents else Label(kind, kind)
            return _issued(name, issuer)
        labelled = BY_ID[field].code_label
        return labelled(code) if labelled else code

    def observed(self, case: Case, field: str) -> Any:
        """What the profile says, as JSON: a value, a list, or null for not known."""
        if field in case.facts:
            return plain(case.facts[field].value)
        value = case.row.get(field)
        if not isinstance(value, Codes):
            return plain(value)
        if value.may is None and not value.has:
            return None
        single = field in BY_ID and BY_ID[field].single
        return value.has[0] if single and value.has else list(value.has)

    def required(self, rule: Rule) -> Any:
        """What the rule asks for, as JSON; a list of alternatives for `any`."""
        wanted = [_wanted(predicate) for predicate in rule.predicates]
        return wanted if rule.any is not None else wanted[0]

    def demand(self, rule: Rule, language: Language) -> str:
        """What a rule asks for, whoever is asked; of alternatives all of them."""
        found = [
            text(f"demand.{p.op}", language, label=self.name(p.f), required=self._asked(p))
            for p in rule.predicates
        ]
        return text("reason.or", language).join(found)

    def reason(
        self, rule: Rule, verdict: int, parts: Sequence[int], case: Case, language: Language
    ) -> str:
        """Why a rule is met, open or failed, with what was seen and what is asked for.

        parts: answers to its predicates; of several alternatives those that decide are named.
        """
        own = f"reason.{rule.code}.{VERDICT[verdict]}"
        predicates = rule.predicates
        if rule.origin == "gate" and own in table():
            said = self._sentence(own, predicates[0], case, language)
        else:
            deciding = [p for p, part in zip(predicates, parts, strict=True) if part == verdict]
            found = [self._predicate(p, verdict, case, language) for p in deciding]
            joint = "reason.or" if verdict == UNKNOWN else "reason.and"
            said = text(joint, language).join(dict.fromkeys(found))
        note = show(rule.note.label, language) if rule.note else ""
        return said + (text("reason.note", language, note=note) if note else "")

    def caution(self, rule: Rule, case: Case, language: Language) -> str:
        """A soft rule that is not met, in milder words."""
        found = []
        for predicate in rule.predicates:
            mild = f"caution.{predicate.op}"
            key = mild if mild in table() else f"reason.{predicate.op}.no"
            found.append(self._sentence(key, predicate, case, language))
        note = show(rule.note.label, language) if rule.note else ""
        said = text("reason.and", language).join(dict.fromkeys(found))
        return said + (text("reason.note", language, note=note) if note else "")

    def _predicate(self, p: Predicate, verdict: int, case: Case, language: Language) -> str:
        own = f"reason.{p.f}.{VERDICT[verdict]}"
        key = own if own in table() else f"reason.{p.op}.{VERDICT[verdict]}"
        return self._sentence(key, p, case, language)

    def _sentence(self, key: str, p: Predicate, case: Case, language: Language) -> str:
        return text(
            key,
            language,
            label=self.name(p.f),
            observed=self._shown(p.f, case.row.get(p.f)),
            required=self._asked(p),
        )

    def _shown(self, field: str, value: Value) -> Any:
        if isinstance(value, Codes):
            if value.may is None and not value.has:
                return None
            if not value.has:
                return label("common.none")
            return [self.code(field, code) for code in value.has]
        return self._with_unit(field, value)

    def _asked(self, p: Predicate) -> Any:
        if p.v_field is not None:
            return self.name(p.v_field)
        if isinstance(p.v, tuple):
            values = sorted(p.v, key=ORDERS[p.f].index) if p.f in ORDERS else p.v
            shown = [self.code(p.f, str(v)) if isinstance(v, str) else v for v in values]
            distinct = list(dict.fromkeys(shown))
            return distinct if len(distinct) <= 8 else [*distinct[:8], label("common.and_more")]
        if isinstance(p.v, str):
            return datetime.date.fromisoformat(p.v) if self._is_day(p.f) else self.code(p.f, p.v)
        return self._with_unit(p.f, p.v)

    def _is_day(self, field: str) -> bool:
        facts = self._catalogue.facts
        return (facts[field].type == "date") if field in facts else BY_ID[field].kind == "day"

    def _with_unit(self, field: str, value: Any) -> Any:
        facts = self._catalogue.facts
        unit = (facts[field].unit or "") if field in facts else BY_ID[field].unit
        if value is None or isinstance(value, (bool, datetime.date, str)):
            return value
        if len(unit) == 3 and currency_problem(unit) is None:
            return Money(value, unit)
        one = f"unit_one.{unit}"
        unit_key = one if value == 1 and one in table() else f"unit.{unit}"
        if unit_key in table():
            zh, en = label(unit_key)
            return Label(f"{show(value, 'zh')}{zh}", f"{show(value, 'en')} {en}")
        return value


def _issued(name: Label, issuer: str) -> Label:
    if not issuer:
        return name
    by = label(f"issuer.{issuer}")
    return Label(f"{name.zh}（{by.zh}签发）", f"{name.en} issued by the {by.en.lower()}")


def _wanted(predicate: Predicate) -> Any:
    if predicate.op in ("holds", "lacks"):
        return predicate.op == "holds"
    if predicate.v_field is not None:
        return predicate.v_field
    return list(predicate.v) if isinstance(predicate.v, tuple) else predicate.v


def plain(value: Any) -> Any:
    """A value as JSON has it: days as ISO text, whole amounts as integers."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, str, int)):
        return value
    number = float(value)
    return int(number) if number.is_integer() else number


def band(value: float | None) -> str:
    """How a similarity is worded: high, middle, low or unknown."""
    if value is None:
        return "unknown"
    return "high" if value >= 0.75 else "middle" if value >= 0.35 else "low"


def joined(parts: Sequence[str], language: Language) -> str:
    """Several sentences as one paragraph."""
    return ("" if language == "zh" else " ").join(parts)
