"""`corridor db` and `corridor audit`: both languages, exit codes that say what was found."""

import json

import pytest
from record import peopled

from api.store import append_only, maintenance
from api.store.database import WRITES, Database
from api.store.store import Store


@pytest.fixture
def url(database_url):
    store = Store(database_url)
    maintenance.ready(store.database)
    peopled(store)
    store.close()
    return database_url


@pytest.fixture
def seals(tmp_path):
    return tmp_path / "sealed" / "seals.jsonl"


def tampered(url):
    database = Database(url)
    with database.engine.execution_options(**WRITES).begin() as connection:
        append_only.unprotect(connection)
        connection.exec_driver_sql("DELETE FROM audit_events WHERE sequence > 3")
        append_only.protect(connection)
    database.close()


def test_a_log_is_sealed_and_verified(run, url, seals):
    given = ("--store", url, "--seals", seals)
    code, out, _ = run("audit", "seal", "--language", "en", *given)
    assert (code, "Made seal 1" in out) == (0, True)
    assert seals.exists()
    assert run("audit", "seal", "--language", "zh", *given)[1] == "上次封存以来没有新的事件\n"
    code, out, _ = run("audit", "verify", "--language", "en", "--organisation", "bank-a", *given)
    assert code == 0
    assert "The audit log is whole" in out
    assert "bank-a" in out
    found = json.loads(run("audit", "verify", "--json", *given)[1])
    assert (found["whole"], found["seals"], found["unsealed"]) == (True, 1, 0)


def test_a_tail_that_was_cut_off_is_named(run, url, seals):
    given = ("--store", url, "--seals", seals)
    run("audit", "seal", *given)
    tampered(url)
    code, out, _ = run("audit", "verify", "--language", "en", *given)
    assert code == 2
    assert "cut off before" in out
    assert "The audit log is not whole" in out
    code, out, _ = run("audit", "verify", "--json", *given)
    assert code == 2
    assert json.loads(out)["findings"][0]["kind"] == "cut_off"
    assert run("db", "check", *given)[0] == 2


def test_an_organisation_that_is_not_there_is_refused(run, url):
    code, _, err = run(
        "audit", "verify", "--language", "en", "--store", url, "--organisation", "bank-x"
    )
    assert code == 2
    assert "bank-x" in err


def test_a_record_is_backed_up_restored_and_checked(run, url, tmp_path):
    file, other = tmp_path / "backup.db", f"sqlite:///{tmp_path / 'other' / 'corridor.db'}"
    code, out, _ = run("db", "backup", file, "--store", url, "--language", "en")
    assert (code, str(file) in out) == (0, True)
    code, out, _ = run("db", "restore", file, "--store", other, "--language", "en")
    assert (code, "Restored" in out) == (0, True)
    code, out, _ = run("db", "check", "--store", other, "--language", "zh")
    assert code == 0, out
    assert out.splitlines()[-1] == "数据库正常"
    found = json.loads(run("db", "check", "--store", other, "--json")[1])
    assert found["sound"]
    assert found["rows"]["users"] == 10
    code, _, err = run("db", "restore", file, "--store", other, "--language", "en")
    assert code == 2
    assert "not empty" in err


def test_tables_are_upgraded_once(run, tmp_path):
    url = f"sqlite:///{tmp_path / 'new' / 'corridor.db'}"
    assert "from version - to 0002" in run("db", "upgrade", "--store", url, "--language", "en")[1]
    assert "0002 to 0002" in run("db", "upgrade", "--store", url, "--language", "en")[1]


@pytest.mark.parametrize("command", [("db", "check"), ("audit", "verify"), ("audit", "seal")])
def test_looking_at_a_database_makes_none(run, tmp_path, command):
    place = tmp_path / "none.db"
    code, _, err = run(*command, "--store", f"sqlite:///{place}", "--language", "en")
    assert code == 2
    assert str(place) in err
    assert not place.exists()
