"""A database that stops, is locked or has no room: said, nothing lost, no restart needed."""

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import PostgreSQL
from running import COMPANY, OPTIONS, Caller, beside, running, until

from api.store import checks
from api.store.tables import runs

BODY = {"company": COMPANY, "options": OPTIONS}
MOUNT, UMOUNT = shutil.which("mount") or "mount", shutil.which("umount") or "umount"
AT_ONCE = 2  # seconds in which an answer has to come, whatever the database does


class Kept:
    """Callers that go on whatever they are told, and the runs that they were shown."""

    def __init__(self, service):
        self._service, self.shown, self.refused = service, {}, 0

    def work(self):
        with Caller(self._service, timeout=AT_ONCE) as caller:
            for _ in range(5):
                answer = caller.ask("POST", "/v1/recommendations", BODY)
                if answer.status == 200:
                    self.shown[answer.headers["run-id"]] = answer.body
                else:
                    unavailable(answer)
                    self.refused += 1

    def all_there(self):
        with self._service.store() as store:
            kept = store.read(lambda c: dict(c.execute(sa.select(runs.c.id, runs.c.answer)).all()))
            found = checks.checked(store.database)
        assert found.sound, found
        for run_id, body in self.shown.items():
            assert kept[run_id].encode() == body


def unavailable(answer):
    """503 with a reason that names the record, and when to ask again."""
    assert answer.status == 503, answer.body
    assert answer.json["code"] == "store_unavailable"
    assert len(answer.json["detail"]) > 20
    assert int(answer.headers["retry-after"]) > 0
    return answer.json["detail"]


@pytest.mark.parametrize(
    "times",
    [pytest.param(1, id="short"), pytest.param(5, id="long", marks=pytest.mark.soak)],
)
def test_a_postgresql_that_stops_is_said_at_once_and_back_without_a_restart(tmp_path, times):
    with PostgreSQL() as server, running(server.made(), tmp_path / "service") as service:
        kept = Kept(service)
        with beside([kept.work] * 4):
            for _ in range(times):
                shown = len(kept.shown)
                until(lambda before=shown: len(kept.shown) > before + 10)
                server.stop()
                with Caller(service, timeout=AT_ONCE) as caller:
                    for _ in range(3):
                        unavailable(caller.ask("POST", "/v1/recommendations", BODY))
                        unavailable(caller.ask("GET", "/v1/companies"))
                server.start()
                until(lambda: service.recommended().status == 200, 10)
        assert kept.refused
        kept.all_there()
        if times > 1:
            _jobs_run(service)
        assert "Traceback" not in service.log
        assert service.stop() == 0


def _jobs_run(service):
    """What works in the background outlived it too."""
    asked = service.ask("POST", "/v1/jobs", {"kind": "population"}, role="admin")
    path = f"/v1/jobs/{asked.json['id']}"
    until(lambda: service.ask("GET", path, role="admin").json["status"] == "done")


def test_a_sqlite_file_that_another_process_locks_is_said_and_read_all_the_same(
    sqlite_url, tmp_path
):
    with running(sqlite_url, tmp_path / "service") as service:
        first = service.recommended()
        assert first.status == 200
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        with contextlib.closing(other):
            other.execute("BEGIN IMMEDIATE")
            said = unavailable(service.recommended())
            assert "locked" in said
            read = service.ask("GET", f"/v1/runs/{first.headers['run-id']}")
            assert read.status == 200
            other.execute("ROLLBACK")
        assert service.recommended().status == 200


@contextlib.contextmanager
def no_room_for(process):
    """From now on the system refuses every write of a file to a process; then no longer."""
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)


def test_a_server_that_can_write_no_file_answers_and_goes_on_when_it_can(sqlite_url, tmp_path):
    with running(sqlite_url, tmp_path / "service") as service:
        kept = Kept(service)
        kept.work()
        with no_room_for(service.process):
            for _ in range(3):
                unavailable(service.recommended())
            last = list(kept.shown)[-1]
            assert service.ask("GET", f"/v1/runs/{last}").status == 200
        kept.work()
        assert len(kept.shown) == 10
        kept.all_there()
        assert service.stop() == 0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of four megabytes."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    place = tmp_path / "disk"
    place.mkdir()
    command = [MOUNT, "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this system mounts nothing: {done.stderr}")
    yield place
    subprocess.run([UMOUNT, "-l", str(place)], check=True)


@pytest.mark.soak
def test_a_disk_that_fills_up_loses_nothing_and_is_used_again_once_there_is_room(
    small_disk, tmp_path
):
    url = f"sqlite:///{small_disk / 'corridor.db'}"
    with running(url, tmp_path / "service") as service:
        kept, ballast = Kept(service), small_disk / "ballast"
        kept.work()
        _fill(ballast)
        until(lambda: service.recommended().status == 503)
        assert "full" in unavailable(service.recommended())
        assert service.ask("GET", f"/v1/runs/{next(iter(kept.shown))}").status == 200
        ballast.unlink()
        kept.work()
        assert len(kept.shown) == 10
        kept.all_there()
        assert service.stop() == 0


def _fill(ballast: Path):
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
