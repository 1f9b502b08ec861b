"""The audit log: append-only, each event hashed over the one before it, one chain a writer.

What an event says about people and companies are references: keyed hashes whose key lies in
`reference_keys`. Destroying the key makes the reference point at nobody, and the chain stays whole.
"""

from __future__ import annotations

import datetime
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import sqlalchemy as sa

from api.store.inserts import insert
from api.store.tables import audit_events

GENESIS = "0" * 64
HASHED = (
    "chain",
    "sequence",
    "organisation_id",
    "at",
    "actor",
    "action",
    "subject",
    "detail",
    "previous",
)


@dataclass(frozen=True)
class Event:
    """Something that happened.

    actor, subject: references, never names; subject None where it is about no one record. action:
    what was done, as `company.changed`. detail: what else is worth keeping, without personal data.
    """

    organisation_id: str
    actor: str
    action: str
    subject: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Chain:
    """The chain of one writer and where it ends."""

    name: str = ""
    sequence: int = 0
    head: str = GENESIS

    def extended(
        self, connection: sa.Connection, at: datetime.datetime, events: Sequence[Event]
    ) -> Chain:
        """Append events inside the transaction; the chain as it is once that is committed."""
        if not events:
            return self
        chain = self if self.name else replace(self, name=str(uuid.uuid4()))
        rows: list[dict[str, Any]] = []
        for event in events:
            row = chain._row(event, at)
            rows.append(row)
            chain = replace(chain, sequence=row["sequence"], head=row["hash"])
        insert(connection, audit_events, rows)
        return chain

    def _row(self, event: Event, at: datetime.datetime) -> dict[str, Any]:
        row = {
            "chain": self.name,
            "sequence": self.sequence + 1,
            "organisation_id": event.organisation_id,
            "at": at.astimezone(datetime.UTC).isoformat(timespec="microseconds"),
            "actor": event.actor,
            "action": event.action,
            "subject": event.subject,
            "detail": orjson.dumps(dict(event.detail), option=orjson.OPT_SORT_KEYS).decode(),
            "previous": self.head,
        }
        return {**row, "hash": hashed(row)}


def hashed(row: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical form of an event, without its own hash."""
    return hashlib.sha256(orjson.dumps([row[name] for name in HASHED])).hexdigest()
