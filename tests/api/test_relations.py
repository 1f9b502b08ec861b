"""What an import says of the bank's relation is kept, shown and used, and goes with a company."""

import datetime
import json
import uuid

import pytest
from record import serving

from api.examples import EXPORTER
from api.jobs.populations import build
from api.jobs.work import Meter, Work
from api.populations import branch_folder, organisation_folder
from api.store import relations
from recommender import Catalogue, Engine
from recommender.company.relationship import Relationship
from recommender.population.population import Population
from recommender.prospects.lists import Prospects

AGREED = {"data_use": ["matching"], "contact": True}
STATED = {"manager": "李", "group": "g1", "lanes_held": ["financing"]}
DAYS = {"last_contacted": "2026-09-01", "last_declined": "2026-08-01"}


@pytest.fixture
def service(database_url):
    with serving(database_url) as found:
        yield found


def imported(service, rows, *, dry_run="false", role="manager"):
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    headers = {**service.people.header(role), "Content-Type": "application/x-ndjson"}
    place = f"/v1/companies/import?dry_run={dry_run}"
    answer = service.client.post(place, content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def row(id_="c-1", **more):
    return {"id": id_, "staff": 3, "consents": AGREED, **more}


def relation(service, id_="c-1", role="manager"):
    return service.ask("GET", f"/v1/companies/{id_}", role=role).json()["relation"]


def counts(report):
    return [report[name] for name in ("created", "changed", "unchanged", "refused")]


def test_every_column_of_the_relation_is_kept_and_what_is_left_out_stays(service):
    assert counts(imported(service, [row(**STATED, **DAYS)])) == [1, 0, 0, 0]
    assert relation(service) == {**STATED, **DAYS}
    assert counts(imported(service, [row(**STATED)])) == [0, 0, 1, 0]
    again = [row(manager="王", lanes_held=[])]
    assert counts(imported(service, again, dry_run="true")) == [0, 1, 0, 0]
    assert relation(service)["manager"] == "李"
    assert counts(imported(service, again)) == [0, 1, 0, 0]
    assert relation(service) == {**STATED, **DAYS, "manager": "王", "lanes_held": []}
    assert service.ask("GET", "/v1/companies/c-1").json()["version"] == 1


def test_a_column_that_there_is_not_is_refused_by_name(service):
    report = imported(service, [row(mangaer="李")])
    assert counts(report) == [0, 0, 0, 1]
    assert "mangaer" in report["problems"][0]["field"]
    headers = {**service.people.header("manager"), "Content-Type": "text/csv"}
    table = b"id,staff,consents.data_use,grupo\nc-2,3,matching,g1\n"
    report = service.client.post("/v1/companies/import", content=table, headers=headers).json()
    assert counts(report) == [0, 0, 0, 1]
    assert report["problems"][0]["field"] == "grupo"


def test_nothing_stated_is_no_relation_and_analysts_see_none(service):
    imported(service, [row("c-0"), row(**STATED)])
    assert relation(service, "c-0") is None
    lines = service.ask("GET", "/v1/companies", role="analyst").json()["companies"]
    found = [relation(service, line["id"], "analyst") for line in lines]
    assert found == [None, None]


def test_it_is_exported_and_erased_with_the_company(service):
    imported(service, [row(**STATED)])
    exported = service.ask("GET", "/v1/companies/c-1/export").json()
    assert exported["company"]["relation"]["group"] == "g1"
    assert service.ask("DELETE", "/v1/companies/c-1", role="admin").status_code == 204
    assert service.store.read(lambda c: relations.known(c, "bank-a")) == {}


def test_a_company_that_stays_takes_what_it_does_not_say_itself(service):
    imported(service, [row("c-1", **STATED), row("c-2", manager="王")])
    service.ask("POST", "/v1/companies/c-1/merge", {"into": "c-2"}, role="admin")
    kept = service.store.read(lambda c: relations.known(c, "bank-a"))
    assert kept == {"c-2": {**STATED, "manager": "王"}}


def packed(service, folder):
    """The population of the organisation, as its job makes it."""
    folder.mkdir()
    settings, by = service.client.app.state.settings, service.people.ids["bank-a", "admin"]
    job_id = str(uuid.uuid4())
    build(Work(settings, service.store, job_id, "bank-a", by, None, folder, Meter()))
    return Population.open(organisation_folder(settings, "bank-a") / job_id / branch_folder(None))


def test_lists_of_prospects_use_it(tmp_path):
    own = [
        ("c-1", {"manager": "a"}),
        ("c-2", {"manager": "a"}),
        ("c-3", {"lanes_held": ["financing"]}),
    ]
    with serving(f"sqlite:///{tmp_path / 'corridor.db'}") as service:
        report = imported(
            service, [{**EXPORTER, "id": i, "consents": AGREED, **more} for i, more in own]
        )
        assert counts(report) == [3, 0, 0, 0]
        population = packed(service, tmp_path / "work")
    lists = Prospects(Engine(Catalogue.load()), population)

    def called(**options):
        return {p["company"]["id"] for p in lists.top(product, n=5, **options)["prospects"]}

    financing = [p.id for p in lists.engine.catalogue.products.values() if p.lane == "financing"]
    product = next(id_ for id_ in financing if lists.top(id_, n=5)["prospects"])
    assert called() == {"c-1", "c-2", "c-3"}
    assert called(lane_held="only") == {"c-3"}
    assert len(called(per_manager=1) & {"c-1", "c-2"}) == 1


def test_the_record_adds_what_it_knows_itself():
    day = datetime.date(2026, 10, 1)
    found = relations.joined({**STATED, **DAYS}, {"last_contacted": day}, {"hedge"})
    assert found["last_contacted"] == "2026-10-01"
    assert found["last_declined"] == DAYS["last_declined"]
    assert found["lanes_held"] == ["financing", "hedge"]
    assert relations.joined({}, {}, None) == {}
    assert relations.stated_of(Relationship(manager="a", consent_to_contact=True)) == {
        "manager": "a"
    }
