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


def add(run, place, login, *more):
    rest = ("--role", "enterprise", "--name", "Firm", *more)
    return run("users", "add", login, *rest, *place)


def test_a_user_is_added_with_the_company_on_record(run, place, file):
    run("companies", "import", file, *ADMIN, *place)
    code, _, err = add(run, place, "firm@bank-a", "--company", "c-9")
    assert (code, "c-9" in err) == (2, True)
    assert add(run, place, "firm@bank-a", "--company", "c-1")[0] == 0
    code, _, err = add(run, place, "other@bank-a", "--company", "c-1")
    assert code == 2
    assert "companies owner" in err
    assert run("users", "disable", "firm@bank-a", *place[2:])[0] == 0
    assert add(run, place, "other@bank-a", "--company", "c-1")[0] == 0


def test_only_users_of_enterprises_are_added_with_a_company(run, place, file):
    run("companies", "import", file, *ADMIN, *place)
    given = ("--role", "auditor", "--name", "A", "--company", "c-1")
    code, _, err = run("users", "add", "a@bank-a", *given, *place)
    assert code == 2
    assert "--company" in err


def test_an_admin_says_whose_company_it_is(run, place, file):
    run("companies", "import", file, *ADMIN, *place)
    given = ("companies", "owner", "c-1", *ADMIN, *place)
    code, out, _ = run(*given, "--user", "enterprise@bank-a")
    assert (code, out) == (0, "The company c-1 belongs to enterprise@bank-a\n")
    code, out, _ = run(*given)
    assert (code, out) == (0, "The company c-1 belongs to nobody\n")
    assert run(*given, "--user", "enterprise@bank-b")[0] == 2
