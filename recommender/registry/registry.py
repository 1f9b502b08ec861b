"""The registry: models and catalogues by version, and a record of who let which serve, and why.

Each model is a folder named by its version, each catalogue a file below `catalogues/`.
`current.json` names the pair that serves and holds the whole record. It is replaced in one step, so
that a reader sees the old pair or the new one.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from recommender.catalogue.files import write_file
from recommender.errors import InvalidInput, NotFound, UnreadableFile, Unwritable
from recommender.matching.scoring import Weights, canonical_json
from recommender.registry import artifact
from recommender.registry.catalogues import CatalogueVersions
from recommender.tables import read_document

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


class Registry:
    """Models and catalogues in a folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalogues = CatalogueVersions(folder / CATALOGUES)

    def stamp(self) -> tuple[int, int, int] | None:
        """What changes whenever the pointer is replaced; None where there is none. One stat."""
        try:
            found = (self.folder / POINTER).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def history(self) -> list[Step]:
        """Every decision, oldest first. Raises UnreadableFile."""
        path = self.folder / POINTER
        if not path.exists():
            return []
        raw = read_document(path)
        try:
            return [Step(**{**step, "despite": tuple(step["despite"])}) for step in raw["history"]]
        except (KeyError, TypeError) as error:
            raise UnreadableFile(file=str(path), reason="not_a_record") from error

    @property
    def state(self) -> Serving:
        """Model and catalogue that serve, read at once. Raises UnreadableFile."""
        return _state(self.history())

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
        if not self.folder.is_dir():
            return []
        folders = sorted(path for path in self.folder.iterdir() if path.is_dir())
        return [path.name for path in folders if (path / artifact.MANIFEST).exists()]

    def place(self, version: str) -> Path:
        """The folder of a model; raises NotFound."""
        if version not in self.versions():
            raise NotFound(kind="model", id=version)
        return self.folder / version

    def load(self, version: str) -> Weights:
        """Its weights; raises NotFound, ModelMismatch, UnreadableFile or InvalidParameters."""
        return artifact.load(self.place(version))

    def manifest(self, version: str) -> dict[str, Any]:
        """What its manifest says, once the folder was found to be whole."""
        self.load(version)
        found: dict[str, Any] = read_document(self.folder / version / artifact.MANIFEST)
        return found

    def add(
        self, weights: Weights, more: Mapping[str, Any], files: Mapping[str, str] | None = None
    ) -> Path:
        """Write a model with files beside it, all or nothing; one that is there stays as it is.

        Raises Unwritable, and leaves nothing behind; what `load` raises where the one that is there
        was changed.
        """
        final = self.folder / weights.version
        if final.exists():
            self.load(weights.version)
            return final
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part = Path(tempfile.mkdtemp(prefix=".part-", dir=self.folder))
            try:
                artifact.save(weights, part / "model", more)
                for name, content in (files or {}).items():
                    (part / "model" / name).write_text(content, "utf-8")
                _move(part / "model", final)
            finally:
                shutil.rmtree(part, ignore_errors=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise Unwritable(reason=reason, file=str(final)) from error
        return final

    def promote(self, version: str, who: str, why: str, despite: tuple[str, ...] = ()) -> Step:
        """Let a model serve from now on. despite: codes of what spoke against it."""
        self.load(version)
        with self._locked():
            steps = self.history()
            step = _step(_state(steps), "promote", "model", version, who, why)
            return self._record(steps, replace(step, despite=despite))

    def use(self, version: str | None, who: str, why: str) -> Step:
        """Let a stored catalogue serve from now on; None: the packaged one.

        Raises NotFound, UnreadableFile, InvalidCatalogue or CatalogueMismatch.
        """
        self._check("catalogue", version)
        with self._locked():
            steps = self.history()
            return self._record(steps, _step(_state(steps), "use", "catalogue", version, who, why))

    def rollback(self, who: str, why: str) -> Step:
        """Undo the last change of model or catalogue that is not undone yet.

        Raises NothingBefore, or what loading the version before raises.
        """
        with self._locked():
            steps = self.history()
            last = _undoable(steps)
            if last is None:
                raise NothingBefore([])
            self._check(last.kind, last.before)
            step = _step(_state(steps), "rollback", last.kind, last.before, who, why)
            return self._record(steps, step)

    def _check(self, kind: Kind, version: str | None) -> None:
        if version is not None:
            (self.load if kind == "model" else self.catalogues.load)(version)

    def _record(self, steps: list[Step], step: Step) -> Step:
        history = [asdict(one) for one in [*steps, step]]
        now = {"current": step.model, "catalogue": step.catalogue}
        content = canonical_json({**now, "history": history})
        write_file(content.encode(), self.folder / POINTER, force=True)
        return step

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One promotion at a time, where the system can lock files."""
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


def _state(steps: Sequence[Step]) -> Serving:
    return Serving(steps[-1].model, steps[-1].catalogue) if steps else Serving()


def _step(
    now: Serving, action: Action, kind: Kind, version: str | None, who: str, why: str
) -> Step:
    then = replace(now, **{kind: version})
    before: str | None = getattr(now, kind)
    return Step(action, then.model, before, who, _now(), why, (), kind, then.catalogue)


def _undoable(steps: Iterable[Step]) -> Step | None:
    """The last step that changed something and was not undone."""
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
