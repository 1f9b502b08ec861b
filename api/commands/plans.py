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
from recommender.cases import profile_of
from recommender.errors import CorridorError, InvalidInput, InvalidOptions, Problem
from recommender.planning import Planner, PlanOptions
from recommender.planning.programme import quiet
from recommender.texts import Language

WHOLE = ("plans", "most_lines", "most_banks")
LISTS = ("only", "exclude")


def plan(arguments: argparse.Namespace, language: Language) -> int:
    """Plans for a profile, or for each case of a list; 0 when done, 2 for bad input."""
    settings = Settings.read(os.environ, catalogue=arguments.catalogue, models=arguments.models)
    planner = Planner(load_engine(settings))
    try:
        values = read_values(arguments.profile, sys.stdin.buffer, settings.max_body)
    except CorridorError as error:
        complain([(arguments.profile, error)], language)
        return BAD_INPUT
    if isinstance(values, list):
        return max((_case(planner, arguments, case, language) for case in values), default=0)
    return _planned(planner, arguments, values, {}, language)


def _case(planner: Planner, arguments: argparse.Namespace, case: Any, language: Language) -> int:
    """One case of a list: its title and story, then its plans."""
    whole = isinstance(case, dict) and "title" in case and ("sample" in case or "company" in case)
    if not whole:
        problem = Problem("plan_case", "case", case if isinstance(case, str) else None)
        complain([(arguments.profile, InvalidInput([problem]))], language)
        return BAD_INPUT
    if not arguments.json:
        sys.stdout.write(f"\n== {case['title']}\n{str(case.get('story', '')).strip()}\n")
    try:
        raw = profile_of(case)
    except CorridorError as error:
        complain([(case["title"], error)], language)
        return BAD_INPUT
    stated = {"as_of": str(case["as_of"])} if "as_of" in case else {}
    return _planned(planner, arguments, raw, {**stated, **case.get("options", {})}, language)


def _planned(
    planner: Planner,
    arguments: argparse.Namespace,
    raw: Any,
    stated: dict[str, Any],
    language: Language,
) -> int:
    """Plans for one profile; stated: options of a case, over which flags go."""
    found: list[tuple[str, CorridorError]] = []
    company = options = None
    try:
        options = PlanOptions.parse({**stated, **_stated(arguments, language)})
    except InvalidOptions as error:
        found.append((COMMAND, InvalidOptions(_as_flag(p) for p in error.problems)))
    try:
        company = planner.engine.read(raw, None if options is None else options.day)
    except CorridorError as error:
        found.insert(0, (arguments.profile, error))
    if company is None or options is None:
        complain(found, language)
        return BAD_INPUT
    with quiet():
        answer = planner.plan(company, options)
    _show(answer, arguments)
    return 0


def _show(answer: dict[str, Any], arguments: argparse.Namespace) -> None:
    if arguments.json:
        sys.stdout.flush()
        sys.stdout.buffer.write(orjson.dumps(answer))
        sys.stdout.buffer.write(b"\n" if sys.stdout.isatty() else b"")
    else:
        from api.commands.console import console_on

        sys.stdout.write(printed(console_on(sys.stdout), answer))


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
