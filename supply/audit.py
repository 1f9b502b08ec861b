"""Known faults of what the locks name: `python supply/audit.py [LOCK ...]`, by pip-audit.

Every package is looked up, those of other systems too. Exit code 0: all were looked up and nothing
is known against any; 1: something is; 2: not every package could be looked up, or there was none.
The service that is asked is that of pip-audit, or PIP_AUDIT_VULNERABILITY_SERVICE with
PIP_AUDIT_OSV_URL. It is not part of the tests: what it says changes without a change here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

sys.path.insert(0, str(Path(__file__).parents[1]))

from supply.lock import LOCKS, Pin, pins

CLEAN, FAULTS, NOT_LOOKED_UP = 0, 1, 2


def asked(found: Sequence[Pin]) -> tuple[list[dict[str, Any]], str]:
    """What pip-audit says of each package, and what it complains about."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "requirements.txt"
        plain.write_text("".join(f"{pin.name}=={pin.version}\n" for pin in found), "utf-8")
        # A cache of its own: what was known yesterday is no answer today.
        flags = ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
        command = [sys.executable, "-m", "pip_audit", "--cache-dir", folder, *flags]
        done = subprocess.run(  # noqa: S603 - the program of the environment, with our own file
            [*command, "--requirement", str(plain)], capture_output=True, text=True, check=False
        )
    try:
        said = json.loads(done.stdout)["dependencies"]
    except (KeyError, TypeError, ValueError):
        return [], done.stderr.strip()
    return said, done.stderr.strip()


def audited(locks: Sequence[Path], out: TextIO) -> int:
    """Audit locks and say what was found; the exit code."""
    found = pins(*locks)
    said, complaint = asked(found) if found else ([], "")
    looked_up = {(e["name"], e["version"]): e["vulns"] for e in said if "vulns" in e}
    missed = [pin for pin in found if (pin.name, pin.version) not in looked_up]
    faults = [(*package, fault) for package, faults in looked_up.items() for fault in faults]
    out.write(f"Looked up: {len(looked_up)} of {len(found)} locked packages\n")
    for name, version, fault in sorted(faults, key=lambda one: (one[0], one[2]["id"])):
        mended = ", ".join(fault["fix_versions"]) or "no version yet"
        out.write(f"{name} {version}: {fault['id']}, mended in {mended}\n")
    if not found or missed:
        reasons = {e["name"]: e["skip_reason"] for e in said if "skip_reason" in e}
        for pin in missed[:20]:
            out.write(f"{pin.name} {pin.version}: {reasons.get(pin.name, 'not looked up')}\n")
        last = complaint.splitlines()[-1:] or ["no package was named"]
        out.write(f"The audit is not complete: {last[0]}\n")
        return NOT_LOOKED_UP
    out.write(f"Known faults: {len(faults)}\n")
    return FAULTS if faults else CLEAN


if __name__ == "__main__":
    sys.exit(audited([Path(name) for name in sys.argv[1:]] or LOCKS, sys.stdout))
