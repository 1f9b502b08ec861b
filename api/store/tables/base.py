"""What every table has: names of constraints, points in time, ids and organisations."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)


class Instant(sa.TypeDecorator[datetime.datetime]):
    """A point in time, aware and in UTC on the way in and out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: sa.Dialect
    ) -> datetime.datetime | None:
        """UTC, without the zone where the database has no such type."""
        if value is None:
            return None
        utc = value.astimezone(datetime.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(
        self,
        value: datetime.datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002 - given by SQLAlchemy
    ) -> datetime.datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=value.tzinfo or datetime.UTC).astimezone(datetime.UTC)


def id_column(name: str = "id", **more: Any) -> Column[str]:
    """An id as text."""
    return Column(name, sa.String(64), **more)


def organisation(**more: Any) -> Column[str]:
    """Whose row it is."""
    return Column(
        "organisation_id", sa.String(64), ForeignKey("organisations.id"), nullable=False, **more
    )


def moment(name: str, *, required: bool = True) -> Column[datetime.datetime]:
    """A point in time."""
    return Column(name, Instant, nullable=not required)
