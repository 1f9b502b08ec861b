"""What the locks name: packages, versions, and on which systems each is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-spark.lock")
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;]+)(?: ; (.+?))? \\$", re.MULTILINE)


class Pin(NamedTuple):
    """A package of a lock. marker: the systems it is for; None for all of them."""

    name: str
    version: str
    marker: str | None


def pins(*locks: Path) -> list[Pin]:
    """Every package of the locks once, by name and version."""
    found = {
        (name, version): Pin(name, version, marker or None)
        for lock in locks or LOCKS
        for name, version, marker in _PIN.findall(lock.read_text("utf-8"))
    }
    return [found[key] for key in sorted(found)]
