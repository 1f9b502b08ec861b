"""Runs over HTTP: kept before they are given, shown as they were, the same when replayed."""

import contextlib
import shutil
import uuid

import orjson
import pytest
import sqlalchemy as sa
from kept_companies import erase, keep_company
from populations import engine, packed, profiles, read_from
from record import add_user, serving
from sqlalchemy.exc import OperationalError

from api import examples
from api.populations import branch_folder, organisation_folder
from api.store import backups, maintenance, verification
from api.store.references import known
from api.store.store import Store
from api.store.tables import audit_events, jobs, overrides, runs
from recommender.population.build import update

BODY = {"company": dict(examples.EXPORTER), "options": {"lanes": ["hedge"], "limit": 2}}
LIST = "/v1/products/cor-cashflow/prospects"
ASKED = {
    "recommend": ("/v1/recommendations", BODY),
    "eligibility": ("/v1/eligibility", BODY),
    "what_if": ("/v1/what-if", {**BODY, "set": {"need.amount": 900_000, "need.tenor_days": 60}}),
    "plans": ("/v1/plans", {"company": dict(examples.EXPORTER), "options": {"plans": 1}}),
    "prospects": (LIST, {"options": {"n": 3}}),
}


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("runs"), profiles()[:60])


@contextlib.contextmanager
def own_population(service, folder):
    """The population of bank-a, as the last job would have made it."""
    job_id, settings = str(uuid.uuid4()), service.client.app.state.settings
    place = organisation_folder(settings, "bank-a") / job_id
    place.mkdir(parents=True)
    (place / branch_folder("north")).symlink_to(folder)
    (place / branch_folder(None)).symlink_to(folder)
    by = service.people.ids["bank-a", "admin"]
    row = {"id": job_id, "organisation_id": "bank-a", "kind": "population", "status": "done"}
    more = {"parameters": "{}", "progress": 1.0, "attempts": 1, "cancel": False, "user_id": by}
    service.store.write(
        lambda w: w.execute(sa.insert(jobs), {**row, **more, "created_at": w.at, "ended_at": w.at})
    )
    yield
    shutil.rmtree(place)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(request, tmp_path_factory, population):
    url = f"sqlite:///{tmp_path_factory.mktemp('runs') / 'corridor.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").made()
    with serving(url) as found, own_population(found, population.folder):
        keep_company(found, "kept-1", owner="enterprise")
        keep_company(found, "kept-2", branch="south")
        keep_company(found, "kept-3", consent=False)
        keep_company(found, "other-1", bank="bank-b")
        yield found


def kept(service, run_id):
    query = sa.select(runs).where(runs.c.id == run_id)
    return service.store.read(lambda c: c.execute(query).mappings().one_or_none())


def given(service, body=BODY, **who):
    answer = service.ask("POST", "/v1/recommendations", body, **who)
    assert answer.status_code == 200, answer.text
    return answer.headers["Run-Id"]


@pytest.mark.parametrize("operation", ASKED)
def test_every_answer_is_kept_as_it_was_given_and_replays(service, conforms_record, operation):
    path, body = ASKED[operation]
    answer = service.ask("POST", path, body)
    run_id = answer.headers["Run-Id"]
    row = kept(service, run_id)
    assert row["operation"] == operation
    assert row["answer"].encode() == answer.content
    options = orjson.loads(row["request"])["options"]
    assert options["language"] == "en"
    assert operation == "prospects" or options["as_of"]
    shown = service.ask("GET", f"/v1/runs/{run_id}")
    conforms_record(shown.json(), "RunAnswer")
    assert answer.content in shown.content
    replay = service.ask("POST", f"/v1/runs/{run_id}/replay", role="auditor")
    conforms_record(replay.json(), "ReplayAnswer")
    assert replay.json()["identical"], replay.text
    assert replay.json()["difference"] is None


def test_every_default_is_resolved(service):
    run_id = given(service, {"company": {}})
    options = orjson.loads(kept(service, run_id)["request"])["options"]
    assert set(options) == {
        "lanes", "limit", "language", "personalised", "include_ineligible", "as_of", "rates",
    }  # fmt: skip
    assert options["limit"] == 10
    assert options["as_of"] == orjson.loads(kept(service, run_id)["answer"])["as_of"]


