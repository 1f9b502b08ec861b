"""Processes of one machine: the same bytes however many, and a run that survives kill -9."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batch_runs import ASKED, DAY, FIRMS, MODEL, as_parquet, contents, rows_of, run

from recommender.batch import local
from recommender.batch.local import WorkerDied
from recommender.errors import UnreadableFile
from recommender.simulation import companies

ROOT = Path(__file__).parents[3]
ONE_BY_ONE = """
import sys
from api.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return as_parquet(rows_of(FIRMS), tmp_path_factory.mktemp("in") / "firms.parquet")


def two(job, parts, _):
    return local.records(job, parts, workers=2)


def test_two_processes_write_the_same_bytes_as_one(source, tmp_path):
    assert run(source, tmp_path / "two", share=two) == run(source, tmp_path / "one")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_what_stops_a_partition_is_told_by_the_process_that_started_it(source, tmp_path):
    def share(job, parts, _):
        changed = json.loads(job)
        changed["source"] = str(tmp_path / "gone.parquet")
        return local.records(json.dumps(changed), parts, workers=2)

    with pytest.raises(UnreadableFile) as caught:
        run(source, tmp_path / "out", share=share)
    assert "gone.parquet" in caught.value.params["file"]
    assert not (tmp_path / "out" / "manifest.json").exists()


def descendants(pid):
    """A process and all it started, as far as they still run."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(word) for word in task.read_text("utf-8").split()]
    return found[1:]


def test_a_process_that_is_killed_is_a_clear_error_and_the_run_goes_on(source, tmp_path):
    def share(job, parts, _):
        for done, record in enumerate(two(job, parts, _)):
            if done == 0:
                workers = [pid for pid in descendants(os.getpid()) if is_worker(pid)]
                os.kill(workers[0], signal.SIGKILL)
            yield record

    out = tmp_path / "out"
    with pytest.raises(WorkerDied):
        run(source, out, share=share)
    assert run(source, out)["companies"] == len(FIRMS)


def is_worker(pid):
    return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return as_parquet(rows_of(companies(250, 5, 0.3)), tmp_path_factory.mktemp("in") / "f.parquet")


def test_a_run_killed_in_the_middle_goes_on_to_the_same_bytes(many, tmp_path):
    out = tmp_path / "out"
    flags = ["--in", str(many), "--out", str(out), "--partition", "10", "--workers", "2"]
    command = [sys.executable, "-c", ONE_BY_ONE, "batch", *flags, "--as-of", str(DAY)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CORRIDOR_MODELS": str(tmp_path)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE)
    records = out / "_partitions"
    until(lambda: len(list(records.glob("*.json"))) >= 4)
    started = descendants(process.pid)
    process.kill()
    process.communicate()
    until(lambda: not any(is_alive(pid) for pid in started))
    done = {path: path.stat().st_mtime_ns for path in records.glob("*.json")}
    assert 4 <= len(done) < 25
    assert not (out / "manifest.json").exists()
    assert {path.suffix for path in out.rglob("part-*")} == {".parquet"}

    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert b"250" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in done} == done
    run(many, tmp_path / "whole", MODEL, ASKED)
    assert contents(out) == contents(tmp_path / "whole")
    assert [path.name for path in out.rglob(".*")] == [".lock"]


def until(holds, seconds=60):
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.02)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
