"""Which question to ask next: what would settle the most, near the top of the lists."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recommender.answers import Assessment
from recommender.compiled import Bools, Compiled
from recommender.eligibility import UNKNOWN
from recommender.encoding import Floats, Ints
from recommender.rules import Rule
from recommender.unanswered import base_fields, is_open

MOST = 10


def _fields(rule: Rule) -> list[str]:
    """What a rule looks at, operands included."""
    named = (name for p in rule.predicates for name in (p.f, p.v_field) if name)
    return list(dict.fromkeys(named))


class Questions:
    """The fields that keep products open, compiled for one catalogue."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        fields = [_fields(rule) for rule in compiled.rules]
        names = sorted({name for part in fields for name in part})
        self._names = tuple(names)
        place = {name: i for i, name in enumerate(names)}
        pairs = [
            (at, place[name], 1 / len(fields[rule]))
            for at, rule in enumerate(compiled.carried.tolist())
            for name in fields[rule]
        ]
        self._at: Ints = np.array([pair[0] for pair in pairs], dtype=np.int64)
        self._field: Ints = np.array([pair[1] for pair in pairs], dtype=np.int64)
        self._share: Floats = np.array([pair[2] for pair in pairs])
        self._ours = compiled.hard[compiled.carried] & compiled.ours[compiled.carried]

    def ask(self, assessment: Assessment, ranks: Mapping[int, int]) -> list[tuple[str, list[str]]]:
        """Fields to ask for, the one that settles most first, with the products it decides.

        ranks: rank within its lane of every conditional product. Such a product passes on
        1 / log2(1 + rank), split evenly among its open rules and, within a rule, among its
        fields: what alone decides a leading product comes first. At most ten.
        """
        compiled, m = self._compiled, len(self._compiled.products)
        weight = np.zeros(m)
        for product, rank in ranks.items():
            weight[product] = 1 / np.log2(1 + rank)
        open_ = self._ours & (assessment.verdicts[compiled.carried] == UNKNOWN)
        open_ &= weight[compiled.carrier] > 0
        count = np.bincount(compiled.carrier[open_], minlength=m)
        per_rule = np.where(open_, (weight / np.maximum(count, 1))[compiled.carrier], 0.0)
        gained = per_rule[self._at] * self._share
        gains = np.bincount(self._field, weights=gained, minlength=len(self._names)).tolist()
        found: dict[str, float] = {}
        sources: dict[str, list[int]] = {}
        for i, gain in enumerate(gains):
            if gain > 0 and is_open(assessment.case, self._names[i]):
                bases = base_fields(assessment.case, self._names[i])
                for name in bases:
                    found[name] = found.get(name, 0.0) + gain / len(bases)
                    sources.setdefault(name, []).append(i)
        ordered = sorted(found, key=lambda name: (-round(found[name], 9), name))[:MOST]
        return [(name, self._decided(sources[name], gained > 0)) for name in ordered]

    def _decided(self, fields: list[int], gains: Bools) -> list[str]:
        """The products that some of these fields keep open."""
        at = self._at[gains & np.isin(self._field, fields)]
        products = np.unique(self._compiled.carrier[at]).tolist()
        return [self._compiled.ids[j] for j in products]
