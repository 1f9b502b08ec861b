"""Made-up companies as files: one line each, or one YAML file each."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

from recommender.errors import InvalidOptions, Problem

LINES = ".jsonl"
Profiles = Iterable[Mapping[str, Any]]
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_ALL = 0o666


def write(profiles: Profiles, out: Path, told: Callable[[int], None] = lambda _: None) -> int:
    """Write profiles to a `.jsonl` file, or to a new folder as one `.yaml` file each; how many.

    All or nothing: what is not finished never bears the name. told: called with the number done,
    after each. Raises InvalidOptions for a place that is taken, cannot be written to, or has
    another ending.
    """
    if out.suffix not in (LINES, ""):
        raise InvalidOptions([Problem("simulation_ending", "--out", str(out))])
    if os.path.lexists(out):
        raise InvalidOptions([Problem("already_there", "--out", str(out))])
    try:
        return _in_lines(profiles, out, told) if out.suffix else _in_folder(profiles, out, told)
    except OSError as error:
        reason = error.strerror or str(error)
        problem = Problem("not_writable", "--out", str(out), params={"reason": reason})
        raise InvalidOptions([problem]) from error


def _in_lines(profiles: Profiles, out: Path, told: Callable[[int], None]) -> int:
    handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    part, done = Path(name), 0
    try:
        with os.fdopen(handle, "wb") as file:
            for done, profile in enumerate(profiles, start=1):
                file.write(orjson.dumps(profile))
                file.write(b"\n")
                told(done)
        part.chmod(_ALL & ~_mask())
        part.rename(out)
    finally:
        part.unlink(missing_ok=True)
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


def _as_yaml(profile: Mapping[str, Any]) -> str:
    return str(yaml.dump(profile, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100))


def _mask() -> int:
    """The permissions the user keeps back; reading them means setting them."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
