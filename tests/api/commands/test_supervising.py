"""Several workers, several replicas, and how they end: real processes."""

import http.client
import json
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import sqlalchemy as sa
from record import peopled

from api.commands.supervising import WorkerFailed
from api.store import jobs, maintenance, users
from api.store.store import Store
from api.store.tables import runs
from api.store.verification import verified

TOKEN = "a-token-of-this-test"  # noqa: S105 - of this test alone
BODY = json.dumps({"company": {}, "options": {"lanes": ["lease"]}})


def ask(port, path, token=None, method="GET", body=None):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json", "Accept-Language": "en"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        client.request(method, path, body, headers)
        answer = client.getresponse()
        return answer.status, answer.read()
    finally:
        client.close()


def children(pid):
    """The workers that a supervisor started."""
    return [child.pid for child in psutil.Process(pid).children() if _works(child)]


def _works(child):
    try:
        return "spawn_main" in " ".join(child.cmdline())
    except psutil.Error:  # it has just ended
        return False


def eventually(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture
def record(database_url):
    store = Store(database_url)
    maintenance.ready(store.database)
    people = peopled(store)
    yield database_url, people, store
    store.close()


def on(url, **more):
    return {"CORRIDOR_IDENTITY": "on", "CORRIDOR_STORE": url, **more}


def recommended(port, token, count):
    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(ask, port, "/v1/recommendations", token, "POST", BODY) for _ in range(count)
        ]
        return [future.result()[0] for future in asked]


def test_workers_share_a_port_and_are_started_again(start, record):
    url, people, store = record
    served = start("--workers", "2", **on(url, CORRIDOR_METRICS_TOKEN=TOKEN))
    token = people.tokens["bank-a", "manager"]
    assert recommended(served.port, token, 12) == [200] * 12
    first = children(served.process.pid)
    assert len(first) == 2
    _, text = ask(served.port, "/metrics", TOKEN)
    counted = 'corridor_requests_total{operation="recommend",status="200"} 12.0'
    assert counted in text.decode()
    os.kill(first[1], signal.SIGKILL)
    eventually(lambda: len(set(children(served.process.pid)) - set(first)) == 1)
    assert recommended(served.port, token, 12) == [200] * 12
    assert served.stop() == 0
    assert not any(psutil.pid_exists(pid) for pid in first)
    assert store.read(lambda c: c.execute(sa.select(sa.func.count(runs.c.id))).scalar()) == 24
    found = store.read(verified)
    assert found.whole, found.findings
    assert found.unsealed == 0


def test_workers_end_with_their_supervisor(start, tmp_path):
    served = start("--workers", "2", **on(f"sqlite:///{tmp_path / 'a.db'}"))
    left = children(served.process.pid)
    served.process.kill()
    served.process.wait()
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in left))


def test_what_keeps_a_worker_from_starting_is_said_once(corridor):
    done = corridor(
        "serve", "--port", "0", "--workers", "2", "--catalogue", "gone.yaml", "--language", "en"
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"gone.yaml") == 1
    assert issubclass(WorkerFailed, Exception)


def test_replicas_share_promotions_jobs_and_seals(start, record):
    """Two processes on one database: what one decides the other follows, and nothing is lost."""
    url, people, store = record
    more = on(url, CORRIDOR_JOBS="1", CORRIDOR_JOB_PATIENCE="5")
    first, second = start(**more), start(**more)
    analyst = people.tokens["bank-a", "analyst"]
    _, body = ask(first.port, "/v1/catalogues", analyst)
    version = json.loads(body)["catalogues"][0]["version"]
    decided = json.dumps({"reason": "of this test"})
    path = f"/v1/catalogues/{version}/use"
    status, body = ask(first.port, path, analyst, "POST", decided)
    assert status == 200, body
    asked = json.dumps({"kind": "population", "parameters": {}})
    admin = people.tokens["bank-a", "admin"]
    made = [ask(p.port, "/v1/jobs", admin, "POST", asked) for p in (first, second) * 2]
    assert [status for status, _ in made] == [201] * 4
    eventually(lambda: not store.read(jobs.counts)["queued"], 90)
    eventually(lambda: not store.read(jobs.counts)["running"], 90)
    token = people.tokens["bank-a", "manager"]
    assert recommended(first.port, token, 6) + recommended(second.port, token, 6) == [200] * 12
    assert (first.stop(), second.stop()) == (0, 0)
    rows = store.read(lambda c: c.execute(sa.text("SELECT attempts FROM jobs")).scalars().all())
    assert rows == [1, 1, 1, 1]
    found = store.read(verified)
    assert found.whole, found.findings
    assert found.chains >= 3
    assert found.unsealed == 0
    assert store.read(users.organisations_listed)


def test_what_is_being_answered_is_finished_and_nothing_new_begins(start, record):
    url, people, _ = record
    served = start(**on(url))
    token = people.tokens["bank-a", "manager"]
    head = (
        f"POST /v1/recommendations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(head.encode() + BODY[:5].encode())
        time.sleep(0.3)
        served.process.terminate()
        eventually(lambda: not listens(served.port))
        connection.sendall(BODY[5:].encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 200
        assert answer.read()
    assert served.process.wait(timeout=20) == 0


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_progress_that_somebody_watches_does_not_hold_up_the_end(start, record):
    url, people, store = record
    user_id = people.ids["bank-a", "admin"]
    caller = store.read(lambda c: users.as_caller(c, user_id))
    job_id = store.write(lambda w: jobs.add(w, caller, "train", {}, waits=True))
    served = start(**on(url, CORRIDOR_GRACE="15", CORRIDOR_JOBS="0"))
    found = []

    def watch():
        token = people.tokens["bank-a", "admin"]
        found.append(ask(served.port, f"/v1/jobs/{job_id}/events", token))

    watching = threading.Thread(target=watch)
    watching.start()
    time.sleep(1)
    begun = time.monotonic()
    assert served.stop() == 0
    assert time.monotonic() - begun < 8
    watching.join()
    assert found[0][0] == 200


def test_a_client_that_never_ends_is_left_after_the_grace(start, tmp_path):
    served = start(**on(f"sqlite:///{tmp_path / 'a.db'}", CORRIDOR_GRACE="1"))
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        time.sleep(0.3)
        begun = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - begun < 6
