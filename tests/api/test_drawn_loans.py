"""A drawn loan stands among the facilities of its company until it is repaid."""

import json
from decimal import Decimal
from types import SimpleNamespace

import orjson
import pytest
import sqlalchemy as sa
from applied import CATALOGUE
from record import serving

from api.examples import EXPORTER
from api.store.facilities import carried, uncarried, with_loan, without_loan
from api.store.shown import day_in_shanghai
from api.store.tables import runs
from recommender import Company
from recommender.planning.lending import outstanding_of
from recommender.planning.settings import settings

AGREED = {"matching": {}}
HELD = {"lender": "Another bank", "kind": "loan", "limit": 5, "drawn": 5, "currency": "CNY"}
LOAN = {"lender": "L", "kind": "p", "currency": "CNY", "limit": 9, "drawn": 9, "application": "a-1"}
STEPS = ("documents", "submitted", "approved", "drawn")
FUNDED = next(p.id for p in CATALOGUE.products.values() if p.funded)


@pytest.fixture
def service(database_url):
    with serving(database_url) as found:
        yield found


def put(service, profile, tag=None, role="manager"):
    headers = {} if tag is None else {"If-Match": tag}
    body = {"profile": profile, "consents": AGREED}
    return service.ask("PUT", "/v1/companies/c-1", body, role=role, **headers)


def company(service):
    return service.ask("GET", "/v1/companies/c-1").json()


def recommended(service):
    answer = service.ask("POST", "/v1/recommendations", {"company_id": "c-1"})
    assert answer.status_code == 200, answer.text
    return answer.headers["Run-Id"]


def asked_with(service, run_id):
    """The profile that a run saw."""
    query = sa.select(runs.c.request).where(runs.c.id == run_id)
    found = service.store.read(lambda c: c.execute(query).scalar_one())
    return orjson.loads(found)["company"]


