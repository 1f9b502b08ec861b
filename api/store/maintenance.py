"""Care of a database: bring it to the tables of this version."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.store.database import WRITES, Database, StoreOutdated, translated
from recommender.errors import Unwritable

REVISION = "0003"
OWN_ONLY = 0o700


def revision(database: Database) -> str | None:
    """The version of the tables that are there; None for an empty database."""
    with database.reading() as connection:
        return version(connection)


def version(connection: sa.Connection) -> str | None:
    """The version of the tables that a connection sees; None for an empty database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(
        sa.text("SELECT version_num FROM alembic_version")
    ).scalar_one_or_none()
    return found


def ready(database: Database) -> None:
    """Make the tables of a database that is new; raises StoreOutdated for another version's."""
    if database.path is not None and not database.path.exists():
        upgrade(database)
        return
    found = revision(database)
    if found is None:
        upgrade(database)
    elif found != REVISION:
        raise StoreOutdated(found=found, needed=REVISION)


def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the tables to this version in one transaction; the versions before and after."""
    from alembic import command  # deferred: only where tables change

    if database.path is not None:
        _own_folder(database.path)
    with translated(), database.engine.execution_options(**WRITES).begin() as connection:
        if not database.is_sqlite:
            # Replicas that start together wait for the one that makes the tables.
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(7301)"))
        before = _current(connection)
        command.upgrade(configuration(connection), REVISION)
    return before, REVISION


def configuration(connection: sa.Connection) -> Any:
    """The configuration of Alembic on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _current(connection: sa.Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def _own_folder(path: Path) -> None:
    """The folder of the file, and the file itself, for nobody but the owner."""
    try:
        path.parent.mkdir(mode=OWN_ONLY, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise Unwritable(reason=error.strerror or str(error), file=str(path)) from error
