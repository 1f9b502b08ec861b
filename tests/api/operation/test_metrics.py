"""What Prometheus reads, and who may read it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from record import serving
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import InvalidSettings, Settings

ROOT = Path(__file__).parents[3]
TOKEN = "a-token-for-prometheus"  # noqa: S105 - of this test alone


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def client(**settings):
    app = create_app(Settings(**{"identity": "off", **settings}))
    return TestClient(app, client=("127.0.0.1", 1))


def test_requests_are_counted_by_operation_and_status():
    with client() as local:
        for body in ({"company": {}}, {"company": {}}, {}):
            local.post("/v1/recommendations", json=body)
        local.get("/v1/gone")
        found = samples(local.get("/metrics").text)
    one = ("operation", "recommend")
    assert found["corridor_requests_total", one, ("status", "200")] == 2
    assert found["corridor_requests_total", one, ("status", "422")] == 1
    assert found["corridor_requests_total", ("operation", "none"), ("status", "404")] == 1
    assert found["corridor_request_seconds_count", one] == 3
    assert found["corridor_requests_in_flight",] == 1
    assert found["corridor_ready",] == 1


def test_versions_jobs_queue_store_and_seal_are_told(tmp_path):
    place = f"sqlite:///{tmp_path / 'a.db'}"
    with serving(place, metrics_token=TOKEN) as service:
        service.ask("POST", "/v1/recommendations", {"company": {}})
        headers = {"Authorization": f"Bearer {TOKEN}"}
        found = samples(service.client.get("/metrics", headers=headers).text)
    names = {key[0] for key in found}
    assert {"corridor_writer_queue", "corridor_last_seal_timestamp_seconds"} <= names
    assert found["corridor_jobs", ("status", "queued")] == 0
    assert found["corridor_store_seconds_count", ("kind", "write")] >= 1
    assert found["corridor_store_up",] == 1
    assert found["corridor_disk_free_bytes",] > 0
    (info,) = [dict(key[1:]) for key in found if key[0] == "corridor_build_info"]
    assert set(info) == {"engine", "catalogue", "model"}


def test_without_identity_nothing_is_said_of_a_store():
    with client() as local:
        assert "corridor_store" not in local.get("/metrics").text


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.1"},
        {"Forwarded": "for=203.0.113.1"},
        {"Via": "1.1 x"},
        {"X-Real-IP": "203.0.113.1"},
    ],
)
def test_this_machine_may_read_it_but_nobody_through_it(headers):
    with client() as local:
        assert local.get("/metrics").status_code == 200
        assert local.get("/metrics", headers=headers).status_code == 401


def test_another_machine_may_not():
    app = create_app(Settings(identity="off"))
    with TestClient(app, client=("203.0.113.1", 1)) as remote:
        assert remote.get("/metrics").status_code == 401


def test_with_a_token_everybody_needs_it():
    app = create_app(Settings(identity="off", metrics_token=TOKEN))
    with TestClient(app, client=("203.0.113.1", 1)) as remote:
        assert remote.get("/metrics").status_code == 401
        wrong = {"Authorization": "Bearer another-token-for-it"}
        assert remote.get("/metrics", headers=wrong).status_code == 401
        right = {"Authorization": f"Bearer {TOKEN}"}
        assert remote.get("/metrics", headers=right).status_code == 200
    with client(metrics_token=TOKEN) as local:
        assert local.get("/metrics").status_code == 401


def test_a_short_token_is_refused_and_not_repeated():
    with pytest.raises(InvalidSettings) as caught:
        Settings.read({"CORRIDOR_METRICS_TOKEN": "hunter2"})
    (problem,) = caught.value.problems
    assert (problem.field, problem.code) == ("CORRIDOR_METRICS_TOKEN", "secret_short")
    assert "hunter2" not in repr(problem)


WORKER = """
import sys
from api.operation.metrics import Metrics
metrics = Metrics(stored=True)
for _ in range(int(sys.argv[1])):
    metrics.answered("recommend", 200, 0.01)
metrics.queue.set(int(sys.argv[1]))
print(metrics.text().decode())
"""


def test_processes_that_share_a_folder_are_added_up(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def run(count):
        command = [sys.executable, "-c", WORKER, str(count)]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    run(3)
    found = samples(run(4))
    key = ("corridor_requests_total", ("operation", "recommend"), ("status", "200"))
    assert found[key] == 7
    assert found["corridor_writer_queue",] == 7
