"""/readyz names the part that is missing, and recovers without a restart."""

import time

import pytest
import sqlalchemy as sa
from record import serving
from starlette.testclient import TestClient

from api.app import create_app
from api.operation import readiness
from api.settings import Settings
from api.store import maintenance
from api.store.store import Store


def ready(client):
    answer = client.get("/readyz", headers={"Accept-Language": "en"})
    return answer.status_code, answer.json().get("missing")


def eventually(client, seconds=10):
    end = time.monotonic() + seconds
    while ready(client)[0] != 200 and time.monotonic() < end:
        time.sleep(0.1)
    return ready(client)


@pytest.fixture
def service(tmp_path):
    with serving(f"sqlite:///{tmp_path / 'a.db'}") as found:
        yield found


def test_all_is_well(service):
    assert ready(service.client) == (200, None)


def test_tables_of_another_version_are_named(service):
    def stamp(version):
        text = sa.text("UPDATE alembic_version SET version_num = :v")
        service.store.write(lambda write: write.execute(text, {"v": version}))

    stamp("0000")
    status, (said,) = ready(service.client)
    assert status == 503
    assert said.startswith("database: ")
    assert "0000" in said
    stamp(maintenance.REVISION)
    assert ready(service.client) == (200, None)


def test_a_database_that_is_gone_is_named_until_it_is_back(service, tmp_path):
    file, away = tmp_path / "a.db", tmp_path / "away.db"
    time.sleep(1)
    file.rename(away)
    status, (said,) = ready(service.client)
    assert (status, said.partition(":")[0]) == (503, "database")
    answer = service.ask("GET", "/v1/companies")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert answer.headers["Retry-After"] == "2"
    away.rename(file)
    assert eventually(service.client) == (200, None)
    assert service.ask("GET", "/v1/companies").status_code == 200


def test_a_full_disk_is_named(service, monkeypatch):
    monkeypatch.setattr(readiness, "_free", lambda _: 10 * readiness.MIB)
    status, said = ready(service.client)
    assert (status, said) == (503, ["disk space: 10 MiB are free, at least 256 MiB are needed"])
    monkeypatch.undo()
    assert ready(service.client) == (200, None)


def test_a_writer_that_ended_is_named_and_another_begins(service):
    writer = service.client.app.state.store._writer
    service.ask("POST", "/v1/recommendations", {"company": {}})
    writer._waiting.put(None)
    writer._thread.join()
    status, (said,) = ready(service.client)
    assert (status, said.partition(":")[0]) == (503, "writer")
    assert service.ask("POST", "/v1/recommendations", {"company": {}}).status_code == 200
    assert ready(service.client) == (200, None)


def test_a_catalogue_that_cannot_be_read_is_named(tmp_path):
    settings = Settings(identity="off", catalogue=tmp_path / "gone.yaml")
    with TestClient(create_app(settings)) as client:
        status, (said,) = ready(client)
    assert status == 503
    assert "gone.yaml" in said


def test_a_database_that_was_not_there_at_the_start_is_found_later(tmp_path):
    file = tmp_path / "folder"
    file.write_text("no folder")
    settings = Settings(store=f"sqlite:///{tmp_path / 'a.db'}")
    store = Store(settings.store)
    maintenance.ready(store.database)
    store.close()
    kept = (tmp_path / "a.db").rename(tmp_path / "kept.db")
    (tmp_path / "a.db").write_bytes(b"no database at all, and long enough to be one" * 100)
    with TestClient(create_app(settings)) as client:
        status, (said,) = ready(client)
        assert status == 503
        assert said.startswith("database: ")
        kept.rename(tmp_path / "a.db")
        assert eventually(client) == (200, None)
