"""One database by URL: SQLite under `.corridor/` or PostgreSQL, with the same promises on both.

SQLite runs with a write-ahead log and synchronous=FULL, PostgreSQL with its own default: what was
acknowledged survives a loss of power. Only `writer.Writer` begins a transaction that writes.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.errors import NotReady
from recommender.errors import CorridorError
from recommender.texts import label

SQLITE_BUSY_SECONDS = 2
SCRUB_MILLISECONDS = 200
CONNECT_SECONDS = 2
STATEMENT_SECONDS = 30
# A peer that is gone without a word is noticed after about ten seconds, not after two hours.
ALIVE = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
READERS = 4
WRITES = {"writes": True}


class StoreUnavailable(NotReady):
    """The database does not answer, or cannot write. params: reason."""

    code = "store_unavailable"
    retry_after = 2


class StoreUrl(CorridorError):
    """A database URL that cannot be used. params: url, reason."""

    code = "store_url"


class StoreOutdated(NotReady):
    """The tables are not those of this version. params: found, needed."""

    code = "store_outdated"


def shown(url: str) -> str:
    """A URL without its password.

    >>> shown("postgresql://me:secret@db/corridor")
    'postgresql+psycopg://me:***@db/corridor'
    """
    return parsed(url).render_as_string(hide_password=True)


def parsed(url: str) -> sa.URL:
    """The parts of a URL with the driver we use; raises StoreUrl."""
    try:
        found = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise StoreUrl(url="…", reason="sqlite:///PATH, postgresql://…") from None
    if found.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return found.set(drivername="postgresql+psycopg")
    if found.drivername in ("sqlite", "sqlite+pysqlite") and found.database:
        return found.set(drivername="sqlite+pysqlite")
    hidden = found.render_as_string(hide_password=True)
    raise StoreUrl(url=hidden, reason="sqlite:///PATH, postgresql://…")


class Database:
    """Connections to one database; made lazily, so that constructing it does nothing."""

    def __init__(self, url: str) -> None:
        """Prepare the connections; raises StoreUrl, also where the driver is not installed."""
        self.url = parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        try:
            self.engine = sa.create_engine(self.url, **self._options())
        except (ImportError, NoSuchModuleError) as error:
            raise StoreUrl(url=shown(url), reason=f"{error}; pip: [postgres]") from None
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _tune)
            sa.event.listen(self.engine, "begin", _begin)

    @property
    def path(self) -> Path | None:
        """The file of an SQLite database."""
        return Path(str(self.url.database)) if self.is_sqlite else None

    def _options(self) -> dict[str, Any]:
        if self.is_sqlite:
            waiting = {"timeout": SQLITE_BUSY_SECONDS, "check_same_thread": False}
            return {"pool_size": READERS, "max_overflow": READERS, "connect_args": waiting}
        limit = f"-c statement_timeout={STATEMENT_SECONDS * 1000} -c timezone=UTC"
        connect = {"connect_timeout": CONNECT_SECONDS, "options": limit, **ALIVE}
        return {
            "pool_size": READERS,
            "max_overflow": READERS,
            "pool_pre_ping": True,
            "pool_timeout": CONNECT_SECONDS,
            "connect_args": connect,
        }

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection to read from, one snapshot; raises StoreUnavailable."""
        with translated():
            if self.path is not None and not self.path.exists():
                raise StoreUnavailable(reason=f"{self.path}: -")
            with self.engine.connect() as connection:
                yield connection

    def asked(self) -> None:
        """Ask the database for a sign of life; raises StoreUnavailable."""
        with self.reading() as connection:
            connection.exec_driver_sql(
                "SELECT count(*) FROM sqlite_master" if self.is_sqlite else "SELECT 1"
            )

    def scrubbed(self) -> bool:
        """Empty the write-ahead log of SQLite, where erased text stands until it is overwritten.

        False while a reader still needs it. PostgreSQL keeps old rows until its own VACUUM.
        """
        if not self.is_sqlite:
            return True
        with translated(), self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.execute(f"PRAGMA busy_timeout={SCRUB_MILLISECONDS}")
            try:
                busy: int = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                raw.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_SECONDS * 1000}")
        return busy == 0

    def close(self) -> None:
        """Let every connection go."""
        self.engine.dispose()


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """What a database says when it is gone, locked or full, as StoreUnavailable."""
    try:
        yield
    except PoolTimeout:
        raise StoreUnavailable(reason=label("api.store.busy")) from None
    except DBAPIError as error:
        if gone(error):
            raise StoreUnavailable(reason=_first_line(error)) from error
        raise


def gone(error: DBAPIError) -> bool:
    """Whether the database is the problem, rather than what was asked of it."""
    if error.connection_invalidated:
        return True
    if type(error.orig) is sqlite3.DatabaseError:
        return True  # the file is damaged, or is no database
    kind = type(error.orig).__mro__
    return any(k.__name__ in ("OperationalError", "InterfaceError", "InternalError") for k in kind)


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).splitlines() or ["-"])[0][:200]


def _tune(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not open transactions by itself: `_begin` says which kind is meant.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # What is erased is overwritten in the file, and not just left out of it.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
