"""The licence of every locked package, held against those that may be distributed beside this one.

`python supply/licences.py` prints the table, `--write` keeps it as docs/licences.md. What metadata
of installed packages say counts, then what `licences.yaml` states where they say nothing precise.
Exit code 1 where a licence is unknown or not allowed.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from license_expression import ExpressionError, Licensing

sys.path.insert(0, str(Path(__file__).parents[1]))

from supply.lock import ROOT, Pin, pins

RULES = Path(__file__).parent / "licences.yaml"
TABLE = ROOT / "docs" / "licences.md"
# What metadata older than License-Expression say, where it is precise.
OLDER = {
    "Apache 2.0": "Apache-2.0",
    "Apache License": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
VAGUE = {"BSD License", "OSI Approved"}
HEAD = """# Licences of the dependencies

Written by `make licences` from the locks, the metadata of the packages and `supply/licences.yaml`;
`tests/supply/test_licences.py` fails where it is out of date, or a licence is unknown or not one of
those below. Nothing of these packages is copied into the wheel of this project, which is
Apache-2.0: pip installs each beside it, unchanged. Wheels of numpy, scipy and others hold compiled
libraries with licences of their own (such as the GCC runtime with its exception), named in their
files.

| licence | why it may stand beside Apache-2.0 |
|---|---|
"""


class Licence(NamedTuple):
    """The licence of a package as an SPDX expression; None where nothing says it."""

    package: str
    expression: str | None


def rules() -> Mapping[str, Mapping[str, str]]:
    """`allowed`: reasons by licence; `stated`: expressions by package."""
    found: Mapping[str, Mapping[str, str]] = yaml.safe_load(RULES.read_text("utf-8"))
    return found


def licence_of(package: str, metadata: Any, stated: Mapping[str, str]) -> Licence:
    """The licence of a package. metadata: of the installed one; None where it is not installed."""
    if package in stated:
        return Licence(package, stated[package])
    if metadata is None:
        return Licence(package, None)
    given = metadata.get("License-Expression") or _older(metadata)
    return Licence(package, given)


def _older(metadata: Any) -> str | None:
    """What the fields of before License-Expression say, where all of them say the same."""
    field = (metadata.get("License") or "").strip().partition("\n")[0].strip()
    heads = [name for name in metadata.get_all("Classifier") or [] if name.startswith("License ::")]
    named = {name.rpartition(" :: ")[2] for name in heads} - VAGUE
    found = {OLDER.get(name) for name in named}
    if field in OLDER or field in rules()["allowed"]:
        found.add(OLDER.get(field, field))
    return found.pop() if len(found) == 1 else None


def may_be_distributed(expression: str, allowed: Sequence[str] | Mapping[str, str]) -> bool:
    """Whether an expression can be met with allowed licences alone.

    >>> may_be_distributed("MIT AND (Apache-2.0 OR GPL-3.0-only)", ["MIT", "Apache-2.0"])
    True
    >>> may_be_distributed("MIT AND GPL-3.0-only", ["MIT"])
    False
    """
    try:
        tree = Licensing().parse(expression)
    except ExpressionError:
        return False
    return tree is not None and _met(tree, allowed)


def _met(tree: Any, allowed: Sequence[str] | Mapping[str, str]) -> bool:
    kind = type(tree).__name__
    if kind in ("AND", "OR"):
        parts = [_met(part, allowed) for part in tree.args]
        return all(parts) if kind == "AND" else any(parts)
    return tree.render() in allowed


def licences(found: Sequence[Pin]) -> list[Licence]:
    """The licence of each package once, by name."""
    stated = rules()["stated"]
    return [licence_of(name, _metadata(name), stated) for name in sorted({p.name for p in found})]


def _metadata(name: str) -> Any:
    try:
        return importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def refused(found: Sequence[Licence]) -> list[Licence]:
    """Those that are unknown or not allowed."""
    allowed = rules()["allowed"]
    return [
        one
        for one in found
        if one.expression is None or not may_be_distributed(one.expression, allowed)
    ]


def table(found: Sequence[Licence]) -> str:
    """The page of the documentation."""
    allowed = "".join(f"| {name} | {why} |\n" for name, why in rules()["allowed"].items())
    rows = "".join(f"| {one.package} | {one.expression or 'unknown'} |\n" for one in found)
    return f"{HEAD}{allowed}\n| package | licence |\n|---|---|\n{rows}"


def main(arguments: Sequence[str]) -> int:
    """Print or write the table; 1 where something is refused."""
    found = licences(pins())
    if "--write" in arguments:
        TABLE.write_text(table(found), "utf-8")
    else:
        sys.stdout.write(table(found))
    wrong = refused(found)
    for one in wrong:
        sys.stderr.write(f"{one.package}: {one.expression or 'no licence is known'}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
