"""Kinds of firms: found where they decide, left out where they do not, and always a sum."""

from dataclasses import replace

import numpy as np
import pytest

from recommender import Engine
from recommender.learning.baselines import fit
from recommender.learning.calibration import row_scores
from recommender.learning.kind_points import chosen, fit_points, surprise, with_points
from recommender.learning.training import How, Periods, train
from recommender.matching.scoring import MICRO, expert_weights, score

DAY = {"as_of": "2026-11-23"}


@pytest.fixture(scope="module")
def periods(apart):
    return Periods.of(apart.lists)


@pytest.fixture(scope="module")
def found(periods):
    return fit(periods.fitted, expert_weights())


@pytest.fixture(scope="module")
def points(periods, found):
    return fit_points(periods.fitted, found, found.weights, {"goods": 4.0})


@pytest.fixture(scope="module")
def learned(apart):
    return train(apart.outcomes, apart.catalogue, how=How(seed=1))


def test_the_kind_that_decides_is_kept(periods, found):
    kept = chosen(periods.fitted, periods.later, found, found.weights)
    by_kind = {line["kind"]: line for line in kept.tried}
    assert by_kind["goods"]["kept"]
    assert by_kind["goods"]["high"] < 0
    assert {token.partition("=")[0] for token in kept.points} >= {"goods2"}


def test_where_no_kind_decides_none_is_kept(drawn):
    plain = Periods.of(drawn.lists)
    before = fit(plain.fitted, expert_weights())
    kept = chosen(plain.fitted, plain.later, before, before.weights)
    assert kept.tried
    assert not kept.points


def test_points_follow_the_known_ones(apart, points):
    known, ours = [], []
    for token, truth in apart.world.kinds.items():
        for product in apart.catalogue.products.values():
            if product.id in points.get(token, {}):
                known.append(truth[product.category])
                ours.append(points[token][product.id])
    assert len(known) > 60
    assert np.corrcoef(known, ours)[0, 1] > 0.6


def test_a_strong_prior_leaves_nothing(periods, found):
    assert fit_points(periods.fitted, found, found.weights, {"goods": 1e9}) == {}


def test_what_is_rare_or_never_shown_gets_no_points(apart, periods, found):
    points = fit_points(periods.fitted, found, found.weights, {"goods": 4.0})
    firms = periods.fitted.pairs.firms
    carried = {}
    for at, company in zip(periods.fitted.firm[periods.fitted.starts[:-1]].tolist(),
                           periods.fitted.company.tolist(), strict=True):  # fmt: skip
        for token in firms[at].tokens:
            carried.setdefault(token, set()).add(company)
    assert all(len(carried[token]) >= 20 for token in points)
    shown = {list(apart.catalogue.products)[j] for j in np.unique(periods.fitted.product).tolist()}
    assert all(set(row) <= shown for row in points.values())


def test_surprise_falls_where_kinds_decide(periods, found, points):
    before = surprise(periods.test, found.weights, found).mean()
    after = surprise(periods.test, with_points(found.weights, points), found).mean()
    assert after < before - 0.01


def test_rows_are_scored_as_they_are_served(periods, found, points):
    weights = with_points(found.weights, points)
    lists = periods.test
    rows = np.arange(0, len(lists.product), 37)
    served = [
        score(lists.pairs.values[[i]], weights, tuple(lists.catalogue.products),
              [lists.pairs.firms[i]]).total[0, j] / MICRO
        for i, j in zip(lists.firm[rows].tolist(), lists.product[rows].tolist(), strict=True)
    ]  # fmt: skip
    assert row_scores(lists, weights)[rows].tolist() == served


def test_answers_list_every_part_and_add_up(apart, learned):
    assert learned.weights.affinity
    assert learned.weights.peers
    assert learned.report["peers"] is True
    engine = Engine(apart.catalogue, weights=learned.weights)
    heard = 0
    for raw in apart.firms[:12]:
        answer = engine.recommend(engine.read(raw), language="en", **DAY)
        for lane in answer["lanes"]:
            for match in lane["matches"]:
                parts = match["contributions"]
                assert round(sum(p["contribution"] for p in parts), 6) == match["score"]
                assert match["score_low"] <= match["score"] <= match["score_high"]
                heard += any("comparable firms that were shown it" in p["text"] for p in parts)
    assert heard
    assert [kind["kind"] for kind in engine.notice()["kinds"]] == ["goods"]


def test_what_a_firm_does_not_say_may_move_its_score_within_the_span(apart, learned):
    engine = Engine(apart.catalogue, weights=replace(learned.weights, peers={}))
    raw = next(f for f in apart.firms if "8" in (f["trade"].get("hs") or ["-"])[0][:1])
    without = {**raw, "trade": {k: v for k, v in raw["trade"].items() if k != "hs"}}
    said, unsaid = (_scores(engine, each) for each in (raw, without))
    for product in said.keys() & unsaid.keys():
        score_, _, _ = said[product]
        _, low, high = unsaid[product]
        assert low - 1e-6 <= score_ <= high + 1e-6


def _scores(engine, raw):
    answer = engine.recommend(engine.read(raw), limit=100, include_ineligible=True, **DAY)
    matches = [match for lane in answer["lanes"] for match in lane["matches"]]
    return {m["product_id"]: (m["score"], m["score_low"], m["score_high"]) for m in matches}
