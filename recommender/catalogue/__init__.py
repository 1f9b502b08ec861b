"""The catalogue: products, facts, papers and stops, read whole or refused, in every format."""

from recommender.catalogue.catalogue import Catalogue

__all__ = ["Catalogue"]
