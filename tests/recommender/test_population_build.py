"""Building and changing populations: whole or not at all, and what is wrong is said row by row."""

import csv
import datetime
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from populations import DAY, engine, packed, profiles, read_from, rows_of, written

from recommender.column_files import DamagedPopulation
from recommender.company_columns import split
from recommender.errors import UnreadableFile, Unwritable
from recommender.population import FORMAT, MANIFEST, Population, PopulationMismatch
from recommender.population_build import (
    REPORT,
    How,
    NothingPacked,
    build,
    compact,
    remove,
    stored_rows,
    update,
)
from recommender.prospects import Prospects

ROOT = Path(__file__).parent.parent.parent
PRODUCT = "cor-cashflow"
SMALL = How(segment=20)


def ids(population):
    return {
        segment.id(row)
        for segment in population.segments
        for row in range(segment.rows)
        if not population.removed[segment.first + row]
    }


def listed(folder):
    used = Prospects(engine(), Population.open(folder))
    answer = used.top(PRODUCT, n=1000, consent=False)
    return [(p["company"]["id"], p["score"], p["fit"]) for p in answer["prospects"]]


def report_of(folder):
    with (folder / REPORT).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# --- build ---------------------------------------------------------------------------------------


def test_what_was_packed_comes_back(tmp_path):
    population = packed(tmp_path, profiles()[:45], segment=20)
    assert [segment.rows for segment in population.segments] == [45]
    rows = list(stored_rows(population))
    assert [(row.profile, row.relation) for row in rows] == [
        (profile, own) for profile, own in map(split, profiles()[:45])
    ]
    population.verify()
    assert population.manifest["synthetic"] == 45


def test_the_same_companies_give_the_same_files(tmp_path):
    first, second = (
        packed(tmp_path / name, profiles()[:30]) for name in mkdirs(tmp_path, "a", "b")
    )
    assert tree(first.folder) == tree(second.folder)


def mkdirs(tmp_path, *names):
    for name in names:
        (tmp_path / name).mkdir()
    return names


def test_two_workers_give_the_same_files_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr("recommender.company_batches.ENOUGH_FOR_WORKERS", 2)
    monkeypatch.setattr("recommender.company_batches.ROWS", 20)
    for name, workers in (("one", 1), ("two", 2)):
        build(engine(), read_from(profiles()), tmp_path / name, DAY, How(workers=workers))
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_segments_do_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr("recommender.company_batches.ROWS", 15)
    for name, size in (("one", 1000), ("many", 30)):
        build(engine(), read_from(profiles()), tmp_path / name, DAY, How(segment=size))
    assert len(Population.open(tmp_path / "many").segments) == 4
    assert listed(tmp_path / "one") == listed(tmp_path / "many")


def test_a_place_that_is_taken_is_kept(tmp_path):
    (tmp_path / "population").mkdir()
    (tmp_path / "population" / "mine").write_text("x")
    with pytest.raises(Unwritable):
        build(engine(), read_from(profiles()[:2]), tmp_path / "population", DAY)
    assert (tmp_path / "population" / "mine").read_text() == "x"
    assert [path.name for path in tmp_path.iterdir()] == ["population"]


class FullDisk:
    """Rows that end in an error of the system, as a disk that is full gives one."""

    def __iter__(self):
        yield from read_from(profiles()[:3])
        raise OSError(28, "No space left on device")


def test_an_output_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(Unwritable) as caught:
        build(engine(), read_from(profiles()[:2]), tmp_path / "no" / "p", DAY)
    assert caught.value.params["reason"] == "No such file or directory"
    with pytest.raises(Unwritable):
        build(engine(), FullDisk(), tmp_path / "p", DAY)
    assert list(tmp_path.iterdir()) == []


READ_ONLY = """
import datetime, os, sys
from pathlib import Path
from recommender.errors import Unwritable
from recommender.population import Population
from recommender.population_build import build, remove
works = (
    lambda: build(None, [], Path(sys.argv[1]) / "x", datetime.date(2026, 11, 23)),
    lambda: remove(Path(sys.argv[1]) / "population", ["x"]),
)
Population.open(Path(sys.argv[1]) / "population")  # all that is imported late
if os.getuid() == 0:
    os.setuid(65534)  # the superuser of a container may write everywhere
for work in works:
    try:
        work()
    except Unwritable as error:
        print(error.params["reason"])
"""


