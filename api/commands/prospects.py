"""`corridor prospects`: whom to call about a product, on screen, as JSON, CSV or a workbook."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from api.commands.console import MARKS, console_on
from api.commands.population_arguments import VALUES, flag_of
from api.loading import load_engine
from api.settings import Settings
from recommender.catalogue.files import write_file
from recommender.errors import InvalidOptions, Problem, Unwritable
from recommender.population.population import Population
from recommender.prospects.lists import Prospects
from recommender.prospects.options import ProspectOptions
from recommender.prospects.tables import as_csv, as_workbook
from recommender.texts import Language, Money, show, text

WHOLE = ("n", "not_contacted_days", "not_declined_days", "per_group", "per_manager")
LISTS = ("size", "route")
Json = dict[str, Any]


def prospects(arguments: argparse.Namespace, language: Language) -> int:
    """List the prospects of a product; raises a CorridorError for anything that is wrong."""
    options = _options(arguments, language)
    _check_ending("--csv", arguments.csv, ".csv")
    _check_ending("--xlsx", arguments.xlsx, ".xlsx")
    settings = Settings.read(
        os.environ,
        catalogue=arguments.catalogue,
        models=arguments.models,
        population=arguments.population,
    )
    if settings.population is None:
        raise InvalidOptions([Problem("missing", "--population")])
    population = Population.open(settings.population)
    answer = Prospects(load_engine(settings), population).top(arguments.product, options)
    for place, write in ((arguments.csv, as_csv), (arguments.xlsx, as_workbook)):
        if place is not None:
            _write(write, answer, place, force=arguments.force)
            said = text("prospects.written", language, count=len(answer["prospects"]), file=place)
            sys.stderr.write(said + "\n")
    if arguments.json:
        sys.stdout.flush()
        sys.stdout.buffer.write(orjson.dumps(answer))
        return 0
    if arguments.csv is None and arguments.xlsx is None:
        sys.stdout.write(printed(console_on(sys.stdout), answer))
    return 0


def _write(write: Callable[[Json], bytes], answer: Json, place: str, *, force: bool) -> None:
    try:
        write_file(write(answer), Path(place), force=force)
    except Unwritable as error:
        raise Unwritable(**{"file": place, **error.params}) from error


def _check_ending(flag: str, place: str | None, ending: str) -> None:
    if place is not None and not place.lower().endswith(ending):
        raise Unwritable(reason="list_ending", file=f"{flag} {place}", ending=ending)


def _options(arguments: argparse.Namespace, language: Language) -> ProspectOptions:
    stated: Json = {"language": language}
    for name in VALUES:
        value = getattr(arguments, name)
        if value is not None:
            stated[name] = _read(name, value)
    if arguments.without_consent:
        stated["consent"] = False
    if arguments.no_near_misses:
        stated["near_misses"] = False
    try:
        return ProspectOptions.parse(stated)
    except InvalidOptions as error:
        raise InvalidOptions(_as_flags(error.problems)) from None


def _read(name: str, value: str) -> Any:
    """A flag as the HTTP body would hold it; what is no number stays as it is."""
    if name in WHOLE:
        return int(value) if re.fullmatch(r"-?[0-9]{1,18}", value) else value
    if name in LISTS:
        return [part.strip() for part in value.split(",")]
    return value == "yes" if name == "first_loan" else value


def _as_flags(problems: Sequence[Problem]) -> Iterator[Problem]:
    for problem in problems:
        flag = flag_of(re.split(r"[\[.]", problem.field)[0])
        yield Problem(problem.code, flag, problem.value, problem.allowed, problem.params)


def printed(console: Console, answer: Json) -> str:
    """An answer as the console would show it, without blanks at the ends of lines."""
    with console.capture() as captured:
        _show(console, answer)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _show(console: Console, answer: Json) -> None:
    language: Language = answer["language"]
    product, counts = answer["product"], answer["counts"]
    said = {name: answer[name] for name in ("catalogue_version", "model_version")}
    head = text("prospects.head", language, as_of=answer["as_of"], **said)
    console.print(Text(head, style="dim"))
    console.print(Text(f"\n{product[f'name_{language}']}", style="bold underline"))
    fitting = counts["eligible"] + counts["conditional"]
    numbers = {"companies": counts["companies"], "fitting": fitting, "kept": counts["kept"]}
    console.print(text("prospects.counts", language, **numbers))
    for name, count in counts["left_out"].items():
        if count:
            why = text(f"prospects.filter.{name}", language)
            console.print("  " + text("prospects.left_out", language, count=count, why=why))
    if not answer["prospects"]:
        console.print(text("prospects.nobody", language))
    else:
        console.print(_table(answer["prospects"], language))
    for prospect in answer["prospects"]:
        _company(console, prospect, language)
    for notice in answer["notices"]:
        console.print(Text(f"\n{notice}", style="dim"))
    if answer["next"]:
        console.print(text("prospects.next", language, cursor=answer["next"]))


def _table(prospects: Sequence[Json], language: Language) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", justify="right")
    for name in ("company", "fit", "score", "probability", "amount", "manager"):
        title, wraps = text(f"prospects.shown.{name}", language), name == "company"
        table.add_column(title, no_wrap=not wraps, overflow="fold")
    for prospect in prospects:
        chance = prospect["uptake_probability"]
        table.add_row(
            str(prospect["rank"]),
            _name(prospect, language),
            f"{MARKS[prospect['fit']]} {prospect['fit_text']}",
            f"{prospect['score']:.2f}",
            "-" if chance is None else f"{chance:.1%}",
            _amount(prospect["indicative_amount"], language),
            prospect["relationship"]["manager"] or "-",
        )
    return table


def _name(prospect: Json, language: Language) -> str:
    company = prospect["company"]
    other: Language = "en" if language == "zh" else "zh"
    return str(company[f"name_{language}"] or company[f"name_{other}"] or company["id"])


def _amount(amount: Json, language: Language) -> str:
    if amount["high"] is None:
        return "-"
    return show(Money(amount["high"], amount["currency"]), language)


def _company(console: Console, prospect: Json, language: Language) -> None:
    company = prospect["company"]
    mark = text("prospects.synthetic_mark", language) if company["synthetic"] else ""
    title = f"\n{prospect['rank']}  {_name(prospect, language)}  {company['id']} {mark}".rstrip()
    console.print(Text(title, style="bold"))
    points = [point[f"text_{language}"] for point in prospect["talking_points"]]
    for line in [*points, *(part["text"] for part in prospect["blockers"])]:
        console.print(Padding(f"· {line}", (0, 0, 0, 3)))
    for change in prospect["changes"][:1]:
        console.print(Padding(f"→ {change['text']}", (0, 0, 0, 3)))
