"""Runs from start to end: resumed, verified, refused; nothing half-written is ever shown."""

import json
import resource
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from batch_runs import (
    ASKED,
    FIRMS,
    MALFORMED,
    MODEL,
    as_lines,
    as_parquet,
    contents,
    rows_of,
    run,
    table,
)
from catalogue_copies import changed
from pyarrow import parquet

from recommender.batch import local
from recommender.batch.jobs import Model
from recommender.batch.runs import OtherRun
from recommender.errors import UnreadableFile, Unwritable
from recommender.matching.scoring import Weights
from recommender.texts import LANGUAGES, error_text, problem_text

ROWS = rows_of(FIRMS)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """60 companies, 2 of them twice and with 9 rows nobody can read, in two files."""
    folder = tmp_path_factory.mktemp("in") / "firms"
    folder.mkdir()
    bad = [(name, raw) for name, raw, _ in MALFORMED]
    as_parquet([*ROWS[:30], *bad, ROWS[3]], folder / "a.parquet")
    as_lines([*ROWS[30:], ROWS[1], ("x", "{"), ("y", "no JSON")], folder / "b.jsonl")
    return folder


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    return out, run(source, out)


def test_every_row_is_answered_or_rejected(whole):
    out, manifest = whole
    rejects = table(out, "rejects")
    assert manifest["companies"] == 73
    assert manifest["rejected"] == len(rejects) == 13
    assert {(line["file"], line["row"]) for line in rejects} == {
        *(("a.parquet", row) for row in range(31, 41)),
        *(("b.jsonl", row) for row in range(31, 34)),
    }
    reasons = Counter(code for line in rejects for code in line["codes"].split())
    assert manifest["reasons"] == dict(reasons)
    assert reasons["duplicate_id"] == 2
    answered = {line["company"] for line in table(out)}
    assert answered <= {name for name, _ in ROWS}
    assert len(answered) > 50


def test_the_manifest_counts_and_names_everything(whole):
    out, manifest = whole
    assert json.loads((out / "manifest.json").read_text("utf-8")) == manifest
    lines = table(out)
    counts = Counter((line["lane"], line["fit"]) for line in lines)
    told = {(lane, fit): n for lane, by in manifest["counts"].items() for fit, n in by.items()}
    assert told == dict(counts)
    assert manifest["rows"] == len(lines)
    assert {line["run_id"] for line in lines} == {manifest["run_id"]}
    assert MODEL.versions().items() <= manifest.items()
    assert [part["part"] for part in manifest["partitions"]] == list(range(8))


def test_the_same_run_has_the_same_bytes(source, whole, tmp_path):
    assert run(source, tmp_path / "again") == whole[1]
    assert contents(tmp_path / "again") == contents(whole[0])


def stopped(after):
    """A share that ends as a killed process does: at once, after some partitions."""

    def share(job, parts, _):
        for done, record in enumerate(local.records(job, parts)):
            if done == after:
                raise KeyboardInterrupt
            yield record

    return share