def test_a_read_only_output_is_told(tmp_path):
    population = packed(tmp_path, profiles()[:2])
    before = tree(tmp_path)
    for folder in (population.folder, tmp_path):
        folder.chmod(0o555)
    for folder in tmp_path.parents:
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):  # noqa: S108 - only read
            folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.splitlines() == ["Permission denied"] * 2, done.stderr
    for folder in (population.folder, tmp_path):
        folder.chmod(0o755)
    assert tree(tmp_path) == before


# --- rows that are wrong -------------------------------------------------------------------------


def broken(row, number):
    """One of several ways in which a row can be wrong."""
    return [
        {**row, "id": None},
        {**row, "staff": -1, "revenue_cny": "much"},
        {**row, "trade": {"routes": [{"mode": "BALLOON"}]}},
        {**row, "facts": {"no_such_fact": True}},
        {**row, "consent_to_contact": "maybe"},
        {**row, "last_contacted": "yesterday"},
        {**row, "colour": "blue"},
    ][number % 7]


def test_three_percent_of_wrong_rows_do_not_stop_the_others(tmp_path):
    rows, wrong = list(profiles()), {}
    for number in range(0, len(rows), 33):
        wrong[number] = rows[number] = broken(rows[number], number // 33)
    path = written(tmp_path, rows)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"id": "cut off", "staff\n\n[1, 2]\n')
    summary = build(engine(), rows_of(path), tmp_path / "population", DAY)
    assert summary.packed == len(rows) - len(wrong)
    assert summary.rejected == len(wrong) + 2
    found = report_of(tmp_path / "population")
    numbers = {int(line["row"]) for line in found}
    assert numbers == {number + 1 for number in wrong} | {len(rows) + 1, len(rows) + 3}
    assert all(line["message_zh"] and line["message_en"] and line["code"] for line in found)
    twice = [line for line in found if line["row"] == "34"]
    assert {line["field"] for line in twice} == {"staff", "revenue_cny"}
    assert {line["id"] for line in twice} == {profiles()[33]["id"]}
    good = {raw["id"] for number, raw in enumerate(rows) if number not in wrong}
    assert ids(Population.open(tmp_path / "population")) == good


def test_an_id_twice_is_reported_and_the_first_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("recommender.company_batches.ROWS", 10)
    rows = list(profiles()[:60])
    for place, of in ((3, 2), (25, 4), (55, 6)):
        rows[place] = {**rows[place], "id": rows[of]["id"]}
    summary = build(engine(), read_from(rows), tmp_path / "p", DAY, SMALL)
    assert (summary.packed, summary.rejected) == (57, 3)
    found = report_of(tmp_path / "p")
    assert [(line["row"], line["code"]) for line in found] == [
        ("4", "company_twice"), ("26", "company_twice"), ("56", "company_twice"),
    ]  # fmt: skip
    stored = {
        row.profile["id"]: row.profile for row in stored_rows(Population.open(tmp_path / "p"))
    }
    assert stored[rows[4]["id"]] == split(rows[4])[0]


def test_an_id_that_was_only_rejected_before_is_free(tmp_path):
    rows = [{**profiles()[0], "staff": -1}, profiles()[0]]
    assert build(engine(), read_from(rows), tmp_path / "p", DAY).packed == 1


def test_nothing_good_is_no_population(tmp_path):
    rows = [broken(raw, 1) for raw in profiles()[:4]]
    with pytest.raises(NothingPacked) as caught:
        build(engine(), read_from(rows), tmp_path / "p", DAY)
    assert {problem.row for problem in caught.value.problems} == {1, 2, 3, 4}
    assert list(tmp_path.iterdir()) == []


def test_a_report_goes_where_it_is_wanted_and_holds_no_formula(tmp_path):
    rows = [profiles()[0], {**profiles()[1], "ownership": "=HYPERLINK(1)"}]
    build(engine(), read_from(rows), tmp_path / "p", DAY, How(report=tmp_path / "why.csv"))
    assert not (tmp_path / "p" / REPORT).exists()
    assert "'=HYPERLINK" in (tmp_path / "why.csv").read_text("utf-8-sig")


# --- changes -------------------------------------------------------------------------------------


def test_an_update_gives_what_a_build_of_the_result_gives(tmp_path):
    old, new = (
        list(profiles()[:60]),
        [
            {**profiles()[7], "need": {"amount": 900_000, "currency": "CNY", "tenor_days": 60}},
            *profiles()[60:80],
        ],
    )
    population = packed(tmp_path, old)
    summary = update(engine(), population.folder, read_from(new))
    assert (summary.packed, summary.replaced) == (21, 1)
    remove(population.folder, [profiles()[9]["id"], profiles()[70]["id"]])
    rows = {raw["id"]: raw for raw in (*old, *new)}
    for number in (9, 70):
        del rows[profiles()[number]["id"]]
    build(engine(), read_from(rows.values()), tmp_path / "whole", DAY)
    assert listed(population.folder) == listed(tmp_path / "whole")
    assert Population.open(population.folder).companies == len(rows) == 78
    done = compact(engine(), population.folder)
    assert (done.packed, done.removed) == (78, 3)
    assert listed(population.folder) == listed(tmp_path / "whole")
    assert Population.open(population.folder).rows == 78
    assert not list(population.folder.glob("removed-*"))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.sampled_from(["update", "remove", "compact"]), st.sets(st.integers(0, 14))),
        max_size=5,
    )
)
def test_any_changes_end_in_what_they_say(tmp_path_factory, changes):
    folder = tmp_path_factory.mktemp("changes")
    population = packed(folder, profiles()[:8])
    expected = {raw["id"]: raw for raw in profiles()[:8]}
    for version, (kind, numbers) in enumerate(changes):
        chosen = [profiles()[number] for number in sorted(numbers)]
        if kind == "update":
            new = [{**raw, "staff": 1000 + version} for raw in chosen]
            update(engine(), population.folder, read_from(new))
            expected |= {raw["id"]: raw for raw in new}
        elif kind == "remove":
            count, unknown = remove(population.folder, [raw["id"] for raw in chosen])
            gone = [expected.pop(raw["id"], None) for raw in chosen]
            assert (count, len(unknown)) == (
                sum(raw is not None for raw in gone), gone.count(None),
            )  # fmt: skip
        else:
            compact(engine(), population.folder)
    found = list(stored_rows(Population.open(population.folder)))
    assert {row.profile["id"]: row.profile.get("staff", None)
            for row in found} == {i: raw.get("staff") for i, raw in expected.items()}  # fmt: skip
    assert len(found) == len(expected)


