"""Learning from outcomes: the only part of the engine that needs scikit-learn and scipy."""

from recommender.learning.affinity import AffinityRanker, Contribution
from recommender.learning.choice import ChoiceRanker
from recommender.learning.events import InvalidChoices

__all__ = [
    "AffinityRanker",
    "ChoiceRanker",
    "Contribution",
    "InvalidChoices",
]
