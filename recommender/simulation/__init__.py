"""Made-up companies: coherent profiles drawn from a seed, each marked as synthetic."""

from recommender.simulation.companies import companies, company
from recommender.simulation.files import write

__all__ = ["companies", "company", "write"]
