"""Which question to ask next: the one whose answer is expected to change the top of the lists most.

How that is measured, and what is taken for likely, is docs/decisions/0008.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, islice

import numpy as np

from recommender.answers.matches import Assessment
from recommender.answers.unanswered import base_fields, is_open
from recommender.matching.compiled import Bools
from recommender.matching.eligibility import UNKNOWN, YES
from recommender.matching.encoding import Columns, Floats, Ints
from recommender.matching.matcher import Case, Matcher
from recommender.matching.scoring import Micros, Weights
from recommender.matching.similarity import NAMES
from recommender.questions.answer_effects import possible
from recommender.questions.expected_change import TIES, Lists, State, expected_changes
from recommender.records import Record
from recommender.vocabulary import PROVENANCES

MOST = 10
EXACT = 64
DEPTH = 6
SECTIONS = ("need", "trade")
SIZE = ("industry", "staff", "revenue_cny")
_LATER = 1e-9


class Questions:
    """The questions of one catalogue, with what their answers would do."""

    def __init__(self, matcher: Matcher, weights: Weights) -> None:
        self._matcher = matcher
        self._possible = possible(matcher, weights)
        self._answered = _Answered(matcher, self._possible.names)
        self._hanging = _Hanging(matcher)
        self._taste = weights.weights["preferences"]
        self._quality = np.array([PROVENANCES.index(p.quality) for p in matcher.products])
        p = self._possible
        self._rows = {
            name: np.flatnonzero(p.question[: len(p.settles)] == at)
            for at, name in enumerate(p.names)
        }

    def ask(
        self, assessment: Assessment, shown: Sequence[Sequence[int]]
    ) -> list[tuple[str, list[str]]]:
        """Fields to ask for, the one expected to change most first, with the products it decides.

        shown: the products that fit, by lane and in order. At most ten fields. Lists of more than
        EXACT products are looked at DEPTH deep in each lane. After the fields that change the top
        of a list by themselves come those that can do it only together with others.
        """
        lists = self._lists(assessment, shown)
        gains = expected_changes(self._possible, self._state(assessment, lists))
        open_ = self._hanging.open(assessment, shown)
        worth = _Worth(assessment.case)
        for at in np.flatnonzero(gains > 0).tolist():
            worth.add(self._possible.names[at], float(gains[at]))
        if len(worth.gains) < MOST:
            for name, weight in self._hanging.weights(open_, shown):
                worth.add(name, weight * _LATER)
        hanging = self._hanging.products(open_)
        named = ((n, self._decided(worth.sources[n], hanging, lists)) for n in worth.ordered())
        return list(islice(((name, ids) for name, ids in named if ids), MOST))

    def _lists(self, a: Assessment, shown: Sequence[Sequence[int]]) -> Lists:
        lanes = [lane for lane in shown if lane]
        sizes = [len(lane) for lane in lanes]
        depth = EXACT if sum(sizes) <= EXACT else DEPTH
        top = [lane[:depth] for lane in lanes]
        products = np.array(list(chain.from_iterable(top)), dtype=np.int64)
        starts = np.cumsum([0, *map(len, top)])[:-1]
        ties = self._ties(a, products)
        keys = ties if a.scores is None else a.scores.total[0, products] * TIES + ties
        return Lists(products, starts, np.array(sizes, dtype=np.int64), keys)

    def _ties(self, a: Assessment, products: Ints) -> Micros:
        """What stands first among equal scores: larger is earlier."""
        order = np.argsort(products, kind="stable")
        if a.scores is not None:
            missing = self._matcher.offers.missing_papers(a.case.columns)[products]
            order = np.lexsort((products, missing, self._quality[products]))
        ties = np.empty(len(products), dtype=np.int64)
        ties[order] = np.arange(len(products))[::-1]
        return ties

    def _state(self, a: Assessment, lists: Lists) -> State:
        rests = self._possible.rests
        tastes = np.zeros((3, len(lists)))
        unknown = np.zeros((len(lists), len(NAMES)), dtype=bool)
        if a.scores is not None:
            unknown = ~a.scores.known[0, lists.products]
            tastes = self._tastes(a)[:, lists.products]
        return State(
            lists,
            ~self._answered.by(a.case.columns),
            a.verdicts,
            rests.verdicts(a.case.columns)[0],
            unknown,
            tastes,
            0.0 if a.scores is None else self._taste,
        )

    def _tastes(self, a: Assessment) -> Floats:
        """How many soft rules each product has, are met, and are answered (3, m)."""
        rules, owners = self._matcher.offers.soft
        said, m = a.verdicts[rules], len(self._matcher.products)
        met = np.bincount(owners, weights=said == YES, minlength=m)
        answered = np.bincount(owners, weights=said != UNKNOWN, minlength=m)
        return np.stack([self._matcher.offers.asked, met, answered])

    def _decided(
        self, fields: Sequence[str], hanging: Mapping[str, set[int]], lists: Lists
    ) -> list[str]:
        """The products that fields keep open; else those that they may move in their list."""
        products = sorted(set().union(*(hanging.get(name, ()) for name in fields)))
        if not products:
            rows = np.concatenate([self._rows.get(name, _NONE) for name in fields])
            moved = self._possible.moved[lists.products][:, rows].any(axis=1)
            products = sorted(lists.products[moved].tolist())
        return [self._matcher.ids[j] for j in products]


_NONE: Ints = np.zeros(0, dtype=np.int64)


class _Worth:
    """What fields of a profile are worth asking for, from what rules look at."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.gains: dict[str, float] = {}
        self.sources: dict[str, list[str]] = {}

    def add(self, name: str, gain: float) -> None:
        """Share a gain evenly among what has to be said for it; nothing for what is known."""
        if not is_open(self._case, name):
            return
        said = _said_for(self._case, name)
        for base in said:
            self.gains[base] = self.gains.get(base, 0.0) + gain / len(said)
            self.sources.setdefault(base, []).append(name)

    def ordered(self) -> list[str]:
        """The most worth first; equal ones by name.

        Of a section of which nothing is said yet, two fields and more are asked for as one.
        """
        for section in SECTIONS:
            parts = [name for name in self.gains if name.startswith(f"{section}.")]
            if len(parts) > 1 and _untold(getattr(self._case.company, section)):
                self.gains[section] = sum(self.gains.pop(name) for name in parts)
                self.sources[section] = [n for part in parts for n in self.sources[part]]
        return sorted(self.gains, key=lambda name: (-round(self.gains[name], 12), name))


