"""The compiled scope of products: nearness of codes, and how text and goods are looked up."""

from datetime import date

import numpy as np
import pytest
from catalogue_strategies import catalogues, engine_of, parameters
from hypothesis import HealthCheck, given, settings
from strategies import AS_OF, HS

from recommender import Catalogue, Company
from recommender.matching import Matcher
from recommender.offers import (
    OPEN,
    ROUTE_AFFINITY,
    SETTLEMENT_AFFINITY,
    SIZE_AFFINITY,
    STAGE_AFFINITY,
    Tokens,
    hs_affinity,
    scope_table,
)
from recommender.similarity import NAMES

DAY = date.fromisoformat(AS_OF)


@pytest.mark.parametrize(
    ("code", "scope", "expected"),
    [
        ("8432", "8432", 1.0),
        ("843221", "84", 1.0),
        ("84", "8432", 0.8),
        ("8418", "8432", 0.8),
        ("85", "84", 0.3),  # section XVI holds both chapters
        ("08", "84", 0.0),
    ],
)
def test_goods_are_near_by_their_place_in_the_nomenclature(code, scope, expected):
    assert hs_affinity(code, scope) == expected


@pytest.mark.parametrize(
    ("affinity", "a", "b", "expected"),
    [
        (ROUTE_AFFINITY, "RSI", "XBR", 0.5),
        (ROUTE_AFFINITY, "SEA", "RSI", 0.4),
        (ROUTE_AFFINITY, "AIR", "RSI", 0.0),
        (STAGE_AFFINITY, "in_transit", "post_shipment", 0.4),
        (STAGE_AFFINITY, "capex", "post_shipment", 0.0),
        (SETTLEMENT_AFFINITY, "DA", "OA", 0.5),
        (SIZE_AFFINITY, "micro", "small", 0.5),
        (SIZE_AFFINITY, "micro", "large", 0.0),
    ],
)
def test_affinities_are_the_same_both_ways_and_one_for_the_same_code(affinity, a, b, expected):
    assert affinity(a, b) == affinity(b, a) == expected
    assert affinity(a, a) == affinity(b, b) == 1.0


def test_a_scope_of_several_codes_fits_by_the_nearest():
    table = scope_table(["RSI", "AIR"], [["SEA", "XBR"], ["RSI"], None, []], ROUTE_AFFINITY)
    assert table.tolist() == [[0.5, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]


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
    assert tokens.text_tokens("微耕机微耕机") == tokens.text_tokens("微耕机")


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
