"""What the EXIM benchmark has to show, as sentences that are met or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from recommender.learning import metrics
from recommender.matching.encoding import Ints
from tests.benchmarks.exim_prospects import MEASURES
from tests.benchmarks.exim_tasks import (
    ENGINEERED,
    LOSS,
    RAW,
    Run,
    Split,
    by_event,
    compared,
    figures,
    spread,
)
from tests.benchmarks.timing import Line

NDCG, MACRO = "NDCG@5", "macro hit@3"
POPULARITY = "popularity"


def line(reach: str, wanted: str, found: float, met: object, against: str | None = None) -> Line:
    """One reach and whether it was met."""
    return {
        "reach": reach,
        "wanted": wanted,
        "found": round(float(found), 4),
        "against": against,
        "met": bool(met),
    }


def of_runs(split: Split, ours: Run, peers: Sequence[Run]) -> Iterator[Line]:
    """What task A has to show."""
    taken = split.taken
    if split.amount:
        yield from _against_raw(ours, peers, taken)
        yield from _against_engineered(ours, peers, taken)
    else:
        yield from _profile_alone(ours, peers, taken)
    yield from _calibrated(ours, taken, "profile + amount" if split.amount else "profile only")
    yield from _above_popularity(split, ours, peers)


def _best(runs: Sequence[Run], name: str, taken: Ints) -> Run:
    """The run that is best by one measure."""
    if name == LOSS:
        return min(runs, key=lambda run: by_event(run, taken)[LOSS].mean())
    if name == MACRO:
        return max(runs, key=lambda run: metrics.macro(by_event(run, taken)["hit@3"], taken))
    return max(runs, key=lambda run: by_event(run, taken)[name].mean())


def _against_raw(ours: Run, peers: Sequence[Run], taken: Ints) -> Iterator[Line]:
    for run in peers:
        if run.columns == RAW:
            _, low, _ = compared(ours, [run], taken)[NDCG]["difference"]
            reach = "profile + amount, raw columns: NDCG@5 better by more than the interval"
            yield line(reach, "lower bound above 0", low, low > 0, run.model)


def _against_engineered(ours: Run, peers: Sequence[Run], taken: Ints) -> Iterator[Line]:
    same = [run for run in peers if run.columns == ENGINEERED]
    task = "profile + amount, same columns: "
    best = {name: _best(same, name, taken) for name in (NDCG, LOSS, MACRO)}
    low = compared(ours, [best[NDCG]], taken)[NDCG]["difference"][1]
    yield line(task + "NDCG@5", "lower bound at least -0.01", low, low >= -0.01, best[NDCG].model)
    loss = compared(ours, [best[LOSS]], taken)[LOSS]["ratio"][0]
    yield line(task + LOSS, "at most 0.97x", loss, loss <= 0.97, best[LOSS].model)
    wide = compared(ours, [best[MACRO]], taken)[MACRO]["ratio"][0]
    yield line(task + MACRO, "at least 0.97x", wide, wide >= 0.97, best[MACRO].model)


def _profile_alone(ours: Run, peers: Sequence[Run], taken: Ints) -> Iterator[Line]:
    for columns in (RAW, ENGINEERED):
        same = [run for run in peers if run.columns == columns]
        best = {name: _best(same, name, taken) for name in (NDCG, LOSS)}
        task = f"profile only, {columns} columns: "
        found = compared(ours, [best[NDCG]], taken)[NDCG]["difference"][0]
        yield line(task + NDCG, "difference at least 0", found, found >= 0, best[NDCG].model)
        loss = compared(ours, [best[LOSS]], taken)[LOSS]["ratio"][0]
        yield line(task + LOSS, "at most 0.95x", loss, loss <= 0.95, best[LOSS].model)


def _calibrated(ours: Run, taken: Ints, task: str) -> Iterator[Line]:
    found = figures(ours, taken)
    for name, most in (("calibration, all pairs", 0.015), ("calibration, top product", 0.08)):
        yield line(f"{task}: {name}", f"at most {most}", found[name], found[name] <= most)


def _above_popularity(split: Split, ours: Run, peers: Sequence[Run]) -> Iterator[Line]:
    """The smallest lead over all measures of A and A2, log-loss turned round."""
    popular = [run for run in peers if run.model == POPULARITY]
    task = "profile + amount" if split.amount else "profile only"
    for name, rows in (("A", np.ones(len(split.taken), dtype=bool)), ("A2", split.cold)):
        if rows.any():
            found = compared(ours.of(rows), [run.of(rows) for run in popular], split.taken[rows])
            leads = {
                measure: (-1 if measure == LOSS else 1) * values["difference"][0]
                for measure, values in found.items()
            }
            least = min(leads, key=lambda measure: leads[measure])
            reach = f"{name}, {task}: not below popularity in any measure"
            yield line(reach, f"at least 0 ({least})", leads[least], leads[least] >= 0, POPULARITY)


def of_new(whole: Line, task: str) -> Line:
    """What task N has to show."""
    reach = f"N, {task}: MRR of a product never seen"
    return line(
        reach, "at least 1.5x random", whole["ratio"], whole["ratio"] >= 1.5, "random order"
    )


def of_prospects(lines: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """What task D has to show. Intervals are over products and years, paired."""
    ours, *others = lines
    popular = next(found for found in lines if found["model"] == POPULARITY)
    for place, measure in enumerate(MEASURES):
        lead = ours[measure] - popular[measure]
        yield line(f"D: {measure} not below popularity", "at least 0", lead, lead >= 0, POPULARITY)
        best = max(others, key=lambda found, name=measure: found[name])
        mine, theirs = (np.array(found["lists"])[:, place] for found in (ours, best))
        found = metrics.difference(mine, theirs)
        yield {
            **line(
                f"D: {measure} at least that of the best peer, within the interval",
                "upper bound at least 0",
                found.high,
                found.high >= 0,
                f"{best['model']}, {best['columns']}",
            ),
            "difference": spread(found),
        }
