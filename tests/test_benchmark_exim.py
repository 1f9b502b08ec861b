"""The benchmark on real decisions, end to end on a small made-up pair of files."""

import json
import math
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from exim_files import LEAKS, pair, write

from recommender.learning import metrics
from tests.benchmarks import exim, exim_peers, exim_reach, exim_tasks, exim_tuning
from tests.benchmarks.exim_columns import attributes, sheet, tokens
from tests.benchmarks.exim_data import UnusableData, latest_pair, read, without_indicators
from tests.benchmarks.exim_ranker import fitted

ROOT = Path(__file__).parent.parent
UNTIL, TEST = 2011, (2012, 2013)


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


# --- the files -----------------------------------------------------------------------------------


def test_the_latest_pair_of_the_folder_is_read(tmp_path):
    for years in ("fy2007_fy2012", "fy2009_fy2013", "fy2007_fy2013", "fy2007_fy2021"):
        (tmp_path / f"exim_authorizations_{years}.csv.gz").touch()
        (tmp_path / f"exim_labels_{years}.csv.gz").touch()
    (tmp_path / "exim_authorizations_fy2007_fy2022.csv.gz").touch()
    (tmp_path / "README.md").touch()
    names = [path.name for path in latest_pair(tmp_path)]
    assert names == [f"exim_{kind}_fy2007_fy2021.csv.gz" for kind in ("authorizations", "labels")]
    (tmp_path / "exim_labels_fy2007_fy2021.csv.gz").unlink()
    assert latest_pair(tmp_path)[0].name == "exim_authorizations_fy2007_fy2013.csv.gz"


@pytest.mark.parametrize(
    "what", ["no folder", "no pair", "no column", "no label", "no row", "twice"]
)
def test_data_that_cannot_be_measured_say_why(tmp_path, what):
    facts, labels = pair(last=2009, rows_a_year=5)
    if what == "no column":
        facts = facts.drop(columns=["primary_exporter", "country"])
    if what == "no label":
        labels = labels.drop(columns=["product_kept"])
    if what == "no row":
        labels["unique_identifier"] += " of others"
    if what == "twice":
        labels = labels.assign(unique_identifier="other")
    if what not in ("no folder", "no pair"):
        write(tmp_path, (facts, labels))
    said = {
        "no folder": "not a folder",
        "no pair": "holds no pair",
        "no column": "has no column country, primary_exporter",
        "no label": "has no column product_kept",
        "no row": "no unique_identifier",
        "twice": "names some unique_identifier twice",
    }
    with pytest.raises(UnusableData, match=said[what]):
        read(tmp_path / "missing" if what == "no folder" else tmp_path)


@pytest.mark.parametrize("years", [(2007, (2008, 2009)), (2011, (2020, 2021))])
def test_years_without_events_are_named(folder, years):
    with pytest.raises(UnusableData, match="hold no first events"):
        list(exim.lines(folder, *years))


# --- what gives the answer away ------------------------------------------------------------------


def columns_of(folder, *, indicators=False, amount=True):
    """Everything a model sees of the events, as text that can be compared."""
    decisions = read(folder)
    events = decisions.events(TEST[1])
    events = events if indicators else without_indicators(events, UNTIL)
    seen = [repr(tokens(events, amount=amount))]
    for engineered in (False, True):
        made = sheet(events, decisions.products, UNTIL, amount=amount, engineered=engineered)
        seen += [
            repr(made.sparse.toarray().tolist()),
            repr(made.dense.tolist()),
            repr(made.segment),
        ]
    return seen


@pytest.mark.parametrize("leak", [*LEAKS, "unique_identifier", "country", "flag amounts"])
def test_a_column_that_leaks_changes_nothing_when_it_turns_to_noise(folder, tmp_path, leak):
    facts, labels = pair()
    noise = [f"noise {number}" for number in np.random.default_rng(9).permutation(len(facts))]
    if leak == "flag amounts":
        for flag in ("small_business", "woman_owned", "minority_owned"):
            facts[f"{flag}_authorized_amount"] *= np.random.default_rng(1).uniform(1, 9, len(facts))
    elif leak == "unique_identifier":
        facts[leak], labels[leak] = noise, noise
    else:
        facts[leak] = noise
    assert columns_of(write(tmp_path, (facts, labels))) == columns_of(folder)


