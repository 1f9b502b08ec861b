"""The registry in the store: models, catalogues and steps of one organisation.

A version is written once and never changed; what is read is held against its hashes by the rules
of `recommender.registry`. A step has the next number of its organisation as its key, so that of
two replicas that decide at once one is refused and looks again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from api.refusals import AlreadyThere, StepTaken
from api.store import users
from api.store.audit import Event
from api.store.references import SYSTEM, reference
from api.store.store import Store
from api.store.tables import registry_files, registry_steps
from api.store.tables import users as people
from api.store.writer import Write
from recommender.errors import UnreadableFile
from recommender.matching.scoring import Weights
from recommender.registry import artifact
from recommender.registry.registry import Registry, Step, step_of
from recommender.tables import parse_json

MODEL, CATALOGUE = "model", "catalogue"
DOCUMENT = "catalogue.json"
ACTIONS = {"promote": "model.promoted", "use": "catalogue.used", "rollback": "registry.undone"}
files = registry_files.c


def last_steps(connection: sa.Connection) -> dict[str, int]:
    """The number of the last step by organisation; those without any are left out."""
    steps = registry_steps.c
    query = sa.select(steps.organisation_id, sa.func.max(steps.step)).group_by(
        steps.organisation_id
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def steps_of(connection: sa.Connection, organisation_id: str) -> list[Step]:
    """Every step of an organisation, oldest first; raises UnreadableFile."""
    query = (
        sa.select(registry_steps.c.record)
        .where(registry_steps.c.organisation_id == organisation_id)
        .order_by(registry_steps.c.step)
    )
    try:
        return [step_of(orjson.loads(record)) for record in connection.execute(query).scalars()]
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableFile(file=organisation_id, reason="not_a_record") from error


def append(write: Write, organisation_id: str, after: int, step: Step, actor: str | None) -> None:
    """Add a step that follows `after` others; raises StepTaken when another came first."""
    last = last_steps(write.connection).get(organisation_id, 0)
    row = {"organisation_id": organisation_id, "step": after + 1, "record": _canonical(step)}
    try:
        if last != after:
            raise StepTaken
        write.execute(sa.insert(registry_steps), {**row, "at": write.at})
    except IntegrityError:
        raise StepTaken from None
    chosen = {"kind": step.kind, "version": step.chosen, "despite": list(step.despite)}
    _audit(write, organisation_id, ACTIONS[step.action], chosen, actor)


def versions(connection: sa.Connection, organisation_id: str, kind: str) -> list[str]:
    """Versions of a kind, by name."""
    query = sa.select(files.version).where(*_owned(organisation_id, kind)).distinct()
    return sorted(connection.execute(query).scalars())


def content(
    connection: sa.Connection, organisation_id: str, kind: str, version: str, file: str
) -> str:
    """A file of a version; raises UnreadableFile where it is not."""
    query = sa.select(files.content).where(
        *_owned(organisation_id, kind), files.version == version, files.file == file
    )
    found: str | None = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise UnreadableFile(file=f"{version}/{file}", reason="no_such_file")
    return found


def made_at(connection: sa.Connection, organisation_id: str, kind: str) -> dict[str, Any]:
    """When each version of a kind was kept."""
    query = sa.select(files.version, sa.func.min(files.at)).where(*_owned(organisation_id, kind))
    return {row[0]: row[1] for row in connection.execute(query.group_by(files.version))}


def keep_model(
    write: Write,
    organisation_id: str,
    weights: Weights,
    more: Mapping[str, Any],
    beside: Mapping[str, str],
    actor: str | None,
) -> bool:
    """Keep a model unless it is there already; whether it was new."""
    if weights.version in versions(write.connection, organisation_id, MODEL):
        return False
    whole = {**beside, **artifact.files(weights, more)}
    _keep(write, organisation_id, MODEL, weights.version, whole)
    _audit(write, organisation_id, "model.kept", {"version": weights.version}, actor)
    return True


def keep_catalogue(
    write: Write, organisation_id: str, version: str, document: str, actor: str | None
) -> None:
    """Keep a catalogue; one that was there is replaced, its content being named by its version."""
    owned = (*_owned(organisation_id, CATALOGUE), files.version == version)
    write.execute(sa.delete(registry_files).where(*owned))
    _keep(write, organisation_id, CATALOGUE, version, {DOCUMENT: document})
    _audit(write, organisation_id, "catalogue.kept", {"version": version}, actor)


def logins(connection: sa.Connection, organisation_id: str) -> dict[str, str]:
    """Logins of an organisation by user id, to name who decided."""
    query = sa.select(people.c.id, people.c.login).where(
        people.c.organisation_id == organisation_id
    )
    return {row[0]: row[1] for row in connection.execute(query)}


class StoreShelf:
    """The shelf of one organisation. actor: id of the user who works on it; None: command line."""

    def __init__(self, store: Store, organisation_id: str, actor: str | None = None) -> None:
        self.store, self.organisation_id, self.actor = store, organisation_id, actor
        self.catalogues = StoreCatalogues(self)

    def stamp(self) -> Hashable:
        """The number of the last step; None where there is none."""
        return self.store.read(last_steps).get(self.organisation_id)

    def steps(self) -> list[Step]:
        """Every step, oldest first; raises UnreadableFile."""
        return self.store.read(lambda c: steps_of(c, self.organisation_id))

    def append(self, after: int, step: Step) -> bool:
        """Add a step, unless another came first."""
        try:
            self.store.write(lambda w: append(w, self.organisation_id, after, step, self.actor))
        except StepTaken:
            return False
        return True

    def models(self) -> list[str]:
        """Every model, by name."""
        return self.store.read(lambda c: versions(c, self.organisation_id, MODEL))

    def place(self, version: str) -> Path:
        """The organisation and the version; no file."""
        return Path(self.organisation_id) / version

    def there(self, version: str) -> bool:
        """Whether the model is there."""
        return version in self.models()

    def file(self, version: str, name: str) -> str:
        """A text file of a model; raises UnreadableFile."""
        own = self.organisation_id
        return self.store.read(lambda c: content(c, own, MODEL, version, name))

    def add(self, weights: Weights, more: Mapping[str, Any], files: Mapping[str, str]) -> None:
        """Keep a model with files beside it."""
        own = self.organisation_id
        with contextlib.suppress(AlreadyThere):
            self.store.write(lambda w: keep_model(w, own, weights, more, files, self.actor))


class StoreCatalogues:
    """The catalogues of one organisation."""

    def __init__(self, shelf: StoreShelf) -> None:
        self._shelf = shelf

    def versions(self) -> list[str]:
        """Every stored version, by name."""
        own = self._shelf.organisation_id
        return self._shelf.store.read(lambda c: versions(c, own, CATALOGUE))

    def place(self, version: str) -> Path:
        """The organisation and the version; no file."""
        return self._shelf.place(version)

    def document(self, version: str) -> Any:
        """What is stored, as plain values; raises UnreadableFile."""
        own = self._shelf.organisation_id
        found = self._shelf.store.read(lambda c: content(c, own, CATALOGUE, version, DOCUMENT))
        return parse_json(found, str(self.place(version)))

    def write(self, version: str, content: str) -> None:
        """Store or replace a version whole."""
        own, actor = self._shelf.organisation_id, self._shelf.actor
        self._shelf.store.write(lambda w: keep_catalogue(w, own, version, content, actor))


def registry_of(store: Store, organisation_id: str, actor: str | None = None) -> Registry:
    """The registry of an organisation; raises NotFound for one that is not there."""
    store.read(lambda c: users.organisation(c, organisation_id))
    return Registry(StoreShelf(store, organisation_id, actor))


def _owned(organisation_id: str, kind: str) -> tuple[sa.ColumnElement[bool], ...]:
    return files.organisation_id == organisation_id, files.kind == kind


def _keep(
    write: Write, organisation_id: str, kind: str, version: str, whole: Mapping[str, str]
) -> None:
    named = {"organisation_id": organisation_id, "kind": kind, "version": version}
    rows = [{**named, "file": f, "content": c, "at": write.at} for f, c in whole.items()]
    try:
        write.execute(sa.insert(registry_files), rows)
    except IntegrityError:
        raise AlreadyThere(kind=kind, id=version) from None


def _canonical(step: Step) -> str:
    return orjson.dumps(asdict(step), option=orjson.OPT_SORT_KEYS).decode()


def _audit(
    write: Write, organisation_id: str, action: str, detail: Mapping[str, Any], actor: str | None
) -> None:
    done_by = SYSTEM if actor is None else reference(write, organisation_id, "user", actor)
    write.audit(Event(organisation_id, done_by, action, None, detail))
