"""Outcomes: what firms were shown and what became of it, from files to a checked table."""

from recommender.outcomes.table import InvalidOutcomes, Outcomes, outcomes_of, read_outcomes

__all__ = ["InvalidOutcomes", "Outcomes", "outcomes_of", "read_outcomes"]