@pytest.mark.parametrize("leak", [*LEAKS, "unique_identifier"])
def test_with_indicators_the_other_leaks_still_change_nothing(folder, tmp_path, leak):
    facts, labels = pair()
    noise = [f"noise {number}" for number in np.random.default_rng(9).permutation(len(facts))]
    facts[leak] = noise
    labels = labels.assign(unique_identifier=noise) if leak == "unique_identifier" else labels
    changed = columns_of(write(tmp_path, (facts, labels)), indicators=True)
    assert changed == columns_of(folder, indicators=True)


def test_amounts_change_nothing_where_the_profile_is_all_that_counts(folder, tmp_path):
    facts, labels = pair()
    facts["approved_declined_amount"] = np.arange(1.0, len(facts) + 1)
    changed = write(tmp_path, (facts, labels))
    assert columns_of(changed, amount=False) == columns_of(folder, amount=False)
    assert columns_of(changed) != columns_of(folder)


def test_what_a_model_sees_of_a_column_it_may_see_does_change(folder, tmp_path):
    facts, labels = pair()
    facts["primary_exporter_city"] = "Elsewhere"
    assert columns_of(write(tmp_path, (facts, labels))) != columns_of(folder)


def test_countries_that_tell_are_masked_and_others_known_only_with_indicators(decisions):
    events = decisions.events(TEST[1])
    assert set(events["country"].dropna()) == {"Mexico"}
    masked = events["product"].isin(["INS-ENB", "WC-STD"])
    assert events.loc[masked, "country"].isna().all()
    assert without_indicators(events, UNTIL)["country"].isna().all()


def test_without_indicators_nothing_is_missing_and_nothing_known_is_changed(decisions):
    events = decisions.events(TEST[1])
    filled = without_indicators(events, UNTIL)
    assert events["code"].isna().any()
    assert events["state"].isna().any()
    for column in ("code", "state", "city"):
        known = events[column].notna()
        assert filled[column].notna().all()
        if column != "city":
            assert (filled.loc[known, column] == events.loc[known, column]).all()
    assert set(filled["kind"]) == {"naics"}
    assert without_indicators(events, UNTIL).equals(filled)


def test_values_drawn_come_from_the_years_that_teach(decisions):
    events = decisions.events(TEST[1]).copy()
    late = (events["year"] > UNTIL) & events["code"].notna()
    events.loc[late, "code"] = "999999"
    drawn = without_indicators(events, UNTIL).loc[events["code"].isna(), "code"]
    assert "999999" not in set(drawn)


def test_history_is_what_was_held_on_an_earlier_day(decisions):
    rows = decisions.rows
    some = rows[rows["history"].map(len) > 0]
    assert len(some) > 10
    for place, row in some.head(20).iterrows():
        before = rows.loc[: place - 1]
        held = set(before.loc[before["company"] == row["company"], "product"])
        assert set(row["history"]) <= held
    events = decisions.events(TEST[1])
    assert not any(e.product in e.history for e in events.itertuples())


def test_the_first_two_years_are_history_only(decisions):
    assert decisions.events(TEST[1])["year"].min() == 2009
    assert decisions.events(2010)["year"].max() == 2010


def test_a_product_is_on_offer_from_its_first_sale_on(tmp_path):
    facts, labels = pair()
    gone = (labels["product"] == "INS-ESC") & (facts["fiscal_year"] > "2009")
    late = (labels["product"] == "GTY-M") & (facts["fiscal_year"] < "2010")
    kept = ~gone & ~late
    decisions = read(write(tmp_path, (facts[kept], labels[kept])))
    years = np.array([2009, 2010, 2013])
    assert decisions.offered(years, ("GTY-M", "INS-ESC", "NONE")).tolist() == [
        [False, True, False],
        [True, True, False],
        [True, True, False],
    ]
    events = without_indicators(decisions.events(TEST[1]), UNTIL)
    scores = fitted(decisions, events, UNTIL, amount=False).predict_proba([{}])
    assert scores[0, decisions.products.index("INS-ESC")] < 0.1


def test_a_product_the_list_does_not_describe_shares_its_family(decisions):
    assert attributes(["WC-NEW"]) == {"WC-NEW": ("programme=WC",)}
    assert set(attributes(decisions.products)["GTY-M"]) == {
        "programme=guarantee",
        "term=medium",
        "buyers=one",
    }


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
    lines = [
        {"model": "AffinityRanker", "AUC": 0.6, "recall@100": 0.1, "NDCG@100": 0.1},
        {"model": "popularity", "AUC": 0.5, "recall@100": 0.2, "NDCG@100": 0.1},
    ]
    assert [line["met"] for line in exim_reach.of_prospects(lines)] == [True, False, True]


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
