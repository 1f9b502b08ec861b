"""The registry: a folder of models, of which one serves, with a record of who chose it and why.

Each model is a folder named by its version; `current.json` names the one that serves and holds the
whole record. It is replaced in one step, so that a reader sees the old state or the new one.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recommender import artifact
from recommender.catalogue_files import write_file
from recommender.errors import InvalidInput, NotFound, UnreadableFile, Unwritable
from recommender.scoring import Weights, canonical_json
from recommender.tables import read_document

POINTER = "current.json"


class NotPromoted(InvalidInput):
    """A model that is not to serve; each problem is one reason, and a reason given overrides it."""

    code = "not_promoted"


class NothingBefore(InvalidInput):
    """There is no earlier model to go back to."""

    code = "nothing_before"


@dataclass(frozen=True)
class Step:
    """One promotion or rollback. model, before: versions, None for the expert weights."""

    action: str
    model: str | None
    before: str | None
    who: str
    when: str
    why: str
    despite: tuple[str, ...] = ()


class Registry:
    """Models in a folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stamp(self) -> tuple[int, int, int] | None:
        """What changes whenever the pointer is replaced; None where there is none. One stat."""
        try:
            found = (self.folder / POINTER).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def history(self) -> list[Step]:
        """Promotions and rollbacks, oldest first. Raises UnreadableFile."""
        path = self.folder / POINTER
        if not path.exists():
            return []
        raw = read_document(path)
        try:
            return [Step(**{**step, "despite": tuple(step["despite"])}) for step in raw["history"]]
        except (KeyError, TypeError) as error:
            raise UnreadableFile(file=str(path), reason="not_a_record") from error

    @property
    def current(self) -> str | None:
        """The version that serves; None for the expert weights."""
        steps = self.history()
        return steps[-1].model if steps else None

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
            before = steps[-1].model if steps else None
            return self._record(steps, Step("promote", version, before, who, _now(), why, despite))

    def rollback(self, who: str, why: str) -> Step:
        """Let the model before the current one serve again; raises NothingBefore."""
        with self._locked():
            steps = self.history()
            now = steps[-1].model if steps else None
            risen = [s for s in steps if s.action == "promote" and s.model == now]
            if now is None or not risen:
                raise NothingBefore([])
            before = risen[-1].before
            if before is not None:
                self.load(before)
            return self._record(steps, Step("rollback", before, now, who, _now(), why))

    def _record(self, steps: list[Step], step: Step) -> Step:
        history = [asdict(one) for one in [*steps, step]]
        content = canonical_json({"current": step.model, "history": history})
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


def _move(made: Path, final: Path) -> None:
    """Put a model in its place; another training may have written the same one meanwhile."""
    try:
        made.rename(final)
    except OSError:
        if not final.exists():
            raise


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
