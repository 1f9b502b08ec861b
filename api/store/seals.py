"""Seals: now and then the ends of all chains are written down, in a chain of their own.

An event that is cut off the end of a chain, or a whole chain that is gone, leaves no gap; the seal
that names it does. A copy of every seal goes to a file beside the database, so that whoever can
write to the database alone cannot rewrite the past.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from api.store.audit import GENESIS
from api.store.database import Database
from api.store.store import Store
from api.store.tables import audit_seals
from api.store.writer import Write
from recommender.errors import UnreadableFile, Unwritable

if sys.platform != "win32":
    import fcntl

NAME = "seals.jsonl"
SEALED = ("sequence", "at", "heads", "previous")
Seal = dict[str, Any]
# One step of the index for each chain; grouping would read every event.
_NAMES = (
    "WITH RECURSIVE names(chain) AS ("
    "SELECT min(chain) FROM audit_events UNION ALL "
    "SELECT (SELECT min(e.chain) FROM audit_events e WHERE e.chain > names.chain) "
    "FROM names WHERE names.chain IS NOT NULL) "
)
_LAST = (
    "FROM names JOIN audit_events e ON e.chain = names.chain "
    "AND e.sequence = (SELECT max(m.sequence) FROM audit_events m WHERE m.chain = names.chain)"
)
_ENDS = sa.text(f"{_NAMES} SELECT e.chain, e.sequence, e.hash {_LAST}")
_NEWEST = sa.text(f"{_NAMES} SELECT max(e.at) {_LAST}")


def place(database: Database, stated: Path | None) -> Path | None:
    """The file of the seals: as stated, else beside an SQLite database; None for nowhere."""
    if stated is not None or database.path is None:
        return stated
    return database.path.parent / NAME


class Sealer:
    """Seals one record; reads each seal of others once."""

    def __init__(self, store: Store, file: Path | None) -> None:
        self._store, self._file = store, file
        self._known: dict[str, int] = {}
        self._last: dict[str, Any] = {"sequence": 0, "hash": GENESIS}

    def seal(self) -> Seal | None:
        """Seal what happened since the last seal, and copy to the file what it has not got yet.

        None where nothing happened. Raises StoreUnavailable, and Unwritable or UnreadableFile for
        the file; the seal in the database stands then, and the next call copies it.
        """
        made = self._store.write(self._sealed) if self._store.read(self._news) else None
        if self._file is not None and (made or self._last["sequence"]):
            _copied(self._store, self._file)
        return made

    def _news(self, connection: sa.Connection) -> dict[str, tuple[int, str]]:
        """Ends of chains that no seal names yet."""
        ends = {row.chain: (row.sequence, row.hash) for row in connection.execute(_ENDS)}
        query = sa.select(audit_seals).where(audit_seals.c.sequence > self._last["sequence"])
        for row in connection.execute(query.order_by(audit_seals.c.sequence)).mappings():
            heads = orjson.loads(row["heads"])
            self._known |= {chain: sequence for chain, (sequence, _) in heads.items()}
            self._last = {"sequence": row["sequence"], "hash": row["hash"]}
        return {chain: end for chain, end in ends.items() if self._known.get(chain) != end[0]}

    def _sealed(self, write: Write) -> Seal | None:
        if write.connection.dialect.name != "sqlite":
            # Replicas that seal at once would both make the next number; SQLite has one writer.
            write.execute(sa.text("SELECT pg_advisory_xact_lock(7302)"))
        news = self._news(write.connection)
        if not news:
            return None
        row: Seal = {
            "sequence": self._last["sequence"] + 1,
            "at": write.at.isoformat(timespec="microseconds"),
            "heads": orjson.dumps(news, option=orjson.OPT_SORT_KEYS).decode(),
            "previous": self._last["hash"],
        }
        row["hash"] = hashed(row)
        write.execute(sa.insert(audit_seals), row)
        return row


def hashed(row: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical form of a seal, without its own hash."""
    return hashlib.sha256(orjson.dumps([row[name] for name in SEALED])).hexdigest()


def read(file: Path) -> list[Seal]:
    """The seals of a file, oldest first; raises UnreadableFile.

    What stands behind the last end of a line was cut off while it was written, and is none.
    """
    try:
        lines = file.read_text("utf-8").rpartition("\n")[0].splitlines()
        found = [json.loads(line) for line in lines if line.strip()]
        return [{name: seal[name] for name in (*SEALED, "hash")} for seal in found]
    except OSError as error:
        raise UnreadableFile(file=str(file), reason="missing") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(file=str(file), reason="not_a_record") from error


def last_sealed(connection: sa.Connection) -> str | None:
    """When the audit log was last sealed, ISO 8601; None for never."""
    query = sa.select(audit_seals.c.at).order_by(audit_seals.c.sequence.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


def last_event(connection: sa.Connection) -> str | None:
    """When something was last written to the audit log, ISO 8601; None for never."""
    return connection.execute(_NEWEST).scalar_one_or_none()


def _copied(store: Store, file: Path) -> None:
    """Append the seals that the file has not got, and see them on the disk."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
        with os.fdopen(handle, "r+b", buffering=0) as opened:
            _alone(handle)
            _appended(store, file, opened)
    except OSError as error:
        raise Unwritable(reason=error.strerror or str(error), file=str(file)) from error


def _alone(handle: int) -> None:
    """Keep other processes that seal from writing the same lines, until the file is closed."""
    if sys.platform != "win32":
        fcntl.flock(handle, fcntl.LOCK_EX)


def _appended(store: Store, file: Path, opened: FileIO) -> None:
    """Add whole lines, behind the last whole one, or nothing; raises OSError."""
    copies = read(file)
    known = copies[-1]["sequence"] if copies else 0
    query = sa.select(audit_seals).where(audit_seals.c.sequence > known)
    rows = store.read(lambda c: list(c.execute(query.order_by(audit_seals.c.sequence)).mappings()))
    kept = ({name: row[name] for name in (*SEALED, "hash")} for row in rows)
    text = b"".join(orjson.dumps(seal) + b"\n" for seal in kept)
    if not text:
        return
    end = opened.readall().rfind(b"\n") + 1
    try:
        opened.truncate(end)
        opened.seek(end)
        while text:
            text = text[opened.write(text) :]
        os.fsync(opened.fileno())
    except OSError:
        opened.truncate(end)
        raise
