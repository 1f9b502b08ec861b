"""`corridor db` and `corridor audit`: the care of the record and of its log."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from api.settings import Settings
from api.store import backups, checks, maintenance, seals, verification
from api.store.database import Database, StoreUnavailable, shown
from api.store.store import Store
from recommender.errors import NotFound
from recommender.texts import Language, text

NOT_SOUND = 2


def upgrade(arguments: argparse.Namespace, language: Language) -> int:
    """Bring the tables to this version."""
    with _database(arguments) as (database, _):
        before, after = maintenance.upgrade(database)
    return _said("upgraded", language, before=before or "-", after=after)


def backup(arguments: argparse.Namespace, language: Language) -> int:
    """Write the record to one file."""
    with _database(arguments) as (database, _):
        rows = backups.backup(database, Path(arguments.file))
    return _said("backed_up", language, file=arguments.file, rows=f"{sum(rows.values()):,}")


def restore(arguments: argparse.Namespace, language: Language) -> int:
    """Bring a backup into an empty database."""
    with _database(arguments) as (database, _):
        rows = backups.restore(database, Path(arguments.file))
        url = shown(database.url.render_as_string(hide_password=False))
    return _said("restored", language, url=url, rows=f"{sum(rows.values()):,}")


def check(arguments: argparse.Namespace, language: Language) -> int:
    """Say whether a database is sound; exit code 2 where it is not."""
    with _database(arguments) as (database, settings):
        _there(database)
        file = _seals_of(arguments, database, settings)
        found = checks.checked(database, _copies(file))
    if arguments.json:
        log = None if found.log is None else asdict(found.log)
        _json({"sound": found.sound, **asdict(found), "log": log})
    else:
        _lines(_reported(found, language))
    return 0 if found.sound else NOT_SOUND


def verify(arguments: argparse.Namespace, language: Language) -> int:
    """Say whether the audit log is whole; exit code 2 where it is not."""
    with _database(arguments) as (database, settings):
        _there(database)
        copies = _copies(_seals_of(arguments, database, settings))
        with database.reading() as connection:
            _known(connection, arguments.organisation)
            found = verification.verified(connection, copies, arguments.organisation)
    if arguments.json:
        _json({"whole": found.whole, **asdict(found)})
    else:
        _lines(_log(found, language, arguments.organisation))
    return 0 if found.whole else NOT_SOUND


def seal(arguments: argparse.Namespace, language: Language) -> int:
    """Seal what happened since the last seal."""
    settings = Settings.read(os.environ, store=arguments.store)
    store = Store(settings.store)
    try:
        _there(store.database)
        maintenance.ready(store.database)
        file = _seals_of(arguments, store.database, settings)
        made = seals.Sealer(store, file).seal()
    finally:
        store.close()
    if made is None:
        return _said("nothing_to_seal", language)
    place = "-" if file is None else str(file)
    return _said("sealed", language, sequence=made["sequence"], hash=made["hash"], file=place)


ACTIONS: Mapping[str, Callable[[argparse.Namespace, Language], int]] = {
    "db_upgrade": upgrade,
    "db_backup": backup,
    "db_restore": restore,
    "db_check": check,
    "audit_verify": verify,
    "audit_seal": seal,
}


@contextmanager
def _database(arguments: argparse.Namespace) -> Iterator[tuple[Database, Settings]]:
    settings = Settings.read(os.environ, store=arguments.store)
    database = Database(settings.store)
    try:
        yield database, settings
    finally:
        database.close()


def _there(database: Database) -> None:
    """Looking at a database must not make one."""
    if database.path is not None and not database.path.exists():
        raise StoreUnavailable(reason=f"{database.path}: -")


def _seals_of(arguments: argparse.Namespace, database: Database, settings: Settings) -> Path | None:
    stated = settings.seals if arguments.seals is None else Path(arguments.seals)
    return seals.place(database, stated)


def _copies(file: Path | None) -> list[seals.Seal] | None:
    """The seals of a file; none in one that is not there, None without one."""
    if file is None:
        return None
    return seals.read(file) if file.exists() else []


def _known(connection: Any, organisation_id: str | None) -> None:
    from api.store import users

    if organisation_id is not None and users.organisation(connection, organisation_id) is None:
        raise NotFound(kind="organisation", id=organisation_id)


def _reported(found: checks.Soundness, language: Language) -> Iterator[str]:
    if found.revision != maintenance.REVISION or found.log is None:
        versions = {"found": found.revision or "-", "needed": maintenance.REVISION}
        yield text("db.outdated", language, **versions)
        return
    yield text("db.revision", language, found=found.revision)
    for table, rows in found.rows.items():
        yield f"  {table:<20}{rows:>14,}"
    for code, place, count in found.problems:
        yield text(f"db.{code}", language, place=place, count=f"{count:,}")
    yield from _log(found.log, language)
    yield text("db.sound" if found.sound else "db.not_sound", language)


def _log(
    found: verification.Checked, language: Language, organisation_id: str | None = None
) -> Iterator[str]:
    counts = {name: f"{getattr(found, name):,}" for name in ("events", "chains", "seals")}
    yield text("audit.counted", language, **counts, unsealed=f"{found.unsealed:,}")
    if organisation_id is not None:
        own = f"{found.own_events:,}"
        yield text("audit.own_events", language, id=organisation_id, events=own)
    for one in found.findings:
        yield "  " + text(f"audit.{one.kind}", language, **asdict(one))
    if found.found > len(found.findings):
        more = f"{found.found - len(found.findings):,}"
        yield "  " + text("audit.more", language, count=more)
    yield text("audit.whole" if found.whole else "audit.not_whole", language)


def _said(key: str, language: Language, **params: Any) -> int:
    sys.stdout.write(text(f"db.{key}", language, **params) + "\n")
    return 0


def _lines(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _json(found: Mapping[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(found).decode() + "\n")
