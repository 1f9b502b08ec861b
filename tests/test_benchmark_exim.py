"""The benchmark on real decisions, end to end on a small made-up pair of files."""

import json
import math
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from exim_files import TEST, UNTIL, pair, write

from recommender.learning import metrics
from tests.benchmarks import exim, exim_peers, exim_prospects, exim_reach, exim_tasks, exim_tuning
from tests.benchmarks.exim_columns import sheet, tokens
from tests.benchmarks.exim_data import read, without_indicators
from tests.benchmarks.exim_ranker import fitted

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("exim"), pair())


@pytest.fixture(scope="module")
def decisions(folder):
    return read(folder)


@pytest.fixture(scope="module")
def found(folder):
    """All lines of a whole run, with two settings of each peer."""
    few = {name: (peer, settings[:2]) for name, (peer, settings) in exim_peers.PEERS.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exim_peers, "PEERS", few)
        return list(exim.lines(folder, UNTIL, TEST))


# --- the whole of it -----------------------------------------------------------------------------


def test_a_run_holds_every_task_model_and_set_of_columns(found):
    assert json.loads(json.dumps(found, default=str))
    seen = {
        (x["task"], x["what"], x["model"], x["columns"])
        for x in found
        if "events" in x and "model" in x
    }
    models = {(exim_tasks.OURS, "engineered")} | {(peer, "raw") for peer in exim_peers.PEERS}
    models |= {(p, "engineered") for p in exim_peers.PEERS if p not in exim_peers.WITHOUT_COLUMNS}
    wanted = {
        (task, what, *model)
        for task in ("A", "A2")
        for what in (exim.PROFILE, exim.AMOUNT)
        for model in models
    }
    assert wanted <= seen
    assert {x["what"] for x in found if x.get("task") == "N"} == {exim.PROFILE, exim.AMOUNT}
    assert {x["model"] for x in found if x.get("task") == "D"} >= {"AffinityRanker", "popularity"}


def test_figures_are_shares_with_intervals_around_them(found):
    for line in found:
        if "MRR" in line and "model" in line:
            for name in ("MRR", "NDCG@5", "hit@1", "hit@3", "macro hit@1", "macro hit@3"):
                value, low, high = line[name]
                assert 0 <= low <= value <= high <= 1
            assert all(math.isfinite(number) for number in line["log-loss"])


def test_every_reach_says_what_was_wanted_and_whether_it_was_met(found):
    reaches = [line for line in found if "reach" in line]
    assert len(reaches) > 20
    for line in reaches:
        assert line["reach"]
        assert line["wanted"]
        assert math.isfinite(line["found"])
        assert isinstance(line["met"], bool)


def test_the_tables_name_every_part(found):
    said = "\n".join(exim.tables(found))
    for part in ("Figures", "A product never seen", "Prospects", "Reach", "AffinityRanker"):
        assert part in said


def test_the_ranker_finds_what_the_made_up_firms_are_like(found):
    (ours,) = [
        line
        for line in found
        if line.get("model") == exim_tasks.OURS
        and line["task"] == "A"
        and line["what"] == exim.AMOUNT
        and line["columns of missing values"] == "without"
    ]
    (gain,) = [
        line
        for line in found
        if line.get("against") == "popularity"
        and line.get("task") == "A"
        and line["what"] == exim.AMOUNT
        and line["columns of missing values"] == "without"
    ]
    assert gain["NDCG@5"]["difference"][1] > 0
    assert ours["log-loss"][0] < math.log(5)


def test_scores_are_exact_sums_on_the_columns_of_the_benchmark(decisions):
    events = without_indicators(decisions.events(TEST[1]), UNTIL)
    model = fitted(decisions, events, UNTIL, amount=True)
    rows = tokens(events, amount=True)
    scores = model.decision_function(rows)
    totals = np.array([found.total for found in model.contributions(rows)]) / 1e6
    assert totals.tobytes() == scores.tobytes()


def test_other_years_can_be_asked_for(folder):
    lines = list(exim.lines(folder, 2012, (2013, 2013), ("N",)))
    assert {line["task"] for line in lines if "task" in line} == {"N"}
    assert max(line["events"] for line in lines if "events" in line) < 70


def test_the_search_for_settings_shows_what_each_change_did(folder, monkeypatch):
    monkeypatch.setattr(exim_tuning, "FOLDS", (2010, 2011))
    for line in islice(exim_tuning.tried(folder, amount=True), 3):
        assert line["change"]
        assert 0 < line["FY2011-2012"] < 5
        assert 0 < line["FY2012-2013"] < 5
    lines = list(exim_tuning.newcomers(folder, amount=False))
    assert [line["newcomer"] for line in lines] == list(exim_tuning.NEWCOMERS)


# --- peers ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sheets(decisions):
    events = without_indicators(decisions.events(TEST[1]), UNTIL)
    return {
        engineered: sheet(events, decisions.products, UNTIL, amount=True, engineered=engineered)
        for engineered in (False, True)
    }


@pytest.mark.parametrize("engineered", [False, True])
@pytest.mark.parametrize("name", exim_peers.PEERS)
def test_a_peer_scores_every_event_and_learns_from_the_years_that_teach(sheets, name, engineered):
    table = sheets[engineered]
    peer, settings = exim_peers.PEERS[name]
    found = dict(peer(table, settings[:1]))
    assert list(found) == [settings[0]]
    (scores,) = found.values()
    assert scores.shape == (len(table.year), len(table.products))
    assert np.isfinite(scores).all()
    taken = np.where(table.taught, table.taken, 0)
    forgot = exim_tasks.replace(table, taken=taken)
    assert (next(peer(forgot, settings[:1]))[1] == scores).all()


