"""Catalogues kept by version: one document each, named by the hash of its content.

It appears whole under its name or not at all, and its content is held against its name
whenever it is read, so that a version is what was imported or is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from recommender.catalogue import Catalogue
from recommender.catalogue.files import as_json, write_file
from recommender.errors import CatalogueMismatch, CorridorError, NotFound, Unwritable
from recommender.tables import read_document

ENDING = ".json"
PACKAGED = "packaged"
Added = Literal["stored", "there", "mended"]


class CatalogueShelf(Protocol):
    """Where catalogues are kept, one document by version."""

    def versions(self) -> list[str]:
        """Every stored version, by name."""

    def place(self, version: str) -> Path:
        """Where a version stands or will stand, as people may be told."""

    def document(self, version: str) -> Any:
        """What is stored, as plain values; raises UnreadableFile."""

    def write(self, version: str, content: str) -> None:
        """Store or replace a version whole; raises Unwritable and leaves nothing behind."""


class CatalogueFolder:
    """Catalogues as JSON files in a folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self) -> list[str]:
        """Every stored version, by name."""
        if not self.folder.is_dir():
            return []
        files = self.folder.glob(f"*{ENDING}")
        return sorted(path.stem for path in files if not path.name.startswith("."))

    def place(self, version: str) -> Path:
        """The file of a version."""
        return self.folder / f"{version}{ENDING}"

    def document(self, version: str) -> Any:
        """What its file holds; raises UnreadableFile."""
        return read_document(self.place(version))

    def write(self, version: str, content: str) -> None:
        """Write its file; raises Unwritable."""
        place = self.place(version)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unwritable(reason=error.strerror or str(error), file=str(place)) from error
        write_file(content.encode(), place, force=True)


class CatalogueVersions:
    """Catalogues by version, in a folder or on another shelf."""

    def __init__(self, shelf: CatalogueShelf | Path) -> None:
        self.shelf = CatalogueFolder(shelf) if isinstance(shelf, Path) else shelf

    def versions(self) -> list[str]:
        """Every stored version, by name."""
        return self.shelf.versions()

    def place(self, version: str) -> Path:
        """Where a version stands; raises NotFound."""
        if version not in self.versions():
            raise NotFound(kind="catalogue", id=version)
        return self.shelf.place(version)

    def documents(self, version: str) -> dict[str, Any]:
        """What is stored by its name, as `Catalogue.from_documents` reads it.

        Raises NotFound or UnreadableFile.
        """
        return {str(self.place(version)): self.shelf.document(version)}

    def load(self, version: str) -> Catalogue:
        """A stored catalogue, once its content was found to be that of its version.

        Raises NotFound, UnreadableFile (truncated), InvalidCatalogue or CatalogueMismatch (edited).
        """
        catalogue = Catalogue.from_documents(self.documents(version))
        if catalogue.version != version:
            place = str(self.shelf.place(version))
            raise CatalogueMismatch(version=version, found=catalogue.version, file=place)
        return catalogue

    def add(self, catalogue: Catalogue, head: Mapping[str, Any] | None = None) -> Added:
        """Store a catalogue under its version; one that is there and whole stays as it is.

        head: what its files say of themselves. A stored one that was damaged is mended. Raises
        Unwritable, and leaves nothing behind.
        """
        there = catalogue.version in self.versions()
        if there and self._whole(catalogue.version):
            return "there"
        self.shelf.write(catalogue.version, content_of(catalogue, head))
        return "mended" if there else "stored"

    def _whole(self, version: str) -> bool:
        try:
            self.load(version)
        except CorridorError:
            return False
        return True


def content_of(catalogue: Catalogue, head: Mapping[str, Any] | None = None) -> str:
    """A catalogue as it is stored, with what its files say of themselves."""
    return as_json({**catalogue.document(), **(head or {})})
