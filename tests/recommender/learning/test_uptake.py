"""Uptake by segment: drawn to the wider segment, and never counting the company itself."""

import numpy as np
import pytest

from recommender.learning import Uptake, out_of_fold

CHAINS = [("84", "8432")] * 30 + [("84", "8471")] * 3 + [("10",)] * 20
TAKEN = np.array([0] * 24 + [1] * 6 + [1] * 3 + [2] * 20)


def test_shares_are_drawn_to_the_segment_around():
    found = Uptake.of(CHAINS, TAKEN, 3, strength=10)
    overall = (np.array([24, 9, 20]) + 1 / 3) / 54
    chapter = (np.array([24, 9, 0]) + 10 * overall) / 43
    heading = (np.array([0, 3, 0]) + 10 * chapter) / 13
    assert found.overall == pytest.approx(overall)
    assert found.look_up([("84", "8471")])[0] == pytest.approx(heading)
    assert found.look_up([("84",), ("84", "8499")]) == pytest.approx(np.array([chapter] * 2))
    assert found.look_up([("99",), ()]) == pytest.approx(np.array([overall] * 2))


def test_shares_add_up_to_one():
    found = Uptake.of(CHAINS, TAKEN, 3)
    assert found.look_up(CHAINS).sum(axis=1) == pytest.approx(1)


def test_out_of_fold_a_company_is_not_its_own_peer():
    companies = [f"firm {number}" for number in range(len(TAKEN))]
    before = out_of_fold(CHAINS, TAKEN, companies, 3)
    changed = TAKEN.copy()
    changed[0] = 2
    after = out_of_fold(CHAINS, changed, companies, 3)
    assert (after[0] == before[0]).all()
    assert (after != before).any()


def test_all_events_of_a_company_fall_into_one_fold():
    chains, taken = [("84",)] * 6, np.array([0, 0, 0, 1, 1, 1])
    found = out_of_fold(chains, taken, ["same"] * 6, 2)
    assert found == pytest.approx(0.5)


def test_nobody_has_no_peers():
    assert out_of_fold([], np.array([], dtype=np.int64), [], 3).shape == (0, 3)
