"""The compiled scope of products: how text and goods are looked up, what open to all means."""

from datetime import date

import numpy as np
from catalogue_strategies import catalogues, engine_of, parameters
from hypothesis import HealthCheck, given, settings
from strategies import AS_OF, HS

from recommender import Catalogue, Company
from recommender.matching.affinities import OPEN
from recommender.matching.matcher import Matcher
from recommender.matching.offers import Tokens
from recommender.matching.similarity import NAMES

DAY = date.fromisoformat(AS_OF)


def test_goods_are_looked_up_by_their_longest_known_prefix():
    products = list(Catalogue.load().products.values())
    tokens = Tokens(products)
    names = {place: code for code, place in tokens.hs.items()}
    found = [names[token] for token in tokens.hs_tokens(["843221", "84", "0810"])]
    assert found == ["08", "84", "84"]
    assert tokens.hs_tokens([]) == []


def test_rare_words_weigh_more_than_common_ones():
    products = list(Catalogue.load().products.values())
    tokens = Tokens(products)
    table, weights = tokens.text_table()
    counts = table.sum(axis=0)
    order = np.argsort(counts)
    assert (np.diff(weights[order]) <= 0).all()
    assert (weights > 0).all()
    assert tokens.words("微耕机微耕机") == tokens.words("微耕机")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(catalogues())
def test_a_product_without_a_scope_fits_everybody_at_the_same_level(rows):
    engine = engine_of(rows)
    matcher = Matcher(engine.catalogue, parameters())
    companies = [{}, {"trade": {"hs": list(HS), "stage": "stock", "routes": [{"mode": "AIR"}]}}]
    cases = [matcher.read(Company.parse(raw), DAY) for raw in companies]
    values = matcher.values(matcher.situation(cases))
    scopes = {"route": "routes", "cargo": "hs", "stage": "stages", "size": "sizes"}
    for j, product in enumerate(matcher.products):
        for feature, scope in scopes.items():
            if getattr(product, scope) is None:
                assert (values[:, j, NAMES.index(feature)] == OPEN).all()
