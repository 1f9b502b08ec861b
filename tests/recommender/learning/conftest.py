"""Made-up outcomes, drawn once: what was learned is held against what they were drawn from."""

from dataclasses import dataclass
from typing import Any

import pytest

from recommender import Catalogue
from recommender.learning.lists import Lists, read_lists
from recommender.learning.training import How, Trained, train
from recommender.outcomes import Outcomes, outcomes_of
from recommender.simulation import companies
from recommender.simulation.outcomes import World, outcomes

SEED = 4


@dataclass(frozen=True, eq=False)
class Drawn:
    catalogue: Catalogue
    world: World
    firms: list[dict[str, Any]]
    outcomes: Outcomes
    lists: Lists


@pytest.fixture(scope="session")
def drawn():
    catalogue = Catalogue.load()
    firms = list(companies(1_000, SEED, 0.2))
    table = outcomes_of(outcomes(catalogue, firms, SEED), {firm["id"]: firm for firm in firms})
    return Drawn(catalogue, World.load(catalogue, SEED), firms, table, read_lists(table, catalogue))


@pytest.fixture(scope="session")
def trained(drawn) -> Trained:
    return train(drawn.outcomes, drawn.catalogue, how=How(seed=1))