def step(service, id_, status):
    place = f"/v1/applications/{id_}/steps"
    answer = service.ask("POST", place, {"status": status}, **{"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def drawn(service, product=FUNDED):
    body = {"company_id": "c-1", "product_id": product, "amount": 800_000.5, "currency": "CNY"}
    id_ = service.ask("POST", "/v1/applications", body).json()["id"]
    for status in STEPS:
        found = step(service, id_, status)
    return found


def loans(service):
    found = company(service)["profile"].get("facilities", ())
    return [f for f in found if "application" in f]


def test_a_drawn_loan_is_a_facility_from_that_day_and_a_repaid_one_is_not(service):
    profile = {**EXPORTER, "facilities": [HELD]}
    assert put(service, profile).status_code == 201
    before = recommended(service)
    application = drawn(service)
    found = company(service)
    today = day_in_shanghai(service.store.clock()).isoformat()
    loan = {"application": application["id"], "as_of": today, "limit": 800_000.5}
    loan |= {"drawn": 800_000.5, "currency": "CNY", "kind": FUNDED}
    loan["lender"] = CATALOGUE.products[FUNDED].provider.zh
    assert (found["version"], found["profile"]["facilities"]) == (2, [HELD, loan])
    assert found["sources"]["facilities"] == {"source": "bank", "as_of": today}
    after = recommended(service)
    assert asked_with(service, before)["facilities"] == [HELD]
    assert asked_with(service, after)["facilities"] == [HELD, loan]
    for run_id in (before, after):
        assert service.ask("POST", f"/v1/runs/{run_id}/replay").json()["identical"]
    step(service, application["id"], "repaid")
    found = company(service)
    assert (found["version"], found["profile"]["facilities"]) == (3, [HELD])
    assert service.ask("GET", "/v1/companies/c-1?version=2").json()["profile"]["facilities"] == [
        HELD,
        loan,
    ]


def test_plans_count_what_is_drawn_of_the_product(service):
    put(service, dict(EXPORTER))
    drawn(service)
    found = Company.parse(company(service)["profile"])
    basis = SimpleNamespace(rates={"CNY": SimpleNamespace(cny_per_unit=1)})
    assert outstanding_of(found, basis, settings()) == {FUNDED: Decimal("800000.5")}


def test_nothing_is_left_unknown_as_none_once_the_only_loan_is_repaid(service):
    put(service, {"staff": 3})
    application = drawn(service)
    assert len(loans(service)) == 1
    step(service, application["id"], "repaid")
    assert "facilities" not in company(service)["profile"]


def test_what_is_not_funded_is_no_loan(service):
    put(service, {"staff": 3})
    drawn(service, next(p.id for p in CATALOGUE.products.values() if not p.funded))
    assert company(service)["version"] == 1


def test_whoever_states_the_company_again_leaves_the_loan_or_completes_it(service):
    put(service, {"staff": 3})
    name = drawn(service)["id"]
    assert put(service, {"staff": 4}, tag="*").status_code == 200
    assert [loan["application"] for loan in loans(service)] == [name]
    (loan,) = loans(service)
    stated = {**loan, "maturity": "2027-03-31", "drawn": 5}
    named = {key: value for key, value in stated.items() if key not in ("application", "as_of")}
    for facility in (stated, named):
        assert put(service, {"facilities": [facility]}, tag="*").status_code == 200
        (kept,) = loans(service)
        assert (kept["application"], kept["drawn"], kept["maturity"]) == (name, 5, "2027-03-31")
    listed = service.ask("GET", "/v1/facilities?maturing_before=2028-01-01").json()["facilities"]
    assert [(row["company_id"], row["application"], row["drawn"]) for row in listed] == [
        ("c-1", name, 5)
    ]


def test_no_loan_can_be_made_up(service):
    forged = {**HELD, "application": "a-0000"}
    refused = put(service, {"facilities": [HELD, forged]})
    assert refused.status_code == 422
    assert [e["field"] for e in refused.json()["errors"]] == ["profile.facilities[1].application"]
    row = {"id": "c-1", "facilities": [forged], "consents": {"data_use": ["matching"]}}
    found = imported(service, row)
    assert (found["created"], found["problems"][0]["field"]) == (0, "facilities[0].application")


def imported(service, *rows):
    content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    headers = {**service.people.header("manager"), "Content-Type": "application/x-ndjson"}
    return service.client.post("/v1/companies/import", content=content, headers=headers).json()


def test_an_import_leaves_the_loan(service):
    put(service, {"staff": 3})
    name = drawn(service)["id"]
    row = {"id": "c-1", "staff": 9, "facilities": [HELD]}
    assert imported(service, row)["changed"] == 1
    assert [loan["application"] for loan in loans(service)] == [name]
    assert imported(service, row)["unchanged"] == 1
    step(service, name, "repaid")
    assert company(service)["profile"]["facilities"] == [HELD]


def test_a_merged_company_brings_its_loan(service):
    put(service, {"staff": 3})
    name = drawn(service)["id"]
    body = {"profile": {"staff": 4}, "consents": AGREED}
    assert service.ask("PUT", "/v1/companies/c-2", body).status_code == 201
    merge = service.ask("POST", "/v1/companies/c-1/merge", {"into": "c-2"}, role="admin")
    assert merge.status_code == 200
    assert [f["application"] for f in merge.json()["profile"]["facilities"]] == [name]
    step(service, name, "repaid")
    assert "facilities" not in service.ask("GET", "/v1/companies/c-2").json()["profile"]


def test_a_profile_takes_no_more_facilities_than_it_can_hold():
    full = {"facilities": [HELD] * 200}
    assert [p.code for p in uncarried(full, {"facilities": [LOAN]})] == ["list_too_long"]
    assert list(uncarried(full, {})) == []
    twin = {"facilities": [{**HELD, **LOAN, "application": None}]}
    assert list(uncarried(twin, {"facilities": [LOAN]})) == []


def test_loans_come_and_go_by_their_application():
    whole = with_loan({"staff": 1}, LOAN)
    assert whole == {"staff": 1, "facilities": [LOAN]}
    assert without_loan(whole, "a-1") == {"staff": 1}
    assert without_loan(whole, "a-2") == whole
    assert carried({"staff": 2}, whole) == {"staff": 2, "facilities": [LOAN]}
    assert carried(carried({}, whole), whole) == carried({}, whole)
    assert carried({"staff": 2}, {"facilities": [HELD]}) == {"staff": 2}
