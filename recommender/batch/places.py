"""Where input and output are: local paths and file://, and what a cluster shares.

Files appear under their names at once and whole: they are written beside and then moved.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recommender.errors import InvalidOptions, Problem, UnreadableFile, Unwritable

LOCAL = "file"
SHARED = ("hdfs", "s3", "gs", "abfss")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
CHUNK = 1 << 22


@dataclass(frozen=True)
class Place:
    """A file or folder: its file system, its path there, and what it was called."""

    fs: Any
    path: str
    name: str

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        return bool(self.fs.type_name == "local")

    def below(self, *names: str) -> str:
        """The path of something in it."""
        return "/".join((self.path.rstrip("/"), *names))

    def read(self, *names: str) -> bytes | None:
        """A file in it; None where there is none. Raises UnreadableFile."""
        if not self._has(*names):
            return None
        with self.reading(*names), self.fs.open_input_stream(self.below(*names)) as file:
            return bytes(file.read())

    def hash(self, *names: str) -> str | None:
        """SHA-256 of a file in it, as it stands there; None where there is none."""
        if not self._has(*names):
            return None
        found = hashlib.sha256()
        with self.reading(*names), self.fs.open_input_stream(self.below(*names)) as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
        return found.hexdigest()

    def _has(self, *names: str) -> bool:
        with self.reading(*names):
            return bool(self.fs.get_file_info(self.below(*names)).is_file)

    def names(self, *names: str) -> list[str]:
        """What is in it or in a folder below; hidden files left out; empty where there is none."""
        from pyarrow.fs import FileSelector

        selected = FileSelector(self.below(*names), allow_not_found=True)
        found = self.fs.get_file_info(selected)
        return sorted(info.base_name for info in found if not info.base_name.startswith("."))

    def write(self, content: bytes, *names: str) -> None:
        """A file in it, whole or not at all; what has that name is replaced. Raises Unwritable."""
        final = self.below(*names)
        folder, _, name = final.rpartition("/")
        part = f"{folder}/.{name}.{uuid.uuid4().hex}"
        with self.writing(final):
            self.fs.create_dir(folder, recursive=True)
            try:
                with self.fs.open_output_stream(part) as file:
                    file.write(content)
                self.fs.move(part, final)
            except BaseException:
                self._forget(part)
                raise

    def _forget(self, path: str) -> None:
        with suppress(OSError):
            self.fs.delete_file(path)

    def sweep(self, *names: str) -> None:
        """Remove what a run that was killed had begun in a folder."""
        from pyarrow.fs import FileSelector

        found = self.fs.get_file_info(FileSelector(self.below(*names), allow_not_found=True))
        for info in found:
            if re.fullmatch(r"\..+\.[0-9a-f]{32}", info.base_name):
                self._forget(info.path)

    @contextmanager
    def reading(self, *names: str) -> Iterator[None]:
        """What the system says of a file that cannot be read, as UnreadableFile."""
        try:
            yield
        except OSError as error:
            shown = self.below(*names) if names else self.name
            raise UnreadableFile(file=shown, reason=_reason(error)) from error

    @contextmanager
    def writing(self, path: str) -> Iterator[None]:
        """What the system says of a file that cannot be written, as Unwritable."""
        try:
            yield
        except OSError as error:
            raise Unwritable(file=path, reason=_reason(error)) from error


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error).splitlines()[0]


def place(uri: str, flag: str, *, shared: bool = False) -> Place:
    """A place by path or URI. shared: storage that the machines of a cluster reach, too.

    Raises InvalidOptions that names the flag and what is allowed.
    """
    try:
        from pyarrow.fs import FileSystem, LocalFileSystem
    except ImportError as error:
        raise UnreadableFile(file=uri, reason="parquet_extra") from error

    found = _SCHEME.match(uri)
    scheme = found[1].lower() if found else LOCAL
    if scheme == LOCAL:
        path = uri[found.end() :] if found else uri
        if found and not path.startswith("/"):
            raise InvalidOptions([Problem("batch_file_uri", flag, uri)])
        return Place(LocalFileSystem(), str(Path(path).absolute()), uri)
    if scheme not in SHARED:
        raise InvalidOptions([Problem("batch_scheme", flag, uri, [f"{s}://" for s in SHARED])])
    if not shared:
        raise InvalidOptions([Problem("batch_scheme_spark", flag, uri)])
    try:
        fs, path = FileSystem.from_uri(uri)
    except (OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile(file=uri, reason=str(error).splitlines()[0]) from error
    return Place(fs, path, uri)
