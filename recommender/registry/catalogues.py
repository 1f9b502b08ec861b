"""Catalogues kept by version: one file each, named by the hash of its content.

A file appears whole under its name or not at all, and its content is held against its name
whenever it is read, so that a version is what was imported or is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from recommender.catalogue import Catalogue
from recommender.catalogue.files import as_json, write_file
from recommender.errors import CatalogueMismatch, CorridorError, NotFound, Unwritable

ENDING = ".json"
PACKAGED = "packaged"
Added = Literal["stored", "there", "mended"]


class CatalogueVersions:
    """Catalogues in a folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self) -> list[str]:
        """Every stored version, by name."""
        if not self.folder.is_dir():
            return []
        files = self.folder.glob(f"*{ENDING}")
        return sorted(path.stem for path in files if not path.name.startswith("."))

    def place(self, version: str) -> Path:
        """The file of a version; raises NotFound."""
        if version not in self.versions():
            raise NotFound(kind="catalogue", id=version)
        return self.folder / f"{version}{ENDING}"

    def load(self, version: str) -> Catalogue:
        """A stored catalogue, once its content was found to be that of its version.

        Raises NotFound, UnreadableFile (truncated), InvalidCatalogue or CatalogueMismatch (edited).
        """
        place = self.place(version)
        catalogue = Catalogue.load(place)
        if catalogue.version != version:
            raise CatalogueMismatch(version=version, found=catalogue.version, file=str(place))
        return catalogue

    def add(self, catalogue: Catalogue, head: Mapping[str, Any] | None = None) -> Added:
        """Store a catalogue under its version; one that is there and whole stays as it is.

        head: what its files say of themselves. A stored file that was damaged is mended. Raises
        Unwritable, and leaves nothing behind.
        """
        place = self.folder / f"{catalogue.version}{ENDING}"
        there = place.exists()
        if there and self._whole(catalogue.version):
            return "there"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unwritable(reason=error.strerror or str(error), file=str(place)) from error
        content = as_json({**catalogue.document(), **(head or {})})
        write_file(content.encode(), place, force=True)
        return "mended" if there else "stored"

    def _whole(self, version: str) -> bool:
        try:
            self.load(version)
        except CorridorError:
            return False
        return True
