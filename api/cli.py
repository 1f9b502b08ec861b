"""The `corridor` command: recommend, check a catalogue, serve, simulate.

Exit code 0 when done, 2 for bad input of any kind: every problem is one line on standard error
with the file or flag it stands in.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from api.arguments import BAD_INPUT, COMMAND, language_of, parser
from api.errors import listed
from api.loading import load_engine
from api.settings import Settings
from recommender import Catalogue
from recommender.catalogue import catalogue_files
from recommender.errors import (
    CorridorError,
    InvalidCatalogue,
    InvalidInput,
    InvalidOptions,
    Problem,
    UnreadableFile,
)
from recommender.tables import read_document
from recommender.texts import Language, error_text, text

LISTED = 50
CHECKED = ("products", "facts", "documents", "stops")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = sys.argv[1:] if argv is None else list(argv)
    language = language_of(given, os.environ)
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    actions = {
        "recommend": _recommend,
        "check": _check,
        "serve": _serve,
        "simulate": _simulate,
    }
    arguments = parser(language, actions).parse_args(given)
    try:
        code: int = arguments.action(arguments, language)
        sys.stdout.flush()
    except CorridorError as error:
        _complain([(COMMAND, error)], language)
        return BAD_INPUT
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _recommend(arguments: argparse.Namespace, language: Language) -> int:
    from api.files import read_values

    settings = Settings.read(os.environ, catalogue=arguments.catalogue)
    engine = load_engine(settings)
    found: list[tuple[str, CorridorError]] = []
    company = options = None
    try:
        raw = read_values(arguments.profile, sys.stdin.buffer, settings.max_body)
        company = engine.read(raw)
    except CorridorError as error:
        found.append((arguments.profile, error))
    try:
        options = engine.options(_stated(arguments, language))
    except InvalidOptions as error:
        found.append((COMMAND, InvalidOptions(_as_flags(error.problems))))
    if company is None or options is None:
        _complain(found, language)
        return BAD_INPUT
    _print_answer(engine.recommend(company, options), as_json=arguments.json)
    return 0


def _stated(arguments: argparse.Namespace, language: Language) -> dict[str, Any]:
    """Options as the HTTP body would hold them; what was not given is left out."""
    limit = arguments.limit
    whole = limit is not None and re.fullmatch(r"-?[0-9]{1,18}", limit)
    lanes = None if arguments.lanes is None else [n.strip() for n in arguments.lanes.split(",")]
    stated = {
        "lanes": lanes,
        "limit": int(limit) if whole else limit,
        "language": language,
        "personalised": False if arguments.no_personalised else None,
        "include_ineligible": True if arguments.include_ineligible else None,
        "as_of": arguments.as_of,
    }
    return {name: value for name, value in stated.items() if value is not None}


def _as_flags(problems: Sequence[Problem]) -> Iterator[Problem]:
    for problem in problems:
        flag = re.split(r"[\[.]", problem.field)[0].replace("_", "-")
        yield Problem(problem.code, f"--{flag}", problem.value, problem.allowed, problem.params)


def _print_answer(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.flush()
        sys.stdout.buffer.write(orjson.dumps(answer))
        sys.stdout.buffer.write(b"\n" if sys.stdout.isatty() else b"")
        return
    from api.console import console_on, printed

    sys.stdout.write(printed(console_on(sys.stdout), answer))


def _check(arguments: argparse.Namespace, language: Language) -> int:
    problems: list[tuple[str, CorridorError]] = []
    catalogue = _catalogue_of(arguments.files, problems)
    lines = [line for name, error in problems for line in _entries(name, error, language)]
    if arguments.json:
        counts = {} if catalogue is None else _counts(catalogue)
        found = {"valid": catalogue is not None, **counts, "count": len(lines), "problems": lines}
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    elif catalogue is not None:
        sys.stdout.write(text("cli.check_fine", language, **_counts(catalogue)) + "\n")
    else:
        _complain(problems, language)
        sys.stderr.write(text("cli.check_wrong", language, count=len(lines)) + "\n")
    return BAD_INPUT if catalogue is None else 0


def _counts(catalogue: Catalogue) -> dict[str, Any]:
    return {
        **{name: len(getattr(catalogue, name)) for name in CHECKED},
        "version": catalogue.version,
    }


def _catalogue_of(
    names: Sequence[str], problems: list[tuple[str, CorridorError]]
) -> Catalogue | None:
    """One catalogue from files and folders; None after adding every problem of every file."""
    documents = {}
    for name in names or (None,):
        try:
            for file in catalogue_files(name):
                documents[str(file)] = _document(file, problems)
        except UnreadableFile as error:
            problems.append((str(name), error))
    readable = {name: values for name, values in documents.items() if values is not None}
    try:
        catalogue = Catalogue.from_documents(readable) if readable or not problems else None
    except InvalidCatalogue as error:
        problems.append((", ".join(names) or COMMAND, error))
        return None
    return None if problems else catalogue


def _document(file: Path, problems: list[tuple[str, CorridorError]]) -> Any:
    try:
        return read_document(file)
    except UnreadableFile as error:
        problems.append((str(file), error))
        return None


def _serve(arguments: argparse.Namespace, language: Language) -> int:
    settings = Settings.read(
        os.environ, host=arguments.host, port=arguments.port, catalogue=arguments.catalogue
    )
    from api.serve import serve

    serve(settings, language)
    return 0


def _simulate(arguments: argparse.Namespace, language: Language) -> int:
    from api.simulating import simulate

    return simulate(arguments, language)


def _complain(errors: Sequence[tuple[str, CorridorError]], language: Language) -> None:
    """Every problem on a line of its own; the first fifty are shown, all are counted."""
    lines = [_line(entry) for name, error in errors for entry in _entries(name, error, language)]
    for line in lines[:LISTED]:
        sys.stderr.write(line + "\n")
    if len(lines) > LISTED:
        more = text("cli.more_problems", language, shown=LISTED, count=len(lines))
        sys.stderr.write(more + "\n")


def _entries(name: str, error: CorridorError, language: Language) -> list[dict[str, Any]]:
    """The problems of an error with file and row."""
    if not isinstance(error, InvalidInput) or not error.problems:
        said = {"field": "", "value": None, "allowed": None, "message": error_text(error, language)}
        return [{"file": name, "row": None, **said}]
    return [{"file": p.file or name, "row": p.row, **listed(p, language)} for p in error.problems]


def _line(entry: dict[str, Any]) -> str:
    place = entry["file"] if entry["row"] is None else f"{entry['file']}:{entry['row']}"
    return " ".join(f"{place}: {entry['message']}".split())
