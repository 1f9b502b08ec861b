"""The gate: every rule of every product answered yes, no or unknown, for one company or many.

Answers are int8: 1 yes, 0 unknown, -1 no. In this coding `any` is the maximum, `all` the minimum
and `not` the minus sign, which is Kleene's strong three-valued logic (Kleene 1952, sec. 64).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.encoding import Columns, Floats, Ints, Layout, Words
from recommender.product import Predicate, Rule

Verdicts = NDArray[np.int8]
YES, UNKNOWN, NO = 1, 0, -1
INFINITE = float("inf")
FLAG_TRUE = "true"


@dataclass
class _Leaves:
    """Atomic comparisons under construction, in two homogeneous lists."""

    numbers: dict[tuple[int, int, float, float], int] = field(default_factory=dict)
    codes: dict[tuple[int, int], int] = field(default_factory=dict)

    def number(self, left: int, right: int, low: float, high: float) -> tuple[str, int]:
        key = (left, right, low, high)
        return "number", self.numbers.setdefault(key, len(self.numbers))

    def code(self, word: int, mask: int) -> tuple[str, int]:
        return "code", self.codes.setdefault((word, mask), len(self.codes))


@dataclass(frozen=True)
class RuleTable:
    """Compiled rules: leaves, predicates as signed maxima of leaves, rules as maxima of those.

    numbers: left, right (columns), low, high: yes when low <= left - right <= high.
    words, masks: yes when the bitset shares a bit with the mask.
    """

    left: Ints
    right: Ints
    low: Floats
    high: Floats
    words: Ints
    masks: Words
    leaf_order: Ints
    predicate_starts: Ints
    signs: Verdicts
    rule_starts: Ints
    size: int

    def verdicts(self, columns: Columns) -> Verdicts:
        """Answers (n, rules) for n companies."""
        if not self.size:
            return np.zeros((len(columns), 0), dtype=np.int8)
        return np.maximum.reduceat(self._predicates(columns), self.rule_starts, axis=1)

    def parts(self, columns: Columns, rule: int) -> list[int]:
        """Answers to the predicates of one rule, for one company."""
        answers = self._predicates(columns)[0]
        end = self.rule_starts[rule + 1] if rule + 1 < self.size else len(answers)
        found: list[int] = answers[self.rule_starts[rule] : end].tolist()
        return found

    def _predicates(self, columns: Columns) -> Verdicts:
        difference = columns.numbers[:, self.left] - columns.numbers[:, self.right]
        inside = (difference >= self.low) & (difference <= self.high)
        number = np.where(np.isnan(difference), 0, np.where(inside, 1, -1)).astype(np.int8)
        has = (columns.has[:, self.words] & self.masks) != 0
        may = (columns.may[:, self.words] & self.masks) != 0
        code = has.astype(np.int8) + may.astype(np.int8) - np.int8(1)
        leaves = np.concatenate([number, code], axis=1)[:, self.leaf_order]
        found: Verdicts = np.maximum.reduceat(leaves, self.predicate_starts, axis=1) * self.signs
        return found


def compile_rules(rules: Sequence[Rule], layout: Layout) -> RuleTable:
    """A table for rules whose fields, operators and values were validated with the catalogue."""
    leaves = _Leaves()
    compiled = [[_predicate(p, layout, leaves) for p in rule.predicates] for rule in rules]
    offset = len(leaves.numbers)
    order: list[int] = []
    signs: list[int] = []
    predicate_starts, rule_starts = [], []
    for predicates in compiled:
        rule_starts.append(len(signs))
        for sign, parts in predicates:
            predicate_starts.append(len(order))
            signs.append(sign)
            order += [i + offset if kind == "code" else i for kind, i in parts]
    keys = list(leaves.numbers)
    return RuleTable(
        left=np.array([k[0] for k in keys], dtype=np.int64),
        right=np.array([k[1] for k in keys], dtype=np.int64),
        low=np.array([k[2] for k in keys], dtype=np.float64),
        high=np.array([k[3] for k in keys], dtype=np.float64),
        words=np.array([word for word, _ in leaves.codes], dtype=np.int64),
        masks=np.array([mask for _, mask in leaves.codes], dtype=np.uint64),
        leaf_order=np.array(order, dtype=np.int64),
        predicate_starts=np.array(predicate_starts, dtype=np.int64),
        signs=np.array(signs, dtype=np.int8),
        rule_starts=np.array(rule_starts, dtype=np.int64),
        size=len(rules),
    )


Part = tuple[int, list[tuple[str, int]]]


def _predicate(predicate: Predicate, layout: Layout, leaves: _Leaves) -> Part:
    if predicate.f in layout.numbers:
        low, high = _BOUNDS[predicate.op](_operands(predicate))
        left = layout.numbers[predicate.f]
        right = layout.numbers[predicate.v_field] if predicate.v_field else 0
        return YES, [leaves.number(left, right, low, high)]
    sign = NO if predicate.op in ("none_of", "lacks") else YES
    masks = _masks(layout, predicate.f, codes_of(predicate))
    return sign, [leaves.code(word, mask) for word, mask in masks]


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
    """Which compiled rules decide which product, split by who answers.

    company, other: rule indices of all products behind one another, with the start of each.
    Every product has at least one entry: index `always` is a rule that is always yes.
    """

    company: Ints
    company_starts: Ints
    other: Ints
    other_starts: Ints

    @classmethod
    def of(cls, company: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> Gates:
        """From lists of rule indices per product; -1 stands for the rule that is always yes."""
        return cls(*_packed(company), *_packed(other))

    def answers(self, verdicts: Verdicts) -> tuple[Verdicts, Verdicts]:
        """(n, products) answers of the company's rules, and of banks' and screening rules."""
        always = np.ones((verdicts.shape[0], 1), dtype=np.int8)
        table = np.concatenate([verdicts, always], axis=1)
        company = np.minimum.reduceat(table[:, self.company], self.company_starts, axis=1)
        other = np.minimum.reduceat(table[:, self.other], self.other_starts, axis=1)
        return company, other


def _packed(lists: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    filled = [list(part) or [-1] for part in lists]
    starts = np.cumsum([0, *(len(part) for part in filled[:-1])])
    return np.array([i for part in filled for i in part], dtype=np.int64), starts.astype(np.int64)
