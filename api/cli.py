"""The `corridor` command: recommend, plan, prospects, batch, work on a catalogue and models, serve.

Exit code 0 when done, 2 for bad input of any kind: every problem is one line on standard error
with the file or flag it stands in. 1 says that `catalogue diff` found a difference.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from api.commands import catalogue
from api.commands.arguments import BAD_INPUT, COMMAND, language_of, parser
from api.commands.complaints import complain
from api.commands.model_arguments import COMMANDS
from api.commands.population_arguments import COMMANDS as POPULATION
from api.commands.record_arguments import GROUPS as RECORD
from api.loading import load_engine
from api.settings import Settings
from recommender.errors import CorridorError, InvalidOptions, Problem
from recommender.texts import Language

DEMO = Path(".corridor")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = sys.argv[1:] if argv is None else list(argv)
    language = language_of(given, os.environ)
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    actions = {
        "recommend": _recommend,
        "plan": _plan,
        "check": catalogue.check,
        "convert": catalogue.convert,
        "diff": catalogue.diff,
        "template": catalogue.template,
        "serve": _serve,
        "doctor": _doctor,
        "simulate": _simulate,
        "batch": _batch,
        **{name: _on_models(name) for name in COMMANDS},
        **{f"population_{name}": _on_population(name) for name in POPULATION},
        "prospects": _prospects,
        **{name: _on_versions(name) for name in ("import", "use", "versions")},
        **{
            f"{group}_{name}": _on_record(group, name) for group in RECORD for name in RECORD[group]
        },
    }
    arguments = parser(language, actions).parse_args(given)
    try:
        code: int = arguments.action(arguments, language)
        sys.stdout.flush()
    except CorridorError as error:
        complain([(COMMAND, error)], language)
        return BAD_INPUT
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _recommend(arguments: argparse.Namespace, language: Language) -> int:
    from api.commands.files import read_values

    settings = Settings.read(os.environ, catalogue=arguments.catalogue, models=arguments.models)
    engine = load_engine(settings)
    found: list[tuple[str, CorridorError]] = []
    company = options = None
    try:
        options = engine.options(_stated(arguments, language))
    except InvalidOptions as error:
        found.append((COMMAND, InvalidOptions(_as_flags(error.problems))))
    try:
        raw = read_values(arguments.profile, sys.stdin.buffer, settings.max_body)
        company = engine.read(raw, None if options is None else options.day)
    except CorridorError as error:
        found.insert(0, (arguments.profile, error))
    if company is None or options is None:
        complain(found, language)
        return BAD_INPUT
    _print_answer(engine.recommend(company, options), as_json=arguments.json)
    return 0


def _plan(arguments: argparse.Namespace, language: Language) -> int:
    from api.commands.plans import plan

    return plan(arguments, language)


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
    from api.commands.console import console_on, printed

    sys.stdout.write(printed(console_on(sys.stdout), answer))


def _serve(arguments: argparse.Namespace, language: Language) -> int:
    settings = Settings.read(
        os.environ,
        host=arguments.host,
        port=arguments.port,
        catalogue=arguments.catalogue,
        models=arguments.models,
        population=arguments.population,
        identity=arguments.identity,
        store=arguments.store,
        workers=arguments.workers,
    )
    from api.commands.serve import serve

    if not arguments.demo:
        serve(settings, language)
        return 0
    from api.demo import prepared

    demo, tokens = prepared(settings, DEMO)
    serve(demo, language, tokens)
    return 0


def _doctor(arguments: argparse.Namespace, language: Language) -> int:
    from api.commands.doctor import doctor

    return doctor(arguments, language)


def _simulate(arguments: argparse.Namespace, language: Language) -> int:
    from api.commands.simulate import simulate

    return simulate(arguments, language)


def _batch(arguments: argparse.Namespace, language: Language) -> int:
    from api.commands.batch import batch

    return batch(arguments, language)


def _on_models(name: str) -> Callable[[argparse.Namespace, Language], int]:
    """A command that works on models; what it needs is imported when it runs."""

    def action(arguments: argparse.Namespace, language: Language) -> int:
        from api.commands import models, promotion

        module = promotion if name in ("promote", "rollback", "models") else models
        code: int = getattr(module, name)(arguments, language)
        return code

    return action


def _on_versions(name: str) -> Callable[[argparse.Namespace, Language], int]:
    """A command that works on versions of the catalogue; imported when it runs, too."""

    def action(arguments: argparse.Namespace, language: Language) -> int:
        from api.commands.catalogue_versions import ACTIONS

        return ACTIONS[name](arguments, language)

    return action


def _on_population(name: str) -> Callable[[argparse.Namespace, Language], int]:
    """A command that works on a population; imported when it runs, too."""

    def action(arguments: argparse.Namespace, language: Language) -> int:
        from api.commands.population import ACTIONS

        return ACTIONS[name](arguments, language)

    return action


def _on_record(group: str, name: str) -> Callable[[argparse.Namespace, Language], int]:
    """A command on organisations, users and what else is kept; imported when it runs, too."""

    def action(arguments: argparse.Namespace, language: Language) -> int:
        from api.commands import companies, database, jobs, outcomes, users

        modules = (users, companies, outcomes, jobs, database)
        actions = {key: action for module in modules for key, action in module.ACTIONS.items()}
        code: int = actions[f"{group}_{name}"](arguments, language)
        return code

    return action


def _prospects(arguments: argparse.Namespace, language: Language) -> int:
    from api.commands.prospects import prospects

    return prospects(arguments, language)
