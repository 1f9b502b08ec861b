"""D: weights learned from choices, against what people would use instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from recommender.learning import ChoiceRanker
from recommender.learning.events import read_events
from recommender.learning.posterior import Posterior
from recommender.matching.encoding import Floats
from tests.benchmarks.timing import Line, Work, interleaved, lines

ALTERNATIVES, SIMILARITIES, STRENGTH = 4, 20, 10.0


def run(*, small: bool) -> Iterator[Line]:
    """Lines of case D; LogisticRegression has no sign constraint and takes every row for itself."""
    events = 300 if small else 300_000
    x, y, groups = choices(events)
    prior = np.ones(SIMILARITIES)
    works: dict[str, Work] = {
        "peer: sklearn LogisticRegression": lambda: LogisticRegression().fit(x, y),
        "ChoiceRanker.fit": lambda: ranker(prior).fit(x, y, groups),
        "the same by scipy L-BFGS-B": lambda: by_quasi_newton(x, y, groups, prior),
    }
    seconds = interleaved(works, rounds=1 if small else 5)
    apart = np.abs(ranker(prior).fit(x, y, groups).coef_ - by_quasi_newton(x, y, groups, prior))
    sizes = {"events": events, "alternatives": ALTERNATIVES, "similarities": SIMILARITIES}
    against = "peer: sklearn LogisticRegression"
    yield from lines("D", seconds, against, **sizes, solvers_differ_by=float(apart.max()))


def ranker(prior: Floats) -> ChoiceRanker:
    """The estimator as the analyst uses it."""
    return ChoiceRanker(prior=prior, prior_strength=STRENGTH)


def choices(events: int, seed: int = 0) -> tuple[Floats, Any, Any]:
    """Choices drawn from known weights, two of them 0."""
    chance = np.random.default_rng(seed)
    x = chance.random((events, ALTERNATIVES, SIMILARITIES))
    weights = np.abs(chance.normal(1, 0.6, SIMILARITIES))
    weights[[3, 7]] = 0.0
    utility = x @ weights + chance.gumbel(size=(events, ALTERNATIVES))
    y = utility.argmax(axis=1)[:, None] == np.arange(ALTERNATIVES)
    return x.reshape(-1, SIMILARITIES), y.ravel(), np.repeat(np.arange(events), ALTERNATIVES)


def by_quasi_newton(x: Floats, y: Any, groups: Any, prior: Floats) -> Floats:
    """The same objective by a general solver with bounds, run until it stands still."""
    events = read_events(x, y, groups, None, outside=False)
    posterior = Posterior(events, prior, np.full(SIMILARITIES, STRENGTH), np.zeros(SIMILARITIES))

    def value_and_slope(weights: Floats) -> tuple[float, Floats]:
        value, chances = posterior.value(weights)
        return value, posterior.slope(weights, chances)

    found = minimize(
        value_and_slope,
        prior,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * SIMILARITIES,
        options={"ftol": 1e-16, "gtol": 1e-8, "maxiter": 1_000},
    )
    return np.asarray(found.x)