def _untold(section: Record | None) -> bool:
    """Whether nothing is said of a section, be it absent or a record of unknowns."""
    return section is None or all(value is None for value in vars(section).values())


def _said_for(case: Case, name: str) -> list[str]:
    """The fields that have to be said before a question is answered."""
    bases = base_fields(case, name)
    if name == "size_class":
        return [part for part in SIZE if getattr(case.company, part) is None] or bases
    return bases


class _Answered:
    """Where the encoded profile says whether a question is answered in full."""

    def __init__(self, matcher: Matcher, names: Sequence[str]) -> None:
        layout = matcher.layout
        self._numbers = np.array([layout.numbers.get(name, 0) for name in names], dtype=np.int64)
        wholes = [layout.codes[name].whole if name in layout.codes else () for name in names]
        words = [(at, *part) for at, whole in enumerate(wholes) for part in whole]
        self._at = np.array([part[0] for part in words], dtype=np.int64)
        self._words = np.array([part[1] for part in words], dtype=np.int64)
        self._masks = np.array([part[2] for part in words], dtype=np.uint64)

    def by(self, columns: Columns) -> Bools:
        """Whether each question is answered (Q,)."""
        found: Bools = ~np.isnan(columns.numbers[0, self._numbers])
        maybe = columns.may[0, self._words] & ~columns.has[0, self._words] & self._masks
        found[self._at[maybe != 0]] = False
        return found


class _Hanging:
    """The products whose answer hangs on a field."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._ours = matcher.hard[matcher.carried] & matcher.ours[matcher.carried]
        fields = matcher.fields_of
        self._names = tuple(sorted({name for part in fields for name in part}))
        place = {name: i for i, name in enumerate(self._names)}
        pairs = [
            (place[name], at, 1 / len(fields[rule]))
            for at, rule in enumerate(matcher.carried.tolist())
            for name in fields[rule]
        ]
        pairs.sort()
        self._field: Ints = np.array([pair[0] for pair in pairs], dtype=np.int64)
        self._at: Ints = np.array([pair[1] for pair in pairs], dtype=np.int64)
        self._share: Floats = np.array([pair[2] for pair in pairs])

    def open(self, a: Assessment, shown: Sequence[Sequence[int]]) -> Bools:
        """Which (rule, product) pairs keep a product that fits so far open."""
        matcher = self._matcher
        fits = np.zeros(len(matcher.products), dtype=bool)
        fits[np.array(list(chain.from_iterable(shown)), dtype=np.int64)] = True
        open_ = self._ours & fits[matcher.carrier] & (a.verdicts[matcher.carried] == UNKNOWN)
        return np.asarray(open_)

    def products(self, open_: Bools) -> dict[str, set[int]]:
        """The products that each field keeps open."""
        rows = np.flatnonzero(open_[self._at])
        fields = self._field[rows].tolist()
        products = self._matcher.carrier[self._at[rows]].tolist()
        found: dict[str, set[int]] = {}
        for field, product in zip(fields, products, strict=True):
            found.setdefault(self._names[field], set()).add(product)
        return found

    def weights(self, open_: Bools, shown: Sequence[Sequence[int]]) -> list[tuple[str, float]]:
        """What each field keeps open: 1 / log2(1 + place) of each product that hangs on it.

        A product's weight is split evenly among its open rules and, within a rule, among its
        fields: what alone decides a leading product weighs most.
        """
        carrier, m = self._matcher.carrier, len(self._matcher.products)
        weight = np.zeros(m)
        for lane in shown:
            weight[np.array(lane, dtype=np.int64)] = 1 / np.log2(2 + np.arange(len(lane)))
        count = np.bincount(carrier[open_], minlength=m)
        each = np.where(open_, (weight / np.maximum(count, 1))[carrier], 0.0)
        kept = np.bincount(self._field, each[self._at] * self._share, len(self._names)).tolist()
        return [(name, value) for name, value in zip(self._names, kept, strict=True) if value > 0]
