"""What speaks against letting a model serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recommender.cases import failing
from recommender.engine import Engine
from recommender.errors import Problem
from recommender.learning.evaluation import HEADLINE, worse
from recommender.matching.scoring import Weights


def against(
    engine: Engine,
    weights: Weights,
    manifest: Mapping[str, Any],
    evaluation: Mapping[str, Any] | None,
    cases: Path | None,
) -> Iterator[Problem]:
    """Reasons not to promote a model; none when all is well.

    engine: what serves now. evaluation: of the model, as `training.evaluated` gives it. cases:
    folder of cases that have to hold, None where there is none.
    """
    name, catalogue = weights.version, engine.catalogue.version
    if weights.trained_on is not None and weights.trained_on != catalogue:
        yield Problem("refused_catalogue", name, weights.trained_on, catalogue)
    if manifest.get("synthetic"):
        yield Problem("refused_synthetic", name)
    yield from _compared(name, engine.model_version, evaluation)
    if cases is None:
        yield Problem("refused_no_cases", name)
        return
    titles, total = failing(engine.serving(weights), cases)
    if not total:
        yield Problem("refused_no_cases", name)
    for title in titles:
        yield Problem("refused_case", name, title)


def _compared(name: str, current: str, evaluation: Mapping[str, Any] | None) -> Iterator[Problem]:
    if name == current:
        return
    beside = evaluation["against"] if evaluation and evaluation["current"] == current else {}
    found = (beside.get("current") or beside.get("expert") or {}).get(HEADLINE)
    if found is None:
        yield Problem("refused_not_compared", name, None, current)
    elif worse(found):
        yield Problem("refused_worse", name, f"{found['value']:.4f}")
