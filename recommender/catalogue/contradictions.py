"""Rules of one product that can never all be met: said when the catalogue is read.

Exact for rules of one predicate on the same field; for `any`, every combination of alternatives is
tried up to a limit. What is not understood counts as possible, so that nothing is refused that some
company could meet: fields are taken as independent of each other and of implications.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Any, get_args

from recommender.catalogue.checks import LITERALS, OPERATORS
from recommender.catalogue.product import FactDefinition
from recommender.company.fields import BY_ID
from recommender.records import day_of
from recommender.rules import Predicate, Rule

TRIES = 20_000


@dataclass(frozen=True)
class Domain:
    """The values a field can take. single: one code, not a set; prefix: a code may be narrower.

    codes: all there are; None when open.
    """

    kind: str
    single: bool = False
    prefix: bool = False
    codes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Demand:
    """What one predicate asks of one field: an interval, or codes of which one or none is there."""

    field: str
    low: float = -inf
    high: float = inf
    codes: tuple[str, ...] = ()
    wanted: bool = True


class Contradictions:
    """Finds rules that exclude each other, for the facts of one catalogue."""

    def __init__(self, facts: Mapping[str, FactDefinition]) -> None:
        self._facts = facts
        self._domains: dict[str, Domain | None] = {}
        self._demands: dict[tuple[Any, ...], Demand | None] = {}

    def among(self, rules: Sequence[Rule]) -> list[Rule]:
        """The fewest hard rules that can never hold together; empty when all can.

        The fewest: without any one of them the others can be met.
        """
        hard = [rule for rule in rules if rule.hard and rule.reason != "suspended"]
        hard = _asked_twice(hard)
        options = {id(rule): self._options(rule) for rule in hard}
        core = self._entangled([rule for rule in hard if options[id(rule)]], options)
        if not self._impossible([options[id(rule)] for rule in core]):
            return []
        for rule in list(core):
            rest = [other for other in core if other is not rule]
            if self._impossible([options[id(other)] for other in rest]):
                core = rest
        return core

    def _entangled(
        self, rules: Sequence[Rule], options: Mapping[int, tuple[Demand, ...]]
    ) -> list[Rule]:
        """The rules that depend on each other: without those that can be met whatever the rest."""
        asked = Counter(f for rule in rules for f in {d.field for d in options[id(rule)]})
        return [
            rule
            for rule in rules
            if all(asked[d.field] > 1 or not self._met(d.field, (d,)) for d in options[id(rule)])
        ]

    def _options(self, rule: Rule) -> tuple[Demand, ...]:
        """What each alternative asks for; empty when one of them is always possible."""
        found = [self._demand(predicate) for predicate in rule.predicates]
        return tuple(d for d in found if d) if all(found) else ()

    def _impossible(self, rules: Sequence[tuple[Demand, ...]]) -> bool:
        """Whether no choice of alternatives can be met; False when it takes too long to tell."""
        self._left = TRIES
        return not self._possible(sorted(rules, key=len), 0, {})

    def _possible(
        self, rules: Sequence[tuple[Demand, ...]], at: int, chosen: dict[str, tuple[Demand, ...]]
    ) -> bool:
        if at == len(rules):
            return True
        for demand in rules[at]:
            self._left -= 1
            if self._left < 0:
                return True
            before = chosen.get(demand.field, ())
            together = (*before, demand)
            if not self._met(demand.field, together):
                continue
            if self._possible(rules, at + 1, {**chosen, demand.field: together}):
                return True
        return False

    def _met(self, field: str, demands: Sequence[Demand]) -> bool:
        """Whether one value of the field can meet all demands."""
        domain = self._domain(field)
        if domain is None or domain.kind in ("number", "day", "date"):
            return max(d.low for d in demands) <= min(d.high for d in demands)
        wanted = [d.codes for d in demands if d.wanted]
        refused = [code for d in demands if not d.wanted for code in d.codes]

        def free(code: str) -> bool:
            return not any(_hits(code, other, domain) for other in refused)

        if not domain.single:
            return all(any(map(free, codes)) for codes in wanted)
        if not wanted:
            return domain.codes is None or any(map(free, domain.codes))
        found = {code for codes in wanted for code in codes if free(code)}
        return any(_hits_all(code, wanted, domain) for code in found)

    def _demand(self, predicate: Predicate) -> Demand | None:
        key = (predicate.f, predicate.op, predicate.v, predicate.v_field)
        if key not in self._demands:
            domain = self._domain(predicate.f)
            fits = domain is not None and predicate.op in OPERATORS[domain.kind]
            self._demands[key] = _asked(predicate) if fits else None
        return self._demands[key]

    def _domain(self, field: str) -> Domain | None:
        if field not in self._domains:
            self._domains[field] = _of_fact(self._facts.get(field)) or _of_field(field)
        return self._domains[field]


def _asked_twice(rules: Sequence[Rule]) -> list[Rule]:
    """Rules that ask what others ask too, or refuse codes: only these can be impossible to meet."""
    asked = Counter(f for rule in rules for f in {p.f for p in rule.predicates})
    return [
        rule for rule in rules if all(asked[p.f] > 1 or p.op == "none_of" for p in rule.predicates)
    ]


def _of_fact(fact: FactDefinition | None) -> Domain | None:
    if fact is None:
        return None
    if fact.type == "flag":
        return Domain("flag", single=True, codes=("true", "false"))
    options = None if fact.options is None else tuple(option.id for option in fact.options)
    return Domain(fact.type, single=fact.type == "choice", codes=options)


@lru_cache(maxsize=128)
def _of_field(name: str) -> Domain | None:
    field = BY_ID.get(name)
    if field is None:
        return None
    words = get_args(LITERALS[name]) if name in LITERALS else None
    return Domain(field.kind, field.single, field.matching == "prefix", words)


def _asked(p: Predicate) -> Demand | None:
    """What a predicate asks for; None where it compares two fields or its value is unreadable."""
    if p.op in ("holds", "lacks"):
        return Demand(p.f, codes=("true",), wanted=p.op == "holds")
    if p.v_field is not None:
        return None
    values = p.v if isinstance(p.v, tuple) else (p.v,)
    if p.op in ("one_of", "none_of", "overlaps"):
        return Demand(p.f, codes=tuple(map(str, values)), wanted=p.op != "none_of")
    ends = [_end(value) for value in values]
    if None in ends:
        return None
    return Demand(p.f, *_interval(p.op, [end for end in ends if end is not None]))


def _end(value: Any) -> float | None:
    day = day_of(value)
    if day is not None:
        return float(day.toordinal())
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if plain else None


def _interval(op: str, ends: Sequence[float]) -> tuple[float, float]:
    bounds: Mapping[str, tuple[float, float]] = {
        "at_least": (ends[0], inf),
        "at_most": (-inf, ends[0]),
        "between": (ends[0], ends[-1]),
        "before": (-inf, ends[0] - 1),
        "after": (ends[0] + 1, inf),
    }
    return bounds[op]


def _hits(code: str, asked: str, domain: Domain) -> bool:
    """Whether a company with that code has what is asked for."""
    return code.startswith(asked) if domain.prefix else code == asked


def _hits_all(code: str, wanted: Sequence[Sequence[str]], domain: Domain) -> bool:
    return all(any(_hits(code, asked, domain) for asked in codes) for codes in wanted)


def worded(rules: Sequence[Rule]) -> Iterator[str]:
    """Each rule in short: its reason code, and what it asks where the code does not say so."""
    for rule in rules:
        parts = [" ".join(map(str, (p.f, p.op, *_operands(p)))) for p in rule.predicates]
        shown = " | ".join(parts)
        yield f"{rule.origin} {rule.code}: {shown}" if rule.code else f"{rule.origin} {shown}"


def _operands(p: Predicate) -> tuple[Any, ...]:
    if p.v_field is not None:
        return (p.v_field,)
    if p.v is None:
        return ()
    return (f"[{', '.join(map(str, p.v))}]",) if isinstance(p.v, tuple) else (p.v,)
