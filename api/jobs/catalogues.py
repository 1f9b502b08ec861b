"""Catalogues that are uploaded: checked as a whole, and kept as a version."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from api.jobs.kinds import CatalogueJob
from api.jobs.work import Made, Work, told_of
from api.settings import Settings
from api.store.registry import StoreShelf, keep_catalogue
from api.store.store import Store
from api.store.writer import Write
from recommender import Catalogue
from recommender.catalogue.catalogue import common_head
from recommender.catalogue.columns import SECTIONS
from recommender.catalogue.files import read_files, write_catalogue
from recommender.errors import CorridorError, NotFound, UnreadableFile
from recommender.registry.catalogues import PACKAGED, content_of
from recommender.registry.registry import Registry
from recommender.texts import Language

Changes = Mapping[tuple[str, str], Mapping[str, Any]]


def keep(work: Work) -> Made:
    """Check a catalogue and keep it; raises InvalidCatalogue or UnreadableFile."""
    asked: CatalogueJob = work.parameters
    work.meter.begin("reading", None)
    counts, content = checked(work.file(asked.file))

    def kept(write: Write) -> None:
        own, actor = work.organisation_id, work.user_id
        keep_catalogue(write, own, counts["version"], content, actor)

    return Made(counts, {}, kept)


def checked(*places: Path) -> tuple[dict[str, Any], str]:
    """How much is in a catalogue with its version, and the content to keep.

    places: its files.
    Raises InvalidCatalogue with every problem at its cell, or UnreadableFile.
    """

    def refuse(_: Path, error: UnreadableFile) -> None:
        raise error

    documents = read_files(places, refuse)
    catalogue = Catalogue.from_documents(documents)
    counts = {name: len(getattr(catalogue, name)) for name in SECTIONS}
    head = common_head(documents)
    return {"version": catalogue.version, **counts}, content_of(catalogue, head)


def upload(settings: Settings, name: str, body: bytes) -> tuple[dict[str, Any] | None, Any]:
    """`uploads` of one file."""
    return uploads(settings, [(name, body)])


def uploads(
    settings: Settings, files: Sequence[tuple[str, bytes]]
) -> tuple[dict[str, Any] | None, Any]:
    """Check uploaded files in the worker of a server: what is in them and the content, or errors.

    files: name and bytes; several are one catalogue, as tables of CSV are. The second is the
    content, or what is wrong in both languages.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "catalogue"
        place.mkdir()
        for name, body in files:
            (place / name).write_bytes(body)
        try:
            return checked(*(place / name for name, _ in files))
        except CorridorError as error:
            return None, told_of(error, settings)


def edited(
    settings: Settings,
    organisation_id: str,
    version: str,
    changes: Changes,
    language: Language | None,
) -> tuple[dict[str, Any] | None, Any]:
    """A catalogue with some values changed, in the worker of a server: what came of it, or errors.

    language: of the differences, which come with the sample companies that change fit; None for
    the counts and content of a new version to keep.
    """
    from api.comparing import compared

    store = Store(settings.store)
    try:
        old = version_of(Registry(StoreShelf(store, organisation_id)), version)
        new = changed(old, changes)
        if language is not None:
            return compared(old, new, None, language), None
        counts = {name: len(getattr(new, name)) for name in SECTIONS}
        return {"version": new.version, **counts}, content_of(new)
    except CorridorError as error:
        return None, told_of(error, settings)
    finally:
        store.close()


def changed(catalogue: Catalogue, changes: Changes) -> Catalogue:
    """A catalogue with values changed.

    changes: by section and id the place of each value, as `rules.0.v`, with the new one; None takes
    it away. Raises NotFound and InvalidCatalogue.
    """
    document = catalogue.document()
    for (section, name), values in changes.items():
        record = next((row for row in document[section] if row["id"] == name), None)
        if record is None:
            raise NotFound(kind=section.removesuffix("s"), id=name)
        for place, value in values.items():
            _put(record, place.split("."), value)
    return Catalogue.from_documents({"": document})


def _put(record: Any, parts: Sequence[str], value: Any) -> None:
    """Set one value; records on the way are made, and go when they are empty."""
    head, *rest = parts
    key: Any = int(head) if isinstance(record, list) else head
    if not rest:
        if value is None:
            record.pop(key, None)
        else:
            record[key] = value
        return
    if not isinstance(record, list) and record.get(key) is None:
        record[key] = {}
    if isinstance(record[key], tuple):
        record[key] = list(record[key])
    _put(record[key], rest, value)
    if record[key] == {}:
        del record[key]


def difference(
    settings: Settings, organisation_id: str, versions: tuple[str, str], language: Language
) -> tuple[dict[str, Any] | None, Any]:
    """What changed from the first version to the second, in the worker of a server; or errors."""
    from api.comparing import compared

    store = Store(settings.store)
    try:
        registry = Registry(StoreShelf(store, organisation_id))
        old, new = (version_of(registry, version) for version in versions)
        return compared(old, new, None, language), None
    except CorridorError as error:
        return None, told_of(error, settings)
    finally:
        store.close()


def version_of(registry: Registry, version: str) -> Catalogue:
    """A catalogue of a registry, or the packaged one by its name or version; raises NotFound."""
    if version in registry.catalogues.versions():
        return registry.catalogues.load(version)
    packaged = Catalogue.load()
    if version in (PACKAGED, packaged.version):
        return packaged
    raise NotFound(kind="catalogue", id=version)


def exported(
    settings: Settings, organisation_id: str, version: str, ending: str
) -> tuple[bytes | None, Any]:
    """A catalogue as a file of that ending, in the worker of a server; or errors."""
    store = Store(settings.store)
    try:
        catalogue = version_of(Registry(StoreShelf(store, organisation_id)), version)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / f"catalogue{ending}"
            write_catalogue(catalogue.document(), place)
            return place.read_bytes(), None
    except CorridorError as error:
        return None, told_of(error, settings)
    finally:
        store.close()
