"""The bill of materials of a lock, CycloneDX JSON: `python supply/sbom.py OUT [LOCK]`.

The same lock gives the same bytes: no time, no serial number, and no place to fetch anything from.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from supply.lock import LOCKS, ROOT


def bill(lock: Path) -> bytes:
    """The bill of a lock; raises CalledProcessError with what cyclonedx-py says."""
    flags = [
        "--no-validate",
        "--output-reproducible",
        "--of",
        "JSON",
        "--pyproject",
        str(ROOT / "pyproject.toml"),
    ]
    done = subprocess.run(  # noqa: S603 - the program of the environment, with our own files
        [sys.executable, "-m", "cyclonedx_py", "requirements", *flags, "-o", "-", str(lock)],
        capture_output=True,
        check=True,
    )
    found = json.loads(done.stdout)
    for component in found["components"]:
        # The index is a setting of whoever installs, not a fact about the package.
        component.pop("externalReferences", None)
    return json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def main(arguments: Sequence[str]) -> None:
    """Write the bill."""
    out, lock = Path(arguments[0]), Path(arguments[1]) if arguments[1:] else LOCKS[0]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(bill(lock))


if __name__ == "__main__":
    main(sys.argv[1:])
