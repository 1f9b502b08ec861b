"""What is erased is gone from the disk: from the database, its log and every later backup."""

import orjson
import pytest
import sqlalchemy as sa
from applied import caller, company, ran
from record import peopled

from api.store import backups, consents, contacts, erasure, jobs, maintenance, relations
from api.store.conditions import Condition
from api.store.database import Database
from api.store.store import Store
from api.store.tables import audit_events, job_files
from api.store.tables import jobs as jobs_table

MARK = "Zqxwv消失的公司"
FREE, OTHERS = Condition(), 150


@pytest.fixture
def place(tmp_path):
    return tmp_path / "corridor.db"


@pytest.fixture
def store(place):
    found = Store(f"sqlite:///{place}")
    maintenance.ready(found.database)
    yield found
    found.close()


@pytest.fixture
def people(store):
    """A company with the mark in whatever is kept of it, between others of the same length."""
    found = peopled(store)
    for number in range(OTHERS):
        filled(store, found, f"other-{number}", f"Other{number:04}公司公司公司")
        if number == OTHERS // 2:
            filled(store, found, "gone", MARK)
    return found


def filled(store, people, id_, word):
    words = [f"{word} {line}" for line in range(60)]
    profile = {"name_zh": word, "trade": {"description": word}, "facts": {"story": " ".join(words)}}
    company(store, people, id_, profile=profile)
    run_id = ran(store, id_, answer={"lanes": [], "words": words})
    admin = caller(store, people, "admin")

    def more(write):
        contacts.add(write, admin, id_, None, word)
        consents.give(write, admin, id_, "peers", word)
        relations.keep(write, admin, {id_: {"manager": word}})

    store.write(more)
    return run_id


def plans(store, people, ids):
    """A job that made plans for some companies."""
    admin = caller(store, people, "admin")
    lines = [{"company_id": id_, "plan": {"words": [id_] * 9}} for id_ in ids]
    content = b"".join(orjson.dumps(line) + b"\n" for line in lines)

    def keep(write):
        job_id = jobs.add(write, admin, "plans", {}, waits=False)
        row = {"job_id": job_id, "name": "plans.jsonl", "content": content}
        write.execute(sa.insert(job_files), row)
        write.execute(sa.update(jobs_table).values(status="done"))

    store.write(keep)


def found_in(folder):
    """Files that have the mark somewhere, whole or as JSON without its Chinese part."""
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and (b"Zqxwv" in path.read_bytes() or MARK.encode() in path.read_bytes())
    )


def erased(store, people):
    admin = caller(store, people, "admin")
    store.write(lambda write: erasure.erase(write, admin, "gone", FREE))
    # The writer clears away before it takes what comes next.
    store.write(lambda _: None)


def test_plans_that_a_job_made_are_left_to_the_others(store, people):
    plans(store, people, ["other-1", "gone"])
    erased(store, people)
    content = store.read(lambda c: bytes(c.execute(sa.select(job_files.c.content)).scalar_one()))
    assert [orjson.loads(line)["company_id"] for line in content.splitlines()] == ["other-1"]


def test_neither_the_file_nor_its_log_nor_a_backup_has_it(store, people, place, tmp_path):
    before = tmp_path / "before"
    before.mkdir()
    backups.backup(store.database, before / "copy.db")
    assert found_in(before) == ["copy.db"]
    store.database.scrubbed()
    assert "corridor.db" in found_in(tmp_path)
    erased(store, people)
    assert found_in(tmp_path) == []
    after = tmp_path / "after"
    after.mkdir()
    backups.backup(store.database, after / "copy.db")
    assert found_in(after) == []


def test_a_reader_that_is_in_the_way_holds_it_up_and_no_longer(store, people, tmp_path):
    admin = caller(store, people, "admin")
    with store.database.reading() as connection:
        connection.execute(sa.select(sa.func.count()).select_from(audit_events)).scalar_one()
        store.write(lambda write: erasure.erase(write, admin, "gone", FREE))
        store.write(lambda _: None)
        assert found_in(tmp_path) != []
    store.close()
    assert found_in(tmp_path) == []


def test_every_connection_overwrites_what_it_deletes(place, store):
    database = Database(f"sqlite:///{place}")
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 1
    database.close()
