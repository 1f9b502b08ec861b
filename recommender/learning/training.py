"""From outcomes to a model: split by day, learn, calibrate later, evaluate later still.

Nothing here is random but the resampling of intervals and of peers, from one seed; linear algebra
runs in one thread. The same outcomes and catalogue give the same bytes.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from recommender.catalogue import Catalogue
from recommender.errors import CorridorError
from recommender.learning.baselines import Fit, fit
from recommender.learning.calibration import calibrate, row_scores
from recommender.learning.drift import profile
from recommender.learning.evaluation import evaluate, refusals
from recommender.learning.kind_points import chosen, with_points
from recommender.learning.lists import EPOCH, Lists, read_lists
from recommender.learning.peer_counts import out_of_fold, peer_counts
from recommender.matching.encoding import Ints
from recommender.matching.scoring import Weights, expert_weights
from recommender.matching.similarity import NAMES
from recommender.outcomes import Outcomes

ENOUGH = 100
FITTED, CALIBRATED = 0.6, 0.8
Told = Callable[[str, int], Callable[[int], None]]


class TooFew(CorridorError):
    """Outcomes that are too few to evaluate a model on. params: lists."""

    code = "too_few_outcomes"


@dataclass(frozen=True, eq=False)
class Periods:
    """Lists of three periods, each later than the one before; cuts: first days of the last two."""

    fitted: Lists
    later: Lists
    test: Lists
    cuts: tuple[int, int]

    @classmethod
    def of(cls, lists: Lists) -> Periods:
        """Three fifths, a fifth and a fifth of the lists, cut between days."""
        first, second = (_cut(lists.day, share) for share in (FITTED, CALIBRATED))
        day = lists.day
        return cls(
            lists.some(day < first),
            lists.some((day >= first) & (day < second)),
            lists.some(day >= second),
            (first, second),
        )

    def described(self) -> dict[str, Any]:
        """Days and sizes of each period."""
        named = {"fitted": self.fitted, "later": self.later, "test": self.test}
        return {name: _described(lists) for name, lists in named.items()}


def _cut(days: Ints, share: float) -> int:
    return int(days[min(int(len(days) * share), len(days) - 1)]) if len(days) else 0


def _described(lists: Lists) -> dict[str, Any]:
    if not len(lists):
        return {"lists": 0, "rows": 0, "taken": 0, "firms": 0, "from": None, "until": None}
    first, last = (_iso(int(day)) for day in (lists.day.min(), lists.day.max()))
    firms = len(np.unique(lists.company))
    taken = int(lists.taken.sum())
    return {"lists": len(lists), "rows": len(lists.taken), "taken": taken, "firms": firms,
            "from": first, "until": last}  # fmt: skip


def _iso(day: int) -> str:
    return (EPOCH + datetime.timedelta(days=day)).isoformat()


@dataclass(frozen=True, eq=False)
class Trained:
    """A model and what is known of it.

    weights: what serves; the prior to the last digit where `fallback` says why nothing was learned
    (too_few or one_class). report: plain values for manifest and card. fit: None after a fallback.
    """

    weights: Weights
    report: dict[str, Any]
    fallback: str | None = None
    fit: Fit | None = None


def _silent(_name: str, _total: int) -> Callable[[int], None]:
    return lambda _: None


@dataclass(frozen=True)
class How:
    """How outcomes are read and learned from.

    use_refusals: what a bank refused counts as not taken. without_withdrawn: leave out products the
    catalogue no longer has. seed: of resampling. parameters: folder of dated parameters. workers:
    processes that read firms. half_life: days after which a list counts half; None: all alike.
    """

    use_refusals: bool = False
    without_withdrawn: bool = False
    seed: int = 0
    parameters: Path | None = None
    workers: int = 1
    half_life: float | None = None

    def lists(self, outcomes: Outcomes, catalogue: Catalogue, told: Told = _silent) -> Lists:
        """The lists of outcomes; raises InvalidOutcomes."""
        months = outcomes.rows["day"].to_numpy().astype("datetime64[D]").astype("datetime64[M]")
        firms = len(set(zip(outcomes.rows["profile"], months.tolist(), strict=True)))
        return read_lists(
            outcomes,
            catalogue,
            parameters=self.parameters,
            use_refusals=self.use_refusals,
            without_withdrawn=self.without_withdrawn,
            told=told("matching", firms),
            workers=self.workers,
        )


def train(
    outcomes: Outcomes,
    catalogue: Catalogue,
    *,
    prior: Weights | None = None,
    current: Weights | None = None,
    how: How | None = None,
    told: Told = _silent,
) -> Trained:
    """A model from outcomes, evaluated against the current one, the experts and the peers.

    prior: weights to start from, the expert weights by default. current: the model that serves.
    Too few lists or takers to learn from give the prior back. Raises InvalidOutcomes.
    """
    prior, how = prior or expert_weights(), how or How()
    with threadpool_limits(1):
        lists = how.lists(outcomes, catalogue, told)
        periods = Periods.of(lists)
        report = {
            "outcomes_version": outcomes.version,
            "catalogue_version": catalogue.version,
            "synthetic": outcomes.synthetic,
            "prior": prior.version,
            "seed": how.seed,
            "use_refusals": how.use_refusals,
            "half_life": how.half_life,
            "events": len(outcomes),
            "left_out": dict(lists.left_out),
            "periods": periods.described(),
            "refusals": refusals(lists),
        }
        fallback = too_little(periods.fitted)
        if fallback:
            return Trained(prior, report, fallback)
        return _learned(periods, prior, current, report, how, told)


def _fitted(lists: Lists, prior: Weights, half_life: float | None) -> tuple[Fit, dict[str, Any]]:
    """A fit, with uptake among peers where its weight is above 0 beyond its interval."""
    if any(len(firm.segment) for firm in lists.pairs.firms):
        found = fit(out_of_fold(lists), prior, half_life=half_life)
        if found.interval("peers")[0] > 0:
            return found, peer_counts(lists)
    alone = replace(prior, weights={**prior.weights, "peers": 0.0})
    return fit(lists, alone, half_life=half_life), {}


def too_little(lists: Lists) -> str | None:
    """Why nothing can be learned from some lists; None where something can."""
    takers = int((lists.chosen >= 0).sum())
    if len(lists) < ENOUGH:
        return "too_few"
    return "one_class" if takers < ENOUGH // 4 else None


def _learned(
    periods: Periods,
    prior: Weights,
    current: Weights | None,
    report: dict[str, Any],
    how: How,
    told: Told,
) -> Trained:
    step = told("fitting", 1)
    found, peers = _fitted(periods.fitted, prior, how.half_life)
    weights = replace(found.weights, peers=peers)
    kinds = chosen(periods.fitted, periods.later, found, weights)
    weights = with_points(weights, kinds.points)
    weights = replace(weights, uptake=calibrate(periods.later, row_scores(periods.later, weights)))
    step(1)
    report |= {
        "weights": _beside(found, prior),
        "peers": bool(peers),
        "affinity": {"tokens": len(kinds.points), "tried": kinds.tried},
        "position": found.position,
        "nothing": found.nothing,
        "steps": found.steps,
        "profile": profile(periods.fitted),
        "evaluation": evaluated(periods, weights, current, how.seed, told),
    }
    return Trained(weights, report, None, found)


def evaluated(
    periods: Periods, weights: Weights, current: Weights | None, seed: int, told: Told = _silent
) -> dict[str, Any]:
    """A model on the last period against the current one, the experts and the peers."""
    if too_little(periods.fitted) or not len(periods.test):
        raise TooFew(lists=len(periods.fitted))
    models = {"model": weights, "current": current or expert_weights(), "expert": expert_weights()}
    if models["current"].version == models["expert"].version:
        del models["current"]
    step = told("evaluating", 11)
    found = evaluate(periods.fitted, periods.later, periods.test, models, seed=seed, told=step)
    return {**found, "current": (current or expert_weights()).version}


def _beside(found: Fit, prior: Weights) -> dict[str, dict[str, float]]:
    """Weights beside the prior, with their intervals."""
    table = {}
    for name in NAMES:
        low, high = found.interval(name)
        value = found.weights.weights[name]
        table[name] = {"prior": prior.weights[name], "value": value, "low": low, "high": high}
    return table


def manifest_of(trained: Trained, versions: Mapping[str, str]) -> dict[str, Any]:
    """What a model's manifest says of it."""
    return {"kind": "trained", **versions, **trained.report}
