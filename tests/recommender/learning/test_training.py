"""Training on made-up outcomes: the known weights, chances and values come back."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recommender import Catalogue, Engine
from recommender.learning.baselines import STRENGTH, fit
from recommender.learning.calibration import calibrate, chances, row_scores
from recommender.learning.card import cards
from recommender.learning.drift import drift
from recommender.learning.evaluation import worse
from recommender.learning.lists import REASONS, read_lists
from recommender.learning.offpolicy import first_choice, value
from recommender.learning.training import How, Periods, TooFew, evaluated, train
from recommender.outcomes import NAMES as COLUMNS
from recommender.outcomes import InvalidOutcomes, outcomes_of
from recommender.scoring import MICRO, Weights, expert_weights, score
from recommender.similarity import NAMES
from recommender.simulation.outcomes import outcomes


def some(drawn, kept, **changed):
    """Outcomes of the rows of a mask, with cells changed."""
    rows = drawn.outcomes.rows
    frame = rows[kept(rows)].assign(**changed)[list(COLUMNS)]
    return outcomes_of(frame, drawn.outcomes.profiles)


def events(rows, count):
    return rows["event"].isin(sorted(rows["event"].unique())[:count])


# --- what was known comes back -------------------------------------------------------------------


def test_the_known_weights_lie_within_their_intervals(drawn):
    found = fit(drawn.lists, expert_weights(), strength=1e-3)
    inside = [
        low <= known <= high
        for name, known in zip(NAMES, drawn.world.weights, strict=True)
        for low, high in [found.interval(name)]
    ]
    assert sum(inside) >= len(NAMES) - 2
    assert abs(found.position - drawn.world.position) < 0.3


def test_the_known_baselines_are_found(drawn):
    found = fit(drawn.lists, expert_weights(), strength=1e-3)
    products = list(drawn.catalogue.products)
    learned = np.array([found.weights.baselines.get(name, 0.0) for name in products])
    often = found.seen > 200
    lane = np.array([p.lane for p in drawn.catalogue.products.values()])
    both = [
        (learned[k] - learned[k].mean(), drawn.world.baselines[k] - drawn.world.baselines[k].mean())
        for k in [often & (lane == name) for name in ("financing", "service")]
    ]
    ours, known = (np.concatenate(side) for side in zip(*both, strict=True))
    assert np.corrcoef(ours, known)[0, 1] > 0.8


def test_the_utility_of_nothing_is_found(drawn):
    found = fit(drawn.lists, expert_weights(), strength=1e-3).nothing
    assert found.keys() == drawn.world.nothing.keys()
    assert abs(found["financing"] - drawn.world.nothing["financing"]) < 0.8


def test_uptake_holds_on_a_later_period(drawn, trained):
    test = Periods.of(drawn.lists).test
    stated = chances(test, row_scores(test, trained.weights), trained.weights.uptake)
    known = np.isfinite(stated)
    assert known.mean() > 0.8
    assert abs(stated[known].mean() - test.taken[known].mean()) < 0.02
    found = trained.report["evaluation"]["uptake"]
    assert found["error"]["low"] < 0.03
    assert found["loss_against_shares"]["value"] < 0
    inside = [b["low"] - 0.02 <= b["stated"] <= b["high"] + 0.02 for b in found["reliability"]]
    assert sum(inside) >= len(inside) - 2


def test_the_off_policy_value_covers_what_the_policy_earns(drawn):
    expert = expert_weights()
    found = value(drawn.lists, first_choice(drawn.lists, expert))
    assert found["refused"] is None
    table = outcomes(drawn.catalogue, drawn.firms, 99, world=drawn.world, policy=expert)
    played = outcomes_of(table, drawn.outcomes.profiles)
    lists = read_lists(played, drawn.catalogue)
    earned = lists.taken[lists.starts[:-1]].mean()
    noise = 2 * np.sqrt(earned * (1 - earned) / len(lists))
    assert found["value"]["low"] - noise <= earned <= found["value"]["high"] + noise
    assert lists.position[lists.starts[:-1]].max() == 1


# --- prior and fall-back -------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 10, 60])
def test_too_few_outcomes_give_the_prior_to_the_last_digit(drawn, count):
    prior = replace(expert_weights(), baselines={"exp-packing": 0.1 + 0.2})
    found = train(some(drawn, lambda rows: events(rows, count)), drawn.catalogue, prior=prior)
    assert found.fallback == "too_few"
    assert found.weights.array.tobytes() == prior.array.tobytes()
    assert found.weights.baselines == prior.baselines
    assert found.weights.version == prior.version


def test_one_class_alone_teaches_nothing(drawn):
    declined = some(drawn, lambda rows: rows["day"] > 0, outcome="declined", reason=None)
    found = train(declined, drawn.catalogue)
    assert found.fallback == "one_class"
    assert found.weights == expert_weights()


def test_a_strong_prior_stays_and_a_weak_one_gives_way(drawn):
    strong = fit(drawn.lists, expert_weights(), strength=1e9).weights.array
    assert np.allclose(strong, expert_weights().array, atol=1e-3)
    default = fit(drawn.lists, expert_weights(), strength=STRENGTH).weights.array
    assert np.abs(default - strong).max() > 0.2


def test_a_constant_column_keeps_its_prior(drawn):
    values = drawn.lists.pairs.values.copy()
    values[:, :, NAMES.index("text")] = 0.4
    lists = replace(drawn.lists, pairs=replace(drawn.lists.pairs, values=values))
    found = fit(lists, expert_weights())
    assert found.nothing
    assert np.isfinite(found.weights.array).all()
    assert abs(found.weights.weights["text"] - expert_weights().weights["text"]) < 0.3


def test_a_product_never_shown_is_ranked_by_its_features_alone(drawn):
    gone = list(drawn.catalogue.products)[3]
    rest = some(drawn, lambda rows: rows["product"] != gone)
    found = fit(read_lists(rest, drawn.catalogue), expert_weights())
    assert gone not in found.weights.baselines
    assert len(found.weights.baselines) > 30


# --- what is left out, and what is refused -------------------------------------------------------


def test_refusals_teach_only_when_asked_to(drawn):
    without = drawn.lists
    with_them = read_lists(drawn.outcomes, drawn.catalogue, use_refusals=True)
    assert without.left_out["refused"] > 0
    assert with_them.left_out["refused"] == 0
    assert len(with_them) == len(without) + without.left_out["refused"]
    assert set(without.left_out) <= set(REASONS)


def test_lists_nobody_answered_are_left_out_and_counted(drawn):
    silent = drawn.outcomes.rows.groupby("event")["outcome"].first() == "no_answer"
    assert drawn.lists.left_out["unanswered"] == silent.sum()


def test_without_none_there_is_no_probability(drawn):
    took = drawn.outcomes.rows.groupby("event")["outcome"].transform(lambda o: (o == "taken").any())
    lists = read_lists(some(drawn, lambda _: took), drawn.catalogue)
    assert lists.open_lanes == frozenset()
    assert calibrate(lists, row_scores(lists, expert_weights())) == {}
    assert (lists.sizes > 1).all()


def test_an_unknown_product_is_an_error_or_left_out(drawn):
    product = drawn.outcomes.rows["product"]
    odd = product.where(product != "exp-packing", "exp-gone")
    table = some(drawn, lambda rows: rows["day"] > 0, product=odd)
    with pytest.raises(InvalidOutcomes) as caught:
        read_lists(table, drawn.catalogue)
    assert {p.value for p in caught.value.problems} == {"exp-gone"}
    lists = read_lists(table, drawn.catalogue, without_withdrawn=True)
    assert lists.left_out["withdrawn_product"] > 0


def test_two_products_taken_from_one_list_are_refused(drawn):
    rows = drawn.outcomes.rows
    several = (rows.groupby("event")["event"].transform("size") > 1) & events(rows, 400)
    table = some(drawn, lambda _: several, outcome="taken", reason=None)
    with pytest.raises(InvalidOutcomes, match="outcome_two_taken"):
        read_lists(table, drawn.catalogue)


def test_a_profile_that_cannot_be_read_is_named(drawn):
    name = next(iter(drawn.outcomes.profiles))
    broken = {**drawn.outcomes.profiles, name: {"id": name, "staff": -4}}
    frame = drawn.outcomes.rows[list(COLUMNS)]
    with pytest.raises(InvalidOutcomes, match=rf"{name}\.staff"):
        read_lists(outcomes_of(frame, broken), drawn.catalogue)


# --- the split, the measures, the card -----------------------------------------------------------


def test_periods_follow_each_other_without_overlap(drawn):
    periods = Periods.of(drawn.lists)
    assert periods.fitted.day.max() < periods.later.day.min()
    assert periods.later.day.max() < periods.test.day.min()
    parts = (periods.fitted, periods.later, periods.test)
    assert sum(map(len, parts)) == len(drawn.lists)
    assert sum(len(part.taken) for part in parts) == len(drawn.lists.taken)


def test_the_model_beats_where_it_started_and_says_by_how_much(trained):
    found = trained.report["evaluation"]
    gap = found["against"]["expert"]["mrr"]
    assert 0 < gap["low"] < gap["value"] < gap["high"]
    wanted = {"as_shown", "popular_lately", "popular_by_cargo", "nearest", "multinomial"}
    assert wanted < set(found["measures"])
    assert set(found["against"]) == set(found["measures"]) - {"model"}


def test_every_figure_has_its_interval(trained):
    found = trained.report["evaluation"]
    for one in [m for peer in found["measures"].values() for m in peer.values()]:
        assert one["low"] <= one["value"] <= one["high"]
    for name in ("ours", "shown"):
        assert {"value", "low", "high"} == set(found["concentration"][name])


def test_small_groups_show_no_figures(trained):
    for line in trained.report["evaluation"]["segments"] + trained.report["refusals"]:
        assert line["suppressed"] == ("value" not in line)
        assert line["suppressed"] or line.get("firms", 20) >= 20
    assert any(line["suppressed"] for line in trained.report["evaluation"]["segments"])


def test_a_model_that_is_worse_is_seen_to_be(drawn, trained):
    upside_down = Weights(dict.fromkeys(NAMES, 0.0), {}, drawn.catalogue.version)
    periods = Periods.of(drawn.lists)
    found = evaluated(periods, upside_down, trained.weights, 0)
    assert worse(found["against"]["current"]["mrr"])
    assert not worse(found["measures"]["model"]["mrr"])


def test_off_policy_is_refused_without_overlap_or_propensities(drawn):
    lists, wanted = drawn.lists, first_choice(drawn.lists, expert_weights())
    assert value(lists, np.full(len(lists), -1))["refused"] == "no_overlap"
    blind = replace(lists, propensity=np.full(len(lists.taken), np.nan))
    assert value(blind, wanted)["refused"] == "no_propensities"


def test_the_score_learned_with_is_the_score_that_serves(drawn, trained):
    lists, products = drawn.lists, tuple(drawn.catalogue.products)
    ours = row_scores(lists, trained.weights)
    served = score(lists.pairs.values[lists.firm[:50]], trained.weights, products).total / MICRO
    assert np.array_equal(ours[:50], served[np.arange(50), lists.product[:50]])
    engine = Engine(drawn.catalogue, weights=trained.weights)
    firm = drawn.firms[0]
    row = drawn.outcomes.rows.query(f"company == '{firm['id']}'").iloc[0]
    answer = engine.recommend(engine.read(firm), as_of=str(row["date"]), limit=100)
    shown = {m["product_id"]: m for lane in answer["lanes"] for m in lane["matches"]}
    match = shown[row["product"]]
    assert 0 < match["uptake_probability"] < 1
    assert answer["model_version"] == trained.weights.version
    near = [m for m in shown.values() if m["fit"] == "near_miss"]
    assert all(m["uptake_probability"] is None for m in near)


def test_the_same_outcomes_give_the_same_bytes(drawn, trained):
    again = train(drawn.outcomes, drawn.catalogue, how=How(seed=1))
    assert again.weights == trained.weights
    assert json.dumps(again.report) == json.dumps(trained.report)
    assert cards("m", again.report) == cards("m", trained.report)


def test_the_card_says_what_is_made_up_and_stands_in_both_languages(trained):
    found = cards("model-x", trained.report)
    assert set(found) == {f"card.{lang}.{end}" for lang in ("zh", "en") for end in ("md", "html")}
    assert "made-up outcomes" in found["card.en.md"]
    assert "虚构" in found["card.zh.html"]
    assert "<svg" in found["card.en.html"]
    assert "<script" not in found["card.en.html"]
    for heading in ("Data", "Measures", "Groups of firms", "Refusals by banks", "Known limits"):
        assert f"## {heading}" in found["card.en.md"]


def test_drift_is_seen_where_firms_have_moved(drawn, trained):
    before = trained.report["profile"]
    same = drift(before, drawn.lists, trained.weights)
    assert not any(line["moved"] for line in same["features"].values())
    values = drawn.lists.pairs.values.copy()
    values[:, :, NAMES.index("route")] **= 4
    moved = replace(drawn.lists, pairs=replace(drawn.lists.pairs, values=values))
    found = drift(before, moved, trained.weights)["features"]
    assert [name for name in NAMES if found[name]["moved"]] == ["route"]


def test_too_few_lists_cannot_be_evaluated(drawn):
    few = read_lists(some(drawn, lambda rows: events(rows, 20)), drawn.catalogue)
    with pytest.raises(TooFew):
        evaluated(Periods.of(few), expert_weights(), None, 0)


def test_outcomes_outlive_facts_the_catalogue_has_dropped(drawn):
    firm = {**drawn.firms[0], "facts": {"asked_long_ago": True}}
    profiles = {**drawn.outcomes.profiles, firm["id"]: firm}
    frame = drawn.outcomes.rows[drawn.outcomes.rows["company"] == firm["id"]][list(COLUMNS)]
    lists = read_lists(outcomes_of(pd.DataFrame(frame), profiles), Catalogue.load())
    assert lists.pairs.values.shape[2] == len(NAMES)
