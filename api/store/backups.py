"""Backups: the whole record as one SQLite file, from either kind of database into either kind."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from api.refusals import NotEmpty
from api.store import maintenance
from api.store.database import WRITES, Database, StoreOutdated, StoreUnavailable, translated
from api.store.inserts import insert
from api.store.tables import metadata
from recommender.errors import UnreadableFile, Unwritable

PART = 500


def backup(database: Database, file: Path) -> dict[str, int]:
    """Write the record as it is at one moment, while others go on writing; rows by table.

    The file appears whole under its name or not at all, for its owner alone. Raises Unwritable,
    also for one that is there already, StoreUnavailable and StoreOutdated.
    """
    _current(database)
    if file.exists():
        raise Unwritable(reason=os.strerror(17), file=str(file))
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise Unwritable(reason=error.strerror or str(error), file=str(file)) from error
    try:
        if database.path is not None:
            _copied_file(database.path, part)
        else:
            _copied_tables(database, part)
        rows = counted(part)
        _onto_disk(part, file)
    finally:
        part.unlink(missing_ok=True)
    return rows


def restore(database: Database, file: Path) -> dict[str, int]:
    """Bring a backup into an empty database of either kind, all or nothing; rows by table.

    Raises NotEmpty where anything is kept already, UnreadableFile and StoreOutdated.
    """
    if not file.is_file():
        raise UnreadableFile(file=str(file), reason="missing")
    maintenance.ready(database)
    writing = database.engine.execution_options(**WRITES)
    with _opened(file) as source, source.engine.connect() as old:
        return _filled(old, writing)


def _filled(old: sa.Connection, writing: sa.Engine) -> dict[str, int]:
    with translated(), writing.begin() as new:
        _check_empty(new)
        return _copy(old, new)


def counted(file: Path) -> dict[str, int]:
    """Rows of a backup by table; raises UnreadableFile and StoreOutdated."""
    with _opened(file) as source, source.engine.connect() as connection:
        return rows_of(connection)


def rows_of(connection: sa.Connection) -> dict[str, int]:
    """Rows by table."""
    count = sa.func.count()
    return {
        str(table.name): connection.execute(sa.select(count).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
    }


def _current(database: Database) -> None:
    found = maintenance.revision(database)
    if found != maintenance.REVISION:
        raise StoreOutdated(found=found or "-", needed=maintenance.REVISION)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Database]:
    source = Database(f"sqlite:///{file}")
    try:
        _current(source)
        yield source
    except StoreUnavailable as error:
        raise UnreadableFile(file=str(file), reason="not_a_record") from error
    except sa.exc.DatabaseError as error:
        raise UnreadableFile(file=str(file), reason="not_a_record") from error
    finally:
        source.close()


def _copied_file(path: Path, part: Path) -> None:
    """One snapshot of an SQLite database, page by page; writers go on beside it."""
    with (
        contextlib.closing(sqlite3.connect(path)) as old,
        contextlib.closing(sqlite3.connect(part)) as new,
    ):
        old.backup(new, pages=-1)


def _copied_tables(database: Database, part: Path) -> None:
    target = Database(f"sqlite:///{part}")
    try:
        maintenance.upgrade(target)
        snapshot = database.engine.execution_options(isolation_level="REPEATABLE READ")
        writing = target.engine.execution_options(**WRITES)
        with translated(), snapshot.connect() as old, writing.begin() as new:
            _copy(old, new)
    finally:
        target.close()


def _copy(old: sa.Connection, new: sa.Connection) -> dict[str, int]:
    """Every row of every table, parents before children, as the types of the tables read them."""
    found: dict[str, int] = {}
    for table in metadata.sorted_tables:
        found[str(table.name)] = 0
        rows = old.execute(sa.select(table).execution_options(yield_per=PART)).mappings()
        for some in rows.partitions(PART):
            insert(new, table, [dict(row) for row in some])
            found[table.name] += len(some)
    return found


def _check_empty(connection: sa.Connection) -> None:
    kept = {name: rows for name, rows in rows_of(connection).items() if rows}
    if kept:
        raise NotEmpty(table=next(iter(kept)), rows=next(iter(kept.values())))


def _onto_disk(part: Path, file: Path) -> None:
    """One file without a log beside it, seen on the disk, then under its name."""
    with contextlib.closing(sqlite3.connect(part)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    handle = os.open(part, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        part.replace(file)
    except OSError as error:
        raise Unwritable(reason=error.strerror or str(error), file=str(file)) from error
