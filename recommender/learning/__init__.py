"""Learning from outcomes: the only part of the engine that needs scikit-learn and scipy."""

from recommender.learning.affinity import AffinityRanker, Contribution
from recommender.learning.choice import ChoiceRanker
from recommender.learning.events import InvalidChoices
from recommender.learning.tokens import amount_tokens, hats, levels
from recommender.learning.uptake import Uptake, out_of_fold

__all__ = [
    "AffinityRanker",
    "ChoiceRanker",
    "Contribution",
    "InvalidChoices",
    "Uptake",
    "amount_tokens",
    "hats",
    "levels",
    "out_of_fold",
]
