"""One product on packed columns gives what one company at a time gives, to the last millionth."""

import numpy as np
import pytest
from catalogue_strategies import COMPANIES, catalogues, engine_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from populations import DAY, engine, learned_weights, packed, read_from
from strategies import COMPLETE

from recommender.company.profile import Company
from recommender.errors import InvalidProfile
from recommender.matching.scoring import score
from recommender.matching.similarity import FEATURES
from recommender.population.build import build
from recommender.population.columnar import Lens
from recommender.population.population import Population
from recommender.population.segment_rows import Rows
from recommender.population.sweep import swept
from recommender.prospects.shortlist import Begun

some = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("columnar"))


def without_numba(lens, segment):
    """A segment looked at as if numba were not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recommender.population.lookups.available", lambda: False)
        return swept(lens, segment)


def assert_same(used, segment, lens_engine=None):
    """Gate, similarities, scores and missing papers of every pair."""
    matcher = used.matcher
    rows = [segment.profile(row)[0] for row in range(segment.rows)]
    cases = [matcher.read(Company.parse(raw), DAY) for raw in rows]
    situation = matcher.situation(cases)
    fits, values = matcher.fits(situation.verdicts), matcher.values(situation, DAY)
    firms = [case.firm for case in cases]
    told = firms if used.weights.tells_firms_apart else None
    scores = score(values, used.weights, matcher.ids, told)
    for j, product_id in enumerate(matcher.ids):
        lens, all_rows = Lens(used, product_id, DAY), Rows(segment, 0, segment.rows)
        fit, near = lens.gate(all_rows)
        np.testing.assert_array_equal(fit, fits[:, j])
        np.testing.assert_array_equal(lens.scores(all_rows), scores.total[:, j])
        for k, feature in enumerate(FEATURES):
            if lens.product.lane in feature.lanes:
                found = lens.values(feature.name, all_rows)
                np.testing.assert_array_equal(found, scores.values[:, j, k], feature.name)
        for found in (swept(lens, segment), without_numba(lens, segment)):
            np.testing.assert_array_equal(found.fit, fit)
            np.testing.assert_array_equal(found.maybe, near)
            fitting = all_rows.among(fit >= 0)
            np.testing.assert_array_equal(found.rows, fitting.chosen)
            begun = Begun(fitting, found.high, found.left)
            np.testing.assert_array_equal(begun.scores(lens), scores.total[fit >= 0, j])
        missing = [int(matcher.offers.missing_papers(case.columns)[j]) for case in cases]
        assert lens.missing(all_rows).tolist() == missing
        lane = (matcher.products[j].lane,)
        wanted = [j in matcher.failing(v, used.mendable, lane) for v in situation.verdicts]
        assert near.tolist() == wanted


def test_every_pair_of_the_packaged_catalogue(population):
    for segment in population.segments:
        assert_same(engine(), segment)


def test_every_pair_with_all_that_a_model_can_learn(population):
    used = engine().serving(learned_weights())
    assert used.weights.tells_firms_apart
    for segment in population.segments:
        assert_same(used, segment)


@some
@given(catalogues(), st.lists(COMPANIES | COMPLETE, min_size=1, max_size=6))
def test_every_pair_of_any_catalogue(tmp_path_factory, rows, raws):
    used, folder = engine_of(rows), tmp_path_factory.mktemp("any")
    named = []
    for number, raw in enumerate(raws):
        try:
            used.read(raw)
        except InvalidProfile:
            continue
        named.append({**raw, "id": f"c{number}"})
    if named:
        build(used, read_from(named), folder / "p", DAY)
        for segment in Population.open(folder / "p").segments:
            assert_same(used, segment)


def test_some_rows_give_what_all_rows_give(population):
    segment, product = population.segments[0], engine().matcher.ids[3]
    lens, whole = Lens(engine(), product, DAY), Rows(population.segments[0], 0, 50)
    mask = np.arange(50) % 3 == 1
    part = whole.among(mask).among(np.arange(mask.sum()) % 2 == 0)
    chosen = np.flatnonzero(mask)[::2]
    assert part.chosen.tolist() == chosen.tolist()
    np.testing.assert_array_equal(lens.scores(part), lens.scores(whole)[chosen])
    middle = Rows(segment, 20, 40)
    np.testing.assert_array_equal(lens.scores(middle), lens.scores(whole)[20:40])
