"""What each possible answer does: rules it decides, scores it moves, how likely it is.

Nothing here depends on a company: every answer is encoded once per catalogue on a profile of which
nothing else is known, all rules and similarities are asked about it, and answers that do the same
are taken together. The prior is explained in docs/decisions/0008.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recommender.company.readings import Codes
from recommender.matching.compiled import Bools
from recommender.matching.eligibility import UNKNOWN, YES, RuleTable, compile_rules
from recommender.matching.encoding import Columns, Companies, Exposure, Floats, Ints, Pledge
from recommender.matching.matcher import Matcher, fact_value
from recommender.matching.scoring import Micros, Weights, micros
from recommender.matching.similarity import NAMES, NEUTRAL, Situation, similarities
from recommender.questions.possible_answers import SETTLES, Answer, answers
from recommender.rules import Rule


@dataclass(frozen=True)
class Effects:
    """What the rules say after an answer: answer, product, rule and the rest of the rule.

    The answer decides the rule at once where rest is -1, else when rule number `rest` of the rests
    says no. yes: whether it is met then.
    """

    answer: Ints
    product: Ints
    rule: Ints
    rest: Ints
    yes: Bools

    def of(self, chosen: Bools) -> Effects:
        """Some of them."""
        return Effects(
            self.answer[chosen],
            self.product[chosen],
            self.rule[chosen],
            self.rest[chosen],
            self.yes[chosen],
        )


@dataclass(frozen=True)
class Possible:
    """All answers of a catalogue.

    question, prior (A,): the question each belongs to, and its chance. gates: hard rules it fails;
    tastes: soft rules it decides. moved (M, S): micros by which the first S answers move scores
    through the similarity `settles` (S,) while that is unknown. rests: compiled rest rules.
    """

    answers: tuple[Answer, ...]
    names: tuple[str, ...]
    question: Ints
    prior: Floats
    gates: Effects
    tastes: Effects
    moved: Micros
    settles: Ints
    rests: RuleTable
    products: int


def possible(matcher: Matcher, weights: Weights) -> Possible:
    """The answers to every question, with their chances and what they do."""
    return _effects(matcher, weights, answers(matcher))


def _effects(matcher: Matcher, weights: Weights, said: tuple[Answer, ...]) -> Possible:
    columns = _columns(matcher, said)
    rests = _Rests(matcher, columns)
    gates, tastes = rests.effects()
    settling = [answer for answer in said if answer.question in SETTLES]
    names = tuple(sorted({answer.question for answer in said}))
    place = {name: i for i, name in enumerate(names)}
    question = np.array([place[answer.question] for answer in said], dtype=np.int64)
    settles = [NAMES.index(SETTLES[answer.question]) for answer in settling]
    return _merged(
        Possible(
            said,
            names,
            question,
            _prior(question, gates, tastes, said, len(matcher.products)),
            gates,
            tastes,
            _moved(matcher, weights, settling),
            np.array(settles, dtype=np.int64),
            compile_rules(rests.rules, matcher.layout),
            len(matcher.products),
        )
    )


def _columns(matcher: Matcher, said: Sequence[Answer]) -> Columns:
    """One company for each answer, of which nothing else is known but what follows from it."""
    layout, facts = matcher.layout, matcher.catalogue.facts
    rows = [layout.blank() for _ in said]
    for row, answer in zip(rows, said, strict=True):
        layout.write(row, answer.values)
    follows = matcher.implications.verdicts(layout.columns(rows))
    for row, answer, line in zip(rows, said, follows, strict=True):
        implied = matcher.implied_by(line)
        known = {name: fact_value(facts[name], value) for name, value in implied.items()}
        layout.write(row, known | dict(answer.values))
    return layout.columns(rows)


def _situation(matcher: Matcher, said: Sequence[Answer]) -> Situation:
    """The same for similarities, where what is pledged is worth what is needed."""
    columns = _columns(matcher, said)
    pledged = np.array([answer.pledged is not None for answer in said])
    columns.numbers[pledged, matcher.layout.numbers["need_cny"]] = 1.0
    companies = Companies(
        columns,
        tuple(matcher.tokens.goods(_goods(answer)) for answer in said),
        (None,) * len(said),
        tuple(_pledged(answer) for answer in said),
        tuple(_exposed(answer) for answer in said),
        np.array([_covered(matcher, answer) for answer in said], dtype=np.float64),
    )
    return Situation(companies, matcher.table.verdicts(columns))


def _goods(answer: Answer) -> tuple[str, ...] | None:
    value = answer.values.get("trade.hs")
    return value.has if isinstance(value, Codes) else None


def _pledged(answer: Answer) -> tuple[Pledge, ...] | None:
    if answer.pledged is None:
        return None
    return (Pledge(answer.pledged, 1.0, 0.0, "item"),) if answer.pledged else ()


def _exposed(answer: Answer) -> tuple[Exposure, ...] | None:
    if answer.open_in is None:
        return None
    currency, _, bucket = answer.open_in.partition(":")
    return (Exposure(currency, bucket, 1.0),) if currency else ()


def _covered(matcher: Matcher, answer: Answer) -> float:
    if answer.pledged is None:
        return float("nan")
    best = matcher.best_advances(datetime.date.max)
    return float(best.get(answer.pledged, 0)) if answer.pledged else 0.0


def _moved(matcher: Matcher, weights: Weights, said: Sequence[Answer]) -> Micros:
    """By how much each answer moves each score through the similarity it settles (M, S)."""
    values = similarities(_situation(matcher, [Answer("", {}), *said]), matcher.offers)
    before = np.where(np.isnan(values[0]), NEUTRAL, values[0])
    own = [NAMES.index(SETTLES[answer.question]) for answer in said]
    after = values[np.arange(1, len(values)), :, own].T
    known = np.where(np.isnan(after), before[:, own], after)
    points = weights.array[own]
    return micros(known * points) - micros(before[:, own] * points)


def _prior(
    question: Ints, gates: Effects, tastes: Effects, said: Sequence[Answer], products: int
) -> Floats:
    """Chance of each answer: 1 + the products that ask the question and are content with it.

    Products are made for the firms there are. A flag that products want set counts one more for
    not set: what has to be obtained is not there by itself. Without rules all answers are alike.
    """
    size = int(question.max(initial=-1)) + 1
    lost = np.concatenate([gates.answer, tastes.answer[~tastes.yes]])
    of = np.concatenate([gates.product, tastes.product[~tastes.yes]])
    hit = np.unique(question[lost] * products + of)
    asking = np.bincount(hit // products, minlength=size)
    failed = np.bincount(np.unique(lost * products + of) // products, minlength=len(question))
    weight = 1.0 + asking[question] - failed
    wanted = np.array([_not_set(answer) for answer in said]) & (failed > 0)
    weight += wanted
    total = np.bincount(question, weights=weight, minlength=size)
    found: Floats = weight / total[question]
    return found


def _not_set(answer: Answer) -> bool:
    return answer.values.get(answer.question) == Codes()


class _Rests:
    """Which rules each answer decides, alone or together with what else the rule asks."""

    def __init__(self, matcher: Matcher, columns: Columns) -> None:
        self._matcher, self._verdicts = matcher, matcher.table.verdicts(columns)
        self.rules: list[Rule] = []
        self._places: dict[tuple[int, tuple[int, ...]], int] = {}
        several = [i for i, rule in enumerate(matcher.rules) if len(rule.predicates) > 1]
        alone = [(i, p) for i in several for p in matcher.rules[i].predicates]
        singles = [Rule.model_validate({**p.model_dump(), "code": "part"}) for _, p in alone]
        parts = compile_rules(singles, matcher.layout).verdicts(columns)
        self._parts: dict[int, list[Any]] = {i: [] for i in several}
        for (i, _), column in zip(alone, parts.T, strict=True):
            self._parts[i].append(column)

    def effects(self) -> tuple[Effects, Effects]:
        """Hard rules that fail, and soft rules that are met or missed."""
        matcher = self._matcher
        hard, soft = [], []
        decided = [(a, r, -1) for a, r in np.argwhere(self._verdicts != UNKNOWN).tolist()]
        carriers: dict[int, list[int]] = {}
        for rule, product in zip(matcher.carried.tolist(), matcher.carrier.tolist(), strict=True):
            carriers.setdefault(rule, []).append(product)
        for a, r, rest in [*decided, *self._conditional()]:
            yes = rest < 0 and self._verdicts[a, r] == YES
            for product in carriers.get(r, ()):
                if not matcher.hard[r]:
                    soft.append((a, product, r, rest, yes))
                elif not yes:
                    hard.append((a, product, r, rest, yes))
        return _packed(hard), _packed(soft)

    def _conditional(self) -> Iterator[tuple[int, int, int]]:
        """Answers that miss a part of a rule, which then fails if the rest of it does."""
        for r, columns in self._parts.items():
            table = np.stack(columns, axis=1)
            for a in np.flatnonzero(self._verdicts[:, r] == UNKNOWN).tolist():
                open_ = tuple(np.flatnonzero(table[a] == UNKNOWN).tolist())
                if len(open_) < table.shape[1]:
                    yield a, r, self._rest(r, open_)

    def _rest(self, rule: int, parts: tuple[int, ...]) -> int:
        if (rule, parts) not in self._places:
            self._places[rule, parts] = len(self.rules)
            kept = [self._matcher.rules[rule].predicates[i].model_dump() for i in parts]
            raw: dict[str, Any] = {"any": kept} if len(kept) > 1 else kept[0]
            self.rules.append(Rule.model_validate({**raw, "code": "rest"}))
        return self._places[rule, parts]


def _packed(rows: Iterable[tuple[int, int, int, int, bool]]) -> Effects:
    table = np.array(list(rows), dtype=np.int64).reshape(-1, 5)
    answer, product, rule, rest, yes = np.ascontiguousarray(table.T)
    return Effects(answer, product, rule, rest, yes == 1)


def _merged(p: Possible) -> Possible:
    """Answers to a question that do the same, as one; those that do nothing are left out."""
    marks: list[list[bytes]] = [[] for _ in p.answers]
    for effects in (p.gates, p.tastes):
        rows = np.stack([effects.product, effects.rule, effects.rest, effects.yes], axis=1)
        for answer, row in zip(effects.answer.tolist(), rows, strict=True):
            marks[answer].append(row.tobytes())
    settling = len(p.settles)
    for a in range(settling):
        marks[a] += [p.moved[:, a].tobytes()] if p.moved[:, a].any() else []
    leader: dict[tuple[int, tuple[bytes, ...]], int] = {}
    chance = np.zeros(len(p.answers))
    for a, mark in enumerate(marks):
        if mark:
            chance[leader.setdefault((int(p.question[a]), tuple(mark)), a)] += p.prior[a]
    kept = np.flatnonzero(chance > 0)
    place = np.full(len(p.answers), -1)
    place[kept] = np.arange(len(kept))

    def renumbered(effects: Effects) -> Effects:
        some = effects.of(place[effects.answer] >= 0)
        return replace(some, answer=place[some.answer])

    first = kept[kept < settling]
    return replace(
        p,
        answers=tuple(p.answers[i] for i in kept.tolist()),
        question=p.question[kept],
        prior=chance[kept],
        gates=renumbered(p.gates),
        tastes=renumbered(p.tastes),
        moved=np.ascontiguousarray(p.moved[:, first]),
        settles=p.settles[first],
    )