def test_a_run_is_chained_in_the_log_without_names(service):
    run_id = given(service, {"company_id": "kept-1"})
    query = sa.select(audit_events).where(audit_events.c.detail.contains(run_id))
    event = service.store.read(lambda c: c.execute(query).mappings().one())
    subject = service.store.read(lambda c: known(c, "bank-a", "company", "kept-1"))
    assert (event["action"], event["subject"]) == ("run.given", subject)
    assert "kept-1" not in event["detail"]
    assert orjson.loads(event["detail"])["operation"] == "recommend"


def test_what_cannot_be_kept_is_not_given(service, monkeypatch):
    def full(*_):
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr("api.store.writer.insert", full)
    answer = service.ask("POST", "/v1/recommendations", BODY)
    assert answer.status_code == 503
    assert answer.json()["code"] == "store_unavailable"
    assert "Run-Id" not in answer.headers
    assert "lanes" not in answer.json()


def test_a_company_of_the_record_can_be_named(service):
    answer = service.ask("POST", "/v1/recommendations", {"company_id": "kept-1"})
    whole = service.ask("POST", "/v1/recommendations", {"company": dict(examples.EXPORTER)})
    row = kept(service, answer.headers["Run-Id"])
    assert (row["company_id"], row["company_version"]) == ("kept-1", 1)
    assert answer.json()["lanes"] == whole.json()["lanes"]


def test_a_profile_that_names_a_company_of_the_record_is_about_it(service):
    named = {"company": {**examples.EXPORTER, "id": "kept-1"}}
    row = kept(service, given(service, named))
    assert (row["company_id"], row["company_version"]) == ("kept-1", None)
    # of another branch, without consent, of another bank, of nobody: it is about no company
    for name in ("kept-2", "kept-3", "other-1", "nobody"):
        named = {"company": {**examples.EXPORTER, "id": name}}
        assert kept(service, given(service, named))["company_id"] is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"company_id": "kept-1", "company": {}}, "both"),
        ({"company_id": 3}, "company_id"),
        ({}, "company"),
    ],
)
def test_one_of_profile_and_id_has_to_be_there(service, body, code):
    answer = service.ask("POST", "/v1/recommendations", body)
    assert answer.status_code == 422
    assert code in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("name", ["kept-2", "kept-3", "other-1", "nobody"])
def test_a_company_that_one_does_not_see_is_not_there(service, name):
    assert service.ask("POST", "/v1/recommendations", {"company_id": name}).status_code == 404
    place = f"/v1/companies/{name}/recommendations"
    assert service.ask("GET", place).status_code == 404


def test_an_analyst_names_no_company(service):
    body = {"company_id": "kept-1"}
    assert service.ask("POST", "/v1/eligibility", body, role="analyst").status_code == 404


def test_recommendations_of_a_company_show_what_people_decided_beside_them(
    service, conforms_record
):
    row = {"organisation_id": "bank-a", "company_id": "kept-1", "product_id": "cor-cashflow"}
    row |= {"decision": "exclude", "reason": "not now"}
    user_id = service.people.ids["bank-a", "manager"]

    def decide(write):
        times = {"at": write.at, "withdrawn_at": None}
        mine = {"user_id": user_id, **times, **row}
        write.execute(sa.insert(overrides), {"id": "o-1", **mine})
        write.execute(sa.insert(overrides), {"id": "o-2", **mine, "withdrawn_at": write.at})

    service.store.write(decide)
    place = "/v1/companies/kept-1/recommendations?lanes=hedge&limit=2&language=zh"
    answer = service.ask("GET", place)
    conforms_record(answer.json(), "CompanyRecommendationsAnswer")
    assert [one["id"] for one in answer.json()["overrides"]] == ["o-1"]
    run = kept(service, answer.headers["Run-Id"])
    assert (run["company_id"], run["company_version"]) == ("kept-1", 1)
    assert run["answer"].encode() in answer.content
    assert orjson.loads(run["request"])["options"]["language"] == "zh"
    posted = {"company_id": "kept-1", "options": {"lanes": ["hedge"], "limit": 2}}
    posted["options"]["language"] = "zh"
    same = service.ask("POST", "/v1/recommendations", posted)
    assert run["answer"].encode() == same.content
    replay = service.ask("POST", f"/v1/runs/{run['id']}/replay")
    assert replay.json()["identical"]


