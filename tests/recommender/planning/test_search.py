"""What the search does when the solver finds nothing where there is something."""

import datetime
from decimal import Decimal

import pytest

from recommender import Catalogue
from recommender.parameters import Parameters
from recommender.planning import search as searching
from recommender.planning.programme import INF, Solved
from recommender.planning.settings import settings as packaged
from recommender.planning.situation import Candidate, Situation, Want

DAY = datetime.date(2026, 11, 23)
ZERO = Decimal(0)


@pytest.fixture
def situation():
    line = Candidate(
        product=Catalogue.load().products["cor-e-loan"],
        need=0,
        currency="CNY",
        standing="eligible",
        low=ZERO,
        high=Decimal(60_000),
        days=90,
        covers=(),
        secured=False,
        resources=(),
        rooms=(),
        repays=(),
        hangs=(),
        converts=False,
        repaid_by_receipts=False,
        bucket=None,
        window=(),
        reasons=(),
        missing_papers=0,
        score=0.5,
        cost=None,
    )
    return Situation(
        day=DAY,
        wants=(Want(Decimal(100_000), Decimal(100_000), "CNY", DAY, 90),),
        candidates=(line,),
        helpers=(),
        existing=(),
        spots=(),
        hedges=(),
        rooms={},
        outstanding={},
        exclusive=frozenset(),
        one_sale={},
        gap=None,
        guarantee_share=ZERO,
        target=None,
        margin_rate=ZERO,
        lc_margin=ZERO,
        most_lines=6,
        most_banks=5,
        rates=Parameters.load().rates(DAY),
    )


def failing(monkeypatch, calls):
    """A solver that says so often after the first stage that nothing is there."""
    real, seen = searching.solve, []

    def solve(programme, objective, nodes, fixed=None):
        seen.append(1)
        if 1 < len(seen) <= 1 + calls:
            return Solved(None, INF, INF, 0, proven=True)
        return real(programme, objective, nodes, fixed)

    monkeypatch.setattr(searching, "solve", solve)


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_second_stage_that_fails_is_tried_a_little_looser(situation, monkeypatch, calls):
    failing(monkeypatch, calls)
    found = searching.search(situation, packaged())
    assert found.proven
    assert abs(found.uncovered * float(found.model.unit) - 40_000) < 0.01


def test_without_a_second_stage_the_plan_of_the_first_is_not_called_proven(situation, monkeypatch):
    failing(monkeypatch, 3)
    found = searching.search(situation, packaged())
    assert not found.proven
    assert abs(found.uncovered * float(found.model.unit) - 40_000) < 0.01


def test_nothing_is_left_behind_in_the_programme(situation):
    found = searching.search(situation, packaged())
    assert found.model.p.rows == searching.Model(situation).p.rows