def test_an_update_without_a_good_row_changes_nothing(tmp_path):
    population = packed(tmp_path, profiles()[:5])
    before = (population.folder / MANIFEST).read_bytes()
    with pytest.raises(NothingPacked):
        update(engine(), population.folder, read_from([broken(profiles()[6], 1)]))
    assert (population.folder / MANIFEST).read_bytes() == before


def test_an_id_twice_in_one_update_is_reported(tmp_path):
    population = packed(tmp_path, profiles()[:5])
    summary = update(engine(), population.folder, read_from([profiles()[1], profiles()[1]]))
    assert (summary.packed, summary.replaced, summary.rejected) == (1, 1, 1)


def test_one_change_at_a_time(tmp_path):
    population = packed(tmp_path, profiles()[:5])
    with (population.folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Unwritable) as caught:
            remove(population.folder, [profiles()[0]["id"]])
    assert caught.value.params["reason"] == "population_busy"


# --- faults --------------------------------------------------------------------------------------

KILLED = """
import sys, datetime
from pathlib import Path
sys.path.insert(0, "tests")
from populations import engine, profiles, read_from
from recommender.population_build import How, build, update, compact
from recommender import segment_writer, company_batches
company_batches.ROWS, company_batches.ENOUGH_FOR_WORKERS = 5, 2
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
    monkeypatch.setattr("recommender.company_batches.ROWS", 5)
    monkeypatch.setattr("recommender.company_batches.ENOUGH_FOR_WORKERS", 2)
    taken, told = [], []

    def rows():
        for row in read_from(profiles()[:60]):
            taken.append(row.number)
            yield row

    how = How(told=lambda done: told.append((done, len(taken))))
    build(engine(), rows(), tmp_path / "p", DAY, how)
    assert max(ahead - done for done, ahead in told) <= 10
