"""The gate: every rule of every product answered yes, no or unknown, for one company or many.

Answers are int8: 1 yes, 0 unknown, -1 no. In this coding `any` is the maximum, `all` the minimum
and `not` the minus sign, which is Kleene's strong three-valued logic (Kleene 1952, sec. 64).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.matching.encoding import Columns, Floats, Ints, Layout, Values, Words
from recommender.rules import Predicate, Rule

Verdicts = NDArray[np.int8]
YES, UNKNOWN, NO = 1, 0, -1
INFINITE = float("inf")
FLAG_TRUE = "true"


class Between(NamedTuple):
    """Two numbers compared: yes when low <= left - right <= high."""

    left: int
    right: int
    low: float
    high: float

    def answer(self, values: Values) -> int:
        """One company's answer."""
        difference = values.numbers[self.left] - values.numbers[self.right]
        if isnan(difference):
            return UNKNOWN
        return YES if self.low <= difference <= self.high else NO


class Shared(NamedTuple):
    """Codes compared: yes when the bitset shares a bit with the mask."""

    word: int
    mask: int

    def answer(self, values: Values) -> int:
        """One company's answer."""
        if values.has[self.word] & self.mask:
            return YES
        return UNKNOWN if values.may[self.word] & self.mask else NO


Leaf = Between | Shared
Part = tuple[int, tuple[Leaf, ...]]


@dataclass(frozen=True)
class RuleTable:
    """Compiled rules: leaves, predicates as signed maxima of leaves, rules as maxima of those.

    numbers: left, right (columns), low, high: yes when low <= left - right <= high.
    words, masks: yes when the bitset shares a bit with the mask.
    plain, plain_leaves, plain_signs: the rules that are one leaf, nearly all. mixed, leaf_order,
    predicate_starts, signs, rule_starts: the others. rules: each rule's predicates, as a sign and
    its leaves, for the answer of one company to one rule.
    """

    left: Ints
    right: Ints
    low: Floats
    high: Floats
    words: Ints
    masks: Words
    plain: Ints
    plain_leaves: Ints
    plain_signs: Verdicts
    mixed: Ints
    leaf_order: Ints
    predicate_starts: Ints
    signs: Verdicts
    rule_starts: Ints
    rules: tuple[tuple[Part, ...], ...]

    def verdicts(self, columns: Columns) -> Verdicts:
        """Answers (n, rules) for n companies."""
        found = np.empty((len(columns), len(self.rules)), dtype=np.int8)
        leaves = self._leaves(columns)
        found[:, self.plain] = leaves.take(self.plain_leaves, axis=1) * self.plain_signs
        if len(self.mixed):
            predicates = np.maximum.reduceat(
                leaves.take(self.leaf_order, axis=1), self.predicate_starts, axis=1
            )
            found[:, self.mixed] = np.maximum.reduceat(
                predicates * self.signs, self.rule_starts, axis=1
            )
        return found

    def answer(self, rule: int, values: Values) -> int:
        """One company's answer to one rule."""
        return max(self.parts(rule, values))

    def parts(self, rule: int, values: Values) -> list[int]:
        """One company's answers to the predicates of one rule."""
        return [
            sign * max(leaf.answer(values) for leaf in leaves) for sign, leaves in self.rules[rule]
        ]

    def _leaves(self, columns: Columns) -> Verdicts:
        numbers = columns.numbers
        difference = numbers.take(self.left, axis=1) - numbers.take(self.right, axis=1)
        inside = (difference >= self.low) & (difference <= self.high)
        outside = (difference < self.low) | (difference > self.high)
        has = (columns.has.take(self.words, axis=1) & self.masks) != 0
        may = (columns.may.take(self.words, axis=1) & self.masks) != 0
        number = inside.view(np.int8) - outside.view(np.int8)
        code = has.view(np.int8) + may.view(np.int8) - np.int8(1)
        return np.concatenate([number, code], axis=1)


def compile_rules(rules: Sequence[Rule], layout: Layout) -> RuleTable:
    """A table for rules whose fields, operators and values were validated with the catalogue."""
    compiled = tuple(tuple(_predicate(p, layout) for p in rule.predicates) for rule in rules)
    leaves = [leaf for rule in compiled for _, part in rule for leaf in part]
    numbers = list(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, Between)))
    codes = list(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, Shared)))
    places = {leaf: i for i, leaf in enumerate([*numbers, *codes])}
    plain = [i for i, rule in enumerate(compiled) if len(rule) == 1 and len(rule[0][1]) == 1]
    mixed = sorted(set(range(len(rules))) - set(plain))
    predicates = [predicate for i in mixed for predicate in compiled[i]]
    return RuleTable(
        left=_ints([leaf.left for leaf in numbers]),
        right=_ints([leaf.right for leaf in numbers]),
        low=np.array([leaf.low for leaf in numbers], dtype=np.float64),
        high=np.array([leaf.high for leaf in numbers], dtype=np.float64),
        words=_ints([leaf.word for leaf in codes]),
        masks=np.array([leaf.mask for leaf in codes], dtype=np.uint64),
        plain=_ints(plain),
        plain_leaves=_ints([places[compiled[i][0][1][0]] for i in plain]),
        plain_signs=np.array([compiled[i][0][0] for i in plain], dtype=np.int8),
        mixed=_ints(mixed),
        leaf_order=_ints([places[leaf] for _, part in predicates for leaf in part]),
        predicate_starts=_starts([len(part) for _, part in predicates]),
        signs=np.array([sign for sign, _ in predicates], dtype=np.int8),
        rule_starts=_starts([len(compiled[i]) for i in mixed]),
        rules=compiled,
    )


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _starts(lengths: Sequence[int]) -> Ints:
    """Where each of several parts behind one another begins."""
    return (np.cumsum(lengths) - lengths).astype(np.int64) if lengths else _ints([])


