"""`corridor population`: build, update, remove, compact, show."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from api.commands.arguments import BAD_INPUT, COMMAND
from api.commands.complaints import complain
from api.commands.progress import progress
from api.loading import load_engine
from api.settings import Settings
from recommender import Engine
from recommender.errors import InvalidInput, InvalidOptions, Problem
from recommender.options import Options
from recommender.population.build import (
    REPORT,
    How,
    NothingPacked,
    Summary,
    build,
    compact,
    remove,
    update,
)
from recommender.population.company_files import read_companies
from recommender.population.population import STRUCTURE, VERSIONS, Population
from recommender.records import day_of
from recommender.texts import Language, text

MOST_WORKERS = 64


def _build(arguments: argparse.Namespace, language: Language) -> int:
    as_of = arguments.as_of
    if as_of is not None and day_of(as_of) is None:
        raise InvalidOptions([Problem("not_date", "--as-of", as_of)])
    day = day_of(as_of) or Options().day
    engine, settings = _engine(arguments)
    rows = read_companies(Path(arguments.companies), engine.catalogue.facts)
    out = Path(arguments.out)

    def work(how: How) -> Summary:
        return build(engine, rows, out, day, how)

    return _packing("built", arguments, settings, language, out, work)


def _update(arguments: argparse.Namespace, language: Language) -> int:
    engine, settings = _engine(arguments)
    rows = read_companies(Path(arguments.changes), engine.catalogue.facts)
    folder = Path(arguments.dir)

    def work(how: How) -> Summary:
        return update(engine, folder, rows, how)

    return _packing("updated", arguments, settings, language, folder, work)


def _compact(arguments: argparse.Namespace, language: Language) -> int:
    engine, settings = _engine(arguments)
    folder = Path(arguments.dir)

    def work(how: How) -> Summary:
        return compact(engine, folder, how)

    return _packing("compacted", arguments, settings, language, folder, work)


def _remove(arguments: argparse.Namespace, language: Language) -> int:
    count, unknown = remove(Path(arguments.dir), arguments.ids)
    said = text("population.removed", language, count=count, dir=arguments.dir)
    sys.stdout.write(said + "\n")
    if unknown:
        problems = [Problem("unknown_company", "id", name) for name in unknown]
        complain([(COMMAND, InvalidInput(problems))], language)
    return BAD_INPUT if unknown else 0


def _show(arguments: argparse.Namespace, language: Language) -> int:
    population = Population.open(Path(arguments.dir))
    if arguments.verify:
        population.verify()
    found = described(population)
    if arguments.json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
        return 0
    lines = ["companies", "packed", "versions", "size"]
    shown = {**found, "dir": arguments.dir, "structure": found["bytes_per_company"]["structure"]}
    shown |= {"mib": round(sum(found["bytes"].values()) / (1 << 20), 1)}
    for line in lines:
        sys.stdout.write(text(f"population.show.{line}", language, **shown) + "\n")
    if arguments.verify:
        sys.stdout.write(text("population.show.verified", language) + "\n")
    return 0


ACTIONS: dict[str, Callable[[argparse.Namespace, Language], int]] = {
    "build": _build,
    "update": _update,
    "remove": _remove,
    "compact": _compact,
    "show": _show,
}


def described(population: Population) -> dict[str, Any]:
    """What is in a population, as JSON values."""
    manifest, size, rows = population.manifest, population.size(), max(population.rows, 1)
    structure = sum(size.get(name, 0) for name in STRUCTURE)
    return {
        "population_version": population.version,
        "as_of": manifest["as_of"],
        "engine_version": manifest["engine_version"],
        **{name: manifest[name] for name in VERSIONS},
        "companies": population.companies,
        "synthetic": manifest["synthetic"],
        "rows": population.rows,
        "removed": population.rows - population.companies,
        "segments": len(population.segments),
        "bytes": size,
        "bytes_per_company": {
            "structure": round(structure / rows, 1),
            **{name: round(count / rows, 1) for name, count in size.items()},
        },
    }


def _engine(arguments: argparse.Namespace) -> tuple[Engine, Settings]:
    settings = Settings.read(os.environ, catalogue=arguments.catalogue, models=arguments.models)
    return load_engine(settings), settings


def _packing(
    done: str,
    arguments: argparse.Namespace,
    settings: Settings,
    language: Language,
    folder: Path,
    work: Callable[[How], Summary],
) -> int:
    """Do the work, say what came of it; 0 as soon as companies were packed."""
    report = getattr(arguments, "report", None)
    with progress(language) as begin:
        how = How(
            told=begin("packing", None),
            workers=_workers(arguments.workers),
            parameters=settings.parameters,
            report=None if report is None else Path(report),
        )
        try:
            summary = work(how)
        except NothingPacked as error:
            complain([(getattr(arguments, "companies", "") or arguments.changes, error)], language)
            return BAD_INPUT
    params = {**vars(summary), "dir": str(folder)}
    sys.stdout.write(text(f"population.{done}", language, **params) + "\n")
    if summary.rejected:
        place = str(how.report or folder / REPORT)
        said = text("population.rejected", language, count=summary.rejected, report=place)
        sys.stderr.write(said + "\n")
    return 0


def _workers(given: str | None) -> int:
    if given is None:
        return min(os.cpu_count() or 1, 8)
    if not re.fullmatch(r"[0-9]{1,4}", given) or not 1 <= int(given) <= MOST_WORKERS:
        raise InvalidOptions([Problem("not_integer", "--workers", given)])
    return int(given)
