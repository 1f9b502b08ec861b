"""Models and catalogues of an organisation through the service: who may, what serves, and whom."""

import json
import logging
import tempfile
import threading
import time

import pytest
import sqlalchemy as sa
from catalogue_copies import NEW, changed
from record import Service, serving
from starlette.testclient import TestClient

from api.app import create_app
from api.policy import ROLES
from api.settings import Settings
from api.store.registry import StoreShelf
from api.store.tables import registry_files
from recommender import Catalogue, Engine
from recommender.matching.scoring import Weights, expert_weights
from recommender.matching.similarity import NAMES
from recommender.registry.catalogues import content_of
from recommender.registry.registry import Registry

COMPANY = {"trade": {"directions": ["export"], "stage": "post_shipment"}}
BODY = {"company": COMPANY, "options": {"language": "en", "as_of": "2026-11-23"}}
PACKAGED = Catalogue.load()
ADDED = changed(5_000_000, added=True)
LEARNED = Weights({**dict.fromkeys(NAMES, 0.5), "route": 4.0}, {}, PACKAGED.version)
OTHER = Weights({**LEARNED.weights, "cargo": 5.0}, {}, PACKAGED.version)
EXPERT = expert_weights().version
PATIENCE = 20
CASE = {
    "title": "Nothing is known",
    "story": "A firm of which nothing is known at all.",
    "company": {},
    "as_of": "2026-11-23",
    "expect": {"unsaid": [{"en": "no such words anywhere"}]},
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """One case that holds; the hundreds of the project take long."""
    folder = tmp_path_factory.mktemp("cases")
    (folder / "one.yaml").write_text(json.dumps([CASE]), "utf-8")
    return folder


def filled(store, bank="bank-a"):
    registry = Registry(StoreShelf(store, bank))
    for weights in (LEARNED, OTHER):
        registry.add(weights, {"kind": "trained"}, {"card.en.md": "# card", "card.zh.md": "# 卡"})
    return registry


@pytest.fixture
def service(database_url, cases):
    with serving(database_url, cases=cases, jobs=0) as found:
        filled(found.store)
        yield found


def answered(service, bank="bank-a"):
    answer = service.ask("POST", "/v1/recommendations", BODY, bank=bank)
    assert answer.status_code == 200, answer.text
    return answer.json()


def promoted(service, version, role="analyst", **more):
    body = {"reason": "a rehearsal", "despite": True, **more}
    return service.ask("POST", f"/v1/models/{version}/promote", body, role=role)


def until(service, model, bank="bank-a"):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = answered(service, bank)
        if found["model_version"] == model:
            return found
        time.sleep(0.02)
    raise TimeoutError(found["model_version"])


def test_a_promotion_serves_its_organisation_and_no_other(service, conforms_to):
    before = answered(service)
    assert before["model_version"] == EXPERT
    step = promoted(service, LEARNED.version)
    assert step.status_code == 200, step.text
    conforms_to(step.json(), "StepAnswer")
    assert step.json()["who"] == "analyst@bank-a"
    assert "refused_not_compared" in step.json()["despite"]
    after, direct = answered(service), Engine(PACKAGED, weights=LEARNED)
    assert after == direct.recommend(direct.read(COMPANY), language="en", as_of="2026-11-23")
    assert answered(service, "bank-b") == before
    for path in ("/v1/models", f"/v1/models/{LEARNED.version}"):
        mine = service.ask("GET", path, role="auditor")
        assert mine.status_code == 200
        conforms_to(mine.json(), "ModelsAnswer" if path == "/v1/models" else "ModelAnswer")
    assert service.ask("GET", "/v1/models", role="auditor", bank="bank-b").json()["models"] == []
    foreign = service.ask("GET", f"/v1/models/{LEARNED.version}", role="admin", bank="bank-b")
    assert foreign.status_code == 404
    back = service.ask("POST", "/v1/models/rollback", {"reason": "complaints"}, role="admin")
    assert back.json()["model"] is None
    assert answered(service) == before
    steps = service.ask("GET", "/v1/models", role="auditor").json()["steps"]
    assert [s["action"] for s in steps] == ["rollback", "promote"]
    assert [s["why"] for s in steps] == ["complaints", "a rehearsal"]


def test_everything_that_speaks_against_a_model_is_told_at_once(service):
    refused = promoted(service, LEARNED.version, despite=False)
    assert refused.status_code == 422
    assert refused.json()["code"] == "model_refused"
    assert refused.json()["errors"]
    assert service.ask("GET", "/v1/models", role="analyst").json()["steps"] == []
    assert promoted(service, "model-none").status_code == 404
    nothing = service.ask("POST", "/v1/models/rollback", {"reason": "x"}, role="analyst")
    assert (nothing.status_code, nothing.json()["code"]) == (422, "nothing_before")
    bare = service.ask("POST", f"/v1/models/{LEARNED.version}/promote", {}, role="analyst")
    assert bare.status_code == 422


def test_only_analysts_and_admins_decide_and_auditors_read(service):
    decide = [
        ("POST", f"/v1/models/{LEARNED.version}/promote"),
        ("POST", "/v1/models/rollback"),
        ("POST", "/v1/catalogues/packaged/use"),
    ]
    for role in ROLES:
        may = role in ("analyst", "admin")
        for method, path in decide:
            status = service.ask(method, path, {}, role=role).status_code
            assert (status == 422) if may else (status == 403), (role, path)
        reads = service.ask("GET", "/v1/catalogues", role=role).status_code
        assert reads == (200 if may or role == "auditor" else 403)


def test_a_catalogue_is_uploaded_compared_and_used(service, conforms_to):
    headers = service.people.header("analyst")
    content = content_of(ADDED).encode()
    for new in (True, False):
        answer = service.client.post(
            "/v1/catalogues?name=new.json", content=content, headers=headers
        )
        assert answer.status_code == 201, answer.text
        conforms_to(answer.json(), "CatalogueAdded")
        assert (answer.json()["version"], answer.json()["new"]) == (ADDED.version, new)
    found = service.ask(
        "GET", f"/v1/catalogues/{ADDED.version}/diff?against=packaged", role="auditor"
    )
    conforms_to(found.json(), "CatalogueDifference")
    assert (found.json()["same"], found.json()["added"]) == (False, 1)
    step = service.ask(
        "POST", f"/v1/catalogues/{ADDED.version}/use", {"reason": "new"}, role="admin"
    )
    assert step.json()["catalogue"] == ADDED.version
    assert service.ask("GET", f"/v1/products/{NEW}").status_code == 200
    assert service.ask("GET", f"/v1/products/{NEW}", bank="bank-b").status_code == 404
    listed = service.ask("GET", "/v1/catalogues", role="auditor").json()
    conforms_to(listed, "CataloguesAnswer")
    assert [(c["kind"], c["serving"]) for c in listed["catalogues"]] == [
        ("packaged", False), ("imported", True)
    ]  # fmt: skip
    foreign = f"/v1/catalogues/{ADDED.version}/use"
    assert (
        service.ask("POST", foreign, {"reason": "x"}, role="admin", bank="bank-b").status_code
        == 404
    )


def test_a_bad_catalogue_names_the_cell_of_every_problem_and_keeps_nothing(service):
    headers = {**service.people.header("analyst"), "Accept-Language": "en"}
    table = "id,lane,direction\np-1,nowhere,export\np-2,,sideways\n"
    for name, content, status in (
        ("products.csv", table.encode(), 422),
        ("a.json", b"{", 422),
        ("a.exe", b"", 422),
        ("..", b"", 422),
    ):
        answer = service.client.post(
            f"/v1/catalogues?name={name}", content=content, headers=headers
        )
        assert answer.status_code == status, answer.text
        assert tempfile.gettempdir() not in answer.text
        if name == "products.csv":
            errors = answer.json()["errors"]
            assert {(e["row"], e["column"]) for e in errors if e["field"].endswith("lane")} == {
                (2, "B"), (3, "B")
            }  # fmt: skip
            assert {e["file"] for e in errors if "file" in e} == {"products.csv", "catalogue"}
    assert service.client.post("/v1/catalogues", content=b"", headers=headers).status_code == 422
    assert len(service.ask("GET", "/v1/catalogues", role="analyst").json()["catalogues"]) == 1


def test_two_models_are_compared_from_what_was_measured(service, conforms_to):
    path = f"/v1/models/compare?a={LEARNED.version}&b={OTHER.version}"
    found = service.ask("GET", path, role="auditor").json()
    conforms_to(found, "ModelComparison")
    moved = {w["feature"] for w in found["weights"] if w["a"] != w["b"]}
    assert moved == {"cargo"}
    for query in ("a=x", "a=x&b=y&c=z", "a=x&a=y&b=z"):
        assert service.ask("GET", f"/v1/models/compare?{query}", role="auditor").status_code == 422
    foreign = service.ask("GET", path, role="auditor", bank="bank-b")
    assert foreign.status_code == 404


@pytest.fixture
def second(service, database_url):
    """Another replica on the same database."""
    app = create_app(Settings(store=database_url, jobs=0))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Service(client, service.people, service.store)


def test_a_promotion_reaches_another_replica_without_holding_up_a_request(service, second):
    before = answered(second)
    assert promoted(service, LEARNED.version).status_code == 200
    assert until(second, LEARNED.version) == answered(service)
    assert answered(second, "bank-b") == before
    service.ask("POST", "/v1/models/rollback", {"reason": "x"}, role="analyst")
    assert until(second, EXPERT) == before


def test_every_answer_during_promotions_is_wholly_of_one_model(service):
    registry = Registry(StoreShelf(service.store, "bank-a"))
    whole = {}
    for weights in (expert_weights(), LEARNED, OTHER):
        engine = Engine(PACKAGED, weights=weights)
        whole[engine.model_version] = engine.recommend(
            engine.read(COMPANY), language="en", as_of="2026-11-23"
        )
    answers, done = [], threading.Event()

    def ask():
        while not done.is_set():
            answers.append(answered(service))

    callers = [threading.Thread(target=ask) for _ in range(3)]
    for caller in callers:
        caller.start()
    for weights in (LEARNED, OTHER, LEARNED):
        registry.promote(weights.version, "li", "")
        until(service, weights.version)
    done.set()
    for caller in callers:
        caller.join()
    assert {answer["model_version"] for answer in answers} >= {LEARNED.version, OTHER.version}
    assert all(answer == whole[answer["model_version"]] for answer in answers)


def test_a_model_that_cannot_be_loaded_leaves_the_one_before_and_can_be_undone(service, caplog):
    promoted(service, LEARNED.version)
    before = answered(service)
    at = registry_files.c
    registry = Registry(StoreShelf(service.store, "bank-a"))
    with caplog.at_level(logging.ERROR, "corridor"):
        registry.promote(OTHER.version, "li", "")
        spoilt = sa.update(registry_files).where(at.version == OTHER.version).values(content="{}")
        service.store.write(lambda w: w.execute(spoilt))
        time.sleep(2.5)
        assert answered(service)["model_version"] in (LEARNED.version, OTHER.version)
    listed = service.ask("GET", "/v1/models", role="analyst").json()["models"]
    assert {m["version"]: m["kind"] for m in listed}[OTHER.version] == "broken"
    assert service.ask("GET", f"/v1/models/{OTHER.version}", role="analyst").status_code == 409
    back = service.ask("POST", "/v1/models/rollback", {"reason": "broken"}, role="analyst")
    assert back.status_code == 200
    assert until(service, LEARNED.version) == before
