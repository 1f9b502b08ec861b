"""`corridor companies`: a file in, one company out, one erased; with the rights of a user."""

import json

import pytest

from api.store import maintenance
from api.store.store import Store

from record import peopled  # isort: skip


@pytest.fixture
def place(tmp_path):
    """Flags of a record with two banks."""
    url = f"sqlite:///{tmp_path / 'corridor.db'}"
    store = Store(url)
    maintenance.ready(store.database)
    peopled(store)
    store.close()
    return ("--organisation", "bank-a", "--store", url, "--language", "en")


ADMIN = ("--by", "admin@bank-a")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "companies.jsonl"
    rows = [{"id": "c-1", "staff": 1}, {"id": "c-2", "staff": -1}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_file_is_imported_and_bad_rows_are_told(run, place, file):
    code, out, err = run("companies", "import", file, *ADMIN, "--branch", "north", *place)
    assert (code, out) == (0, "2 rows: 1 new, 0 changed, 0 unchanged, 1 not kept\n")
    assert f"{file}:2: staff" in err
    code, out, _ = run("companies", "import", file, *ADMIN, "--dry-run", "--json", *place)
    found = json.loads(out)
    assert (code, found["unchanged"], found["problems"][0]["row"]) == (0, 1, 2)


def test_a_company_is_exported_and_erased(run, place, file):
    run("companies", "import", file, *ADMIN, *place)
    code, out, _ = run("companies", "export", "c-1", *ADMIN, *place)
    assert (code, json.loads(out)["company"]["profile"]["staff"]) == (0, 1)
    assert run("companies", "erase", "c-1", *ADMIN, *place)[0] == 0
    code, out, err = run("companies", "export", "c-1", *ADMIN, *place)
    assert (code, out) == (2, "")
    assert "erased" in err


@pytest.mark.parametrize("by", ["auditor@bank-a", "admin@bank-b", "nobody"])
def test_only_who_may_do_it_does_it(run, place, file, by):
    code, out, err = run("companies", "import", file, "--by", by, *place)
    assert (code, out) == (2, "")
    assert err


def test_the_branch_has_to_be_there(run, place, file):
    code, _, err = run("companies", "import", file, *ADMIN, "--branch", "west", *place)
    assert code == 2
    assert "west" in err
