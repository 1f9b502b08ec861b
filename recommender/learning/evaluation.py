"""How good a model is, on a later period than it was learned on, beside what it has to beat.

Every firm counts once, with its first list in each lane; every figure comes with a 95 % interval by
bootstrap over firms, and every comparison is paired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.learning import metrics
from recommender.learning.calibration import (
    calibration_error,
    chances,
    draws,
    ratio,
    reliability,
    row_scores,
    summed,
)
from recommender.learning.lists import Lists
from recommender.learning.metrics import Interval, by_firm
from recommender.learning.offpolicy import first_choice, spanned, value
from recommender.learning.peers import peers
from recommender.matching.encoding import Floats, Ints
from recommender.matching.pairs import SEGMENTS
from recommender.matching.scoring import Weights

FEWEST_FIRMS, FEWEST_TAKERS = 20, 5
MEASURES = ("mrr", "ndcg_3", "hit_1", "log_loss")
HEADLINE, FIRST = "mrr", 3
Json = dict[str, Any]
Bools = NDArray[np.bool_]


def evaluate(
    fitted: Lists,
    later: Lists,
    test: Lists,
    models: Mapping[str, Weights],
    *,
    seed: int = 0,
    told: Callable[[int], None] = lambda _: None,
) -> Json:
    """Measures of the first of some models against the others and against the peers.

    fitted, later, test: the periods, in order; peers learn from the first, temperatures are set on
    the second. models: by name, the one in question first.
    """
    test, later = test.some(test.first), later.some(later.first)
    names, scores = list(models), {n: row_scores(test, w) for n, w in models.items()}
    before = {n: row_scores(later, w) for n, w in models.items()}
    for count, (name, scorer) in enumerate(peers(fitted, seed), start=1):
        scores[name], before[name] = scorer(test), scorer(later)
        told(count)
    kept = (test.chosen >= 0) & (test.sizes > 1)
    lists = {n: _measured(test, kept, s, _temperature(later, before[n])) for n, s in scores.items()}
    firms = test.company[kept]
    main = lists[names[0]]
    return {
        "lists": int(kept.sum()),
        "firms": len(np.unique(firms)),
        "measures": {
            n: {m: _mean(found[m], firms) for m in MEASURES} for n, found in lists.items()
        },
        "against": {
            n: {m: _difference(main[m], found[m], firms) for m in MEASURES}
            for n, found in lists.items() if n != names[0]
        },
        "products": {n: _by_product(test, kept, s) for n, s in scores.items()},
        "segments": _segments(test, kept, main[HEADLINE], lists[names[-1]][HEADLINE]),
        "concentration": _concentration(test, scores[names[0]]),
        "off_policy": {n: value(test, first_choice(test, w)) for n, w in models.items()},
        "uptake": _uptake(fitted, test, models[names[0]], scores[names[0]]),
    }  # fmt: skip


def _padded(lists: Lists, scores: Floats) -> Floats:
    """Scores as a table of lists (E, longest), -inf where a list has ended."""
    width = int(lists.sizes.max(initial=1))
    table = np.full((len(lists), width), -np.inf)
    table[lists.event, np.arange(len(scores)) - lists.starts[lists.event]] = scores
    return table


def _temperature(lists: Lists, scores: Floats) -> float:
    kept = (lists.chosen >= 0) & (lists.sizes > 1)
    if not kept.any():
        return 1.0
    table, chosen = _padded(lists, scores)[kept], (lists.chosen - lists.starts[:-1])[kept]
    return metrics.temperature(table, chosen)


def _measured(lists: Lists, kept: Bools, scores: Floats, temperature: float) -> dict[str, Floats]:
    """Each measure by list (lists kept,); a lower log-loss is better, a higher rest."""
    table, chosen = _padded(lists, scores)[kept], (lists.chosen - lists.starts[:-1])[kept]
    if not len(chosen):
        return {name: np.zeros(0) for name in MEASURES}
    places = metrics.ranks(table, chosen)
    shares = metrics.chances(table, temperature)
    return {
        "mrr": metrics.reciprocal(places),
        "ndcg_3": metrics.gain(places, 3),
        "hit_1": metrics.hit(places, 1),
        "log_loss": metrics.surprise(shares, chosen),
    }


def _by_product(lists: Lists, kept: Bools, scores: Floats) -> Json:
    """Hit at three averaged over products, and the share of products that are ever that high.

    Every product that was taken counts the same; coverage is of the products on any list.
    """
    if not kept.any():
        return {"macro_hit_3": None, "coverage": None}
    table, chosen = _padded(lists, scores)[kept], (lists.chosen - lists.starts[:-1])[kept]
    hits = metrics.hit(metrics.ranks(table, chosen), FIRST)
    high = np.argsort(np.argsort(-_padded(lists, scores), axis=1, kind="stable"), axis=1)
    rows = high[lists.event, np.arange(len(scores)) - lists.starts[lists.event]] < FIRST
    coverage = len(np.unique(lists.product[rows])) / len(np.unique(lists.product))
    macro = metrics.mean(hits, lists.product[lists.chosen[kept]], draws=500)
    return {"macro_hit_3": macro._asdict(), "coverage": float(coverage)}


def _mean(values: Floats, firms: Ints) -> Json | None:
    if not len(values):
        return None
    return metrics.mean(by_firm(values, firms), draws=500)._asdict()


def _difference(ours: Floats, theirs: Floats, firms: Ints) -> Json | None:
    """Ours minus theirs."""
    if not len(ours):
        return None
    sides = by_firm(ours, firms), by_firm(theirs, firms)
    return metrics.difference(*sides, draws=500)._asdict()


def _segments(lists: Lists, kept: Bools, ours: Floats, baseline: Floats) -> list[Json]:
    """The headline by group of firms, against the last model; small groups are suppressed."""
    firm, firms = lists.firm[lists.starts[:-1]][kept], lists.company[kept]
    found = []
    for name in SEGMENTS[:4]:
        own = np.array([str(lists.pairs.segments[i][name]) for i in firm.tolist()])
        for group in np.unique(own).tolist():
            at = own == group
            count = len(np.unique(firms[at]))
            line: Json = {"segment": name, "group": group, "firms": count, "suppressed": False}
            if count < FEWEST_FIRMS:
                found.append({**line, "firms": None, "suppressed": True})
                continue
            line["value"] = _mean(ours[at], firms[at])
            line["against"] = _difference(ours[at], baseline[at], firms[at])
            found.append(line)
    return found


def refusals(lists: Lists) -> list[Json]:
    """Share of applications that banks refused, by group of firms; small groups are suppressed."""
    firm, refused = lists.applied
    found = []
    for name in SEGMENTS[:4]:
        own = np.array([str(lists.pairs.segments[i][name]) for i in firm.tolist()])
        for group in np.unique(own).tolist():
            at = own == group
            line: Json = {"segment": name, "group": group, "suppressed": True}
            if len(np.unique(firm[at])) >= FEWEST_FIRMS:
                share = ratio(*summed(refused[at], firm[at]))
                line |= {"suppressed": False, "applications": int(at.sum()), **share._asdict()}
            found.append(line)
    return found


def _concentration(lists: Lists, scores: Floats) -> Json:
    """Herfindahl index of providers over first places, ours and as shown."""
    if not len(lists):
        return {}
    products = list(lists.catalogue.products.values())
    names = sorted({p.provider.zh for p in products})
    provider = np.array([names.index(p.provider.zh) for p in products])
    table = _padded(lists, scores)
    ours = lists.product[lists.starts[:-1] + table.argmax(axis=1)]
    shown = lists.product[lists.starts[:-1]]
    weights = draws(len(lists)) if len(lists) <= 20_000 else draws(20_000)

    def index(first: Ints) -> Floats:
        one = np.eye(len(names))[provider[first[: weights.shape[1]]]]
        share = weights @ one / weights.sum(axis=1, keepdims=True)
        found: Floats = (share**2).sum(axis=1)
        return found

    sides = {"ours": index(ours), "shown": index(shown)}
    return {name: spanned(side) for name, side in sides.items()}


def _uptake(fitted: Lists, test: Lists, weights: Weights, scores: Floats) -> Json | None:
    """How far the stated chances hold, beside the share of each lane in the first period."""
    stated = chances(test, scores, {k: list(v) for k, v in weights.uptake.items()})
    rows = np.flatnonzero(np.isfinite(stated))
    if not len(rows):
        return None
    lane = np.repeat(test.lane, test.sizes)[rows]
    before = np.repeat(fitted.lane, fitted.sizes)
    shares = np.array([fitted.taken[before == k].mean() if (before == k).any() else 0.5
                       for k in range(lane.max() + 1)])  # fmt: skip
    firms, taken = np.repeat(test.company, test.sizes)[rows], test.taken[rows]
    base = shares[lane]
    losses = [_loss(p, taken) for p in (stated[rows], base)]
    return {
        "error": calibration_error(stated[rows], taken, firms)._asdict(),
        "error_of_shares": calibration_error(base, taken, firms)._asdict(),
        "loss": _mean(losses[0], firms),
        "loss_against_shares": _difference(losses[0], losses[1], firms),
        "reliability": reliability(stated[rows], taken, firms),
    }


def _loss(stated: Floats, taken: Bools) -> Floats:
    return np.asarray(-np.log(np.clip(np.where(taken, stated, 1 - stated), 1e-12, 1.0)))


def worse(difference: Mapping[str, float] | None) -> bool:
    """Whether a difference of the headline lies below nothing beyond its interval."""
    return difference is not None and difference["high"] < 0


__all__ = ["Interval", "evaluate", "refusals", "worse"]
