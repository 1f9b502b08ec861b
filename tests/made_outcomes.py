"""Outcomes for tests: rows of tables, and lists that nobody had to be read for.

`shown` makes lists by hand, so that a figure can be worked out on paper; `chosen_by` draws many
from known weights, so that what was learned can be held against them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from recommender import Catalogue
from recommender.learning.baselines import prominence
from recommender.learning.lists import EPOCH, Lists
from recommender.matching.pairs import Pairs, match
from recommender.matching.scoring import Weights
from recommender.matching.similarity import NAMES
from recommender.outcomes import Outcomes, outcomes_of
from recommender.outcomes.table import NAMES as COLUMNS
from recommender.vocabulary import LANES

CATALOGUE = Catalogue.load()
PRODUCTS = tuple(CATALOGUE.products)
FINANCING = [j for j, p in enumerate(CATALOGUE.products.values()) if p.lane == "financing"]
HEDGE = [j for j, p in enumerate(CATALOGUE.products.values()) if p.lane == "hedge"]


def some(outcomes: Outcomes, kept: Any, **changed: Any) -> Outcomes:
    """Outcomes of the rows of a mask, with cells changed."""
    frame = outcomes.rows[kept].assign(**changed)[list(COLUMNS)]
    return outcomes_of(frame, outcomes.profiles)


def of_events(outcomes: Outcomes, count: int) -> Any:
    """A mask of the rows of the first so many events by name."""
    event = outcomes.rows["event"]
    return event.isin(sorted(event.unique())[:count])


@dataclass(frozen=True)
class Shown:
    """One list: numbers of products in their order, and which of them was taken."""

    firm: int
    products: Sequence[int]
    taken: int | None = None
    day: int = 20_000
    propensity: float = np.nan


@cache
def _nobody() -> Pairs:
    return match(CATALOGUE, None, [({}, EPOCH)])


def firms(count: int, seed: int = 0, **segments: Sequence[Any]) -> Pairs:
    """Firms with similarities drawn evenly, whom every product fits."""
    one, m = _nobody(), len(PRODUCTS)
    values = np.random.default_rng(seed).random((count, m, len(NAMES)))
    own = [{n: None if n not in segments else segments[n][i] for n in one.segments[0]}
           for i in range(count)]  # fmt: skip
    made = {"values": values, "fits": np.ones((count, m), dtype=np.int8), "segments": own}
    found: dict[str, Any] = {f.name: getattr(one, f.name) for f in fields(Pairs)}
    found = {n: np.repeat(v, count, 0) if isinstance(v, np.ndarray) else list(v) * count
             for n, v in found.items()}  # fmt: skip
    return Pairs(**{**found, **made})


def shown(
    given: Sequence[Shown], pairs: Pairs | None = None, open_lanes: Sequence[str] = ()
) -> Lists:
    """Lists by hand, in the order of their days; a firm is its place among the pairs."""
    given = sorted(given, key=lambda one: one.day)
    lane = [LANES.index(CATALOGUE.products[PRODUCTS[one.products[0]]].lane) for one in given]
    sizes = [len(one.products) for one in given]
    company = np.array([one.firm for one in given], dtype=np.int64)
    keys = list(zip(company.tolist(), lane, strict=True))
    return Lists(
        CATALOGUE,
        pairs or firms(int(company.max(initial=0)) + 1),
        np.repeat(company, sizes),
        np.array([j for one in given for j in one.products], dtype=np.int64),
        np.array([p for size in sizes for p in range(1, size + 1)], dtype=np.int64),
        np.repeat([one.propensity for one in given], sizes).astype(np.float64),
        np.array([j == one.taken for one in given for j in one.products], dtype=bool),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.array([one.day for one in given], dtype=np.int64),
        np.array(lane, dtype=np.int64),
        company,
        np.array([keys.index(key) == place for place, key in enumerate(keys)], dtype=bool),
        frozenset(LANES.index(name) for name in open_lanes),
        {},
        (np.zeros(0, dtype=np.int64), np.zeros(0)),
    )


def points(table: Mapping[int, float]) -> Weights:
    """Weights by which products score what is stated and nothing else."""
    named = {PRODUCTS[j]: value for j, value in table.items()}
    return Weights(dict.fromkeys(NAMES, 0.0), named, CATALOGUE.version)


@dataclass(frozen=True, eq=False)
class Known:
    """What firms choose by, and how long their lists are. nothing: utility of taking none."""

    weights: Weights
    position: float = 0.0
    nothing: float | None = None
    size: int = 4


def chosen_by(known: Known, count: int, seed: int = 0) -> Lists:
    """As many lists of financing, each of another firm, shown in any order; 600 days."""
    chance, pairs = np.random.default_rng(seed), firms(count, seed)
    baselines = np.array([known.weights.baselines.get(name, 0.0) for name in PRODUCTS])
    utility = pairs.values @ known.weights.array + baselines
    places = known.position * prominence(np.arange(1, known.size + 1))
    given = []
    for firm in range(count):
        products = chance.permutation(FINANCING)[: known.size]
        drawn = utility[firm, products] + places + chance.gumbel(size=known.size)
        best = int(drawn.argmax())
        none = -np.inf if known.nothing is None else known.nothing + chance.gumbel()
        taken = int(products[best]) if drawn[best] > none else None
        day, likely = 20_000 + firm * 600 // count, 1 / len(FINANCING)
        given.append(Shown(firm, products.tolist(), taken, day, likely))
    return shown(given, pairs, ["financing"] if known.nothing is not None else [])


def events_of(lists: Lists) -> list[tuple[int, ...]]:
    """The products of each list, in order."""
    return [tuple(lists.product[a:b].tolist()) for a, b in pairwise(lists.starts.tolist())]
