"""Which question to ask next: the one whose answer is expected to change the top of the lists most.

How that is measured, and what is taken for likely, is docs/decisions/0009.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from recommender.answers import Assessment, base_fields, is_open
from recommender.compiled import Bools
from recommender.eligibility import UNKNOWN
from recommender.encoding import Columns, Floats, Ints
from recommender.expected_change import TIES, Lists, State, expected_changes
from recommender.matching import Case, Matcher
from recommender.possible_answers import possible
from recommender.product import Rule
from recommender.scoring import Micros, Weights
from recommender.similarity import NAMES
from recommender.vocabulary import PROVENANCES

MOST = 10
EXACT = 64
DEPTH = 6
LATER = 1e-9
SECTIONS = ("need", "trade")
_SIZE = ("industry", "staff", "revenue_cny")
Found = list[tuple[str, list[str]]]


class Questions:
    """The questions of one catalogue, with what their answers would do."""

    def __init__(self, matcher: Matcher, weights: Weights) -> None:
        self._matcher = matcher
        self._possible = possible(matcher, weights)
        self._known_by = _KnownBy(matcher, self._possible.names)
        self._kept = _KeptOpen(matcher)
        self._taste = weights.weights["preferences"]
        self._quality = np.array([PROVENANCES.index(p.quality) for p in matcher.products])

    def ask(self, assessment: Assessment, shown: Sequence[Sequence[int]]) -> Found:
        """Fields to ask for, the one expected to change most first, with the products it decides.

        shown: the products that fit, by lane and in order. At most ten fields. After those that
        change the top of a list by themselves come those that keep a product open with others.
        """
        lists = self._lists(assessment, shown)
        gains = expected_changes(self._possible, self._state(assessment, lists))
        found = _Gains(assessment)
        for at in np.flatnonzero(gains > 0).tolist():
            found.add(self._possible.names[at], float(gains[at]))
        if len(found.gains) < MOST:
            for name, weight in self._kept.weights(assessment, shown):
                found.add(name, weight * LATER)
        products = np.unique(lists.products)
        decided = (
            (name, self._decided(assessment, found.sources[name], products))
            for name in found.ordered()
        )
        return [(name, products) for name, products in decided if products][:MOST]

    def _lists(self, a: Assessment, shown: Sequence[Sequence[int]]) -> Lists:
        lanes = [lane for lane in shown if lane]
        depth = EXACT if sum(map(len, lanes)) <= EXACT else DEPTH
        top = [list(lane[:depth]) for lane in lanes]
        products = np.array([j for lane in top for j in lane], dtype=np.int64)
        starts = np.cumsum([0, *map(len, top)])[:-1]
        totals = np.zeros(len(products), dtype=np.int64)
        if a.scores is not None:
            totals = a.scores.total[0, products]
        keys = totals * TIES + self._ties(a, products)
        return Lists(products, starts, np.array([len(lane) for lane in lanes]), keys)

    def _ties(self, a: Assessment, products: Ints) -> Micros:
        """What stands first among equal scores: larger is earlier."""
        order = np.argsort(products, kind="stable")
        if a.scores is not None:
            offers, columns = self._matcher.offers, a.case.columns
            held = (columns.has[0, offers.papers.words] & offers.papers.masks) != 0
            missing = offers.required[products] @ ~held
            order = np.lexsort((products, missing, self._quality[products]))
        ties = np.empty(len(products), dtype=np.int64)
        ties[order] = np.arange(len(products))[::-1]
        return ties

    def _state(self, a: Assessment, lists: Lists) -> State:
        columns, products = a.case.columns, lists.products
        rests = self._possible.rests.verdicts(columns)[0]
        open_ = ~self._known_by.known(columns)
        if a.scores is None:
            unknown = np.zeros((len(products), len(NAMES)), dtype=bool)
        else:
            unknown = ~a.scores.known[0, products]
        return State(
            lists, open_, a.verdicts, rests, unknown, self._tastes(a)[:, products], self._taste if a.scores is not None else 0.0
        )

    def _tastes(self, a: Assessment) -> Floats:
        rules, owners = self._matcher.offers.soft
        said, m = a.verdicts[rules], len(self._matcher.products)
        return np.stack(
            [
                np.bincount(owners, weights=said == 1, minlength=m),
                np.bincount(owners, weights=said != UNKNOWN, minlength=m),
            ]
        )

    def _decided(self, a: Assessment, fields: Iterable[str], listed: Ints) -> list[str]:
        """The products that a question keeps open; else those that it may move in their list."""
        found = self._kept.products(a, fields)
        products = found or [self._matcher.products[j].id for j in self._movable(fields, listed)]
        return products

    def _movable(self, fields: Iterable[str], listed: Ints) -> list[int]:
        p = self._possible
        asked = [p.names.index(name) for name in fields if name in p.names]
        rows = np.isin(p.question[: len(p.settles)], asked)
        return listed[p.moved[rows][:, listed].any(axis=0)].tolist()


def _said_for(case: Case, name: str) -> list[str]:
    """What a person is asked to say: fields, or a whole section of which nothing is said yet."""
    bases = base_fields(case, name)
    if name == "size_class":
        bases = [part for part in _SIZE if getattr(case.company, part) is None] or bases
    tops = [(base, base.partition(".")[0]) for base in bases]
    said = [
        top if top in SECTIONS and getattr(case.company, top) is None else base
        for base, top in tops
    ]
    return list(dict.fromkeys(said))


class _Gains:
    """What fields of the profile are worth, from what rules look at."""

    def __init__(self, assessment: Assessment) -> None:
        self._assessment = assessment
        self.gains: dict[str, float] = {}
        self.sources: dict[str, list[str]] = {}

    def add(self, name: str, gain: float) -> None:
        """Share a gain evenly among what has to be said for it."""
        case = self._assessment.case
        if not is_open(case, name):
            return
        bases = _said_for(case, name)
        for base in bases:
            self.gains[base] = self.gains.get(base, 0.0) + gain / len(bases)
            self.sources.setdefault(base, []).append(name)

    def ordered(self) -> list[str]:
        """The largest gain first; equal ones by name."""
        return sorted(self.gains, key=lambda name: (-round(self.gains[name], 12), name))


class _KnownBy:
    """Where the encoded profile says whether a question is answered."""

    def __init__(self, matcher: Matcher, names: Sequence[str]) -> None:
        layout = matcher.layout
        self._numbers = np.array([layout.numbers.get(name, 0) for name in names], dtype=np.int64)
        wholes = [layout.codes[n].whole if n in layout.codes else () for n in names]
        words = [(at, *part) for at, whole in enumerate(wholes) for part in whole]
        self._at = np.array([part[0] for part in words], dtype=np.int64)
        self._words = np.array([part[1] for part in words], dtype=np.int64)
        self._masks = np.array([part[2] for part in words], dtype=np.uint64)

    def known(self, columns: Columns) -> Bools:
        """Whether each question is answered in full (Q,)."""
        known: Bools = ~np.isnan(columns.numbers[0, self._numbers])
        maybe = columns.may[0, self._words] & ~columns.has[0, self._words] & self._masks
        known[self._at[maybe != 0]] = False
        return known


class _KeptOpen:
    """The products that a field keeps open."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._ours = matcher.hard[matcher.carried] & matcher.ours[matcher.carried]
        fields = [_fields(rule) for rule in matcher.rules]
        self._names = tuple(sorted({name for part in fields for name in part}))
        place = {name: i for i, name in enumerate(self._names)}
        pairs = [
            (at, place[name], 1 / len(fields[rule]))
            for at, rule in enumerate(matcher.carried.tolist())
            for name in fields[rule]
        ]
        self._at: Ints = np.array([pair[0] for pair in pairs], dtype=np.int64)
        self._field: Ints = np.array([pair[1] for pair in pairs], dtype=np.int64)
        self._share: Floats = np.array([pair[2] for pair in pairs])
        order = np.argsort(self._field, kind="stable")
        ends = np.searchsorted(self._field[order], np.arange(len(self._names) + 1))
        self._places: dict[str, Ints] = {
            name: self._at[order[ends[i] : ends[i + 1]]] for i, name in enumerate(self._names)
        }

    def products(self, a: Assessment, fields: Iterable[str]) -> list[str]:
        """Ids of the products that some of these fields keep open, in the catalogue's order."""
        matcher = self._matcher
        parts = [self._places[name] for name in fields if name in self._places]
        at = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        at = at[self._ours[at] & (a.verdicts[matcher.carried[at]] == UNKNOWN)]
        ids = (matcher.ids[j] for j in np.unique(matcher.carrier[at]).tolist())
        return [name for name in ids if a.fits[name] == "conditional"]

    def weights(
        self, a: Assessment, shown: Sequence[Sequence[int]]
    ) -> list[tuple[str, float]]:
        """What each field keeps open: 1 / log2(1 + place) of each product that hangs on it.

        A product's weight is split evenly among its open rules and, within a rule, among its
        fields: what alone decides a leading product weighs most.
        """
        matcher, m = self._matcher, len(self._matcher.products)
        weight = np.zeros(m)
        for lane in shown:
            weight[np.array(lane, dtype=np.int64)] = 1 / np.log2(2 + np.arange(len(lane)))
        open_ = self._ours & (a.verdicts[matcher.carried] == UNKNOWN)
        count = np.bincount(matcher.carrier[open_], minlength=m)
        each = np.where(open_, (weight / np.maximum(count, 1))[matcher.carrier], 0.0)
        kept = np.bincount(self._field, each[self._at] * self._share, len(self._names)).tolist()
        return [(name, value) for name, value in zip(self._names, kept, strict=True) if value > 0]


def _fields(rule: Rule) -> list[str]:
    """What a rule looks at, operands included."""
    named = (name for p in rule.predicates for name in (p.f, p.v_field) if name)
    return list(dict.fromkeys(named))
