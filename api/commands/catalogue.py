"""`corridor catalogue`: check, convert, diff, template; of files or of versions in the registry."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from api.commands.arguments import BAD_INPUT, COMMAND
from api.commands.complaints import Named, complain, entries
from api.comparing import compared
from api.settings import Settings
from recommender import Catalogue
from recommender.catalogue.catalogue import common_head
from recommender.catalogue.columns import SECTIONS
from recommender.catalogue.files import catalogue_files, read_files, write_catalogue
from recommender.errors import CorridorError, InvalidCatalogue, InvalidOptions, Problem
from recommender.records import day_of
from recommender.registry.catalogues import PACKAGED
from recommender.registry.registry import Registry
from recommender.texts import Language, text

SAME, DIFFERENT = 0, 1


def check(arguments: argparse.Namespace, language: Language) -> int:
    """List every problem of a catalogue."""
    problems: list[Named] = []
    catalogue = catalogue_of(arguments, arguments.files, problems)[0]
    lines = [line for name, error in problems for line in entries(name, error, language)]
    if arguments.json:
        counts = {} if catalogue is None else counts_of(catalogue)
        _print_json(
            {"valid": catalogue is not None, **counts, "count": len(lines), "problems": lines}
        )
    elif catalogue is not None:
        sys.stdout.write(text("cli.check_fine", language, **counts_of(catalogue)) + "\n")
    else:
        refuse(problems, language)
    return BAD_INPUT if catalogue is None else 0


def convert(arguments: argparse.Namespace, language: Language) -> int:
    """Write a valid catalogue in another format."""
    problems: list[Named] = []
    catalogue, head = catalogue_of(arguments, arguments.files, problems)
    if catalogue is None:
        return refuse(problems, language)
    write_catalogue({**catalogue.document(), **head}, Path(arguments.out), force=arguments.force)
    params = {"file": arguments.out, **counts_of(catalogue)}
    sys.stdout.write(text("cli.converted", language, **params) + "\n")
    return 0


def template(arguments: argparse.Namespace, language: Language) -> int:
    """Write a workbook to fill in."""
    from recommender.catalogue.template import write_template

    write_template(Path(arguments.out), language, force=arguments.force)
    sys.stdout.write(text("cli.template_written", language, file=arguments.out) + "\n")
    return 0


def diff(arguments: argparse.Namespace, language: Language) -> int:
    """Say what changed from one catalogue to another; 0 when nothing did, 1 when something did."""
    if arguments.as_of is not None and day_of(arguments.as_of) is None:
        raise InvalidOptions([Problem("not_date", "--as-of", arguments.as_of)])
    problems: list[Named] = []
    old = catalogue_of(arguments, [arguments.old], problems)[0]
    new = catalogue_of(arguments, [arguments.new], problems)[0]
    if old is None or new is None:
        return refuse(problems, language)
    found = compared(old, new, arguments.as_of, language)
    if arguments.json:
        _print_json(found)
    else:
        show_differences(found, language)
    return SAME if found["same"] else DIFFERENT


def show_differences(found: dict[str, Any], language: Language) -> None:
    """What `compared` found, in words."""

    def said(key: str, **params: Any) -> str:
        return text(key, language, **params)

    if found["same"]:
        sys.stdout.write(said("difference.same") + "\n")
        return
    counts = {name: found[name] for name in ("added", "withdrawn", "changed", "others")}
    lines = [said("difference.versions", old=found["old"], new=found["new"])]
    lines += [
        said("difference.summary", **counts),
        *(f"  {d['text']}" for d in found["differences"]),
    ]
    samples = found["samples"]
    key = "impact.summary" if samples["changed"] else "impact.none"
    totals = {"total": samples["total"], "day": samples["as_of"]}
    totals |= {"count": samples["changed"]} if samples["changed"] else {}
    lines.append(said(key, **totals))
    for change in samples["changes"]:
        fits = [
            said(f"fit.{fit}") if fit else said("impact.not_offered")
            for fit in (change["fit_before"], change["fit_after"])
        ]
        params = {"company": change["company"], "product": change["name"]}
        lines.append("  " + said("impact.line", old=fits[0], new=fits[1], **params))
    lines += ["  " + said("impact.unread", company=name) for name in samples["unread"]]
    sys.stdout.write(
        "".join(
            f"{' '.join(line.split()) if line[0] != ' ' else '  ' + ' '.join(line.split())}\n"
            for line in lines
        )
    )


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def refuse(problems: Sequence[Named], language: Language) -> int:
    """Say what is wrong with a catalogue of which nothing was loaded."""
    complain(problems, language)
    count = sum(len(entries(name, error, language)) for name, error in problems)
    sys.stderr.write(text("cli.check_wrong", language, count=count) + "\n")
    return BAD_INPUT


def counts_of(catalogue: Catalogue) -> dict[str, Any]:
    """Records by section, and the version."""
    counts = {name: len(getattr(catalogue, name)) for name in SECTIONS}
    return {**counts, "version": catalogue.version}


def catalogue_of(
    arguments: argparse.Namespace, names: Sequence[str], problems: list[Named]
) -> tuple[Catalogue | None, dict[str, Any]]:
    """One catalogue from files and folders with its head; None after adding every problem.

    A name that is no file may be a version in the registry of the arguments.
    """
    known = len(problems)
    registry = Registry(Settings.read(os.environ, models=arguments.models).models)
    files: list[Path] = []
    for name in names or (None,):
        try:
            files += _files(name, registry)
        except CorridorError as error:
            problems.append((str(name), error))
    documents = read_files(files, lambda file, error: problems.append((str(file), error)))
    try:
        read = documents or len(problems) == known
        catalogue = Catalogue.from_documents(documents) if read else None
    except InvalidCatalogue as error:
        problems.append((", ".join(names) or COMMAND, error))
        return None, {}
    return (catalogue if len(problems) == known else None), common_head(documents)


def _files(name: str | None, registry: Registry) -> list[Path]:
    stored = registry.catalogues
    if name is None or Path(name).exists():
        return catalogue_files(name)
    if name in stored.versions():
        stored.load(name)
        return [stored.place(name)]
    return catalogue_files(None if name == PACKAGED else name)
