"""Corridor Match: financing for firms on the New International Land-Sea Trade Corridor, explained."""

from recommender.__about__ import __version__
from recommender.catalogue import Catalogue
from recommender.domain import Company
from recommender.engine import Engine

__all__ = ["Catalogue", "Company", "Engine", "__version__"]
