"""What became of a partition: files that say where they come from, and a record that vouches."""

import json

import pyarrow as pa
import pytest
from batch_runs import DAY, FIRMS, MODEL, as_batch
from pyarrow import parquet

from recommender.batch.partition import Partition
from recommender.batch.parts import FOLDERS, finished, write_part
from recommender.batch.places import place
from recommender.batch.schema import COMPANIES, MATCHES, REJECTS, VERSIONS
from recommender.matching.matcher import Matcher
from recommender.parameters import Parameters

SAID = {**{name: f"{name}-1" for name in VERSIONS}, "run_id": "run", "as_of": str(DAY)}


@pytest.fixture(scope="module")
def answered():
    good = as_batch(FIRMS[:5]).to_pylist()
    bad = {"row": 6, "id": "bad", "profile": b"{", "twice": None}
    batch = pa.RecordBatch.from_pylist([*good, bad, {**bad, "row": 7, "profile": None}], COMPANIES)
    matcher = Matcher(MODEL.catalogue, Parameters.load())
    return Partition(matcher, MODEL.weights, DAY).answered(batch)


@pytest.fixture
def out(tmp_path, answered):
    written = place(str(tmp_path), "--out")
    write_part(written, 3, answered, "firms.parquet", SAID)
    return written


def test_every_row_names_run_versions_day_and_whether_it_is_made_up(out, tmp_path, answered):
    found = parquet.read_table(tmp_path / "matches" / "part-00003.parquet")
    assert found.schema.names == MATCHES.names
    assert found.schema.types == MATCHES.types
    for line in found.to_pylist():
        assert {name: line[name] for name in VERSIONS} == {n: SAID[n] for n in VERSIONS}
        assert line["as_of"] == DAY
        assert line["synthetic"] is True
    assert len(found) + 2 == answered.num_rows


def test_rejected_rows_stand_apart_with_file_row_and_reason(out, tmp_path):
    found = parquet.read_table(tmp_path / "rejects" / "part-00003.parquet")
    assert found.schema.names == REJECTS.names
    lines = found.to_pylist()
    places = [(line["file"], line["row"], line["company"], line["codes"]) for line in lines]
    assert places == [
        ("firms.parquet", 6, "bad", "batch_not_json"),
        ("firms.parquet", 7, "bad", "missing"),
    ]
    assert all(line["reason_zh"] and line["reason_en"] for line in lines)


def test_the_record_counts_by_lane_and_fit(out, tmp_path):
    record = finished(out, "run", 3)
    lines = parquet.read_table(tmp_path / "matches").to_pylist()
    assert record["rows"] == len(lines)
    assert (record["companies"], record["rejected"]) == (7, 2)
    assert record["reasons"] == {"batch_not_json": 1, "missing": 1}
    for lane, counts in record["counts"].items():
        for fit, count in counts.items():
            assert sum(line["lane"] == lane and line["fit"] == fit for line in lines) == count


def test_the_same_partition_has_the_same_bytes(out, tmp_path, answered):
    first = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    write_part(out, 3, answered, "firms.parquet", SAID)
    assert {p: p.read_bytes() for p in sorted(tmp_path.rglob("*")) if p.is_file()} == first
    assert len(first) == 3


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("how", ["gone", "cut", "changed"])
def test_a_partition_whose_file_is_not_what_it_was_is_not_done(out, tmp_path, folder, how):
    path = tmp_path / folder / "part-00003.parquet"
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if how == "cut" else content[:-9] + b"x" + content[-8:])
    assert finished(out, "run", 3) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"sha256": 1}', '{"run_id": "run"}'])
def test_a_record_that_is_none_vouches_for_nothing(out, tmp_path, content):
    (tmp_path / "_partitions" / "00003.json").write_text(content, "utf-8")
    assert finished(out, "run", 3) is None


def test_a_record_of_another_run_vouches_for_nothing(out, tmp_path):
    path = tmp_path / "_partitions" / "00003.json"
    record = json.loads(path.read_text("utf-8"))
    assert finished(out, "run", 3) == record
    assert finished(out, "another", 3) is None
    assert finished(out, "run", 4) is None
