"""ChoiceRanker: the weights of the ranking, learned from what companies chose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from recommender.errors import Problem
from recommender.learning.events import InvalidChoices, event_codes, read_events
from recommender.learning.posterior import maximum_posterior
from recommender.matching.encoding import Floats
from recommender.matching.scoring import MICRO, Weights, expert_weights, micros
from recommender.matching.similarity import NAMES, NEUTRAL


class ChoiceRanker(BaseEstimator):
    """Conditional logit with non-negative weights and a Gaussian prior at the expert weights.

    An event is a company that was shown some alternatives and took at most one. The utility of an
    alternative is the sum of weight x similarity, and its chance is exp(utility) over the sum of
    that over the event (McFadden 1974; Train 2009, chapter 3). fit maximises log-likelihood
    - 1/2 sum of prior_strength x (weight - prior)^2 over weights >= 0. This is the mode of the
    posterior under independent Gaussians with that mean and precision, cut at 0. The objective is
    strictly concave, so there is one answer, whatever the order of events. Without outcomes it is
    the prior to the last digit, a few move it a little, many make it the maximum likelihood.

    Parameters
    ----------
    prior : Weights, array (K,) or None
        Centre of the prior, in points; None: the expert weights.
    prior_strength : number > 0, or one for each weight (K,)
        Precision of the prior, 1 / points^2: 10 takes a weight as known to about 0.3 points, which
        outweighs some hundred outcomes.
    outside : bool
        Whether taking nothing was possible and is known: an alternative of utility 0. An event
        without a chosen row is then a choice of nothing, and otherwise an error. No utility is
        below 0 here, so nothing is never the likeliest: where most take nothing, all weights sink.
    neutral : number, array (K,) or None
        What an unknown similarity counts as; None: what FEATURES declares.
    trained_on : str or None
        Version of the catalogue the outcomes are from; `weights_` carries it.
    max_iter, tol
        Newton steps at most; the fit ends when no weight moves by more than tol points.

    Attributes
    ----------
    coef_ (K,), weights_: the weights as an array, and as what `matching.scoring` serves with.
    prior_ (K,), n_events_, n_iter_, n_features_in_: what they were fitted from.

    Sources: McFadden, D. (1974), Conditional logit analysis of qualitative choice behavior; Train,
    K. (2009), Discrete choice methods with simulation, 2nd ed. The steps are those of Lee, Sun and
    Saunders (2014), Proximal Newton-type methods, with the bounded quadratic solved exactly.

    Examples
    --------
    Two events of two alternatives; both times the one with the better first similarity was taken.

    >>> X = [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.1, 0.6]]
    >>> ranker = ChoiceRanker(prior=[1.0, 1.0], neutral=0.5)
    >>> ranker.fit().coef_
    array([1., 1.])
    >>> ranker.fit(X, [True, False, True, False], groups=["a", "a", "b", "b"]).coef_.round(2)
    array([1.06, 0.95])
    >>> ranker.predict([[0.5, 0.9], [0.9, None]], groups=[1, 1])
    array([False,  True])
    """

    def __init__(
        self,
        *,
        prior: Weights | Sequence[float] | None = None,
        prior_strength: float | Sequence[float] = 10.0,
        outside: bool = False,
        neutral: float | Sequence[float] | None = None,
        trained_on: str | None = None,
        max_iter: int = 100,
        tol: float = 1e-10,
    ) -> None:
        self.prior = prior
        self.prior_strength = prior_strength
        self.outside = outside
        self.neutral = neutral
        self.trained_on = trained_on
        self.max_iter = max_iter
        self.tol = tol

    def fit(
        self,
        X: Any = None,
        y: Any = None,
        groups: Any = None,
        sample_weight: Any = None,
    ) -> Self:
        """Learn from choices; without rows the weights are the prior.

        X (rows, K): similarities in [0, 1], NaN unknown. y (rows,): True at the chosen row of an
        event, at most one. groups (rows,): which event a row belongs to, in any order.
        sample_weight (rows,): weight of the row's event, the same on all its rows; 1 by default.
        Raises InvalidChoices with every problem found.
        """
        if X is None or np.shape(X)[:1] == (0,):
            self.prior_ = self._centre()
            self.n_features_in_, self.n_events_, self.n_iter_ = len(self.prior_), 0, 0
            self.coef_ = self.prior_.copy()
            return self
        values = self._table(X, reset=True)
        self.prior_ = self._centre(values.shape[1])
        precision = self._vector("prior_strength", self.prior_strength, values.shape[1])
        events = read_events(self._filled(values), y, groups, sample_weight, self.outside)
        self.n_events_ = len(events)
        self.coef_, self.n_iter_ = maximum_posterior(
            events, self.prior_, precision, self.max_iter, self.tol
        )
        return self

    @property
    def weights_(self) -> Weights:
        """What serves; raises InvalidChoices when the columns are not the similarities.

        Baselines of products are the prior's: choices here teach weights alone.
        """
        check_is_fitted(self, "coef_")
        names = list(getattr(self, "feature_names_in_", NAMES))
        if len(self.coef_) != len(NAMES) or names != list(NAMES):
            shown = len(self.coef_) if names == list(NAMES) else names
            raise InvalidChoices([Problem("choice_columns", "X", shown, list(NAMES))])
        learned = dict(zip(NAMES, self.coef_.tolist(), strict=True))
        given = expert_weights() if self.prior is None else self.prior
        baselines = given.baselines if isinstance(given, Weights) else {}
        return Weights(learned, baselines, self.trained_on if self.n_events_ else None)

    def decision_function(self, X: Any) -> Floats:
        """Scores (rows,) in points, by the arithmetic of `recommender.matching.scoring`."""
        check_is_fitted(self, "coef_")
        values = self._filled(self._table(X, reset=False))
        scores: Floats = micros(values * self.coef_).sum(axis=1) / MICRO
        return scores

    def predict(self, X: Any, groups: Any) -> NDArray[np.bool_]:
        """Which rows win (rows,): the highest score of each event, the first given among equals.

        With outside, an event whose scores are all below 0 has no winner.
        """
        scores = self.decision_function(X)
        code = event_codes(groups, len(scores))
        best = np.full(code.max(initial=-1) + 1, -np.inf)
        np.maximum.at(best, code, scores)
        rows = np.flatnonzero((scores == best[code]) & ~(self.outside & (scores < 0)))
        winners = np.zeros(len(scores), dtype=bool)
        winners[rows[np.unique(code[rows], return_index=True)[1]]] = True
        return winners

    def __sklearn_tags__(self) -> Any:
        """Unknown values are welcome; sparse tables are not."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _table(self, X: Any, *, reset: bool) -> Floats:
        """X as float64 with values in [0, 1] or NaN."""
        options = {"dtype": np.float64, "ensure_all_finite": "allow-nan", "order": "C"}
        try:
            values: Floats = validate_data(self, X, reset=reset, **options)
        except (TypeError, ValueError) as error:
            raise InvalidChoices([Problem("choice_table", "X", str(error))]) from None
        if np.nanmin(values, initial=0.0) < 0 or np.nanmax(values, initial=1.0) > 1:
            row, column = np.argwhere((values < 0) | (values > 1))[0].tolist()
            value = float(values[row, column])
            raise InvalidChoices(
                [Problem("choice_range", f"X[{row}, {column}]", value, [0, 1], row=row + 1)]
            )
        return values

    def _filled(self, values: Floats) -> Floats:
        unknown = np.isnan(values)
        if not unknown.any():
            return values
        return np.where(unknown, self._vector("neutral", self.neutral, values.shape[1]), values)

    def _centre(self, features: int | None = None) -> Floats:
        """The centre of the prior (K,); as long as it was given when there are no columns."""
        given = expert_weights() if self.prior is None else self.prior
        stated = np.atleast_1d(given.array if isinstance(given, Weights) else given)
        return self._vector("prior", stated, len(stated) if features is None else features)

    def _vector(self, name: str, given: Any, features: int) -> Floats:
        """A parameter as one number for each weight (K,): finite, at least 0, a strength above."""
        stated = NEUTRAL if given is None else np.asarray(given, dtype=np.float64)
        if stated.shape != (features,) and (stated.shape or name == "prior"):
            raise InvalidChoices([Problem("choice_length", name, list(stated.shape), features)])
        above = name == "prior_strength"
        wrong = ~np.isfinite(stated) | (stated <= 0 if above else stated < 0)
        if wrong.any():
            code = "not_above" if above else "below_minimum"
            raise InvalidChoices([Problem(code, name, stated[wrong].tolist(), 0)])
        return np.broadcast_to(stated, (features,)).copy()
