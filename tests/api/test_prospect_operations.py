"""Prospects over HTTP: ranked in a worker process, refused in words, described as they are."""

import os
import signal
import time

import jsonschema
import pytest
from catalogue_copies import changed, write
from populations import engine, packed, profiles, read_from
from record import serving
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from recommender.population.build import remove, update
from recommender.population.population import MANIFEST
from recommender.prospects.lists import Prospects

PRODUCT = "cor-cashflow"
PLACE = f"/v1/products/{PRODUCT}/prospects"


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("http"), profiles()[:60])


@pytest.fixture(scope="module")
def asking(population):
    with TestClient(create_app(Settings(identity="off", population=population.folder))) as session:
        yield session


def ask(asking, place=PLACE, language="en", **options):
    return asking.post(place, json={"options": {"language": language, **options}})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_answer_is_that_of_the_engine(asking, population, language):
    answer = ask(asking, language=language, n=5)
    expected = Prospects(engine(), population).top(PRODUCT, n=5, language=language)
    assert answer.status_code == 200
    assert answer.json() == expected
    assert answer.headers["Run-Id"]


def test_pages_follow_one_another(asking):
    first = ask(asking, n=3).json()
    second = ask(asking, n=3, cursor=first["next"]).json()
    whole = ask(asking, n=6).json()["prospects"]
    assert first["prospects"] + second["prospects"] == whole


def test_the_language_may_come_from_the_header(asking):
    answer = asking.post(PLACE, json={}, headers={"Accept-Language": "en"})
    assert answer.json()["language"] == "en"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"options": {"n": 10**9, "order": "luck"}}, {"options.n", "options.order"}),
        ({"option": {}}, {"option"}),
        ([], {""}),
        ({"options": 3}, {"options"}),
    ],
)
def test_everything_wrong_comes_back_at_once(asking, body, fields):
    answer = asking.post(PLACE, json=body)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == fields


def test_what_only_the_list_knows_is_refused_too(asking):
    answer = ask(asking, order="value")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_options")
    answer = ask(asking, cursor="x")
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_an_unknown_product_is_not_found(asking):
    assert ask(asking, "/v1/products/none/prospects").status_code == 404


def test_without_a_population_there_is_no_such_operation(client):
    assert client.post(PLACE, json={}).status_code == 404
    paths = client.get("/openapi.json").json()["paths"]
    assert not any("prospects" in path for path in paths)


def checked(document, value, name):
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    found = list(jsonschema.Draft202012Validator(schema).iter_errors(value))
    assert [f"{error.json_path}: {error.message[:200]}" for error in found] == []
    fields = set(document["components"]["schemas"][name]["properties"])
    assert set(value) <= fields
    for prospect in value.get("prospects", ()):
        assert set(prospect) == set(document["components"]["schemas"]["Prospect"]["properties"])


def test_the_document_describes_answer_and_example(asking):
    for language in ("zh", "en"):
        document = asking.get("/openapi.json", headers={"Accept-Language": language}).json()
        operation = document["paths"]["/v1/products/{product_id}/prospects"]["post"]
        body = operation["requestBody"]["content"]["application/json"]
        assert asking.post(PLACE, json=body["example"]).status_code == 200
        checked(document, body["example"], "ProspectsRequest")
        good = operation["responses"]["200"]["content"]["application/json"]
        checked(document, good["example"], "ProspectsAnswer")
        checked(
            document, ask(asking, n=40, language=language, consent=False).json(), "ProspectsAnswer"
        )
        assert {"404", "409", "422", "503"} <= set(operation["responses"])


def test_a_change_of_the_population_is_seen_by_the_next_question(tmp_path):
    population = packed(tmp_path, profiles()[:30])
    with TestClient(create_app(Settings(identity="off", population=population.folder))) as session:
        first = ask(session, n=1000, consent=False).json()
        gone = first["prospects"][0]["company"]["id"]
        remove(population.folder, [gone])
        second = ask(session, n=1000, consent=False).json()
        assert second["population_version"] != first["population_version"]
        names = [p["company"]["id"] for p in second["prospects"]]
        assert names == [p["company"]["id"] for p in first["prospects"]][1:]
        update(engine(), population.folder, read_from(profiles()[30:33]))
        assert ask(session).json()["counts"]["companies"] == 32
        damaged = next((population.folder / "segments").glob("*/similarity.bin"))
        damaged.write_bytes(b"")
        os.utime(population.folder / MANIFEST)
        answer = ask(session)
        assert (answer.status_code, answer.json()["code"]) == (503, "damaged_population")
        assert answer.headers["Retry-After"]


def test_a_population_of_another_catalogue_is_a_conflict(tmp_path, population):
    place = write(changed(9_000_000), tmp_path / "catalogue.json")
    used = Settings(identity="off", population=population.folder, catalogue=place)
    with TestClient(create_app(used)) as session:
        answer = ask(session)
    assert (answer.status_code, answer.json()["code"]) == (409, "population_mismatch")
    assert answer.json()["errors"][0]["field"] == "catalogue_version"


def test_a_folder_without_a_population_is_not_ready(tmp_path):
    with TestClient(create_app(Settings(identity="off", population=tmp_path))) as session:
        answer = ask(session)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")


def test_a_worker_that_was_killed_is_replaced(asking):
    assert ask(asking, n=1).status_code == 200
    pool = asking.app.state.ranking._pool
    for name in list(pool._processes):
        os.kill(name, signal.SIGKILL)
    time.sleep(0.3)
    assert ask(asking, n=1).status_code == 200


def test_ranking_does_not_take_place_in_the_serving_process(asking, monkeypatch):
    def fail(*_):
        raise AssertionError("ranked in the serving process")

    monkeypatch.setattr(Prospects, "top", fail)
    assert ask(asking, n=2).status_code == 200


@pytest.mark.parametrize(
    ("language", "word"), [("en", "An admin builds one"), ("zh", "管理员可用")]
)
def test_without_a_population_it_says_how_to_build_one(tmp_path, language, word):
    with serving(f"sqlite:///{tmp_path / 'corridor.db'}", jobs=0) as service:
        body = {"options": {"language": language}}
        answer = service.ask("POST", "/v1/products/cor-cashflow/prospects", body)
        assert (answer.status_code, answer.json()["code"]) == (503, "no_population")
        assert word in answer.json()["detail"]
        assert "POST /v1/jobs" in answer.json()["detail"]
        job = {"kind": "population", "parameters": {}}
        assert service.ask("POST", "/v1/jobs", job, role="admin").status_code == 201