def test_popularity_is_the_share_of_the_last_three_years(sheets):
    table = sheets[False]
    (_, scores) = next(exim_peers.popularity(table, (None,)))
    recent = (table.year > UNTIL - 3) & (table.year <= UNTIL)
    count = np.bincount(table.taken[recent], minlength=len(table.products)) + 0.5
    assert metrics.chances(scores)[0] == pytest.approx(count / count.sum())


def test_neighbours_count_the_companies_nearest(sheets):
    table = sheets[True]
    (_, scores) = next(exim_peers.neighbours(table, (5,)))
    shares = np.exp(scores) * 6
    assert shares.sum(axis=1) == pytest.approx(6)


# --- the better run, and what is reached ---------------------------------------------------------


def run_of(model, columns, scores):
    return exim_tasks.Run(model, columns, np.asarray(scores, dtype=float), 0.0, None, 1.0)


def test_ours_is_compared_with_the_better_run_of_a_peer_in_each_measure():
    taken = np.array([0, 0, 1, 1] * 10)
    right = np.eye(2)[taken] * 3
    ours, weak = run_of("ours", "engineered", right), run_of("peer", "raw", -right)
    strong = run_of("peer", "engineered", right * 2)
    found = exim_tasks.compared(ours, [weak, strong], taken)
    assert found["MRR"]["columns"] == found["NDCG@5"]["columns"] == "engineered"
    assert found["NDCG@5"]["difference"][0] == 0
    assert found["log-loss"]["columns"] == "engineered"
    assert found["log-loss"]["ratio"][0] > 1


def test_a_reach_is_met_or_not():
    assert exim_reach.of_new({"ratio": 1.6}, "profile only")["met"]
    assert not exim_reach.of_new({"ratio": 1.4}, "profile only")["met"]


def list_measures(model, columns, *lists):
    means = dict(zip(exim_prospects.MEASURES, np.mean(lists, axis=0).tolist(), strict=True))
    return {"model": model, "columns": columns, "lists": list(lists), **means}


def test_prospects_are_held_against_popularity_and_within_the_interval_of_the_best_peer():
    lines = [
        list_measures("AffinityRanker", "engineered", (0.6, 0.1, 0.1), (0.6, 0.0, 0.3)),
        list_measures("popularity", "raw", (0.5, 0.2, 0.1), (0.5, 0.2, 0.1)),
        list_measures("logistic regression", "raw", (0.7, 0.1, 0.2), (0.8, 0.1, 0.1)),
    ]
    found = list(exim_reach.of_prospects(lines))
    assert [line["met"] for line in found] == [True, False, False, False, True, True]
    assert found[1]["difference"] == pytest.approx([-0.15, -0.2, -0.1])
    assert found[1]["against"] == "logistic regression, raw"
    assert found[3]["against"] == "popularity, raw"


# --- the command ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "make bench-exim DATA="),
        (["--data", "no/such/folder"], "not a folder"),
        (["--data", ".", "--train-to", "2017", "--test-from", "2017"], "years have to follow"),
        (["--data", ".", "--test-from", "2019", "--test-to", "2018"], "years have to follow"),
    ],
)
def test_the_command_says_what_it_needs(capsys, arguments, said):
    assert exim.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_the_command_prints_json_and_then_tables(folder):
    years = ["--train-to", "2011", "--test-from", "2012", "--test-to", "2013", "--tasks", "N"]
    command = [sys.executable, "tests/benchmarks/exim.py", "--data", str(folder), *years]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(json.loads(line) for line in done.stdout.splitlines())
    assert "A product never seen" in done.stderr


def test_make_knows_the_benchmark_and_has_no_data_of_its_own():
    made = (ROOT / "Makefile").read_text("utf-8")
    assert "bench-exim:" in made
    assert all(f"{name} ?= " in made for name in ("TRAIN_TO", "TEST_FROM", "TEST_TO"))
    assert "DATA ?=" not in made


# --- the run that is kept ------------------------------------------------------------------------

KEPT = [
    json.loads(line)
    for line in (ROOT / "data" / "benchmarks" / "exim_fy2019_fy2021.jsonl")
    .read_text("utf-8")
    .splitlines()
]


def test_the_run_that_is_kept_has_the_lines_of_a_run(found):
    dropped = {"columns of missing values", "seconds", "setting"}
    shapes = {frozenset(line.keys() - dropped) for line in found}
    assert {frozenset(line) for line in KEPT} == shapes


@pytest.mark.parametrize("task", [exim.PROFILE, exim.AMOUNT])
def test_the_readme_gives_the_figures_of_the_run_that_is_kept(task):
    (ours,) = [
        line
        for line in KEPT
        if line.get("task") == "A"
        and line["what"] == task
        and line.get("model") == "AffinityRanker"
    ]
    middle, low, high = (f"{value:.3f}".lstrip("0") for value in ours["NDCG@5"])
    macro, loss = f"{ours['macro hit@3'][0]:.2f}".lstrip("0"), f"{ours['log-loss'][0]:.2f}"
    said = f"| {ours['events']:,} | {middle} [{low}, {high}] / {macro} / {loss} |"
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith(f"| {task}, FY2019-21")]
    assert said in row
