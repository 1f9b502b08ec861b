"""Made-up outcomes, drawn once: what was learned is held against what they were drawn from."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from recommender import Catalogue
from recommender.learning.lists import Lists, read_lists
from recommender.learning.training import How, Trained, train
from recommender.outcomes import Outcomes, outcomes_of
from recommender.simulation import companies
from recommender.simulation.outcomes import World, outcomes
from tests.made_outcomes import CATALOGUE

SEED = 4


@dataclass(frozen=True, eq=False)
class Drawn:
    catalogue: Catalogue
    world: World
    firms: list[dict[str, Any]]
    outcomes: Outcomes
    lists: Lists


def draw(count):
    firms = list(companies(count, SEED, 0.2))
    table = outcomes_of(outcomes(CATALOGUE, firms, SEED), {firm["id"]: firm for firm in firms})
    return Drawn(CATALOGUE, World.load(CATALOGUE, SEED), firms, table, read_lists(table, CATALOGUE))


@pytest.fixture(scope="session")
def drawn():
    """Enough to recover what it was drawn from."""
    return draw(1_000)


@pytest.fixture(scope="session")
def few():
    """Enough to learn from, and soon read again."""
    return draw(120)


@pytest.fixture(scope="session")
def trained(drawn) -> Trained:
    return train(drawn.outcomes, drawn.catalogue, how=How(seed=1))


@pytest.fixture(scope="session")
def apart(drawn):
    """A world in which goods decide much of what firms take: three chapters, all categories."""
    chance = np.random.default_rng(7)
    goods = ("goods2=84", "goods2=85", "goods2=87")
    categories = sorted(set(drawn.world.categories))
    kinds = {
        token: dict(zip(categories, (2.5 * chance.standard_normal(len(categories))).tolist(),
                        strict=True))
        for token in goods
    }  # fmt: skip
    world = replace(drawn.world, kinds=kinds)
    table = outcomes(drawn.catalogue, drawn.firms, SEED, world=world)
    read = outcomes_of(table, drawn.outcomes.profiles)
    lists = read_lists(read, drawn.catalogue)
    return Drawn(drawn.catalogue, world, drawn.firms, read, lists)
