"""The three figures that stand beside a profile while it is filled in, and their pictures."""

from __future__ import annotations

from typing import Any, NamedTuple

from api.web import formats
from api.web.charts.bars import Bar, bars
from api.web.charts.drawing import Chart
from api.web.charts.waterfall import Step, waterfall
from api.web.words import say
from recommender import Company, Engine
from recommender.texts import Language, text

POSSIBLE = ("eligible", "conditional")
Json = dict[str, Any]


class Live(NamedTuple):
    """Figures of a profile. fits: products that may fit by lane, in words; notes: of rates."""

    derived: Json
    possible: int
    fits: list[tuple[str, int]]
    cover: Chart | None
    hedges: Chart | None
    missing: list[str]


def live(engine: Engine, company: Company, language: Language) -> Live:
    """What a profile comes to; nothing of it is kept, as nothing is recommended by it."""
    answer = engine.recommend(company, language=language, limit=200)
    derived = answer["derived"]
    counts = [
        (lane["label"], sum(match["fit"] in POSSIBLE for match in lane["matches"]))
        for lane in answer["lanes"]
    ]
    fits = [(label, count) for label, count in counts if count]
    return Live(
        derived,
        sum(count for _, count in fits),
        fits,
        cover(derived, language),
        hedges(derived, language),
        list(derived["rates_missing"]),
    )


def cover(derived: Json, language: Language) -> Chart | None:
    """The need, what the items of the profile cover of it, and the gap; None without a need."""
    need, gap = derived["need"], derived["collateral_gap"]
    if need is None:
        return None
    figures = {figure["figure"]: figure for figure in derived["terms"]}
    items = [
        (term["label"], term["value"])
        for name in ("collateral_coverage", "guarantees")
        for term in figures.get(name, {}).get("terms", ())
        if term["value"]
    ]
    steps = [Step(say(language, "Need"), 0, need, _cny(need, language), "c-soft")]
    left = float(need)
    for label, value in items:
        after = max(left - value, 0.0)
        steps.append(Step(label, left, after, _cny(value, language)))
        left = after
    if gap is not None:
        steps.append(
            Step(
                text("derived.figure.collateral_gap", language),
                left,
                0,
                _cny(gap, language),
                "c-amber",
            )
        )
    head = (say(language, "Item"), say(language, "Amount"))
    return waterfall(steps, say(language, "Need, what covers it, and the gap"), head)


def hedges(derived: Json, language: Language) -> Chart | None:
    """How much of each position is hedged; None without positions."""
    found = [
        Bar(
            _position(p, language),
            p["hedge_ratio"],
            str(formats.percent(p["hedge_ratio"], language)),
        )
        for p in derived["positions"]
        if p["hedge_ratio"] is not None
    ]
    if not found:
        return None
    head = (say(language, "Position"), text("derived.figure.hedge_ratio", language))
    return bars(found, say(language, "Hedged share by currency"), head, most=1)


def _position(position: Json, language: Language) -> str:
    open_amount = position["expected"] if position["documented"] is None else position["documented"]
    amount = formats.plain_amount(open_amount, position["currency"], language)
    return f"{amount} · {text('bucket.' + position['bucket'], language)}"


def _cny(value: float, language: Language) -> str:
    return formats.plain_amount(value, "CNY", language)
