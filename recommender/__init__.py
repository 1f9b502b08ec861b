"""Corridor Match: corridor financing for trading firms, matched and explained."""

from recommender.__about__ import __version__
from recommender.catalogue import Catalogue
from recommender.company.profile import Company
from recommender.engine import Engine

__all__ = ["Catalogue", "Company", "Engine", "__version__"]