def _predicate(predicate: Predicate, layout: Layout) -> Part:
    if predicate.f in layout.numbers:
        low, high = _BOUNDS[predicate.op](_operands(predicate))
        left = layout.numbers[predicate.f]
        right = layout.numbers[predicate.v_field] if predicate.v_field else 0
        return YES, (Between(left, right, low, high),)
    sign = NO if predicate.op in ("none_of", "lacks") else YES
    masks = _masks(layout, predicate.f, codes_of(predicate))
    return sign, tuple(Shared(word, mask) for word, mask in masks)


def codes_of(predicate: Predicate) -> list[str]:
    """The codes a predicate on a set asks about; `true` for flags."""
    if predicate.op in ("holds", "lacks"):
        return [FLAG_TRUE]
    values = predicate.v if isinstance(predicate.v, tuple) else (predicate.v,)
    return [str(value) for value in values]


def _masks(layout: Layout, name: str, tokens: Iterable[str]) -> list[tuple[int, int]]:
    masks: dict[int, int] = {}
    for token in tokens:
        word, mask = layout.codes[name].bits[token]
        masks[word] = masks.get(word, 0) | mask
    return sorted(masks.items())


def _operands(predicate: Predicate) -> list[float]:
    """Numbers to compare with; zeros when another field is the operand."""
    if predicate.v_field is not None:
        return [0.0, 0.0]
    values = predicate.v if isinstance(predicate.v, tuple) else (predicate.v, predicate.v)
    return [operand(value) for value in values]


def operand(value: object) -> float:
    """A number, or the ordinal of an ISO day."""
    if isinstance(value, str):
        return float(datetime.date.fromisoformat(value).toordinal())
    return float(value)  # type: ignore[arg-type]


_BOUNDS: Mapping[str, Callable[[list[float]], tuple[float, float]]] = {
    "at_least": lambda v: (v[0], INFINITE),
    "at_most": lambda v: (-INFINITE, v[0]),
    "between": lambda v: (v[0], v[1]),
    "one_of": lambda v: (v[0], v[0]),
    "before": lambda v: (-INFINITE, v[0] - 1),
    "after": lambda v: (v[0] + 1, INFINITE),
}
NUMBER_OPERATORS = tuple(_BOUNDS)


@dataclass(frozen=True)
class Gates:
    """Which compiled rules decide which product, as bits: one row per rule, one bit per product.

    company: rules the company answers; every: those of banks and screening too (rules, words).
    """

    company: Words
    every: Words
    size: int

    @classmethod
    def of(
        cls, company: Sequence[Sequence[int]], other: Sequence[Sequence[int]], rules: int
    ) -> Gates:
        """From lists of rule indices per product. rules: how many there are in all."""
        every = [[*ours, *theirs] for ours, theirs in zip(company, other, strict=True)]
        return cls(_bits(company, rules), _bits(every, rules), len(company))

    def fits(self, verdicts: Verdicts) -> Verdicts:
        """(n, products): -1 when any rule says no, else 0 when a company's rule is open, else 1."""
        found = [self._fits(line) for line in verdicts]
        return np.array(found, dtype=np.int8).reshape(len(verdicts), self.size)

    def _fits(self, line: Verdicts) -> Verdicts:
        failed = self.decided(line == NO)
        open_ = self._spread(_any(self.company, line == UNKNOWN))
        return np.where(failed, np.int8(NO), np.where(open_, np.int8(UNKNOWN), np.int8(YES)))

    def decided(self, rules: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Products (m,) that one of some rules (rules,) decides, whoever answers it."""
        return self._spread(_any(self.every, rules))

    def _spread(self, words: Words) -> NDArray[np.bool_]:
        bits = np.unpackbits(words.view(np.uint8), count=self.size, bitorder="little")
        return bits.view(np.bool_)


def _any(table: Words, rules: NDArray[np.bool_]) -> Words:
    found: Words = np.bitwise_or.reduce(table.take(np.flatnonzero(rules), axis=0), axis=0)
    return found


def _bits(lists: Sequence[Sequence[int]], rules: int) -> Words:
    width = -(-len(lists) // 64)
    found = np.zeros((rules, width * 64), dtype=np.uint8)
    for product, own in enumerate(lists):
        found[list(own), product] = 1
    packed: Words = np.packbits(found, axis=1, bitorder="little").view(np.uint64)
    return packed
