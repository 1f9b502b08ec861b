"""What was acknowledged is there after the process is killed, on a real database."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from record import peopled

from api.store.store import Store
from api.store.tables import runs
from api.store.verification import verified

ROOT = Path(__file__).parents[3]
WRITES = """
import sys, threading
from api.policy import Caller
from api.store import runs
from api.store.store import Store

store = Store(sys.argv[1])
who = Caller(sys.argv[2], "bank-a", None, "manager", "write", "t", store.clock())
versions = dict.fromkeys(runs.VERSIONS, "v") | {"population_version": None}
lock = threading.Lock()

def write_on(start):
    for number in range(start, start + 100_000):
        run = runs.Run(f"run-{number}", "recommend", "{}", "{}" * 2_000, versions)
        store.write(lambda write: runs.keep(write, who, run))
        with lock:
            print(run.id, flush=True)

for start in range(8):
    threading.Thread(target=write_on, args=(start * 100_000,)).start()
"""


@pytest.mark.parametrize("acknowledged", [1, 150])
def test_acknowledged_writes_survive_a_kill(store, database_url, acknowledged):
    user_id = peopled(store).ids["bank-a", "manager"]
    with subprocess.Popen(
        [sys.executable, "-c", WRITES, database_url, user_id],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        told = [process.stdout.readline().strip() for _ in range(acknowledged)]
        process.send_signal(signal.SIGKILL)
        # What it had said before it was killed counts as acknowledged too.
        told += [line.strip() for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -signal.SIGKILL
    again = Store(database_url)
    kept = set(again.read(lambda c: c.execute(sa.select(runs.c.id)).scalars()))
    assert set(told) <= kept
    found = again.read(verified)
    assert found.whole, found.findings
    assert found.events >= len(kept)
    again.close()


def test_sqlite_flushes_every_commit(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'corridor.db'}")
    with store.database.engine.connect() as connection:
        modes = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert modes == ["wal", 2, 1]
    store.close()


def test_postgresql_flushes_every_commit(postgresql):
    store = Store(postgresql.made())
    with store.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    store.close()
