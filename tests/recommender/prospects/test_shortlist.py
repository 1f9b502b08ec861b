"""The first so many by score, found without scoring all: the same as scoring all."""

from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from populations import DAY, engine, learned_weights, packed

from recommender.population.columnar import Lens
from recommender.population.segment_rows import Rows
from recommender.population.sweep import swept
from recommender.prospects import shortlist
from recommender.prospects.shortlist import Begun

IDS = engine().matcher.ids


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("shortlist"))


@pytest.fixture(params=["compiled", "plain"])
def kernel(request, monkeypatch):
    """With numba, and as if it were not installed."""
    monkeypatch.setattr(shortlist, "ENOUGH", 8)
    if request.param == "plain":
        for module in ("lookups", "segment_rows"):
            monkeypatch.setattr(f"recommender.population.{module}.available", lambda: False)
    return find_spec("numba") is not None


def fitting(lens, population):
    found = []
    for segment in population.segments:
        seen = swept(lens, segment)
        found.append(Begun(Rows(segment, 0, segment.rows, seen.rows), seen.high, seen.left))
    return found


def reference(lens, groups):
    return [(group.rows, lens.scores(group.rows)) for group in groups]


def best(pairs, count):
    """Rows and scores of the first, ties included."""
    rows = np.concatenate([rows.chosen + rows.segment.first for rows, _ in pairs])
    totals = np.concatenate([totals for _, totals in pairs])
    if len(totals) > count:
        least = np.sort(totals)[::-1][count - 1]
        rows, totals = rows[totals >= least], totals[totals >= least]
    return dict(zip(rows.tolist(), totals.tolist(), strict=True))


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("count", [1, 3, 20])
def test_the_first_of_every_product_are_those_of_scoring_all(population, kernel, count, learned):
    assert kernel
    used = engine().serving(learned_weights()) if learned else engine()
    shorter = 0
    for product_id in IDS:
        lens = Lens(used, product_id, DAY)
        groups = fitting(lens, population)
        every = reference(lens, groups)
        found = shortlist.shortlisted(lens, groups, count)
        assert best(found, count) == best(every, count)
        shorter += sum(len(rows) for rows, _ in found) < sum(map(len, groups))
    assert shorter or count == 20


@given(st.integers(0, len(IDS) - 1), st.integers(1, 400))
def test_however_many_are_asked_for(population, product, count):
    lens = Lens(engine(), IDS[product], DAY)
    groups = fitting(lens, population)
    every = reference(lens, groups)
    assert best(shortlist.shortlisted(lens, groups, count), count) == best(every, count)


def test_no_part_adds_more_than_it_may(population):
    used = engine().serving(learned_weights())
    for product_id in IDS:
        lens = Lens(used, product_id, DAY)
        for group in fitting(lens, population):
            for name in lens.parts:
                assert (lens.part(name, group.rows) <= lens.most(name)).all()
