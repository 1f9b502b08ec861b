"""Every benchmark runs on a tiny size and tells the truth about what it measures; none is timed."""

import json
import math
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from recommender import Catalogue, Company, Engine
from recommender.catalogue.files import as_json, as_yaml
from recommender.population.columnar import Lens
from recommender.population.segment_rows import Rows
from tests.benchmarks import (
    catalogues,
    company,
    loading,
    many_products,
    prospects,
    questions,
    run,
    serving,
    timing,
    train,
    weights,
)

ROOT = Path(__file__).parent.parent

SAMPLE = company.SAMPLES / "farm_machinery.yaml"


@cache
def lines_of(name):
    return list(run.case(name)(small=True))


JAVA = {"batch"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.java] * (n in JAVA)) for n in run.CASES]
)
def test_a_benchmark_prints_ratios_with_what_they_are_measured_against(name):
    lines = lines_of(name)
    assert lines
    for line in lines:
        assert json.loads(json.dumps(line)) == line
        assert line["case"] == name
        assert line["what"]
        assert line["against"] != line["what"]
        numbers = [value for value in line.values() if isinstance(value, float)]
        assert all(math.isfinite(value) and value >= 0 for value in numbers)
        assert line["ratio"] > 0


def test_the_command_prints_one_json_line_for_each_result():
    command = [sys.executable, "tests/benchmarks/run.py", "--small", "D"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {json.loads(line)["case"] for line in done.stdout.splitlines()} == {"D"}


def test_an_unknown_benchmark_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit) as caught:
        run.main(["--small", "Z"])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert all(name in said for name in ("Z", *run.CASES))


def test_every_benchmark_is_explained():
    said = (ROOT / "tests" / "benchmarks" / "README.md").read_text("utf-8")
    assert all(f"## {name}: " in said for name in run.CASES)


# --- what is measured is what the service does ---------------------------------------------------


@pytest.fixture(scope="module")
def engine():
    return Engine(catalogues.catalogue(80))


def test_the_scores_of_case_a_are_those_of_the_answer(engine):
    firm = Company.load(SAMPLE)
    chosen = company.options(lanes=[company.LANE])
    (lane,) = engine.recommend(firm, chosen)["lanes"]
    recommended = [m for m in lane["matches"] if m["fit"] in ("eligible", "conditional")]
    found = company.top_ten(engine, firm, chosen)
    assert [score for _, score in found] == [match["score"] for match in recommended]
    assert {name for name, _ in found} == {match["product_id"] for match in recommended}


def test_the_floor_of_case_a_picks_ten_products(engine):
    work = company.floor(engine, Company.load(SAMPLE), company.options())
    assert sorted(set(work().tolist())) == sorted(work().tolist())
    assert len(work()) == company.TOP


def test_both_solvers_of_case_d_find_the_same_weights():
    (line, _) = lines_of("D")
    assert line["solvers_differ_by"] < 1e-6


def test_the_choices_of_case_d_have_one_taken_row_for_each_event():
    x, y, groups = weights.choices(50)
    assert np.bincount(groups, weights=y).tolist() == [1] * 50
    assert x.shape == (200, weights.SIMILARITIES)


def test_the_service_and_the_bare_server_answer_a_bounded_number_of_requests():
    body = {"company": {}, "options": {"as_of": company.DAY, "limit": 1, "lanes": ["service"]}}
    with serving.service() as ours:
        times, answer = serving.ask(ours.port, serving.request(body), 5, 2)
        assert ours.megabytes() is None or ours.megabytes() > 10
    assert len(times) == 5
    assert json.loads(answer)["lanes"][0]["lane"] == "service"
    with serving.server(serving.RAW, "1234") as raw:
        assert len(serving.ask(raw.port, serving.request(body), 1, 1)[1]) == 1234


def test_what_case_l_loads_is_the_same_catalogue_from_either_format():
    whole = catalogues.catalogue(80)
    assert loading.from_yaml(as_yaml(whole.document())).version == whole.version
    assert loading.from_json(as_json(whole.document())).version == whole.version


def test_an_interview_of_case_q_ends_where_the_full_profile_does():
    """Once everything has been said, the list is that of the full profile."""
    talk = questions.Interview("fixed order", 3)
    assert talk.said == {}
    for name in questions.in_sections(talk):
        talk.ask(name)
    assert talk.top == talk.goal


def test_an_interview_of_case_q_asks_nothing_twice():
    talk = questions.Interview("questions, financing alone", 1)
    for _ in range(questions.MOST):
        talk.ask(questions.by_worth(talk))
    assert len(talk.asked) == len(set(talk.asked))


def test_an_interval_of_case_q_holds_its_share():
    low, high = questions.interval(0.4, 2_000)
    assert low < 0.4 < high
    assert high - low < 0.05
    assert questions.interval(0.0, 10)[0] == 0


