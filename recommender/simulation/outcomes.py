"""Made-up outcomes: lists shown with known chances, choices by a known utility, all marked.

The lists follow the expert scores with noise, so that every product may stand anywhere with a
chance that is written down; firms choose by the weights of data/simulation/outcomes.yaml, by
position, or nothing. What is learned from them can be compared with what they were drawn from.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from recommender.catalogue import Catalogue
from recommender.matching.encoding import Floats
from recommender.matching.kinds import Firm
from recommender.matching.pairs import Pairs, match
from recommender.matching.scoring import Weights, expert_weights, score
from recommender.matching.similarity import NAMES, NEUTRAL
from recommender.outcomes.cells import REFUSALS
from recommender.outcomes.table import REFUSED, SILENT, TAKEN, frame_of
from recommender.simulation.draws import Draws
from recommender.tables import data_dir, read_document
from recommender.vocabulary import LANES

SHOWN = 5
FIRST, LAST = datetime.date(2025, 1, 1), datetime.date(2026, 6, 30)
SOURCE = "simulation"
_NORMAL = NormalDist()


@dataclass(frozen=True, eq=False)
class World:
    """The utility that firms choose by.

    weights (K,), baselines (m,), nothing: by lane; kinds: points by token of the firm and category
    of the product; categories (m,).
    """

    weights: Floats
    baselines: Floats
    position: float
    nothing: Mapping[str, float]
    temperature: float
    shares: Mapping[str, Any]
    categories: Sequence[str]
    kinds: Mapping[str, Mapping[str, float]]

    @classmethod
    def load(cls, catalogue: Catalogue, seed: int) -> World:
        """The packaged utility, with baselines drawn for the products of a catalogue."""
        raw = read_document(data_dir() / "simulation" / "outcomes.yaml")
        products = catalogue.products.values()
        wide, narrow = raw["category_spread"], raw["product_spread"]
        baselines = [
            wide * _normal(Draws("category", seed, p.category))
            + narrow * _normal(Draws("product", seed, p.id))
            for p in products
        ]
        weights = np.array([float(raw["weights"][name]) for name in NAMES])
        return cls(
            weights,
            np.array(baselines),
            raw["position"],
            raw["nothing"],
            raw["temperature"],
            raw,
            [product.category for product in products],
            raw["kinds"],
        )

    def utility(self, values: Floats, firms: Sequence[Firm]) -> Floats:
        """Utility of products (n, m) where position plays no part."""
        filled = np.where(np.isnan(values), NEUTRAL, values)
        found: Floats = filled @ self.weights + self.baselines
        for token, points in sorted(self.kinds.items()):
            added = np.array([points.get(name, 0.0) for name in self.categories])
            found += np.outer([firm.tokens.get(token, 0.0) for firm in firms], added)
        return found


def _normal(draws: Draws) -> float:
    return _NORMAL.inv_cdf(min(max(draws.share(), 1e-9), 1 - 1e-9))


@dataclass(frozen=True, eq=False)
class Showing:
    """One firm on one day. firm: its place among the pairs."""

    number: int
    part: int
    firm: int
    day: datetime.date


def outcomes(
    catalogue: Catalogue,
    profiles: Sequence[Mapping[str, Any]],
    seed: int,
    *,
    parameters: Path | None = None,
    world: World | None = None,
    told: Callable[[int], None] = lambda _: None,
    policy: Weights | None = None,
) -> pd.DataFrame:
    """Rows of the table of outcomes for some firms; `synthetic` is true in every one.

    policy: weights by which the best stands first; None: chance by expert score, with `propensity`
    written down.
    """
    world = world or World.load(catalogue, seed)
    showings = [s for number in range(len(profiles)) for s in _showings(world, seed, number)]
    wanted = [(profiles[s.number], s.day) for s in showings]
    pairs = match(catalogue, parameters, wanted, told)
    return frame_of(list(_rows(catalogue, world, pairs, showings, profiles, seed, policy)))


def _showings(world: World, seed: int, number: int) -> Iterator[Showing]:
    draws = Draws("showing", seed, number)
    day = FIRST + datetime.timedelta(days=draws.whole(0, (LAST - FIRST).days))
    yield Showing(number, 0, -1, day)
    later = day + datetime.timedelta(days=draws.whole(30, 120))
    if draws.yes(world.shares["again"]) and later <= LAST:
        yield Showing(number, 1, -1, later)


def _rows(
    catalogue: Catalogue,
    world: World,
    pairs: Pairs,
    showings: Sequence[Showing],
    profiles: Sequence[Mapping[str, Any]],
    seed: int,
    policy: Weights | None,
) -> Iterator[dict[str, Any]]:
    ids = tuple(catalogue.products)
    lanes = [product.lane for product in catalogue.products.values()]
    expert: Weights = expert_weights()
    scores = score(pairs.values, expert, ids).total / 1e6
    leading = None if policy is None else score(pairs.values, policy, ids, pairs.firms).total
    utility = world.utility(pairs.values, pairs.firms)
    for n, showing in enumerate(showings):
        draws = Draws("outcome", seed, showing.number, showing.part)
        name = profiles[showing.number]["id"]
        for lane in LANES:
            open_ = [j for j in range(len(ids)) if lanes[j] == lane and pairs.fits[n, j] >= 0]
            if not open_:
                continue
            first = None if leading is None else max(open_, key=lambda j: leading[n, j])
            shown = _list(draws, scores[n], open_, world.temperature, first)
            size = pairs.segments[n]["size_class"] or "other"
            ends = _ends(draws, world, [utility[n, j] for j, _ in shown], lane, size)
            for place, ((j, chance), (outcome, reason)) in enumerate(
                zip(shown, ends, strict=True), start=1
            ):
                yield {
                    "event": f"{name}-{showing.part}-{lane}",
                    "company": name,
                    "product": ids[j],
                    "position": place,
                    "outcome": outcome,
                    "date": showing.day,
                    "source": SOURCE,
                    "reason": reason,
                    "propensity": chance,
                    "synthetic": True,
                }


def _list(
    draws: Draws, scores: Floats, among: Sequence[int], temperature: float, first: int | None
) -> list[tuple[int, float]]:
    """Products in the order shown, each with its chance given those before it (Plackett 1975)."""
    left = list(among)
    found: list[tuple[int, float]] = []
    while left and len(found) < SHOWN:
        top = max(scores[j] for j in left)
        shares = {str(j): math.exp((scores[j] - top) / temperature) for j in left}
        picked = int(draws.one(shares)) if first is None or found else first
        chance = shares[str(picked)] / sum(shares.values())
        found.append((picked, round(chance, 12) if first is None else math.nan))
        left.remove(picked)
    return found


def _ends(
    draws: Draws, world: World, utilities: Sequence[float], lane: str, size: str
) -> list[tuple[str, str | None]]:
    """Outcome and reason of each product shown."""
    shares = {"": math.exp(world.nothing[lane])}
    for place, utility in enumerate(utilities, start=1):
        shares[str(place)] = math.exp(utility + world.position / math.log2(1 + place))
    chosen, told = draws.one(shares), world.shares
    silent, refused = draws.yes(told["no_answer"]), draws.yes(told["refused"][size])
    withdrawn, reason = draws.yes(told["withdrawn"]), draws.item(REFUSALS)
    if silent:
        return [(SILENT, None)] * len(utilities)
    end: tuple[str, str | None] = (TAKEN, None)
    if refused:
        end = (REFUSED, reason)
    elif withdrawn:
        end = ("withdrawn", None)
    places = [str(place) for place in range(1, len(utilities) + 1)]
    return [end if place == chosen else ("declined", None) for place in places]
