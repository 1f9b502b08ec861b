"""Populations that were killed, damaged or made by another version: the old state or a refusal."""

import datetime
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from populations import DAY, engine, listed, packed, profiles, read_from

from recommender.errors import UnreadableFile
from recommender.population.build import (
    How,
    build,
    remove,
)
from recommender.population.column_files import DamagedPopulation
from recommender.population.population import FORMAT, MANIFEST, Population, PopulationMismatch

ROOT = Path(__file__).parents[3]

KILLED = """
import sys, datetime
from pathlib import Path
sys.path.insert(0, "tests")
from populations import engine, listed, profiles, read_from
from recommender.population.build import How, build, update, compact
from recommender.population import batches, segment_writer
batches.ROWS, batches.ENOUGH_FOR_WORKERS = 5, 2
place, kind = Path(sys.argv[1]), sys.argv[2]
def rows():
    for number, row in enumerate(read_from(profiles()[:60])):
        if number == 40:
            print("ready", flush=True)
            import time; time.sleep(60)
        yield row
if kind == "build":
    build(engine(), rows(), place / "new", datetime.date(2026, 11, 23), How(segment=10))
elif kind == "update":
    update(engine(), place / "population", rows(), How(segment=10))
"""


@pytest.mark.parametrize("kind", ["build", "update"])
def test_kill_9_in_the_middle_leaves_the_old_state(tmp_path, kind):
    population = packed(tmp_path, profiles()[:8])
    before, manifest = listed(population.folder), (population.folder / MANIFEST).read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), kind],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "new").exists()
    assert (population.folder / MANIFEST).read_bytes() == manifest
    assert listed(population.folder) == before
    if kind == "build":
        with pytest.raises(UnreadableFile):
            Population.open(tmp_path / "new")
        assert [path.name[:5] for path in tmp_path.iterdir() if path.is_dir()].count(".new.") == 1
        build(engine(), read_from(profiles()[:3]), tmp_path / "new", DAY)
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    else:
        assert len(list((population.folder / "segments").iterdir())) > 1
        remove(population.folder, [before[0][0]])
        assert len(list((population.folder / "segments").iterdir())) == 1


def test_what_another_build_is_writing_is_left_alone(tmp_path):
    mine, other = tmp_path / ".new.abcdefgh", tmp_path / ".new.backup"
    for folder in (mine, other):
        folder.mkdir()
        (folder / ".lock").write_bytes(b"")
    with (mine / ".lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build(engine(), read_from(profiles()[:2]), tmp_path / "new", DAY)
    assert mine.is_dir()
    remove(tmp_path / "new", [profiles()[0]["id"]])
    build(engine(), read_from(profiles()[:2]), tmp_path / "newer", DAY)
    assert mine.is_dir()
    (tmp_path / "new").rename(tmp_path / "old")
    build(engine(), read_from(profiles()[:2]), tmp_path / "new", DAY)
    assert not mine.exists()
    assert other.is_dir()


@pytest.mark.parametrize("harm", ["cut", "gone", "manifest"])
def test_a_damaged_population_is_refused(tmp_path, harm):
    population = packed(tmp_path, profiles()[:5])
    path = next(population.folder.rglob("eligibility.bin"))
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif harm == "gone":
        path.unlink()
    else:
        (population.folder / MANIFEST).write_text("{}")
    with pytest.raises(DamagedPopulation):
        Population.open(population.folder)


def test_a_byte_that_changed_is_found_when_asked(tmp_path):
    population = packed(tmp_path, profiles()[:5])
    path = next(population.folder.rglob("eligibility.bin"))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DamagedPopulation):
        Population.open(population.folder).verify()


@pytest.mark.parametrize("given", [1, 99])
def test_another_format_is_refused(tmp_path, given):
    population = packed(tmp_path, profiles()[:2])
    manifest = json.loads((population.folder / MANIFEST).read_text())
    (population.folder / MANIFEST).write_text(json.dumps({**manifest, "format": given}))
    with pytest.raises(PopulationMismatch) as caught:
        Population.open(population.folder)
    assert caught.value.problems[0].params == {"found": given, "expected": FORMAT}


def test_another_layout_is_refused(tmp_path):
    population = packed(tmp_path, profiles()[:2])
    manifest = json.loads((population.folder / MANIFEST).read_text())
    (population.folder / MANIFEST).write_text(json.dumps({**manifest, "layout": "other"}))
    with pytest.raises(PopulationMismatch) as caught:
        Population.open(population.folder).check(engine())
    assert [problem.field for problem in caught.value.problems] == ["layout"]


def test_a_population_is_of_its_day(tmp_path):
    build(engine(), read_from(profiles()[:3]), tmp_path / "p", datetime.date(2026, 6, 30))
    assert Population.open(tmp_path / "p").as_of == datetime.date(2026, 6, 30)
    assert listed(tmp_path / "p")


def test_rows_are_taken_as_they_come(tmp_path, monkeypatch):
    """Not more than a few batches are read ahead of what is written."""
    monkeypatch.setattr("recommender.population.batches.ROWS", 5)
    monkeypatch.setattr("recommender.population.batches.ENOUGH_FOR_WORKERS", 2)
    taken, told = [], []

    def rows():
        for row in read_from(profiles()[:60]):
            taken.append(row.number)
            yield row

    how = How(told=lambda done: told.append((done, len(taken))))
    build(engine(), rows(), tmp_path / "p", DAY, how)
    assert max(ahead - done for done, ahead in told) <= 10
