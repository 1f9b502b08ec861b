"""AffinityRanker: which companies take which products, learned as a sum over company tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from recommender.errors import Problem
from recommender.learning.choices import Choices, most_likely
from recommender.learning.events import InvalidChoices
from recommender.learning.metrics import chances
from recommender.learning.tokens import Row, Vocabulary
from recommender.matching.encoding import Floats, Ints
from recommender.matching.scoring import MICRO, Micros, micros
from recommender.matching.tokens import group

BASELINE, STEP = "baseline", "since"


@dataclass(frozen=True, eq=False)
class Contribution:
    """The score of one company's products, part by part, in millionths.

    names (parts,): `baseline`, then the tokens of the company the model knows, then similarities.
    parts (parts, M): what each adds to each product; a column adds up to the score exactly.
    """

    names: tuple[str, ...]
    parts: Micros

    @property
    def total(self) -> Micros:
        """Scores (M,) in millionths."""
        scores: Micros = self.parts.sum(axis=0)
        return scores


class AffinityRanker(BaseEstimator):
    """Additive conditional logit: baseline + affinity of each token + weight x similarity.

    A company of tokens x chooses product p among those on offer with chance exp(u) over the sum of
    those (McFadden 1974), where u(x, p) = baseline[p] + sum over tokens t of x[t] affinity[t, p]
    + sum over k of weight[k] similarity[k](x, p), and affinity[t, p] = own[t, p] + sum over the
    attributes a of p of shared[t, a]; baseline is the affinity of a token that everybody carries.
    All own and shared effects have Gaussian priors around 0, so that a product is drawn to others
    with its attributes, and a rare token to the wider ones of its hierarchy; weights are at least 0
    with a Gaussian prior around `prior`. fit finds the mode of the posterior, which is unique. A
    product without outcomes keeps the shared part alone; a company never seen is the normal case.

    Markets move: with `when`, the baseline takes a step at each period (a random walk; its steps
    are effects too), affinities do not, and an outcome counts half for each `half_life` periods
    of age. Scores are those of the latest period.

    Parameters
    ----------
    attributes : mapping of product id to names of what it shares with others
        The products that are ranked, in the order of the columns; an empty sequence: nothing.
    precision : mapping of token group to number > 0
        Precision of own effects, 1 / points^2: 1 leaves a token about a point, 100 a tenth.
        `baseline` and `since` (its steps) are groups; others default to `default`.
    default : number > 0
    shared : number > 0, or mapping of token group to number > 0
        Precision of a shared effect as a multiple of that of own effects; 1 where not named.
    newcomer : number
        Points added to the baseline of a product that was never on offer: effects average over
        logarithms of shares, and the share to expect of a product nobody knows is the average
        share, which lies above (for Gaussian effects by half their variance; Train, chapter 6).
    least : int
        Companies that must carry a token before it is learned from.
    half_life : number > 0 or None
        Periods after which an outcome counts half; None: all count the same.
    prior, prior_strength : number >= 0 and > 0, or one for each similarity
        Centre, in points, and precision of the weights.
    temperature : number > 0
        All scores are divided by it; found by `metrics.temperature` on a later period.
    max_iter, tol
        Steps of the optimiser at most; it ends when no slope is above tol x total weight.

    Attributes
    ----------
    products_ (M,), tokens_: what the model knows. affinity_ (T, M), baseline_ (M,), coef_ (K,):
    points. newcomers_ (M,): True for products never on offer. n_iter_.

    Sources: McFadden, D. (1974), Conditional logit analysis of qualitative choice behavior; Train,
    K. (2009), Discrete choice methods with simulation, 2nd ed.; Gelman, A. and Hill, J. (2007),
    Data analysis using regression and multilevel/hierarchical models, chapters 12-13.

    Examples
    --------
    >>> exporters, importers = [{"direction=export": 1.0}] * 3, [{"direction=import": 1.0}] * 3
    >>> ranker = AffinityRanker(attributes={"loan": ["credit"], "cover": []}, least=1)
    >>> ranker = ranker.fit(exporters + importers, ["cover"] * 3 + ["loan"] * 3)
    >>> ranker.predict([{"direction=export": 1.0}, {"direction=import": 1.0}]).tolist()
    ['cover', 'loan']
    """

    def __init__(  # noqa: PLR0913 - scikit-learn's parameters are set by name
        self,
        attributes: Mapping[str, Sequence[str]],
        *,
        precision: Mapping[str, float] | None = None,
        default: float = 10.0,
        shared: float | Mapping[str, float] = 1.0,
        newcomer: float = 0.0,
        least: int = 3,
        half_life: float | None = None,
        prior: float | Sequence[float] = 1.0,
        prior_strength: float | Sequence[float] = 1.0,
        temperature: float = 1.0,
        max_iter: int = 2_000,
        tol: float = 1e-5,
    ) -> None:
        self.attributes = attributes
        self.precision = precision
        self.default = default
        self.shared = shared
        self.newcomer = newcomer
        self.least = least
        self.half_life = half_life
        self.prior = prior
        self.prior_strength = prior_strength
        self.temperature = temperature
        self.max_iter = max_iter
        self.tol = tol

    def fit(
        self,
        rows: Sequence[Row],
        y: Sequence[str],
        *,
        when: Sequence[int] | None = None,
        offered: NDArray[np.bool_] | None = None,
        similarities: Floats | None = None,
        sample_weight: Floats | None = None,
    ) -> Self:
        """Learn from choices.

        rows (n,): tokens of the company at each event. y (n,): the product taken. when (n,): its
        period, a whole number. offered (n, M): which products could be taken; default: those with
        an outcome. similarities (n, M, K) in [0, 1], known. sample_weight (n,).
        Raises InvalidChoices with every problem found.
        """
        self.products_ = tuple(self.attributes)
        taken = self._taken(rows, y)
        periods = self._periods(when, len(taken))
        outcomes = np.bincount(taken, minlength=len(self.products_))
        default = np.tile(outcomes > 0, (len(taken), 1))
        vocabulary = Vocabulary.learned(rows, self.least)
        steps = tuple(f"{STEP}={period}" for period in np.unique(periods)[1:].tolist())
        self.tokens_ = (BASELINE, *steps, *vocabulary.names)
        choices = Choices(
            values=_with_baseline(vocabulary.encode(rows), periods),
            taken=taken,
            offered=default if offered is None else np.asarray(offered, dtype=bool),
            weight=self._weight(periods, sample_weight),
            design=self._design(),
            similarities=self._similarities(similarities, len(taken)),
        )
        self._learn(choices, len(steps) + 1, vocabulary)
        return self

    def _learn(self, choices: Choices, fixed: int, vocabulary: Vocabulary) -> None:
        """Effects in points; the first rows are the baseline and its steps."""
        problems = choices.problems()
        if problems:
            raise InvalidChoices(problems)
        features = choices.similarities.shape[2]
        centre = np.broadcast_to(np.asarray(self.prior, dtype=np.float64), (features,))
        strength = np.broadcast_to(np.asarray(self.prior_strength, dtype=np.float64), (features,))
        found = most_likely(
            choices, self._precisions(), centre, strength, (self.max_iter, self.tol)
        )
        effects = found.effects @ choices.design.T / self.temperature
        self.vocabulary_ = vocabulary
        self.newcomers_ = ~choices.offered.any(axis=0)
        self.affinity_: Floats = effects[fixed:]
        self.baseline_: Floats = effects[:fixed].sum(axis=0) + self.newcomers_ * self.newcomer
        self.coef_: Floats = found.weights / self.temperature
        self.n_iter_ = found.steps

    def contributions(
        self, rows: Sequence[Row], similarities: Floats | None = None
    ) -> list[Contribution]:
        """What adds up to the scores of each company (n,)."""
        check_is_fitted(self, "affinity_")
        table = self.vocabulary_.encode(rows)
        fits = self._similarities(similarities, len(rows))
        return [self._contribution(table[row], fits[row]) for row in range(len(rows))]

    def _contribution(self, row: Any, fits: Floats) -> Contribution:
        tokens = tuple(self.vocabulary_.names[column] for column in row.indices)
        learned = micros(row.data[:, None] * self.affinity_[row.indices])
        fitted = micros(fits * self.coef_).T
        names = (BASELINE, *tokens, *(f"similarity={k}" for k in range(len(fitted))))
        return Contribution(names, np.vstack([micros(self.baseline_)[None], learned, fitted]))

    def decision_function(self, rows: Sequence[Row], similarities: Floats | None = None) -> Floats:
        """Scores (n, M) in points: exactly the sums of the contributions."""
        check_is_fitted(self, "affinity_")
        table = self.vocabulary_.encode(rows)
        fits = self._similarities(similarities, len(rows))
        total = np.tile(micros(self.baseline_), (len(rows), 1))
        total += micros(fits * self.coef_).sum(axis=2)
        owner = np.repeat(np.arange(len(rows)), np.diff(table.indptr))
        np.add.at(total, owner, micros(table.data[:, None] * self.affinity_[table.indices]))
        scores: Floats = total / MICRO
        return scores

    def predict_proba(self, rows: Sequence[Row], similarities: Floats | None = None) -> Floats:
        """Chance of each product (n, M), given that the company takes one of them (ruling 6)."""
        return chances(self.decision_function(rows, similarities))

    def predict(self, rows: Sequence[Row], similarities: Floats | None = None) -> NDArray[np.str_]:
        """The product with the highest score (n,), the first among equals."""
        best = self.decision_function(rows, similarities).argmax(axis=1)
        found: NDArray[np.str_] = np.array(self.products_)[best]
        return found

    def _taken(self, rows: Sequence[Row], y: Sequence[str]) -> Ints:
        place = {product: column for column, product in enumerate(self.products_)}
        problems = [
            Problem("not_one_of", f"y[{row}]", product, list(place), row=row + 1)
            for row, product in enumerate(y)
            if product not in place
        ]
        if len(y) != len(rows) or not len(y):
            problems.append(Problem("choice_rows", "y", [len(y)], [max(len(rows), 1)]))
        if problems:
            raise InvalidChoices(problems)
        return np.array([place[product] for product in y], dtype=np.int64)

    def _periods(self, when: Sequence[int] | None, n: int) -> Ints:
        periods = np.zeros(n, dtype=np.int64) if when is None else np.asarray(when)
        if periods.shape != (n,) or periods.dtype.kind not in "iu":
            raise InvalidChoices([Problem("choice_rows", "when", list(periods.shape), [n])])
        return periods.astype(np.int64)

    def _weight(self, periods: Ints, given: Floats | None) -> Floats:
        weight = np.ones(len(periods)) if given is None else np.asarray(given, dtype=np.float64)
        if self.half_life is None:
            return weight
        aged: Floats = weight * 0.5 ** ((periods.max() - periods) / self.half_life)
        return aged

    def _similarities(self, given: Floats | None, n: int) -> Floats:
        """Similarities (n, M, K), K = 0 without any."""
        return np.empty((n, len(self.products_), 0)) if given is None else np.asarray(given)

    def _design(self) -> Floats:
        """Which effects a product has (M, A + M): those of its attributes, then its own."""
        shared = sorted({name for names in self.attributes.values() for name in names})
        has = [[name in names for name in shared] for names in self.attributes.values()]
        return np.hstack(
            [np.array(has, dtype=np.float64).reshape(-1, len(shared)), np.eye(len(has))]
        )

    def _precisions(self) -> Floats:
        """Precision of each effect (T, A + M)."""
        groups = [group(token) for token in self.tokens_]
        own = np.array([(self.precision or {}).get(name, self.default) for name in groups])
        shared = (
            self.shared if isinstance(self.shared, Mapping) else dict.fromkeys(groups, self.shared)
        )
        times = np.array([shared.get(name, 1.0) for name in groups])
        names = self._design().shape[1] - len(self.products_)
        wrong = ~((own > 0) & (times > 0) & np.isfinite(own * times))
        if wrong.any():
            name = groups[int(wrong.argmax())]
            raise InvalidChoices(
                [Problem("not_above", f"precision.{name}", float(own[wrong][0]), 0)]
            )
        return np.hstack(
            [np.tile((own * times)[:, None], names), np.tile(own[:, None], len(self.products_))]
        )


def _with_baseline(table: Any, periods: Ints) -> Any:
    """The table with a column of ones and one for each later period, 1 from there on, in front."""
    later = periods[:, None] >= np.unique(periods)[1:]
    front = np.hstack([np.ones((len(periods), 1)), later])
    return hstack([csr_matrix(front), table], format="csr")
