"""`corridor simulate`: made-up companies as a file or a folder."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.commands.flags import whole
from recommender import simulation
from recommender.errors import InvalidOptions, Problem
from recommender.texts import Language, text

MOST = 10_000_000
STEP = 1_000


def simulate(arguments: argparse.Namespace, language: Language) -> int:
    """Draw companies and write them; raises InvalidOptions with every problem of the flags."""
    problems: list[Problem] = []
    count = whole("--companies", arguments.companies, problems, 0, MOST)
    seed = whole("--seed", arguments.seed, problems, 0, MOST)
    unknown = 0.0 if arguments.complete else _share(arguments.unknown, problems)
    if problems:
        raise InvalidOptions(problems)
    profiles = simulation.companies(count, seed, unknown)
    if arguments.outcomes:
        return _with_outcomes(list(profiles), arguments, language, seed)
    done = simulation.write(profiles, Path(arguments.out), _teller(count, language))
    said = text("cli.simulated", language, count=done, out=arguments.out, seed=seed)
    sys.stdout.write(said + "\n")
    return 0


def _with_outcomes(
    profiles: list[dict[str, Any]], arguments: argparse.Namespace, language: Language, seed: int
) -> int:
    """Write firms and what they took; the firms only once their outcomes are known to be fine."""
    from api.commands.progress import progress
    from api.loading import load_catalogue
    from api.settings import Settings
    from recommender.outcomes.files import ENDINGS, write_outcomes
    from recommender.simulation.outcomes import outcomes

    place = Path(arguments.outcomes)
    settings = Settings.read(os.environ, catalogue=arguments.catalogue)
    if place.suffix.lower() not in ENDINGS:
        raise InvalidOptions([Problem("outcomes_ending", "--outcomes", str(place), list(ENDINGS))])
    if os.path.lexists(place):
        raise InvalidOptions([Problem("already_there", "--outcomes", str(place))])
    catalogue = load_catalogue(settings)
    with progress(language) as told:
        step = told("matching", len(profiles))
        rows = outcomes(catalogue, profiles, seed, parameters=settings.parameters, told=step)
    done = simulation.write(profiles, Path(arguments.out))
    write_outcomes(rows, place)
    params = {"count": done, "out": arguments.out, "seed": seed, "file": arguments.outcomes}
    said = text("cli.simulated_outcomes", language, events=rows["event"].nunique(), **params)
    sys.stdout.write(said + "\n")
    return 0


def _share(given: str, problems: list[Problem]) -> float:
    """A share from 0 to 1."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", given):
        problems.append(Problem("not_number", "--unknown", given))
    elif float(given) > 1:
        problems.append(Problem("above_maximum", "--unknown", given, 1))
    else:
        return float(given)
    return 0.0


def _teller(count: int, language: Language) -> Callable[[int], Any]:
    """Says how far it is, on a terminal and for many companies only."""
    if not sys.stderr.isatty() or count < 10 * STEP:
        return lambda _: None

    def tell(done: int) -> None:
        if done % STEP == 0 or done == count:
            end = "\n" if done == count else ""
            said = text("cli.simulating", language, done=done, count=count)
            sys.stderr.write(f"\r{said}{end}")

    return tell
