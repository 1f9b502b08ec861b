"""Made-up companies as files: one line or row each, or one YAML file each."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import yaml

from recommender.errors import InvalidOptions, Problem, UnreadableFile

LINES, PARQUET = ".jsonl", ".parquet"
GROUP = 5_000
Profiles = Iterable[Mapping[str, Any]]
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_ALL = 0o666


def write(profiles: Profiles, out: Path, told: Callable[[int], None] = lambda _: None) -> int:
    """Write profiles to a `.jsonl` or `.parquet` file, or a new folder of `.yaml` files; how many.

    Parquet has the columns `id` and `profile` (the profile as JSON), as `corridor batch` reads it.
    All or nothing: what is not finished never bears the name. told: called with the number done,
    after each. Raises InvalidOptions for a place that is taken, cannot be written to, or has
    another ending.
    """
    if out.suffix not in (LINES, PARQUET, ""):
        raise InvalidOptions([Problem("simulation_ending", "--out", str(out))])
    if os.path.lexists(out):
        raise InvalidOptions([Problem("already_there", "--out", str(out))])
    try:
        return _WRITERS[out.suffix](profiles, out, told)
    except OSError as error:
        reason = error.strerror or str(error)
        problem = Problem("not_writable", "--out", str(out), params={"reason": reason})
        raise InvalidOptions([problem]) from error


@contextmanager
def _part_of(out: Path) -> Iterator[Any]:
    """A file under another name, which takes its own when it is complete."""
    handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        part.chmod(_ALL & ~_mask())
        part.rename(out)
    finally:
        part.unlink(missing_ok=True)


def _in_lines(profiles: Profiles, out: Path, told: Callable[[int], None]) -> int:
    done = 0
    with _part_of(out) as file:
        for done, profile in enumerate(profiles, start=1):
            file.write(orjson.dumps(profile))
            file.write(b"\n")
            told(done)
    return done


def _in_parquet(profiles: Profiles, out: Path, told: Callable[[int], None]) -> int:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise UnreadableFile(file=str(out), reason="parquet_extra") from error
    schema = pa.schema([("id", pa.string()), ("profile", pa.string())])
    done, given = 0, iter(profiles)
    with _part_of(out) as file, parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while some := list(islice(given, GROUP)):
            rows = [{"id": one["id"], "profile": orjson.dumps(one).decode()} for one in some]
            writer.write_table(pa.Table.from_pylist(rows, schema))
            done += len(some)
            told(done)
    return done


def _in_folder(profiles: Profiles, out: Path, told: Callable[[int], None]) -> int:
    part, done = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent)), 0
    try:
        for done, profile in enumerate(profiles, start=1):
            (part / f"{profile['id']}.yaml").write_text(_as_yaml(profile), "utf-8")
            told(done)
        part.chmod(0o777 & ~_mask())
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return done


_WRITERS = {LINES: _in_lines, PARQUET: _in_parquet, "": _in_folder}


def _as_yaml(profile: Mapping[str, Any]) -> str:
    return str(yaml.dump(profile, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100))


def _mask() -> int:
    """The permissions the user keeps back; reading them means setting them."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
