"""Many rows in one statement.

A database driver lets go of the interpreter around every row of `executemany`, and a busy service
then waits its turn for each. One statement for all rows of a commit waits once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

Row = Mapping[str, Any]
# SQLite binds at most 32,766 values in one statement, PostgreSQL 65,535.
MOST_VALUES = 30_000


def by_table(rows: Iterable[tuple[sa.Table, Row]]) -> dict[sa.Table, list[Row]]:
    """Rows by the table they go to, in their order."""
    found: dict[sa.Table, list[Row]] = {}
    for table, row in rows:
        found.setdefault(table, []).append(row)
    return found


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows; a column that a row does not name is null."""
    names = tuple(table.columns.keys())
    most = MOST_VALUES // len(names)
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        bound = _bound(table, connection.dialect)
        values = tuple(value for row in some for value in _values(row, bound))
        connection.exec_driver_sql(_statement(table, len(some), connection.dialect), values)


def _values(row: Row, bound: Sequence[tuple[str, Callable[[Any], Any] | None]]) -> Iterator[Any]:
    for name, process in bound:
        value = row.get(name)
        yield value if process is None else process(value)


@lru_cache(maxsize=64)
def _bound(
    table: sa.Table, dialect: sa.Dialect
) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    """Columns with what their values go through on the way to the database."""
    return tuple((c.name, c.type.dialect_impl(dialect).bind_processor(dialect)) for c in table.c)


@lru_cache(maxsize=256)
def _statement(table: sa.Table, rows: int, dialect: sa.Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    names = ", ".join(quote(column.name) for column in table.c)
    places = "(" + ", ".join([mark] * len(table.c)) + ")"
    return f"INSERT INTO {quote(table.name)} ({names}) VALUES {', '.join([places] * rows)}"  # noqa: S608 - names of our own tables, values are bound
