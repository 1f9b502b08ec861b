"""What keeps the audit log append-only: triggers of the database itself, on both kinds.

They stop mistakes and whoever writes through a program. Whoever owns the database can drop them:
that is what the hash chain and the seals are for.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

TABLES = ("audit_events", "audit_seals")
FUNCTION = "corridor_append_only"


def protect(connection: sa.Connection) -> None:
    """Refuse from now on to change or remove what is in the tables."""
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


def unprotect(connection: sa.Connection) -> None:
    """Take the triggers away again, before the tables go."""
    postgresql = connection.dialect.name == "postgresql"
    for table in TABLES:
        for verb in _verbs(postgresql=postgresql):
            where = f" ON {table}" if postgresql else ""
            connection.exec_driver_sql(f"DROP TRIGGER {_name(table, verb)}{where}")
    if postgresql:
        connection.exec_driver_sql(f"DROP FUNCTION {FUNCTION}()")


def statements(dialect: str) -> Iterator[str]:
    """What makes the triggers on one kind of database."""
    postgresql = dialect == "postgresql"
    if postgresql:
        yield (
            f"CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'append-only'; END$$"
        )
    for table in TABLES:
        for verb in _verbs(postgresql=postgresql):
            head = f"CREATE TRIGGER {_name(table, verb)} BEFORE {verb} ON {table}"
            if postgresql:
                yield f"{head} FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}()"
            else:
                yield f"{head} BEGIN SELECT RAISE(ABORT, 'append-only'); END"


def _verbs(*, postgresql: bool) -> tuple[str, ...]:
    return ("UPDATE", "DELETE", "TRUNCATE") if postgresql else ("UPDATE", "DELETE")


def _name(table: str, verb: str) -> str:
    return f"{table}_no_{verb.lower()}"


def missing(connection: sa.Connection) -> list[str]:
    """Triggers that should be there and are not."""
    postgresql = connection.dialect.name == "postgresql"
    query = (
        "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'"
        if postgresql
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    there = set(connection.exec_driver_sql(query).scalars())
    wanted = [_name(table, verb) for table in TABLES for verb in _verbs(postgresql=postgresql)]
    return [name for name in wanted if name not in there]
