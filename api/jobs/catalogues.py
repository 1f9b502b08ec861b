"""Catalogues that are uploaded: checked as a whole, and kept as a version."""

from __future__ import annotations

import tempfile
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
from recommender.catalogue.files import read_files
from recommender.errors import CorridorError, NotFound, UnreadableFile
from recommender.registry.catalogues import PACKAGED, content_of
from recommender.registry.registry import Registry


def keep(work: Work) -> Made:
    """Check a catalogue and keep it; raises InvalidCatalogue or UnreadableFile."""
    asked: CatalogueJob = work.parameters
    work.meter.begin("reading", None)
    counts, content = checked(work.file(asked.file))

    def kept(write: Write) -> None:
        own, actor = work.organisation_id, work.user_id
        keep_catalogue(write, own, counts["version"], content, actor)

    return Made(counts, {}, kept)


def checked(place: Path) -> tuple[dict[str, Any], str]:
    """How much is in a catalogue with its version, and the content to keep.

    Raises InvalidCatalogue with every problem at its cell, or UnreadableFile.
    """

    def refuse(_: Path, error: UnreadableFile) -> None:
        raise error

    documents = read_files([place], refuse)
    catalogue = Catalogue.from_documents(documents)
    counts = {name: len(getattr(catalogue, name)) for name in SECTIONS}
    head = common_head(documents)
    return {"version": catalogue.version, **counts}, content_of(catalogue, head)


def upload(settings: Settings, name: str, body: bytes) -> tuple[dict[str, Any] | None, Any]:
    """Check an uploaded file in the worker of a server: what is in it and its content, or errors.

    The second is the content, or what is wrong in both languages.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "catalogue" / name
        place.parent.mkdir()
        place.write_bytes(body)
        try:
            return checked(place)
        except CorridorError as error:
            return None, told_of(error, settings)


def difference(
    settings: Settings, organisation_id: str, versions: tuple[str, str], language: Any
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
