"""The registry: models and catalogues by version, and a record of who let which serve, and why.

The rules are here, once; a shelf is where it is all kept. On the shelf of a folder each model is a
folder named by its version, each catalogue a file below `catalogues/`. `current.json` names the
pair that serves and holds the whole record. It is replaced in one step, so that a reader sees the
old pair or the new one.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import tempfile
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from recommender.catalogue.files import write_file
from recommender.errors import InvalidInput, ModelMismatch, NotFound, UnreadableFile, Unwritable
from recommender.matching.scoring import Weights, canonical_json
from recommender.registry import artifact
from recommender.registry.catalogues import CatalogueFolder, CatalogueShelf, CatalogueVersions
from recommender.tables import parse_json, read_document, read_text

POINTER = "current.json"
CATALOGUES = "catalogues"
Action = Literal["promote", "use", "rollback"]
Kind = Literal["model", "catalogue"]


class NotPromoted(InvalidInput):
    """A model that is not to serve; each problem is one reason, and a reason given overrides it."""

    code = "not_promoted"


class NothingBefore(InvalidInput):
    """Nothing was decided yet that could be undone."""

    code = "nothing_before"


@dataclass(frozen=True)
class Serving:
    """What serves. model: None for the expert weights; catalogue: None for the packaged one."""

    model: str | None = None
    catalogue: str | None = None


@dataclass(frozen=True)
class Step:
    """One decision: a promotion, the use of a catalogue, or a rollback of either.

    model, catalogue: what serves from then on, as in Serving. kind: which of them was decided
    about; before: the version of that kind that served until then.
    """

    action: Action
    model: str | None
    before: str | None
    who: str
    when: str
    why: str
    despite: tuple[str, ...] = ()
    kind: Kind = "model"
    catalogue: str | None = None

    @property
    def chosen(self) -> str | None:
        """The version that was decided for."""
        return self.model if self.kind == "model" else self.catalogue


class Shelf(Protocol):
    """Where models, catalogues and steps are kept: a folder, or a database of several writers."""

    @property
    def catalogues(self) -> CatalogueShelf:
        """Where its catalogues are kept."""

    def stamp(self) -> Hashable:
        """What changes with every step; None where there is none. Cheap."""

    def steps(self) -> list[Step]:
        """Every step, oldest first; raises UnreadableFile."""

    def append(self, after: int, step: Step) -> bool:
        """Add a step if there are `after` steps still; whether it was added."""

    def models(self) -> list[str]:
        """Every model, by name."""

    def place(self, version: str) -> Path:
        """Where a model stands or will stand, as people may be told."""

    def there(self, version: str) -> bool:
        """Whether anything stands in the place of a model."""

    def file(self, version: str, name: str) -> str:
        """A text file of a model; raises UnreadableFile."""

    def add(self, weights: Weights, more: Mapping[str, Any], files: Mapping[str, str]) -> None:
        """Keep a model with files beside it, all or nothing; raises Unwritable."""


class FolderShelf:
    """A folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalogues = CatalogueFolder(folder / CATALOGUES)

    def stamp(self) -> Hashable:
        """What changes whenever the pointer is replaced; None where there is none. One stat."""
        try:
            found = (self.folder / POINTER).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def steps(self) -> list[Step]:
        """Every step of the pointer; raises UnreadableFile."""
        path = self.folder / POINTER
        if not path.exists():
            return []
        raw = read_document(path)
        try:
            return [step_of(step) for step in raw["history"]]
        except (KeyError, TypeError) as error:
            raise UnreadableFile(file=str(path), reason="not_a_record") from error

    def append(self, after: int, step: Step) -> bool:
        """Replace the pointer by one with one more step."""
        with self._locked():
            steps = self.steps()
            if len(steps) != after:
                return False
            history = [asdict(one) for one in [*steps, step]]
            now = {"current": step.model, "catalogue": step.catalogue}
            content = canonical_json({**now, "history": history})
            write_file(content.encode(), self.folder / POINTER, force=True)
            return True

    def models(self) -> list[str]:
        """Every folder with a manifest, by name."""
        if not self.folder.is_dir():
            return []
        folders = sorted(path for path in self.folder.iterdir() if path.is_dir())
        return [path.name for path in folders if (path / artifact.MANIFEST).exists()]

    def place(self, version: str) -> Path:
        """The folder of a model."""
        return self.folder / version

    def there(self, version: str) -> bool:
        """Whether anything stands in the place of a model."""
        return self.place(version).exists()

    def file(self, version: str, name: str) -> str:
        """A text file of a model."""
        return read_text(self.place(version) / name)

    def add(self, weights: Weights, more: Mapping[str, Any], files: Mapping[str, str]) -> None:
        """Write a model beside its place and rename it."""
        final = self.place(weights.version)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part = Path(tempfile.mkdtemp(prefix=".part-", dir=self.folder))
            try:
                artifact.save(weights, part / "model", more)
                for name, content in files.items():
                    (part / "model" / name).write_text(content, "utf-8")
                _move(part / "model", final)
            finally:
                shutil.rmtree(part, ignore_errors=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise Unwritable(reason=reason, file=str(final)) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One step at a time, where the system can lock files."""
        try:
            import fcntl
        except ImportError:
            yield
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / ".lock", os.O_CREAT | os.O_RDWR)
        except OSError as error:
            raise Unwritable(reason=error.strerror or "", file=str(self.folder)) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


class Registry:
    """Models and catalogues on a shelf; of a folder, which need not exist yet, by its path."""

    def __init__(self, shelf: Shelf | Path) -> None:
        self.shelf: Shelf = FolderShelf(shelf) if isinstance(shelf, Path) else shelf
        self.catalogues = CatalogueVersions(self.shelf.catalogues)

    def stamp(self) -> Hashable:
        """What changes with every step; None where there is none. Cheap."""
        return self.shelf.stamp()

    def history(self) -> list[Step]:
        """Every decision, oldest first. Raises UnreadableFile."""
        return self.shelf.steps()

    @property
    def state(self) -> Serving:
        """Model and catalogue that serve, read at once. Raises UnreadableFile."""
        return state_of(self.history())

    @property
    def current(self) -> str | None:
        """The model that serves; None for the expert weights."""
        return self.state.model

    def serving(self) -> Weights | None:
        """The weights that serve; None for the expert weights. Raises what `load` raises."""
        version = self.current
        return None if version is None else self.load(version)

    def versions(self) -> list[str]:
        """Every model, by name."""
        return self.shelf.models()

    def load(self, version: str) -> Weights:
        """Its weights; raises NotFound, ModelMismatch, UnreadableFile or InvalidParameters."""
        if version not in self.versions():
            raise NotFound(kind="model", id=version)
        files = (self._json(version, name) for name in (artifact.MANIFEST, artifact.WEIGHTS))
        weights = artifact.opened(version, *files)
        if weights.version != version:
            found = weights.version
            raise ModelMismatch(model=version, what="version", found=found, expected=version)
        return weights

    def manifest(self, version: str) -> dict[str, Any]:
        """What its manifest says, once the model was found to be whole."""
        self.load(version)
        found: dict[str, Any] = self._json(version, artifact.MANIFEST)
        return found

    def add(
        self, weights: Weights, more: Mapping[str, Any], files: Mapping[str, str] | None = None
    ) -> Path:
        """Keep a model with files beside it, all or nothing; one that is there stays as it is.

        Where it stands. Raises Unwritable, and leaves nothing behind; what `load` raises where the
        one that is there was changed.
        """
        if self.shelf.there(weights.version):
            self.load(weights.version)
        else:
            self.shelf.add(weights, more, files or {})
        return self.shelf.place(weights.version)

    def edit(self, before: Weights, changed: Mapping[str, float], why: str) -> Weights:
        """A model with weights changed by hand, kept without serving and without chances.

        Raises InvalidParameters for what are no weights, and what `add` raises.
        """
        weights = replace(before, weights={**before.weights, **changed}, uptake={})
        known = before.version in self.versions()
        made_up = known and self.manifest(before.version).get("synthetic", False)
        told = {"kind": "edited", "prior": before.version, "changes": dict(changed)}
        self.add(weights, {**told, "synthetic": made_up, "why": why})
        return weights

    def promote(self, version: str, who: str, why: str, despite: tuple[str, ...] = ()) -> Step:
        """Let a model serve from now on. despite: codes of what spoke against it."""
        self.load(version)
        while True:
            steps = self.history()
            step = decided(steps, "promote", "model", version, who, why, despite)
            if self.shelf.append(len(steps), step):
                return step

    def use(self, version: str | None, who: str, why: str) -> Step:
        """Let a stored catalogue serve from now on; None: the packaged one.

        Raises NotFound, UnreadableFile, InvalidCatalogue or CatalogueMismatch.
        """
        self._check("catalogue", version)
        while True:
            steps = self.history()
            step = decided(steps, "use", "catalogue", version, who, why)
            if self.shelf.append(len(steps), step):
                return step

    def rollback(self, who: str, why: str) -> Step:
        """Undo the last change of model or catalogue that is not undone yet.

        Raises NothingBefore, or what loading the version before raises.
        """
        while True:
            steps = self.history()
            last = undoable(steps)
            if last is None:
                raise NothingBefore([])
            self._check(last.kind, last.before)
            step = decided(steps, "rollback", last.kind, last.before, who, why)
            if self.shelf.append(len(steps), step):
                return step

    def _check(self, kind: Kind, version: str | None) -> None:
        if version is not None:
            (self.load if kind == "model" else self.catalogues.load)(version)

    def _json(self, version: str, name: str) -> Any:
        return parse_json(self.shelf.file(version, name), str(self.shelf.place(version) / name))


def step_of(raw: Mapping[str, Any]) -> Step:
    """A step from plain values; raises KeyError or TypeError for what is none."""
    return Step(**{**raw, "despite": tuple(raw["despite"])})


def state_of(steps: Sequence[Step]) -> Serving:
    """What serves after some steps."""
    return Serving(steps[-1].model, steps[-1].catalogue) if steps else Serving()


def decided(
    steps: Sequence[Step],
    action: Action,
    kind: Kind,
    version: str | None,
    who: str,
    why: str,
    despite: tuple[str, ...] = (),
) -> Step:
    """The step that follows some others; the time is that of the computer."""
    now = state_of(steps)
    then = replace(now, **{kind: version})
    before: str | None = getattr(now, kind)
    return Step(action, then.model, before, who, _now(), why, despite, kind, then.catalogue)


def undoable(steps: Iterable[Step]) -> Step | None:
    """The last step that changed something and was not undone; None where there is none."""
    done: list[Step] = []
    for step in steps:
        if step.action == "rollback":
            del done[-1:]
        elif step.chosen != step.before:
            done.append(step)
    return done[-1] if done else None


def _move(made: Path, final: Path) -> None:
    """Put a model in its place; another training may have written the same one meanwhile."""
    try:
        made.rename(final)
    except OSError:
        if not final.exists():
            raise


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
