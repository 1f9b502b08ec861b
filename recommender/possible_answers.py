"""What could be answered to each question, how likely, and what each answer would do.

Nothing here depends on a company: every answer is encoded once per catalogue on a profile of which
nothing else is known, all rules and similarities are asked about it, and answers that do the same
are taken together. The prior is stated in docs/decisions/0009.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, get_args

import numpy as np

from recommender.compiled import Bools
from recommender.eligibility import UNKNOWN, YES, RuleTable, compile_rules, operand
from recommender.encoding import Companies, Exposure, Floats, Ints, Pledge, Segments
from recommender.fields import BY_ID, Codes, Value
from recommender.fields import UNKNOWN as UNKNOWN_CODES
from recommender.matching import Matcher, fact_value
from recommender.product import FactDefinition, Predicate, Rule
from recommender.scoring import Micros, Weights, micros
from recommender.similarity import NAMES, NEUTRAL, Situation, similarities
from recommender.vocabulary import (
    Direction,
    Incoterm,
    Mode,
    Ownership,
    Purpose,
    SettlementMethod,
    SizeClass,
    Stage,
)

CELLS = 12
CLOSED: Mapping[str, tuple[str, ...]] = {
    "trade.directions": get_args(Direction),
    "trade.routes": get_args(Mode),
    "trade.incoterms": get_args(Incoterm),
    "trade.settlement_methods": get_args(SettlementMethod),
    "trade.stage": get_args(Stage),
    "need.purpose": get_args(Purpose),
    "ownership": get_args(Ownership),
    "size_class": get_args(SizeClass),
}
# The similarity that an answer settles, by the field it answers.
SETTLES: Mapping[str, str] = {
    "trade.routes": "route",
    "trade.stage": "stage",
    "trade.settlement_methods": "settlement",
    "trade.hs": "cargo",
    "need_cny": "amount",
    "need.tenor_days": "tenor",
    "size_class": "size",
    "documents": "documents",
    "documented_positions": "fx",
    "collateral": "collateral",
}
_NEVER = ("as_of", "document_issuers")
_MONTH = 30.0


@dataclass(frozen=True)
class Answer:
    """One answer to one question: what the profile then says; what it owns and is exposed to.

    pledged: kind of an item worth the need, "" for none; open_in: currency and bucket of the one
    open position, "" for none. Both None where the question is about something else.
    """

    question: str
    values: Mapping[str, Value]
    pledged: str | None = None
    open_in: str | None = None


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
        parts = (self.answer, self.product, self.rule, self.rest, self.yes)
        return Effects(*(part[chosen] for part in parts))


@dataclass(frozen=True)
class Possible:
    """All answers of a catalogue.

    question, prior (A,): the question each belongs to, and its chance. gates: hard rules it fails;
    tastes: soft rules it decides. moved (S, M): micros by which the first S answers move scores
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
    """The answers to every question that the company can be asked."""
    asked = sorted(_asked(matcher))
    found = [answer for name in asked for answer in _answers(matcher, name)]
    found.sort(key=lambda answer: answer.question not in SETTLES)
    return _effects(matcher, weights, tuple(found))


def _asked(matcher: Matcher) -> set[str]:
    facts = matcher.catalogue.facts
    named = {name for rule in matcher.rules for p in rule.predicates for name in (p.f, p.v_field)}
    named |= set(SETTLES)
    return {
        name
        for name in named
        if name and name not in _NEVER and (name not in facts or facts[name].asked_of == "company")
    }


def _answers(matcher: Matcher, name: str) -> Iterator[Answer]:
    if name == "documents":
        yield from _papers(matcher)
    elif name == "collateral":
        yield from _pledges(matcher)
    elif name == "documented_positions":
        yield from _flows(matcher)
    elif name == "insurance":
        for held in ((), ("in_force",), ("declared_and_paid", "in_force", "limit_free")):
            yield Answer(name, {name: Codes(held)})
    elif name in matcher.catalogue.facts:
        for value in _of_fact(matcher, matcher.catalogue.facts[name]):
            yield Answer(name, {name: value})
    else:
        for value in _of_field(matcher, name):
            yield Answer(name, {name: value})


def _of_fact(matcher: Matcher, fact: FactDefinition) -> Iterator[Value]:
    if fact.type == "flag":
        yield from (fact_value(fact, True), fact_value(fact, False))
    elif fact.type in ("choice", "choices"):
        yield from (Codes((option.id,)) for option in fact.options or ())
    else:
        yield from _cells(matcher, fact.id, day=fact.type == "date")