def test_a_run_that_was_stopped_goes_on_and_keeps_what_is_done(source, whole, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(source, out, share=stopped(3))
    assert not (out / "manifest.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    assert 6 <= len(kept) < 16
    half = out / "matches" / f".part-00007.parquet.{'0' * 32}"
    half.write_bytes(b"PAR1")
    assert run(source, out) == whole[1]
    assert not half.exists()
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert contents(out) == contents(whole[0])


def test_a_complete_run_is_verified_and_what_was_damaged_is_done_again(source, whole, tmp_path):
    out = tmp_path / "out"
    run(source, out)
    (out / "matches" / "part-00002.parquet").write_bytes(b"PAR1")
    (out / "rejects" / "part-00004.parquet").unlink()
    (out / "_partitions" / "00001.json").write_text("{", "utf-8")
    assert run(source, out) == whole[1]
    assert contents(out) == contents(whole[0])


OTHERS = {
    "top": {"asked": replace(ASKED, top=3)},
    "partition_rows": {"asked": replace(ASKED, partition_rows=20)},
    "as_of": {"asked": replace(ASKED, as_of=ASKED.as_of.replace(year=2025))},
    "catalogue_version": {"model": Model(changed(ceiling=5_000_000), MODEL.weights)},
    "model_version": {"model": replace(MODEL, weights=Weights({**MODEL.weights.weights, "fx": 9}))},
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_run_in_the_same_folder_is_refused_with_the_difference(source, whole, name):
    before = contents(whole[0])
    with pytest.raises(OtherRun) as caught:
        run(source, whole[0], **OTHERS[name])
    (problem,) = caught.value.problems
    assert problem.field == name
    assert problem.value != problem.allowed
    assert all(problem_text(problem, language) for language in LANGUAGES)
    assert contents(whole[0]) == before


def test_another_input_in_the_same_folder_is_refused_with_its_files(whole, tmp_path):
    with pytest.raises(OtherRun) as caught:
        run(as_parquet(ROWS, tmp_path / "other.parquet"), whole[0])
    (problem,) = caught.value.problems
    assert problem.field == "input"
    assert "other.parquet (60, " in problem_text(problem, "en")
    assert "a.parquet (40, " in problem_text(problem, "en")


def test_a_folder_with_anything_else_in_it_is_left_alone(source, tmp_path):
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(Unwritable) as caught:
        run(source, tmp_path)
    assert caught.value.params["reason"] == "batch_taken"
    assert contents(tmp_path) == {"mine.txt": b"mine"}


def test_a_folder_whose_beginning_is_damaged_is_refused(source, tmp_path):
    (tmp_path / "_run.json").write_text('{"run_id"', "utf-8")
    with pytest.raises(UnreadableFile) as caught:
        run(source, tmp_path)
    assert caught.value.params["reason"] == "batch_record"


def test_two_runs_in_one_folder_at_a_time_are_refused(source, tmp_path):
    def share(job, parts, _):
        with pytest.raises(Unwritable) as caught:
            run(source, tmp_path / "out")
        assert caught.value.params["reason"] == "batch_running"
        yield from local.records(job, parts)

    assert run(source, tmp_path / "out", share=share)["companies"] == 73


@pytest.mark.parametrize("out", ["/sys/kernel/out", "file/out"])
def test_a_place_that_cannot_be_written_is_a_clear_error(source, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(Unwritable) as caught:
        run(source, out)
    assert all(out in error_text(caught.value, language) for language in LANGUAGES)


@pytest.fixture
def short_of_room():
    """No file may grow beyond what a record needs, as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_written(
    source, whole, tmp_path, request
):
    out = tmp_path / "out"
    request.getfixturevalue("short_of_room")
    with pytest.raises(Unwritable) as caught:
        run(source, out)
    assert "part-00000.parquet" in error_text(caught.value, "en")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert list(out.rglob("*.parquet*")) == []
    assert run(source, out) == whole[1]
    assert contents(out) == contents(whole[0])


def test_partitions_that_were_written_elsewhere_are_missed(source, tmp_path):
    def share(job, parts, _):
        elsewhere = {**json.loads(job), "out": str(tmp_path / "disk of its own")}
        return local.records(json.dumps(elsewhere), parts)

    with pytest.raises(Unwritable) as caught:
        run(source, tmp_path / "out", share=share)
    assert caught.value.params["reason"] == "batch_unseen"
    assert "part-00000.parquet" in error_text(caught.value, "zh")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_no_companies_are_a_run_too(tmp_path):
    (tmp_path / "none.jsonl").touch()
    manifest = run(tmp_path / "none.jsonl", tmp_path / "out")
    assert (manifest["companies"], manifest["rows"], manifest["partitions"]) == (0, 0, [])


def test_the_number_of_finished_partitions_is_told(source, tmp_path):
    told = []
    run(source, tmp_path / "out", begin=lambda total: told.append(total) or told.append)
    assert told == [8, *range(1, 9)]


def test_other_programs_see_the_matches_as_one_table(whole):
    found = parquet.read_table(whole[0] / "matches")
    assert len(found) == whole[1]["rows"]
