"""A running service follows the catalogue in use: whole engines, one after the other."""

import gc
import json
import logging
import threading
import time
import weakref

import pytest
from catalogue_copies import NEW, RAISED, changed, write
from starlette.testclient import TestClient

from api import app as application
from api import loading
from api.app import create_app
from api.loading import load_catalogue, load_engine
from api.settings import Settings
from recommender import Catalogue, Engine
from recommender.errors import CatalogueMismatch, UnreadableFile
from recommender.matching.scoring import Weights, expert_weights
from recommender.matching.similarity import NAMES
from recommender.registry.registry import POINTER, Registry

COMPANY = {"trade": {"directions": ["export"], "stage": "post_shipment"}}
BODY = {"company": COMPANY, "options": {"language": "en", "as_of": "2026-11-23"}}
PACKAGED = Catalogue.load()
ADDED, LOWERED = changed(5_000_000, added=True), changed(2_000_000)
X, Y = ADDED.version, LOWERED.version
LEARNED = Weights({**dict.fromkeys(NAMES, 0.5), "route": 4.0}, {RAISED: 1.5}, PACKAGED.version)
PATIENCE = 20


def errors(caplog):
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture
def registry(tmp_path):
    found = Registry(tmp_path / "models")
    found.add(LEARNED, {"kind": "trained"})
    for catalogue in (ADDED, LOWERED):
        found.catalogues.add(catalogue)
    return found


@pytest.fixture
def client(registry):
    with TestClient(create_app(Settings(identity="off", models=registry.shelf.folder))) as found:
        yield found


def asked(client):
    return client.post("/v1/recommendations", json=BODY).json()


def served(client):
    answer = client.get("/readyz").json()
    return answer["catalogue_version"], answer["model_version"]


def until(client, catalogue):
    """Ask until the service answers from a catalogue; what it answered from meanwhile."""
    seen, end = [], time.monotonic() + PATIENCE
    while time.monotonic() < end:
        seen.append(served(client))
        if seen[-1][0] == catalogue:
            return seen
        time.sleep(0.01)
    raise TimeoutError(seen[-1])


def test_another_catalogue_answers_without_a_restart(client, registry):
    before = asked(client)
    assert before["catalogue_version"] == PACKAGED.version
    registry.use(X, "li", "")
    until(client, X)
    after, direct = asked(client), Engine(ADDED)
    assert after == direct.recommend(direct.read(COMPANY), language="en", as_of="2026-11-23")
    assert client.get(f"/v1/products/{NEW}").status_code == 200
    registry.rollback("li", "")
    until(client, PACKAGED.version)
    assert asked(client) == before
    assert client.get(f"/v1/products/{NEW}").status_code == 404


def test_a_model_trained_on_another_catalogue_serves_on_and_both_are_named(client, registry):
    registry.promote(LEARNED.version, "li", "")
    registry.use(X, "li", "")
    until(client, X)
    answer, direct = asked(client), Engine(ADDED, weights=LEARNED)
    assert (answer["catalogue_version"], answer["model_version"]) == (X, LEARNED.version)
    assert answer == direct.recommend(direct.read(COMPANY), language="en", as_of="2026-11-23")


def test_the_old_engine_answers_while_the_new_one_is_made_ready(client, registry, monkeypatch):
    go_on, build = threading.Event(), loading._engine

    def slow(*arguments):
        assert go_on.wait(PATIENCE)
        return build(*arguments)

    before = asked(client)
    monkeypatch.setattr(loading, "_engine", slow)
    registry.use(X, "li", "")
    assert all(asked(client) == before for _ in range(5))
    registry.promote(LEARNED.version, "li", "")  # meanwhile: it must not be lost
    assert asked(client) == before
    go_on.set()
    seen = until(client, X)
    while served(client) != (X, LEARNED.version):
        seen.append(served(client))
    old = expert_weights().version
    assert {*seen} <= {(PACKAGED.version, old), (X, old), (X, LEARNED.version)}


def test_no_answer_is_of_two_catalogues_while_they_change(client, registry):
    wanted = {
        catalogue.version: engine.recommend(engine.read(COMPANY), language="en", as_of="2026-11-23")
        for catalogue in (PACKAGED, ADDED, LOWERED)
        for engine in (Engine(catalogue),)
    }
    seen = set()
    for version in (X, Y, None, X):
        registry.use(version, "li", "")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = asked(client)
            seen.add(answer["catalogue_version"])
            assert answer == wanted[answer["catalogue_version"]]
            if answer["catalogue_version"] == (version or PACKAGED.version):
                break
    assert seen == {*wanted}