def _of_field(matcher: Matcher, name: str) -> Iterator[Value]:
    if BY_ID[name].kind != "codes":
        yield from _cells(matcher, name, day=BY_ID[name].kind == "day")
    elif name in CLOSED:
        yield from (Codes((code,)) for code in CLOSED[name])
    else:
        yield from (Codes((code,)) for code in matcher.layout.codes[name].bits)
        yield Codes()


def _cells(matcher: Matcher, name: str, *, day: bool) -> Iterator[Value]:
    """A number of each cell between the neighbouring bounds anything asks about."""
    found = {bound for p in _predicates(matcher) if p.f == name for bound in _bounds(p)}
    offers = matcher.offers
    scope = {"need_cny": offers.amount, "need.tenor_days": offers.tenor}.get(name)
    if scope is not None:
        found |= {bound for bound in scope.ravel().tolist() if 0 < bound < np.inf}
    bounds = sorted(found)
    if len(bounds) > CELLS:
        bounds = [bounds[i * (len(bounds) - 1) // (CELLS - 1)] for i in range(CELLS)]
    for point in _points(bounds, _MONTH if day else None):
        yield datetime.date.fromordinal(int(point)) if day else point


def _predicates(matcher: Matcher) -> Iterator[Predicate]:
    return (p for rule in matcher.rules for p in rule.predicates)


def _bounds(p: Predicate) -> list[float]:
    values = p.v if isinstance(p.v, tuple) else (p.v,)
    return [] if p.v_field is not None else [operand(value) for value in values]


def _points(bounds: Sequence[float], step: float | None) -> list[float]:
    """One number of each cell.

    >>> _points([0.0], None), _points([100.0, 400.0], None)
    ([0.0, 1.0], [50.0, 200.0, 800.0])
    """
    if not bounds:
        return []
    low, high = bounds[0], bounds[-1]
    if step is not None:
        between = [(a + b) // 2 for a, b in zip(bounds, bounds[1:], strict=False)]
        return [low - step, *between, high + step]
    between = [
        sqrt(a * b) if a > 0 else (a + b) / 2 for a, b in zip(bounds, bounds[1:], strict=False)
    ]
    return [low / 2 if low > 0 else low, *between, max(2 * high, high + 1)]


def _papers(matcher: Matcher) -> Iterator[Answer]:
    """No paper that is asked for, or one: by each who may have issued it where that is asked."""
    tokens = {code for p in _predicates(matcher) if p.f == "documents" for code in _listed(p)}
    issued = {code for p in _predicates(matcher) if p.f == "document_issuers" for code in _listed(p)}
    tokens -= {code.partition(":")[0] for code in issued}
    yield Answer("documents", {"documents": Codes(), "document_issuers": Codes()})
    for code in sorted(tokens | issued):
        kind, _, issuer = code.partition(":")
        by = Codes((code,)) if issuer else Codes((f"{kind}:other",))
        yield Answer("documents", {"documents": Codes((kind,)), "document_issuers": by})


def _listed(p: Predicate) -> list[str]:
    return [str(value) for value in (p.v if isinstance(p.v, tuple) else (p.v,))]


def _pledges(matcher: Matcher) -> Iterator[Answer]:
    """Nothing, or one item that some product takes, worth as much as is needed."""
    yield Answer("collateral", {"collateral": Codes()}, pledged="")
    for kind in sorted({kind for product in matcher.products for kind in product.accepts}):
        yield Answer("collateral", {"collateral": Codes((kind,))}, pledged=kind)


def _flows(matcher: Matcher) -> Iterator[Answer]:
    """Nothing in foreign currency, or one documented receipt."""
    name = "documented_positions"
    yield Answer(name, {name: Codes()}, open_in="")
    for token in matcher.layout.codes[name].bits:
        own = Codes((token.partition(":")[0],), None)
        yield Answer(name, {name: Codes((token,)), "receivable_currencies": own}, open_in=token)


def _effects(matcher: Matcher, weights: Weights, answers: tuple[Answer, ...]) -> Possible:
    situation = _situation(matcher, answers)
    rests = _Rests(matcher, situation)
    gates, tastes = rests.effects()
    settling = sum(answer.question in SETTLES for answer in answers)
    moved = _moved(matcher, weights, situation, answers[:settling])
    names = tuple(sorted({answer.question for answer in answers}))
    place = {name: i for i, name in enumerate(names)}
    question = np.array([place[answer.question] for answer in answers], dtype=np.int64)
    prior = _prior(question, gates, tastes, answers, len(matcher.products))
    settles = [NAMES.index(SETTLES[answer.question]) for answer in answers[:settling]]
    return _merged(
        Possible(
            answers,
            names,
            question,
            prior,
            gates,
            tastes,
            moved,
            np.array(settles, dtype=np.int64),
            compile_rules(rests.rules, matcher.layout),
            len(matcher.products),
        )
    )


def _situation(matcher: Matcher, answers: Sequence[Answer]) -> Situation:
    """One company for each answer, of which nothing else is known but that it needs money."""
    columns = matcher.layout.empty(len(answers))
    for row, answer in enumerate(answers):
        matcher.layout.put(columns, row, answer.values)
    facts = matcher.catalogue.facts
    for row, implied in enumerate(matcher.implied_by(columns)):
        known = {name: fact_value(facts[name], value) for name, value in implied.items()}
        matcher.layout.put(columns, row, {n: v for n, v in known.items() if n not in answers[row].values})
    verdicts = matcher.table.verdicts(columns)
    priced = replace(columns, numbers=columns.numbers.copy())
    for row, answer in enumerate(answers):
        if answer.pledged is not None:
            matcher.layout.put(priced, row, {"need_cny": 1.0})
    companies = Companies(
        priced,
        Segments.of([matcher.tokens.hs_tokens(_goods(answer)) for answer in answers]),
        Segments.of([[] for _ in answers]),
        np.zeros(len(answers), dtype=bool),
        np.array([answer.values.get("trade.hs") == Codes() for answer in answers]),
        tuple(_pledged(answer) for answer in answers),
        tuple(_exposed(answer) for answer in answers),
        np.array([_covered(matcher, answer) for answer in answers], dtype=np.float64),
    )
    return Situation(companies, verdicts)


def _goods(answer: Answer) -> tuple[str, ...]:
    value = answer.values.get("trade.hs", UNKNOWN_CODES)
    return value.has if isinstance(value, Codes) else ()


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


def _moved(
    matcher: Matcher, weights: Weights, situation: Situation, answers: Sequence[Answer]
) -> Micros:
    """By how much each answer moves each score through the similarity it settles."""
    m = len(matcher.products)
    if not answers:
        return np.zeros((0, m), dtype=np.int64)
    after = similarities(situation, matcher.offers)[: len(answers)]
    before = similarities(_situation(matcher, [Answer("", {})]), matcher.offers)[0]
    known = np.where(np.isnan(after), np.where(np.isnan(before), NEUTRAL, before), after)
    change = micros(known * weights.array) - micros(
        np.where(np.isnan(before), NEUTRAL, before) * weights.array
    )
    own = [NAMES.index(SETTLES[answer.question]) for answer in answers]
    found: Micros = change[np.arange(len(answers)), :, own]
    return found


def _prior(
    question: Ints, gates: Effects, tastes: Effects, answers: Sequence[Answer], products: int
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
    wanted = np.array([_not_set(answer) for answer in answers]) & (failed > 0)
    weight += wanted
    total = np.bincount(question, weights=weight, minlength=size)
    found: Floats = weight / total[question]
    return found


def _not_set(answer: Answer) -> bool:
    return answer.values.get(answer.question) == Codes()


class _Rests:
    """Which rules each answer decides, alone or together with what else the rule asks."""

    def __init__(self, matcher: Matcher, situation: Situation) -> None:
        self._matcher, self._verdicts = matcher, situation.verdicts
        self.rules: list[Rule] = []
        self._places: dict[tuple[int, tuple[int, ...]], int] = {}
        several = [i for i, rule in enumerate(matcher.rules) if len(rule.predicates) > 1]
        alone = [(i, p) for i in several for p in matcher.rules[i].predicates]
        singles = [Rule.model_validate({**p.model_dump(), "code": "part"}) for _, p in alone]
        parts = compile_rules(singles, matcher.layout).verdicts(situation.companies.columns)
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
    return Effects(*(table[:, i].copy() for i in range(4)), yes=table[:, 4] == 1)


def _merged(p: Possible) -> Possible:
    """Answers to a question that do the same, as one; those that do nothing are left out."""
    marks: list[list[bytes]] = [[] for _ in p.answers]
    for effects in (p.gates, p.tastes):
        rows = np.stack([effects.product, effects.rule, effects.rest, effects.yes], axis=1)
        for answer, row in zip(effects.answer.tolist(), rows, strict=True):
            marks[answer].append(row.tobytes())
    settling = len(p.moved)
    for a in range(settling):
        marks[a] += [p.moved[a].tobytes()] if p.moved[a].any() else []
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
        moved=p.moved[first],
        settles=p.settles[first],
    )
