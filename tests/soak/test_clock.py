"""The clock of a server jumps: what is kept stays whole, and nobody is shut out or forgotten.

The server is a real process whose record reads the time from a file beside it, so that the test
can set it while the server runs. What the system itself times (waits, connections) goes on.
"""

import pytest
import sqlalchemy as sa
from running import COMPANY, running, until

from api.store import checks
from api.store.tables import audit_events, jobs

MAIN = """
import datetime, functools, os, sys
from pathlib import Path
from api import app
from api.cli import main
from api.store.store import Store, utc_now

def clock():
    return utc_now() + datetime.timedelta(seconds=float(Path(os.environ["JUMP"]).read_text()))

app.Store = functools.partial(Store, clock=clock)
sys.exit(main())
"""
HOUR = 3600


@pytest.fixture
def jumped(tmp_path):
    """Set the clock of the server so many seconds from the true time."""
    file = tmp_path / "jump"

    def to(seconds):
        part = file.with_suffix(".part")
        part.write_text(str(seconds))
        part.replace(file)

    to(0)
    return to


@pytest.fixture
def service(sqlite_url, tmp_path, jumped):
    flags = {"code": MAIN, "JUMP": str(tmp_path / "jump"), "CORRIDOR_JOB_PATIENCE": "2"}
    with running(sqlite_url, tmp_path / "service", **flags) as found:
        yield found


def times(service):
    """When each event of the log happened, in the order of its chain."""
    query = sa.select(audit_events.c.at).where(audit_events.c.action == "run.given")
    with service.store() as store:
        return store.read(
            lambda c: c.execute(query.order_by(audit_events.c.sequence)).scalars().all()
        )


def test_the_record_is_whole_when_the_clock_jumps_back(service, jumped):
    shown = []
    for jump in (0, -HOUR, 3 * HOUR, -2 * HOUR):
        jumped(jump)
        answer = service.recommended()
        assert answer.status == 200, answer.body
        shown.append(answer.headers["run-id"])
    said = {"profile": COMPANY, "consents": {"matching": {"note": "A-1"}}}
    assert service.ask("PUT", "/v1/companies/c-1", said).status == 201
    at = times(service)
    assert at != sorted(at)  # the clock did jump
    pages = service.ask("GET", "/v1/runs?limit=1").json
    seen = [pages["runs"][0]["run_id"]]
    while pages["next"] is not None:
        pages = service.ask("GET", f"/v1/runs?limit=1&cursor={pages['next']}").json
        seen += [run["run_id"] for run in pages["runs"]]
    assert sorted(seen) == sorted(shown)  # each once, in the order of its time
    verified = service.ask("POST", "/v1/audit/verify", role="auditor").json
    assert verified["whole"] is True, verified
    assert service.stop() == 0
    with service.store() as store:
        assert checks.checked(store.database).sound


def test_a_key_is_remembered_when_the_clock_jumps_back(service, jumped):
    said = {"profile": COMPANY, "consents": {"matching": {"note": "A-1"}}}
    assert service.ask("PUT", "/v1/companies/c-1", said).status == 201
    path, key = "/v1/companies/c-1/reviews", {"Idempotency-Key": "once"}
    first = service.ask("POST", path, {"question": "why?"}, **key)
    jumped(-HOUR)
    again = service.ask("POST", path, {"question": "why?"}, **key)
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotent-replayed"] == "true"


def test_nobody_waits_longer_to_sign_in_because_the_clock_jumped_back(service, jumped):
    wrong = {"login": "nobody@bank-a", "password": "not the password"}
    for _ in range(4):
        assert service.ask("POST", "/v1/sessions", wrong).status == 401
    jumped(-20 * HOUR)
    assert service.ask("POST", "/v1/sessions", wrong).status == 401
    refused = service.ask("POST", "/v1/sessions", wrong)
    assert refused.status == 429  # from the time as it is now on
    assert int(refused.headers["retry-after"]) <= 3
    until(lambda: service.ask("POST", "/v1/sessions", wrong).status == 401, 10)


def test_a_job_whose_worker_is_killed_is_run_again_though_the_clock_jumped_back(service, jumped):
    started = service.ask("POST", "/v1/jobs", {"kind": "population"}, role="admin")
    assert started.status == 201
    path = f"/v1/jobs/{started.json['id']}"
    until(lambda: service.ask("GET", path, role="admin").json["status"] == "running", pause=0.01)
    service.kill()
    with service.store() as store:
        assert store.read(lambda c: c.execute(sa.select(jobs.c.status)).scalar_one()) == "running"
    jumped(-HOUR)
    service.start()
    until(lambda: service.ask("GET", path, role="admin").json["status"] == "done", 60)