def test_it_looks_while_nobody_asks(registry, monkeypatch):
    monkeypatch.setattr(application, "LOOK_SECONDS", 0.01)
    app = create_app(Settings(identity="off", models=registry.shelf.folder))
    with TestClient(app):
        registry.use(X, "li", "")
        end = time.monotonic() + PATIENCE
        while app.state.engine.catalogue.version != X and time.monotonic() < end:
            time.sleep(0.01)
        assert app.state.engine.catalogue.version == X


def damage(registry, version):
    place = registry.catalogues.place(version)
    content = place.read_text("utf-8")
    place.write_text(content.replace("2000000", "2000001"), "utf-8")


def cut_off(registry, version):
    place = registry.catalogues.place(version)
    place.write_text(place.read_text("utf-8")[:1000], "utf-8")


def remove(registry, version):
    registry.catalogues.place(version).unlink()


@pytest.mark.parametrize("harm", [damage, cut_off, remove])
def test_a_catalogue_that_cannot_be_loaded_is_logged_once_and_the_old_one_serves(
    client, registry, harm, caplog
):
    registry.use(X, "li", "")
    until(client, X)
    before = asked(client)
    registry.use(Y, "li", "")
    harm(registry, Y)
    with caplog.at_level(logging.ERROR, "corridor"):
        end = time.monotonic() + PATIENCE
        while not errors(caplog) and time.monotonic() < end:
            assert asked(client) == before
        for _ in range(5):
            assert asked(client) == before
    assert len(errors(caplog)) == 1
    assert registry.catalogues.add(LOWERED) in ("mended", "stored")
    registry.use(Y, "li", "mended")
    until(client, Y)


def test_a_failure_nobody_thought_of_is_logged_and_the_old_engine_serves(
    client, registry, monkeypatch, caplog
):
    def broken(*_arguments):
        raise RuntimeError("nobody thought of this")

    before = asked(client)
    monkeypatch.setattr(loading, "_engine", broken)
    with caplog.at_level(logging.ERROR, "corridor"):
        registry.use(X, "li", "")
        end = time.monotonic() + PATIENCE
        while not errors(caplog) and time.monotonic() < end:
            assert asked(client) == before
    assert len(errors(caplog)) == 1
    assert asked(client) == before


def test_a_stated_catalogue_wins_over_the_registry_and_stays(registry, tmp_path):
    place = write(LOWERED, tmp_path / "mine.json")
    settings = Settings(identity="off", models=registry.shelf.folder, catalogue=place)
    registry.use(X, "li", "")
    assert load_engine(settings).catalogue.version == Y
    with TestClient(create_app(settings)) as client:
        assert served(client)[0] == Y
        registry.use(None, "li", "")
        registry.promote(LEARNED.version, "li", "")
        assert served(client) == (Y, LEARNED.version)


def test_a_catalogue_is_stated_by_file_or_else_by_version(registry, tmp_path, monkeypatch):
    def version(stated):
        return load_catalogue(
            Settings(identity="off", models=registry.shelf.folder, catalogue=stated)
        ).version

    assert version(None) == PACKAGED.version
    registry.use(X, "li", "")
    assert version(None) == X
    assert version(Y) == Y
    assert version("packaged") == PACKAGED.version == version(PACKAGED.version)
    monkeypatch.chdir(tmp_path)
    write(LOWERED, tmp_path / f"{X}.json").rename(tmp_path / "there.json")
    assert version("there.json") == Y
    with pytest.raises(UnreadableFile):
        version("nowhere")
    damage(registry, Y)
    with pytest.raises(CatalogueMismatch):
        version(Y)


@pytest.mark.parametrize("harm", [damage, cut_off, remove])
def test_a_service_that_starts_on_a_damaged_catalogue_is_not_ready(registry, harm):
    registry.use(Y, "li", "")
    harm(registry, Y)
    with TestClient(create_app(Settings(identity="off", models=registry.shelf.folder))) as client:
        response = client.get("/readyz", headers={"Accept-Language": "en"})
        assert response.status_code == 503
        (said,) = response.json()["missing"]
        assert Y in said
        assert "catalogue" in said


def test_a_record_that_cannot_be_read_changes_nothing(client, registry, caplog):
    registry.use(X, "li", "")
    until(client, X)
    (registry.shelf.folder / POINTER).write_text(json.dumps({"history": 5}), "utf-8")
    with caplog.at_level(logging.ERROR, "corridor"):
        assert served(client)[0] == X
        assert served(client)[0] == X
    assert len(errors(caplog)) == 1


def test_the_engine_before_is_forgotten_although_it_was_frozen(client, registry):
    asked(client)
    gc.collect()
    gc.freeze()
    try:
        catalogue = weakref.ref(client.app.state.engine.catalogue)
        registry.use(X, "li", "")
        until(client, X)
        end = time.monotonic() + PATIENCE
        while (catalogue() or not gc.get_freeze_count()) and time.monotonic() < end:
            time.sleep(0.01)
        assert catalogue() is None
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
