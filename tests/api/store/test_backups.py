"""Backups: one moment of a record in use, into either kind of database, and nothing halfway."""

import sqlite3
import threading

import pytest
import sqlalchemy as sa
from record import peopled

from api.policy import Caller
from api.refusals import NotEmpty
from api.store import backups, checks, maintenance, runs
from api.store.database import StoreOutdated
from api.store.store import Store
from recommender.errors import UnreadableFile, Unwritable

VERSIONS = dict.fromkeys(runs.VERSIONS, "v") | {"population_version": None}


def caller(store, people):
    user_id = people.ids["bank-a", "manager"]
    return Caller(user_id, "bank-a", None, "manager", "write", "t", store.clock())


def keep(store, who, number):
    run = runs.Run(f"run-{number:06}", "recommend", "{}", f'{{"n":{number}}}', VERSIONS)
    store.write(lambda write: runs.keep(write, who, run))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'restored' / 'corridor.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").empty()
    found = Store(url)
    yield found
    found.close()


def test_a_backup_under_load_is_one_sound_moment_of_it(store, empty, tmp_path):
    who = caller(store, peopled(store))
    stop, kept = threading.Event(), []

    def write_on(start):
        number = start
        while not stop.is_set():
            keep(store, who, number)
            kept.append(number)
            number += 1

    threads = [threading.Thread(target=write_on, args=(k * 100_000,)) for k in range(4)]
    for thread in threads:
        thread.start()
    while len(kept) < 100:
        stop.wait(0.01)
    acknowledged = list(kept)
    file = tmp_path / "backup.db"
    rows = backups.backup(store.database, file)
    stop.set()
    for thread in threads:
        thread.join()
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("backup.db?*"))
    assert rows["runs"] >= len(acknowledged)
    assert backups.restore(empty.database, file) == rows
    found = checks.checked(empty.database)
    assert found.sound, found
    there = set(empty.read(lambda c: c.execute(sa.select(runs.runs.c.id)).scalars()))
    assert {f"run-{number:06}" for number in acknowledged} <= there
    run = empty.read(lambda c: runs.visible(c, who, f"run-{acknowledged[0]:06}"))
    assert run["answer"] == f'{{"n":{acknowledged[0]}}}'


def test_what_is_restored_goes_on_where_it_was(store, empty, tmp_path):
    who = caller(store, peopled(store))
    keep(store, who, 1)
    backups.backup(store.database, tmp_path / "backup.db")
    backups.restore(empty.database, tmp_path / "backup.db")
    keep(empty, who, 2)
    assert checks.checked(empty.database).sound


def test_a_database_that_keeps_something_is_left_alone(store, tmp_path):
    who = caller(store, peopled(store))
    keep(store, who, 1)
    backups.backup(store.database, tmp_path / "backup.db")
    before = store.read(backups.rows_of)
    with pytest.raises(NotEmpty):
        backups.restore(store.database, tmp_path / "backup.db")
    assert store.read(backups.rows_of) == before


def test_a_damaged_backup_leaves_nothing_behind(store, empty, tmp_path):
    who = caller(store, peopled(store))
    for number in range(200):
        keep(store, who, number)
    file = tmp_path / "backup.db"
    backups.backup(store.database, file)
    content = bytearray(file.read_bytes())
    half = len(content) // 2
    file.write_bytes(bytes(content[:half]))
    with pytest.raises(UnreadableFile):
        backups.restore(empty.database, file)
    maintenance.ready(empty.database)
    assert not any(empty.read(backups.rows_of).values())


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(100)])
def test_what_is_no_backup_is_refused(empty, tmp_path, content):
    file = tmp_path / "backup.db"
    file.write_bytes(content)
    with pytest.raises((UnreadableFile, StoreOutdated)):
        backups.restore(empty.database, file)


def test_a_file_that_is_there_is_not_overwritten(store, tmp_path):
    file = tmp_path / "backup.db"
    file.write_text("mine")
    with pytest.raises(Unwritable):
        backups.backup(store.database, file)
    assert file.read_text() == "mine"


def test_a_backup_of_other_tables_is_refused(store, empty, tmp_path):
    file = tmp_path / "backup.db"
    backups.backup(store.database, file)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreOutdated):
        backups.restore(empty.database, file)