# --- the grown catalogue -------------------------------------------------------------------------


def test_the_smallest_catalogue_is_the_packaged_one():
    packaged = Catalogue.load()
    assert catalogues.catalogue(len(packaged.products)).version == packaged.version
    with pytest.raises(ValueError, match="alone has"):
        catalogues.grown(len(packaged.products) - 1)


def test_a_grown_catalogue_keeps_the_packaged_products_and_adds_varied_ones():
    packaged, grown = Catalogue.load(), catalogues.catalogue(200)
    assert len(grown.products) == 200
    assert set(packaged.products) < set(grown.products)
    assert set(packaged.facts) < set(grown.facts)
    assert {p.lane for p in grown.products.values()} == {p.lane for p in packaged.products.values()}
    ceilings = {p.amount.high for p in grown.products.values() if p.amount}
    assert len(ceilings) > 20
    rows = catalogues.grown(200)["products"]
    asked = {rule.get("f") for row in rows for rule in row.get("rules", [])}
    assert (set(grown.facts) - set(packaged.facts)) & asked


def test_the_same_seed_grows_the_same_catalogue():
    assert catalogues.catalogue(80).version == catalogues.catalogue(80).version
    assert catalogues.catalogue(80).version != catalogues.catalogue(80, seed=8).version


# --- measuring -----------------------------------------------------------------------------------


def test_every_work_runs_in_every_round_in_turn():
    seen = []
    works = {name: lambda name=name: seen.append(name) for name in "ab"}
    medians = timing.interleaved(works, rounds=2)
    assert seen == ["a", "b"] * 3
    assert set(medians) == {"a", "b"}


def test_a_line_is_a_ratio_of_two_medians_of_one_run():
    (line,) = timing.lines("X", {"floor": 0.002, "ours": 0.0050012}, "floor", size=3)
    assert line == {
        "case": "X",
        "what": "ours",
        "ratio": 2.5,
        "against": "floor",
        "ms": 5.0,
        "against_ms": 2.0,
        "size": 3,
    }


def test_percentiles_are_values_that_were_measured():
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert serving.percentile(values, 0.5) == 3.0
    assert serving.percentile(values, 0.99) == 5.0
    assert serving.percentile([7.0], 0.5) == 7.0


def test_the_companies_of_case_a_are_marked_as_made_up():
    companies = [Company.load(path) for path in company.SAMPLES.glob("*.yaml")]
    assert len(companies) >= 25
    assert all(one.synthetic for one in companies)


# --- batch ---------------------------------------------------------------------------------------


@pytest.mark.java
def test_case_batch_writes_the_same_on_one_process_two_and_spark():
    lines = lines_of("batch")
    assert [line["against"] for line in lines[:3]] == ["one process"] * 3
    assert [line["companies"] for line in lines] == [40, 40, 40, 4]
    assert [line["products"] for line in lines] == [53, 53, 53, 500]
    assert all(line["identical"] and line["bytes_per_company"] > 0 for line in lines)


# --- many products ------------------------------------------------------------------------------


def test_the_best_products_of_case_c_are_those_of_scoring_every_pair(engine, tmp_path):
    population = prospects.repeated(engine, tmp_path, 25, 2)
    (segment,) = population.segments
    lenses = [Lens(engine, name, prospects.DAY) for name in engine.matcher.ids]
    every = Rows(segment, 0, segment.rows)
    fits = np.stack([lens.gate(every)[0] for lens in lenses], axis=1)
    totals = np.stack([lens.scores(every) for lens in lenses], axis=1)
    totals[fits < 0] = many_products.LEAST
    scores, places = many_products.best(lenses, segment, 10)
    np.testing.assert_array_equal(scores, np.sort(totals, axis=1)[:, :-11:-1])
    there = places >= 0
    assert there.any(axis=1).all()
    rows = np.nonzero(there)[0]
    np.testing.assert_array_equal(totals[rows, places[there]], scores[there])


# --- training ------------------------------------------------------------------------------------


def test_case_train_repeats_itself_to_the_byte_and_sees_every_process():
    (line,) = lines_of("train")
    assert line["identical"] is True
    assert line["rows"] > line["events"] > line["firms"] == train.SMALL
    assert line["megabytes"] is None or line["megabytes"] > 50


def test_contents_that_differ_are_seen_to_differ(tmp_path):
    for name, said in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name / "model").mkdir(parents=True)
        (tmp_path / name / "model" / "weights.json").write_text(said, "utf-8")
        (tmp_path / name / "model" / "run.json").write_text(name, "utf-8")
    a, b, c = (train.contents(tmp_path / name) for name in "abc")
    assert a == b != c
