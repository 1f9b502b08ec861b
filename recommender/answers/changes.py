"""A single change to a profile: what it sets, and what follows from it.

`apply` sets fields on the profile itself, as what-if does; `Trials` tries many changes at once on
the encoded profile, with the same result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import ValidationError

from recommender import codes
from recommender.catalogue import Catalogue
from recommender.catalogue.checks import answer_problem
from recommender.company.collateral import CAPS
from recommender.company.fields import FIELDS, read_from
from recommender.company.figures import cny, collateral_gap, given
from recommender.company.headroom import NEEDS, with_need
from recommender.company.profile import Company, Fact, Need
from recommender.company.readings import Profile
from recommender.errors import InvalidProfile, Problem
from recommender.matching.encoding import Values
from recommender.matching.matcher import Case, Matcher, fact_value

NEED = ("need.amount", "need.currency")
WEIGHED = (*NEED, "need.tenor_days")
MOVES_FIGURES = {*CAPS, *(fact for field in FIELDS for fact in field.facts)}


@dataclass(frozen=True)
class Change:
    """Values to set, who can do it, the document it comes with, the fact it settles, if any."""

    values: tuple[tuple[str, Any], ...]
    by: str
    document: str | None = None
    fact: str | None = None

    @cached_property
    def key(self) -> str:
        """Identity: the same values by the same hand."""
        return f"{self.by}:{self.values!r}"

    @cached_property
    def touches(self) -> frozenset[str]:
        """Fields and facts that it may move."""
        names = {name for name, _ in self.values} | ({self.fact} if self.fact else set())
        if "documents" in names:
            names.add("document_issuers")
        if not names.isdisjoint(NEED):
            names |= {*NEEDS, "collateral_gap_cny"}
        return frozenset(names)


def apply(company: Company, values: Mapping[str, Any], catalogue: Catalogue) -> Company:
    """The company with fields set, by dotted path or fact id; raises InvalidProfile.

    A fact set this way is an assumption of the question asked, so its source is the company.
    """
    raw = company.model_dump(mode="python", exclude_none=True)
    if "facts" in raw:
        raw["facts"] = {name: fact for name, fact in raw["facts"].items() if "value" in fact}
    problems = []
    for name, value in values.items():
        fact = name.removeprefix("facts.")
        if fact in catalogue.facts:
            raw.setdefault("facts", {})[fact] = {"value": value}
        elif not _set(raw, name.split("."), value):
            problems.append(Problem("unknown_change", f"set.{name}", name))
    if problems:
        raise InvalidProfile(problems)
    return Company.parse(raw)


def _set(raw: dict[str, Any], parts: Sequence[str], value: Any) -> bool:
    if parts[0] not in Company.model_fields:
        return False
    for part in parts[:-1]:
        inner = raw.setdefault(part, {})
        if not isinstance(inner, dict):
            return False
        raw = inner
    raw[parts[-1]] = value
    return True


class Trial(NamedTuple):
    """A company after a change. moved: fields and facts that are others than before."""

    moved: frozenset[str]
    values: Values


class Trials:
    """One company after changes, encoded; each change is tried once."""

    def __init__(self, matcher: Matcher, case: Case) -> None:
        self._matcher, self._case = matcher, case
        self._tried: dict[str, Trial | None] = {}

    def after(self, change: Change) -> Trial | None:
        """The company after a change; None when it is not possible."""
        if change.key not in self._tried:
            self._tried[change.key] = self._try(change)
        return self._tried[change.key]

    def _try(self, change: Change) -> Trial | None:
        moved = self._moved(change)
        if moved is None:
            return None
        layout, values = self._matcher.layout, self._case.values.copy()
        layout.write(values, moved)
        implied = self._implied_after(values, moved)
        if self._contradicts(change, implied):
            return None
        following = self._following(change, implied)
        layout.write(values, following)
        return Trial(frozenset((*moved, *following)), values)

    def _implied_after(self, values: Values, moved: Iterable[str]) -> Mapping[str, Any]:
        matcher = self._matcher
        if matcher.implied_from.isdisjoint(moved):
            return self._case.implied
        return matcher.implied_by(
            matcher.implications.verdicts(matcher.layout.columns([values]))[0]
        )

    def _moved(self, change: Change) -> dict[str, Any] | None:
        """Fields and facts that are others after a change; None when a value is not allowed."""
        row, facts = self._case.row, self._matcher.catalogue.facts
        stated = {name: value for name, value in change.values if name in facts}
        if any(answer_problem(facts[name], value) for name, value in stated.items()):
            return None
        structural = {name: value for name, value in change.values if name not in facts}
        moved: dict[str, Any] = {}
        if structural or stated.keys() & MOVES_FIGURES:
            try:
                profile = self._profile(structural, stated)
            except ValidationError:
                return None
            touched = {name.split(".")[0] for name in structural}
            if stated.keys() & MOVES_FIGURES:
                touched.add("facts")
            moved = {f.id: f.read(profile) for f in read_from(frozenset(touched))}
        moved |= {name: fact_value(facts[name], value) for name, value in stated.items()}
        return {name: value for name, value in moved.items() if value != row.get(name)}

    def _profile(self, values: Mapping[str, Any], facts: Mapping[str, Any]) -> Profile:
        """The profile after a change, its figures computed anew where the change moves them."""
        case, matcher = self._case, self._matcher
        held = {**(case.company.facts or {}), **{n: Fact(value=v) for n, v in facts.items()}}
        company = case.company.model_copy(update={"facts": held}) if facts else case.company
        company = _replaced(company, values)
        if "documents" in values:
            company = matcher.catalogue.normalised(company)
        if facts.keys() & MOVES_FIGURES or _covers_otherwise(company, values):
            return matcher.profile(company, case.profile.as_of, case.rates)
        derived = case.derived
        if any(name in NEED for name in values):
            need = company.need or Need()
            stated = given("need", need.amount, need.currency or "", "need.amount")
            wanted = cny(stated, need.currency, case.rates, "need.currency")._replace(name="need")
            gap = collateral_gap(wanted, derived.collateral_coverage, derived.guarantees)
            derived = replace(derived, need=wanted, collateral_gap=gap)
        if any(name in WEIGHED for name in values):
            parameters, day = matcher.parameters, case.profile.as_of
            rooms = with_need(company, derived.need, parameters, day, case.rates, derived.headroom)
            derived = replace(derived, headroom=rooms)
        return Profile(company, derived, case.profile.as_of)

    def _following(self, change: Change, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Facts that follow from the profile otherwise than before, unless they are stated."""
        before, known = self._case.implied, self._matcher.catalogue.facts
        if facts is before:
            return {}
        facts_stated = (self._case.company.facts or {}).items()
        stated = {name for name, fact in facts_stated if fact.value is not None}
        stated |= {name for name, _ in change.values}
        names = {n for n in {*before, *facts} - stated if before.get(n) != facts.get(n)}
        return {name: fact_value(known[name], facts.get(name)) for name in names}

    def _contradicts(self, change: Change, implied: Mapping[str, Any]) -> bool:
        stated = dict(change.values)
        if implied is not self._case.implied:
            said = self._case.facts.items()
            stated = {n: s.value for n, s in said if s.source != "profile"} | stated
        return any(name in implied and implied[name] != v for name, v in stated.items())


def _covers_otherwise(company: Company, values: Mapping[str, Any]) -> bool:
    """Whether collateral may be worth more or less: by its insurance, or by papers that hold it."""
    items = company.collateral or ()
    papers = "documents" in values and any(
        codes.collateral_type(item.type).needs_control for item in items
    )
    return papers or "insurance" in values


def _replaced(company: Company, values: Mapping[str, Any]) -> Company:
    """The company with fields set, without validating what the catalogue's values are."""
    updates: dict[str, Any] = {}
    for name, value in values.items():
        top, _, rest = name.partition(".")
        if not rest:
            updates[top] = Company.model_validate({top: value}).__dict__[top]
            continue
        part = Company.model_validate({top: {rest: value}}).__dict__[top]
        held = updates.get(top) or getattr(company, top)
        fresh = {rest: getattr(part, rest)}
        updates[top] = part if held is None else held.model_copy(update=fresh)
    return company.model_copy(update=updates)
