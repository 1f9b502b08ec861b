"""`corridor jobs`: listed, shown and cancelled with the rights of a user."""

import json

import pytest
from record import peopled

from api.store import jobs, maintenance, users
from api.store.store import Store


@pytest.fixture
def place(tmp_path):
    """Flags of a record with a job of an admin in each of two banks, and their ids."""
    url = f"sqlite:///{tmp_path / 'corridor.db'}"
    store = Store(url)
    maintenance.ready(store.database)
    people = peopled(store)
    ids = []
    for bank in ("bank-a", "bank-b"):
        user_id = people.ids[bank, "admin"]
        by = store.read(lambda c, user_id=user_id: users.as_caller(c, user_id))
        ids.append(store.write(lambda w, by=by: jobs.add(w, by, "population", {}, waits=False)))
    store.close()
    return ("--organisation", "bank-a", "--store", url, "--language", "en"), *ids


def test_an_operator_lists_shows_and_cancels(run, place):
    flags, own, other = place
    admin = ("--by", "admin@bank-a", *flags)
    code, out, _ = run("jobs", "list", *admin)
    assert (code, own[:8] in out, other[:8] in out) == (0, True, False)
    (listed,) = json.loads(run("jobs", "list", "--json", *admin)[1])
    assert (listed["id"], listed["status"], listed["asked_by"]) == (own, "queued", "admin@bank-a")
    assert json.loads(run("jobs", "show", own, *admin)[1]) == listed
    code, out, _ = run("jobs", "cancel", own, *admin)
    assert (code, own in out) == (0, True)
    assert json.loads(run("jobs", "show", own, *admin)[1])["status"] == "cancelled"
    code, _, err = run("jobs", "cancel", own, *admin)
    assert (code, own in err) == (2, True)


def test_what_a_user_does_not_see_is_not_there(run, place):
    flags, own, other = place
    for by, id_ in (("admin@bank-a", other), ("analyst@bank-a", own), ("manager@bank-a", own)):
        code, out, err = run("jobs", "show", id_, "--by", by, *flags)
        assert (code, out, id_ in err) == (2, "", True)
    code, _, err = run("jobs", "cancel", own, "--by", "auditor@bank-a", *flags)
    assert code == 2
    assert err
    assert run("jobs", "list", "--by", "enterprise@bank-a", *flags)[0] == 2
