"""`corridor doctor`: a deployment looked at part by part, with what to mend.

Nothing is changed. Each part is looked at by itself, so that one that fails hides no other.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Iterator, Mapping

import orjson

from api.commands import examinations
from api.commands.examinations import FAIL, OK, SKIP, WARN, Finding, Patient
from api.errors import listed
from api.settings import InvalidSettings, Settings
from recommender.errors import CorridorError
from recommender.texts import Language, error_text, text

NOT_WELL = 2
MARKS = {OK: "+", WARN: "!", FAIL: "x", SKIP: "-"}


def doctor(arguments: argparse.Namespace, language: Language) -> int:
    """Look at everything; exit code 2 where something has to be mended."""
    findings = list(found(os.environ, arguments.store, arguments.url, language))
    counts = {state: sum(f.state == state for f in findings) for state in MARKS}
    if arguments.json:
        shown = [{**dataclasses.asdict(f), "text": said(f, language)} for f in findings]
        _print(orjson.dumps({"well": not counts[FAIL], "findings": shown}).decode())
    else:
        for one in findings:
            name = text(f"doctor.name.{one.name}", language)
            _print(f"{MARKS[one.state]} {name}: {said(one, language)}")
        key = "to_mend" if counts[FAIL] else "all_well"
        _print(text(f"doctor.{key}", language, fail=counts[FAIL], warn=counts[WARN]))
    return NOT_WELL if counts[FAIL] else 0


def found(
    environ: Mapping[str, str], store: str | None, url: str | None, language: Language
) -> Iterator[Finding]:
    """What every part shows. store: URL in place of that of the settings; url: of the service."""
    try:
        settings = Settings.read(environ, store=store)
    except InvalidSettings as error:
        for problem in error.problems:
            yield Finding("settings", FAIL, "", {"said": listed(problem, language)["message"]})
        return
    yield Finding("settings", OK, "settings_ok")
    with Patient(settings, url) as patient:
        for name, look in examinations.EVERY:
            try:
                yield from look(patient)
            except CorridorError as error:
                yield Finding(name, FAIL, "", {"said": error_text(error, language)})
            except Exception as error:  # noqa: BLE001 - a part that cannot be looked at is ill
                yield Finding(name, FAIL, "", {"said": f"{type(error).__name__}: {error}"[:300]})


def said(finding: Finding, language: Language) -> str:
    """A finding in words."""
    if not finding.code:
        return str(finding.params["said"])
    return text(f"doctor.said.{finding.code}", language, **finding.params)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
