"""A running service follows the registry: the next answer is the promoted model's, whole."""

import logging
import threading
import time

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from recommender import Catalogue, Engine
from recommender.matching.scoring import Weights, expert_weights
from recommender.matching.similarity import NAMES
from recommender.registry.registry import POINTER, Registry

COMPANY = {"trade": {"directions": ["export"], "stage": "post_shipment"}}
BODY = {"company": COMPANY, "options": {"language": "en", "as_of": "2026-11-23"}}
VERSION = Catalogue.load().version
LEARNED = Weights(
    {**dict.fromkeys(NAMES, 0.5), "route": 4.0}, {"exp-packing": 1.5}, VERSION,
    {"financing": (-3.0, 0.5)},
)  # fmt: skip


def errors(caplog):
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture
def registry(tmp_path):
    found = Registry(tmp_path / "models")
    found.add(LEARNED, {"kind": "trained"})
    return found


@pytest.fixture
def client(registry):
    with TestClient(create_app(Settings(identity="off", models=registry.shelf.folder))) as found:
        yield found


def asked(client):
    return client.post("/v1/recommendations", json=BODY).json()


def test_a_promoted_model_answers_without_a_restart(client, registry):
    before = asked(client)
    assert before["model_version"] == expert_weights().version
    registry.promote(LEARNED.version, "li", "")
    after = asked(client)
    assert after["model_version"] == LEARNED.version
    assert client.get("/readyz").json()["model_version"] == LEARNED.version
    direct = Engine(Catalogue.load(), weights=LEARNED)
    assert after == direct.recommend(direct.read(COMPANY), language="en", as_of="2026-11-23")
    registry.rollback("li", "")
    assert asked(client) == before


def test_uptake_stands_where_it_was_calibrated_and_nowhere_else(client, registry):
    registry.promote(LEARNED.version, "li", "")
    lanes = {lane["lane"]: lane["matches"] for lane in asked(client)["lanes"]}
    offered = [m for m in lanes["financing"] if m["fit"] in ("eligible", "conditional")]
    assert offered
    for match in offered:
        assert 0 < match["uptake_probability"] < 1
    scores = [m["score"] for m in offered]
    assert [m["uptake_probability"] for m in offered] == sorted(
        (m["uptake_probability"] for m in offered), reverse=True
    )
    assert scores == sorted(scores, reverse=True)
    assert all(m["uptake_probability"] is None for m in lanes["service"])


@pytest.mark.parametrize("content", ["{", '{"history": []}', None])
def test_a_promotion_that_cannot_be_read_changes_nothing(client, registry, content, caplog):
    registry.promote(LEARNED.version, "li", "")
    before = asked(client)
    if content is None:
        manifest = registry.shelf.folder / LEARNED.version / "manifest.json"
        manifest.write_text("{}", "utf-8")
        (registry.shelf.folder / POINTER).touch()
    elif content == "{":
        (registry.shelf.folder / POINTER).write_text(content, "utf-8")
    else:
        (registry.shelf.folder / POINTER).write_text(content, "utf-8")
        assert asked(client)["model_version"] == expert_weights().version
        return
    with caplog.at_level(logging.ERROR, "corridor"):
        assert asked(client) == before
        assert asked(client) == before
    assert len(errors(caplog)) == 1


def test_a_service_that_starts_on_a_broken_model_is_not_ready(registry):
    registry.promote(LEARNED.version, "li", "")
    (registry.shelf.folder / LEARNED.version / "weights.json").write_text("{}", "utf-8")
    with TestClient(create_app(Settings(identity="off", models=registry.shelf.folder))) as client:
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["missing"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[]", b'{"history": 3}', b'{"current": "x"}'])
def test_a_damaged_record_leaves_the_running_service_as_it_was(client, registry, content, caplog):
    registry.promote(LEARNED.version, "li", "")
    before = asked(client)
    (registry.shelf.folder / POINTER).write_bytes(content)
    with caplog.at_level(logging.ERROR, "corridor"):
        assert asked(client) == before
        assert client.get("/readyz").status_code == 200
    assert [POINTER in record.getMessage() for record in errors(caplog)] == [True]
    (registry.shelf.folder / POINTER).unlink()
    assert asked(client)["model_version"] == expert_weights().version


def test_every_answer_during_promotions_is_wholly_of_one_model(client, registry):
    """Four callers ask all the while; answers are compared whole, to the last figure."""
    other = Weights({**LEARNED.weights, "cargo": 5.0}, {"exp-packing": -2.0}, VERSION)
    registry.add(other, {"kind": "trained"})
    engine = Engine(Catalogue.load())
    whole = {}
    for model in (None, LEARNED, other):
        one = engine.serving(expert_weights() if model is None else model)
        answer = one.recommend(one.read(COMPANY), language="en", as_of="2026-11-23")
        whole[answer["model_version"]] = answer
    answers, done = [], threading.Event()

    def ask():
        while not done.is_set():
            answers.append(asked(client))

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    for turn in range(6):
        seen = len(answers)
        if turn % 3 == 2:
            registry.rollback("li", "")
        else:
            registry.promote((LEARNED, other)[turn % 2].version, "li", "")
        while len(answers) < seen + 5:
            time.sleep(0.005)
    done.set()
    for caller in callers:
        caller.join()
    assert {answer["model_version"] for answer in answers} >= {LEARNED.version, other.version}
    assert all(answer == whole[answer["model_version"]] for answer in answers)
    assert asked(client)["model_version"] == registry.current
