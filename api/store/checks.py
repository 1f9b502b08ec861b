"""Whether a database is sound: its own integrity, its tables, rows without parents, its log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from api.store import backups, maintenance, seals, verification
from api.store.append_only import missing as missing_triggers
from api.store.database import Database, translated
from api.store.tables import companies, metadata, reference_keys, runs, users

# Rows that name another without a constraint, because the other may be erased from under them.
LOOSE = (
    ("runs", runs.c.company_id, companies, (runs.c.organisation_id == companies.c.organisation_id)),
    ("runs", runs.c.user_id, users, sa.true()),
    (
        "reference_keys",
        sa.case((reference_keys.c.kind == "company", reference_keys.c.id)),
        companies,
        reference_keys.c.organisation_id == companies.c.organisation_id,
    ),
)


@dataclass(frozen=True)
class Soundness:
    """What a check found.

    revision: of the tables; problems: what is wrong, as (code, place, count), codes `integrity`,
    `orphans`, `triggers`; rows: by table; log: of the audit log.
    """

    revision: str | None
    problems: list[tuple[str, str, int]]
    rows: dict[str, int]
    log: verification.Checked | None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        current = self.revision == maintenance.REVISION
        return current and not self.problems and self.log is not None and self.log.whole


def checked(database: Database, copies: Sequence[seals.Seal] | None = None) -> Soundness:
    """Check a database in one snapshot; raises StoreUnavailable. copies: seals of the file."""
    found = maintenance.revision(database)
    if found != maintenance.REVISION:
        return Soundness(found, [], {}, None)
    engine: Any = database.engine
    if not database.is_sqlite:
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with translated(), engine.connect() as connection:
        problems = [*_integrity(connection), *_orphans(connection)]
        problems += [("triggers", name, 1) for name in missing_triggers(connection)]
        rows = backups.rows_of(connection)
        return Soundness(found, problems, rows, verification.verified(connection, copies))


def _integrity(connection: sa.Connection) -> Iterator[tuple[str, str, int]]:
    """What SQLite says of its file; PostgreSQL checks its pages as it reads them."""
    if connection.dialect.name == "sqlite":
        for (said,) in connection.exec_driver_sql("PRAGMA integrity_check"):
            if said != "ok":
                yield "integrity", str(said)[:200], 1


def _orphans(connection: sa.Connection) -> Iterator[tuple[str, str, int]]:
    for table in metadata.sorted_tables:
        for constraint in table.foreign_key_constraints:
            pairs = [(e.parent, e.column) for e in constraint.elements]
            there = sa.exists().where(*(child == parent for child, parent in _apart(pairs)))
            known = [child.is_not(None) for child, _ in pairs]
            names = ", ".join(child.name for child, _ in pairs)
            yield from _counted(connection, table, [*known, ~there], f"{table.name}.{names}")
    for name, column, parent, same in LOOSE:
        there = sa.exists().where(parent.c.id == column, same)
        place = f"{name}.{getattr(column, 'name', 'id')}"
        yield from _counted(connection, metadata.tables[name], [column.is_not(None), ~there], place)


def _apart(pairs: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """The pairs with parents under another name, as a table may refer to itself."""
    parent = pairs[0][1].table.alias("parent")
    return [(child, parent.c[column.name]) for child, column in pairs]


def _counted(
    connection: sa.Connection, table: sa.Table, wanted: Sequence[Any], place: str
) -> Iterator[tuple[str, str, int]]:
    query = sa.select(sa.func.count()).select_from(table).where(*wanted)
    count = connection.execute(query).scalar_one()
    if count:
        yield "orphans", place, count
