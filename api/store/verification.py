"""Whether the audit log is whole: every event where it was put, as it was put, and none missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa

from api.store import audit, seals
from api.store.audit import GENESIS
from api.store.tables import audit_events, audit_seals

SEALS = "seals"
MOST = 100
PART = 1_000
Row = Mapping[Any, Any]


@dataclass(frozen=True)
class Finding:
    """Something wrong. kind: a code; chain: its name, or SEALS; sequence: the place in it.

    Kinds: `edited` (an event is not what was hashed), `missing` (places before this one are
    empty), `moved` (it does not follow the one before it), `cut_off` (a seal names this place, and
    the chain ends before it), `chain_missing`, `resealed` (a seal names another event here);
    for seals `edited`, `missing`, `moved`, `file_differs` (the copy in the file says otherwise) and
    `file_empty` (there are no copies).
    """

    kind: str
    chain: str
    sequence: int


@dataclass
class Checked:
    """What was checked, and what is wrong. found: how many; findings: the first MOST."""

    events: int = 0
    own_events: int = 0
    chains: int = 0
    seals: int = 0
    unsealed: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Nothing is wrong."""
        return self.found == 0

    def add(self, findings: Iterator[Finding]) -> None:
        """Count what is wrong and keep the first of it."""
        for one in findings:
            self.found += 1
            if len(self.findings) < MOST:
                self.findings.append(one)


def verified(
    connection: sa.Connection,
    copies: Sequence[seals.Seal] | None = None,
    organisation_id: str | None = None,
) -> Checked:
    """Check every chain and every seal in one snapshot.

    copies: the seals of the file, None without one. organisation_id: whose events are counted by
    themselves; chains are those of writers and cannot be checked for one organisation alone.
    """
    checked = Checked()
    query = sa.select(audit_seals).order_by(audit_seals.c.sequence)
    kept = [dict(row) for row in connection.execute(query).mappings()]
    checked.seals = len(kept)
    checked.add(_seals(kept))
    if copies is not None:
        checked.add(_copies(kept, copies))
    checked.add(_events(connection, _sealed([*kept, *(copies or ())]), organisation_id, checked))
    return checked


def _seals(rows: Sequence[Row]) -> Iterator[Finding]:
    head, sequence = GENESIS, 0
    for row in rows:
        if row["sequence"] != sequence + 1:
            yield Finding("missing", SEALS, row["sequence"])
        elif row["previous"] != head:
            yield Finding("moved", SEALS, row["sequence"])
        if seals.hashed(row) != row["hash"]:
            yield Finding("edited", SEALS, row["sequence"])
        head, sequence = row["hash"], row["sequence"]


def _copies(rows: Sequence[Row], copies: Sequence[Row]) -> Iterator[Finding]:
    """Every seal of the file has to be in the database, and all but the newest in the file."""
    kept = {row["sequence"]: row["hash"] for row in rows}
    if kept and not copies:
        yield Finding("file_empty", SEALS, max(kept))
    for copy in copies:
        if kept.get(copy["sequence"]) != copy["hash"] or seals.hashed(copy) != copy["hash"]:
            yield Finding("file_differs", SEALS, copy["sequence"])
    numbers = {copy["sequence"] for copy in copies}
    for sequence in sorted(set(range(1, max(numbers, default=0))) - numbers):
        yield Finding("file_differs", SEALS, sequence)


def _sealed(rows: Sequence[Row]) -> dict[str, dict[int, str]]:
    """Hashes that seals name, by chain and place; what cannot be read was edited."""
    found: dict[str, dict[int, str]] = {}
    for row in rows:
        if seals.hashed(row) == row["hash"]:
            for chain, (sequence, hashed) in orjson.loads(row["heads"]).items():
                found.setdefault(chain, {})[sequence] = hashed
    return found


def _events(
    connection: sa.Connection,
    sealed: Mapping[str, Mapping[int, str]],
    organisation_id: str | None,
    checked: Checked,
) -> Iterator[Finding]:
    ends: dict[str, int] = {}
    chain, sequence, head = "", 0, GENESIS
    for row in _rows(connection):
        if row["chain"] != chain:
            chain, sequence, head = row["chain"], 0, GENESIS
            checked.chains += 1
        checked.events += 1
        checked.own_events += row["organisation_id"] == organisation_id
        named = sealed.get(chain, {})
        checked.unsealed += row["sequence"] > max(named, default=0)
        yield from _event(row, sequence, head, named.get(row["sequence"]))
        sequence, head = row["sequence"], row["hash"]
        ends[chain] = sequence
    for name, places in sealed.items():
        last = max(places)
        if name not in ends:
            yield Finding("chain_missing", name, last)
        elif ends[name] < last:
            yield Finding("cut_off", name, last)


def _event(row: Row, sequence: int, head: str, sealed: str | None) -> Iterator[Finding]:
    place = (row["chain"], row["sequence"])
    if row["sequence"] != sequence + 1:
        yield Finding("missing", *place)
    elif row["previous"] != head:
        yield Finding("moved", *place)
    if audit.hashed(row) != row["hash"]:
        yield Finding("edited", *place)
    elif sealed is not None and sealed != row["hash"]:
        yield Finding("resealed", *place)


def _rows(connection: sa.Connection) -> Iterator[Row]:
    order = (audit_events.c.chain, audit_events.c.sequence)
    query = sa.select(audit_events).order_by(*order).execution_options(yield_per=PART)
    yield from connection.execute(query).mappings()
