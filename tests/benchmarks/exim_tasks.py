"""Tasks A and A2 of the EXIM benchmark: every model on the same events, and what was reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from recommender.learning import metrics
from recommender.matching.encoding import Floats, Ints
from tests.benchmarks.exim_columns import Sheet, sheet, tokens
from tests.benchmarks.exim_data import Decisions
from tests.benchmarks.exim_peers import PEERS, WITHOUT_COLUMNS, Peer
from tests.benchmarks.exim_ranker import VALIDATED, scaled
from tests.benchmarks.timing import Line, significant

OURS, RAW, ENGINEERED = "AffinityRanker", "raw", "engineered"
MEANS: Mapping[str, Callable[[Ints], Floats]] = {
    "MRR": metrics.reciprocal,
    "NDCG@5": lambda places: metrics.gain(places, 5),
    "hit@1": lambda places: metrics.hit(places, 1),
    "hit@3": lambda places: metrics.hit(places, 3),
}
LOSS = "log-loss"


@dataclass(frozen=True, eq=False)
class Run:
    """One model on one set of columns: its scores of the events tested (n, M), and how."""

    model: str
    columns: str
    scores: Floats
    seconds: float
    setting: Any
    temperature: float

    @property
    def probabilities(self) -> Floats:
        """Chances (n, M) at its temperature."""
        return metrics.chances(self.scores, self.temperature)

    def of(self, rows: Any) -> Run:
        """The same run on some of the events."""
        return replace(self, scores=self.scores[rows])


@dataclass(frozen=True, eq=False)
class Split:
    """Events up to a year that teach, and the years that are tested."""

    decisions: Decisions
    events: pd.DataFrame
    until: int
    test: tuple[int, int]
    amount: bool

    @property
    def tested(self) -> Any:
        """Which events are tested (n,)."""
        return self.events["year"].between(*self.test).to_numpy()

    @property
    def cold(self) -> Any:
        """Which of the events tested are the first of their company (tested,): task A2."""
        return self.events.loc[self.tested, "new_company"].to_numpy(dtype=bool)

    @property
    def taken(self) -> Ints:
        """Products taken in the events tested."""
        place = {product: column for column, product in enumerate(self.decisions.products)}
        return self.events.loc[self.tested, "product"].map(place).to_numpy(dtype=np.int64)


def runs(split: Split, peers: Mapping[str, tuple[Peer, tuple[Any, ...]]] = PEERS) -> Iterator[Run]:
    """The ranker, and every peer on raw and on engineered columns."""
    yield ours(split)
    for columns in (RAW, ENGINEERED):
        early, late = (
            sheet(
                split.events,
                split.decisions.products,
                until,
                amount=split.amount,
                engineered=columns == ENGINEERED,
            )
            for until in (split.until - VALIDATED, split.until)
        )
        for name, (peer, settings) in peers.items():
            if columns == RAW or name not in WITHOUT_COLUMNS:
                run = of_peer(name, peer, settings, early, late)
                yield replace(run, columns=columns, scores=run.scores[split.tested])


def ours(split: Split) -> Run:
    """The ranker, its scores already divided by the temperature."""
    start = perf_counter()
    model, found = scaled(split.decisions, split.events, split.until, amount=split.amount)
    seconds = perf_counter() - start
    scores = model.decision_function(tokens(split.events[split.tested], amount=split.amount))
    return Run(OURS, ENGINEERED, scores, seconds, {"temperature": significant(found)}, 1.0)


def of_peer(name: str, peer: Peer, settings: tuple[Any, ...], early: Sheet, late: Sheet) -> Run:
    """A peer at the setting with the least log-loss in the last two years, taught anew with them.

    Its temperature is found there as well.
    """
    start = perf_counter()
    held_out = (early.year > early.until) & late.taught
    best: tuple[float, Any, float] = (np.inf, None, 1.0)
    for setting, scores in peer(early, settings):
        found = metrics.temperature(scores[held_out], early.taken[held_out])
        chances = metrics.chances(scores[held_out], found)
        loss = float(metrics.surprise(chances, early.taken[held_out]).mean())
        best = min(best, (loss, setting, found), key=lambda kept: kept[0])
    ((_, scores),) = peer(late, (best[1],))
    return Run(name, "", scores, perf_counter() - start, best[1], best[2])


def by_event(run: Run, taken: Ints) -> dict[str, Floats]:
    """Every measure event by event (n,)."""
    places = metrics.ranks(run.scores, taken)
    found = {name: measure(places) for name, measure in MEANS.items()}
    return {**found, LOSS: metrics.surprise(run.probabilities, taken)}


def figures(run: Run, taken: Ints) -> Line:
    """All measures of one run with their 95 % intervals."""
    values, pairs = by_event(run, taken), taken[:, None] == np.arange(run.scores.shape[1])
    found: Line = {name: spread(metrics.mean(v)) for name, v in values.items()}
    for name in ("hit@1", "hit@3"):
        found[f"macro {name}"] = spread(metrics.mean(values[name], taken))
    found["calibration, all pairs"] = metrics.calibration_error(run.probabilities, pairs)
    found["calibration, top product"] = metrics.top_calibration_error(run.probabilities, taken)
    found["coverage@3"] = metrics.coverage(run.scores, 3)
    return found


def spread(interval: metrics.Interval) -> list[float]:
    """An interval as value, low, high."""
    return [round(number, 4) for number in interval]


def compared(ours_run: Run, others: list[Run], taken: Ints) -> Line:
    """The ranker against the better of a peer's runs, measure by measure."""
    mine = by_event(ours_run, taken)
    found: Line = {}
    for name in (*MEANS, "macro hit@1", "macro hit@3", LOSS):
        found[name] = _against(name, mine, [(run, by_event(run, taken)) for run in others], taken)
    return found


def _against(
    name: str, mine: dict[str, Floats], others: list[tuple[Run, dict[str, Floats]]], taken: Ints
) -> Line:
    measure, by_product = name.removeprefix("macro "), taken if name.startswith("macro") else None
    sign = -1.0 if measure == LOSS else 1.0
    average = {
        run.columns: metrics.macro(v[measure], taken)
        if by_product is not None
        else v[measure].mean()
        for run, v in others
    }
    better, theirs = max(others, key=lambda pair: sign * average[pair[0].columns])
    return {
        "columns": better.columns,
        "difference": spread(metrics.difference(mine[measure], theirs[measure], by_product)),
        "ratio": spread(metrics.quotient(mine[measure], theirs[measure], taken=by_product)),
    }
