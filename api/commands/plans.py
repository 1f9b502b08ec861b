"""`corridor plan`: plans for one profile, on the console or as the HTTP body."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

import orjson

from api.commands.arguments import BAD_INPUT, COMMAND
from api.commands.complaints import complain
from api.commands.files import read_values
from api.commands.plan_console import printed
from api.loading import load_engine
from api.settings import Settings
from recommender.errors import CorridorError, InvalidOptions, Problem
from recommender.planning import Planner, PlanOptions
from recommender.planning.programme import quiet
from recommender.texts import Language

WHOLE = ("plans", "most_lines", "most_banks")
LISTS = ("only", "exclude")


def plan(arguments: argparse.Namespace, language: Language) -> int:
    """Make and print plans; 0 when done, 2 for bad input."""
    settings = Settings.read(os.environ, catalogue=arguments.catalogue, models=arguments.models)
    planner = Planner(load_engine(settings))
    found: list[tuple[str, CorridorError]] = []
    company = options = None
    try:
        company = planner.engine.read(
            read_values(arguments.profile, sys.stdin.buffer, settings.max_body)
        )
    except CorridorError as error:
        found.append((arguments.profile, error))
    try:
        options = PlanOptions.parse(_stated(arguments, language))
    except InvalidOptions as error:
        found.append((COMMAND, InvalidOptions(_as_flag(p) for p in error.problems)))
    if company is None or options is None:
        complain(found, language)
        return BAD_INPUT
    with quiet():
        answer = planner.plan(company, options)
    if arguments.json:
        sys.stdout.flush()
        sys.stdout.buffer.write(orjson.dumps(answer))
        sys.stdout.buffer.write(b"\n" if sys.stdout.isatty() else b"")
    else:
        from api.commands.console import console_on

        sys.stdout.write(printed(console_on(sys.stdout), answer))
    return 0


def _stated(arguments: argparse.Namespace, language: Language) -> dict[str, Any]:
    """Options as the HTTP body would hold them; what was not given is left out."""
    stated: dict[str, Any] = {"language": language, "as_of": arguments.as_of}
    for name in WHOLE:
        value = getattr(arguments, name)
        stated[name] = int(value) if value is not None and value.isdecimal() else value
    for name in LISTS:
        value = getattr(arguments, name)
        stated[name] = None if value is None else [part.strip() for part in value.split(",")]
    stated["conditional"] = False if arguments.no_conditional else None
    stated["existing"] = False if arguments.no_existing else None
    if arguments.hedge_target is not None:
        low, _, high = arguments.hedge_target.partition("-")
        stated["hedge_target"] = {"low": _number(low), "high": _number(high or low)}
    return {name: value for name, value in stated.items() if value is not None}


def _number(written: str) -> float | str:
    try:
        return float(written)
    except ValueError:
        return written


def _as_flag(problem: Problem) -> Problem:
    flag = problem.field.partition(".")[0].partition("[")[0].replace("_", "-")
    return Problem(problem.code, f"--{flag}", problem.value, problem.allowed, problem.params)