def test_a_wrong_query_is_refused_whole(service):
    place = "/v1/companies/kept-1/recommendations?lanes=money&limit=no&personalised=perhaps"
    answer = service.ask("GET", place)
    assert answer.status_code == 422
    fields = {error["field"].partition("[")[0] for error in answer.json()["errors"]}
    assert fields == {"lanes", "limit", "personalised"}


def seen(service, run_id, role, bank="bank-a"):
    return service.ask("GET", f"/v1/runs/{run_id}", role=role, bank=bank).status_code


def test_who_sees_a_run(service):
    asked = given(service, role="analyst")
    about = given(service, {"company_id": "kept-1"}, role="enterprise")
    add_user(service.store, service.people, "bank-a", "manager", "south", branch="south")
    add_user(service.store, service.people, "bank-a", "enterprise", "stranger")
    sees = {
        "analyst": (200, 404),
        "auditor": (200, 200),
        "admin": (200, 200),
        "enterprise": (404, 200),
        "manager": (404, 200),
        "south": (404, 404),
        "stranger": (404, 404),
    }
    found = {role: (seen(service, asked, role), seen(service, about, role)) for role in sees}
    assert found == sees
    for role in ("auditor", "admin", "manager"):
        assert seen(service, about, role, "bank-b") == 404
        place = f"/v1/runs/{about}/replay"
        assert service.ask("POST", place, role=role, bank="bank-b").status_code == 404
    for role, sight in sees.items():
        listed = service.ask("GET", "/v1/runs?limit=200", role=role).json()["runs"]
        ids = {one["run_id"] for one in listed}
        assert (asked in ids, about in ids) == tuple(status == 200 for status in sight)
    other = service.ask("GET", "/v1/runs?limit=200", role="auditor", bank="bank-b").json()
    assert other == {"runs": [], "next": None}


def test_an_enterprise_does_not_replay(service):
    run_id = given(service, role="enterprise")
    answer = service.ask("POST", f"/v1/runs/{run_id}/replay", role="enterprise")
    assert answer.status_code == 403


