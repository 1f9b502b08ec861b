"""How the settings of the EXIM ranker were found; looks at no year after FY2016.

python tests/benchmarks/exim_tuning.py --data FOLDER prints one JSON line for each change of one
setting: log-loss on the two years after the fit, first FY2013-14 (tuned on), then FY2015-16 (chosen
on). A change was kept where it helped in the first and did no harm in the second. Points for new
products were chosen on FY2013-14, by the log-loss over all events with each product left out in
turn, so that favouring new products costs what it should.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDS = (2012, 2014)
TIMES = (0.25, 4.0)
HALF_LIVES = (2.0, 5.0)
NEWCOMERS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
LEAST = 5


def tried(folder: Path, *, amount: bool) -> Iterator[dict[str, Any]]:
    """Log-loss as set, and with one setting changed."""
    from tests.benchmarks.exim_data import read
    from tests.benchmarks.exim_ranker import HALF_LIFE, PRECISION, SHARED

    decisions = read(folder)
    changes: list[tuple[str, dict[str, Any]]] = [("as set", {})]
    for group, value in PRECISION.items():
        for times in TIMES:
            changed = {**PRECISION, group: value * times}
            changes.append((f"precision.{group} x {times}", {"precision": changed}))
    changes += [(f"half_life {years}", {"half_life": years}) for years in HALF_LIVES]
    for times in TIMES:
        wider = {group: value * times for group, value in SHARED.items()}
        changes.append((f"shared x {times}", {"shared": wider}))
    for name, changed in changes:
        losses = {
            f"FY{fold + 1}-{fold + 2}": _loss(decisions, fold, amount, changed) for fold in FOLDS
        }
        yield {"amount": amount, "half-life as set": HALF_LIFE, "change": name, **losses}


def newcomers(folder: Path, *, amount: bool) -> Iterator[dict[str, Any]]:
    """Mean log-loss over products left out in turn, for points given to the one left out."""
    import numpy as np

    from tests.benchmarks.exim_data import read

    decisions = read(folder)
    losses = np.mean(list(_left_out(decisions, amount)), axis=0)
    for points, loss in zip(NEWCOMERS, losses.tolist(), strict=True):
        yield {"amount": amount, "newcomer": points, "FY2013-14": round(loss, 4)}


def _loss(decisions: Any, fold: int, amount: bool, changed: dict[str, Any]) -> float:
    from recommender.learning import metrics
    from tests.benchmarks.exim_ranker import fitted

    events, later, taken = _split(decisions, fold, amount)
    model = fitted(decisions, events, fold, amount=amount, tol=1e-4, **changed)
    chances = model.predict_proba(later)
    return round(float(metrics.surprise(chances, taken).mean()), 4)


def _left_out(decisions: Any, amount: bool) -> Iterator[list[float]]:
    import numpy as np

    from recommender.learning import metrics
    from tests.benchmarks.exim_ranker import fitted

    events, later, taken = _split(decisions, FOLDS[0], amount)
    for column, product in enumerate(decisions.products):
        if (taken == column).sum() >= LEAST:
            settings = {"unseen": product, "newcomer": 0.0, "tol": 1e-3}
            model = fitted(decisions, events, FOLDS[0], amount=amount, **settings)
            scores = model.decision_function(later)
            lifted = [
                scores + points * (np.arange(scores.shape[1]) == column) for points in NEWCOMERS
            ]
            yield [float(metrics.surprise(metrics.chances(s), taken).mean()) for s in lifted]


def _split(decisions: Any, fold: int, amount: bool) -> tuple[Any, Any, Any]:
    """Events, tokens of the two years after the fold, and what was taken then."""
    from tests.benchmarks.exim_columns import tokens
    from tests.benchmarks.exim_data import without_indicators

    events = without_indicators(decisions.events(fold + 2), fold)
    later = events[events["year"] > fold]
    place = {product: column for column, product in enumerate(decisions.products)}
    return events, tokens(later, amount=amount), later["product"].map(place).to_numpy()


def main() -> None:
    """Print what was tried."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    folder = parser.parse_args().data
    for amount in (False, True):
        for search in (tried, newcomers):
            for line in search(folder, amount=amount):
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
