"""Two stages: the least uncovered need, then the best of the plans that cover as much.

The second stage has one weighted sum in points: open exposure outside the band, margins without
money, the collateral gap, conditional lines, burden and fit. Ties go by canonical order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

from recommender.planning.model import Model, Rules
from recommender.planning.programme import Name, Solved, solve
from recommender.planning.settings import Settings, StageWeights
from recommender.planning.situation import Situation

SLACKS = (1e-5, 1e-4, 1e-3)  # nearer, presolve finds a worse plan or none now and then
TIE = 1e-4
HALF = 0.5
STAKE = 1000.0
YUAN = 1.0


@dataclass(frozen=True)
class Found:
    """The values of a plan in units of its model.

    uncovered: need left open; bound: the least that any plan leaves open. proven: those are the
    same to the yuan, which is less than cents of a foreign currency may leave, and nothing better
    exists in the second stage.
    """

    model: Model
    values: Mapping[Name, float]
    uncovered: float
    bound: float
    nodes: int
    proven: bool


def least_uncovered(situation: Situation, settings: Settings, rules: Rules | None = None) -> float:
    """The need that must stay uncovered, in CNY: the first stage alone."""
    model = Model(situation, rules)
    found = solve(model.p, model.uncovered(), settings.limits.nodes)
    return found.objective * float(model.unit)


def search(situation: Situation, settings: Settings, rules: Rules | None = None) -> Found:
    """The best plan under some rules; doing nothing is always one."""
    model, nodes = Model(situation, rules), settings.limits.nodes
    first = solve(model.p, model.uncovered(), nodes)
    aims = second(model, settings)
    best = _best(model, first, aims, nodes)
    values = _polished(model, best, aims, nodes)
    left = sum(values[name] for name in model.uncovered())
    tight = (left - first.bound) * float(model.unit) <= YUAN
    return Found(
        model,
        values,
        left,
        first.bound,
        first.nodes + best.nodes,
        first.proven and best.proven and tight,
    )


def _best(model: Model, first: Solved, aims: Mapping[Name, float], nodes: int) -> Solved:
    """The second stage with the first held; a little looser where the solver finds nothing so near.

    There is always something: the plan of the first stage, which then is not proven to be the best.
    """
    for slack in SLACKS:
        model.p.row(model.uncovered().items(), high=first.objective + slack)
        best = solve(model.p, aims, nodes)
        model.p.rows.pop()
        if best.values is not None:
            return best
    return replace(first, proven=False)


def _polished(
    model: Model, found: Solved, aims: Mapping[Name, float], nodes: int
) -> Mapping[Name, float]:
    """The amounts once more, exactly, with every choice held."""
    chosen = found.values or {}
    whole = [name for name, w in zip(model.p.names, model.p.whole, strict=True) if w]
    fixed = {name: round(chosen[name]) for name in whole}
    weighted = {**aims}
    for name in model.uncovered():
        weighted[name] = weighted.get(name, 0.0) + 1000.0
    again = solve(model.p, weighted, nodes, fixed)
    return again.values if again.values is not None else chosen


def second(model: Model, settings: Settings) -> dict[Name, float]:
    """The weighted sum of the second stage."""
    w = settings.weights
    aims: dict[Name, float] = {("um",): w.margin / STAKE, ("gap",): w.gap / STAKE}
    aims |= dict.fromkeys(model.names("w"), w.exposure / STAKE)
    order = count(1)
    aims |= _of_lines(model, w, order)
    aims |= _of_hedges(model, w, order)
    for h, helper in enumerate(model.s.helpers):
        unsure = helper.standing == "conditional"
        burden = HALF * w.line + w.paper * helper.missing_papers + TIE * next(order)
        aims["v", h] = burden + (w.hangs * HALF if unsure else 0.0)
    aims |= dict.fromkeys(model.names("q"), -w.tied / STAKE)
    for q, name in enumerate(model.names("bank")):
        aims[name] = w.bank + TIE * q
    aims |= {name: TIE * float(str(name[2])) / STAKE for name in model.names("a")}
    aims |= dict.fromkeys(model.names("due"), TIE * 20 / STAKE)
    return aims | dict.fromkeys(model.names("pay"), -TIE * 10 / STAKE)


def _of_lines(model: Model, w: StageWeights, order: Iterator[int]) -> dict[Name, float]:
    aims: dict[Name, float] = {}
    for i, line in enumerate(model.s.candidates):
        tie, unsure = TIE * next(order), line.standing == "conditional"
        cost = w.cost * float(line.cost or 0) * (line.days or 0) / 365
        aims["x", i] = ((w.conditional if unsure else 0.0) + cost + tie) / STAKE
        aims["y", i] = w.line + w.paper * line.missing_papers - w.fit * line.score + tie
        aims["y", i] += w.conditional * HALF if unsure else 0.0
        for cover in line.covers if line.secured else ():
            aims["b", i, cover.group] = w.item + TIE * next(order)
        aims |= {("h", i, j): w.hangs for j in range(len(line.hangs))}
    return aims


def _of_hedges(model: Model, w: StageWeights, order: Iterator[int]) -> dict[Name, float]:
    aims: dict[Name, float] = {}
    for h, hedge in enumerate(model.s.hedges):
        burden = w.line + w.paper * hedge.missing_papers - w.fit * hedge.score + TIE * next(order)
        for way in ("s", "f"):
            unsure = hedge.standing == "conditional"
            aims[way, "y", h] = burden + (w.conditional * HALF if unsure else 0.0)
            aims[way, h] = (TIE + w.tied * float(model.s.margin_rate)) / STAKE
    return aims