def test_runs_are_listed_by_page_and_by_what_is_asked(service, conforms_record):
    name = add_user(service.store, service.people, "bank-a", "manager", "lister") and "lister"
    ids = [given(service, {"company_id": "kept-1"}, role=name) for _ in range(3)]
    user_id = service.people.ids["bank-a", name]
    place, found = f"/v1/runs?user_id={user_id}&limit=2", []
    first = service.ask("GET", place).json()
    conforms_record(first, "RunsAnswer")
    second = service.ask("GET", f"{place}&cursor={first['next']}").json()
    found = [one["run_id"] for one in first["runs"] + second["runs"]]
    assert found == ids[::-1]
    assert second["next"] is None
    product = orjson.loads(kept(service, ids[0])["answer"])["lanes"][0]["matches"][0]["product_id"]
    counted = {
        f"product_id={product}": 3,
        "product_id=no-such-product": 0,
        "company_id=kept-1": 3,
        "company_id=kept-2": 0,
        "operation=plans": 0,
        "since=2000-01-01&until=2100-01-01": 3,
        "since=2100-01-01": 0,
        "until=2000-01-01": 0,
    }
    got = {
        q: len(service.ask("GET", f"/v1/runs?user_id={user_id}&{q}").json()["runs"])
        for q in counted
    }
    assert got == counted


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "cursor=x", "cursor=WzEsMl0", "since=soon", "colour=red"]
)
def test_a_list_that_cannot_be_read_is_refused(service, query):
    answer = service.ask("GET", f"/v1/runs?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_an_erased_run_is_gone(service):
    run_id = given(service)
    gone = sa.update(runs).where(runs.c.id == run_id)

    def forget(write):
        write.execute(gone.values(request=None, answer=None, erased_at=write.at))

    service.store.write(forget)
    for method, place in (("GET", f"/v1/runs/{run_id}"), ("POST", f"/v1/runs/{run_id}/replay")):
        answer = service.ask(method, place)
        assert answer.status_code == 410
        assert answer.json()["code"] == "erased"
    noted = service.ask("GET", "/v1/runs?limit=1").json()["runs"][0]
    assert noted["run_id"] == run_id
    assert noted["erased_at"]


def test_no_run_about_a_company_that_was_erased_meanwhile(service, monkeypatch):
    """The company is there when the request is read, and gone when the answer is kept."""
    keep_company(service, "leaver", owner="enterprise")
    from recommender import Engine

    real = Engine.recommend

    def slow(self, *given, **more):
        answer = real(self, *given, **more)
        erase(service, "leaver")
        return answer

    monkeypatch.setattr(Engine, "recommend", slow)
    before = service.store.read(lambda c: backups.rows_of(c)["runs"])
    answer = service.ask("POST", "/v1/recommendations", {"company_id": "leaver"})
    assert answer.status_code == 410
    assert "Run-Id" not in answer.headers
    monkeypatch.undo()
    named = {"company": {**examples.EXPORTER, "id": "leaver"}}
    assert service.ask("POST", "/v1/recommendations", named).status_code == 410
    assert service.store.read(lambda c: backups.rows_of(c)["runs"]) == before


def test_events_of_the_own_organisation_by_page(service, conforms_record):
    given(service)
    first = service.ask("GET", "/v1/audit?limit=3", role="auditor").json()
    conforms_record(first, "AuditAnswer")
    assert first["events"][0]["action"] == "run.given"
    more = service.ask("GET", f"/v1/audit?limit=3&cursor={first['next']}", role="admin").json()
    places = [(e["chain"], e["sequence"]) for e in first["events"] + more["events"]]
    assert len(set(places)) == 6
    own = service.ask("GET", "/v1/audit?limit=1000", role="auditor").json()
    other = service.ask("GET", "/v1/audit?limit=1000", role="auditor", bank="bank-b").json()
    mine, theirs = ({e["hash"] for e in part["events"]} for part in (own, other))
    assert mine
    assert theirs
    assert mine.isdisjoint(theirs)
    only = service.ask("GET", "/v1/audit?action=token.issued", role="auditor").json()["events"]
    assert {event["action"] for event in only} == {"token.issued"}


def test_the_log_can_be_verified_over_http(service, conforms_record):
    found = service.ask("POST", "/v1/audit/verify", role="auditor")
    conforms_record(found.json(), "VerifyAnswer")
    assert found.json()["whole"], found.text
    assert found.json()["own_events"] < found.json()["events"]


@pytest.mark.parametrize("role", ["enterprise", "manager", "analyst"])
def test_others_do_not_read_the_log(service, role):
    assert service.ask("GET", "/v1/audit", role=role).status_code == 403
    assert service.ask("POST", "/v1/audit/verify", role=role).status_code == 403


@contextlib.contextmanager
def elsewhere(service, postgresql, folder):
    """The same record on the other kind of database."""
    file = folder / "backup.db"
    backups.backup(service.store.database, file)
    other = f"sqlite:///{folder / 'other.db'}"
    if service.store.database.is_sqlite:
        other = postgresql.empty()
    target = Store(other)
    maintenance.ready(target.database)
    backups.restore(target.database, file)
    yield other, target
    target.close()


def test_runs_replay_to_the_same_bytes_on_the_other_database(service, postgresql, tmp_path):
    from starlette.testclient import TestClient

    from api.app import create_app
    from api.settings import Settings

    ids = [service.ask("POST", *ASKED[name]).headers["Run-Id"] for name in ("recommend", "what_if")]
    header = service.people.header("auditor")
    with elsewhere(service, postgresql, tmp_path) as (url, store):
        settings = Settings(store=url, seals=tmp_path / "other-seals.jsonl")
        with TestClient(create_app(settings)) as client:
            for run_id in ids:
                replay = client.post(f"/v1/runs/{run_id}/replay", headers=header)
                assert replay.json()["identical"], replay.text
        assert store.read(verification.verified).whole


def test_a_list_of_other_companies_is_not_replayed(service, population):
    """Last of this module: it changes the population."""
    answer = service.ask("POST", *ASKED["prospects"])
    run_id = answer.headers["Run-Id"]
    update(engine(), population.folder, read_from(profiles()[60:70]))
    replay = service.ask("POST", f"/v1/runs/{run_id}/replay")
    assert replay.status_code == 409, replay.text
    assert replay.json()["code"] == "population_gone"
    assert kept(service, run_id)["population_version"] in replay.json()["detail"]
