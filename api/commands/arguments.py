"""The arguments of the `corridor` command, with help and complaints in both languages."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NoReturn

from api.commands.model_arguments import add_models
from api.commands.population_arguments import add_population, add_prospects
from api.commands.record_arguments import add_record
from api.language import of_locale
from recommender import __version__
from recommender.texts import LANGUAGES, Language, text

COMMAND = "corridor"
BAD_INPUT = 2
VALUES = {
    "as_of": "DATE",
    "models": "DIR",
    "because": "WHY",
    "by": "WHO",
    "organisation": "ID",
    "store": "URL",
}
SHARED = {
    "models": "models_folder",
    "because": "model_because",
    "by": "model_by",
    "organisation": "registry_organisation",
    "store": "store",
}
RECORD = ("organisation", "store")
# What argparse says, by the sentence of ours that says it; anything else is passed on as it is.
COMPLAINTS = (
    (r"the following arguments are required: (?P<names>.+)", "required"),
    (r"unrecognized arguments: (?P<names>.+)", "unrecognised"),
    (r"argument (?P<name>\S+): expected one argument", "one_value"),
    (r"argument (?P<name>\S+): invalid \w+: (?P<value>'.*') \(.* from (?P<allowed>.*)\)", "choice"),
    (r"argument (?P<name>\S+): ignored explicit argument .*", "no_value"),
    (r"ambiguous option: (?P<name>\S+) could match .*", "ambiguous"),
)


def language_of(argv: Sequence[str], environ: Mapping[str, str]) -> Language:
    """The language of a command line: its flag, else the locale.

    >>> language_of(["recommend", "x.yaml", "--language", "en"], {})
    'en'
    >>> language_of([], {"LC_ALL": "", "LANG": "en_GB.UTF-8"})
    'en'
    """
    values = list(argv)
    stated = [value.partition("=")[2] for value in values if value.startswith("--language=")]
    stated += [b for a, b in pairwise(values) if a == "--language"]
    for language in LANGUAGES:
        if language in stated:
            return language
    locale = next((environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(n)), None)
    return of_locale(locale)


class _Parser(argparse.ArgumentParser):
    """An argument parser that speaks the language asked for."""

    language: Language = "zh"

    def format_usage(self) -> str:
        """The usage with our own word before it."""
        return self._worded(super().format_usage())

    def format_help(self) -> str:
        """The help with our own word before the usage."""
        return self._worded(super().format_help())

    def _worded(self, said: str) -> str:
        return re.sub(r"\A(\x1b\[[0-9;]*m)*usage: ", text("cli.usage", self.language), said)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line; exit code 2."""
        said = _complaint(message, self.language)
        hint = text("cli.wrong.see_help", self.language, command=self.prog)
        self.exit(BAD_INPUT, f"{self.prog}: {said}\n{hint}\n")


def _complaint(message: str, language: Language) -> str:
    for pattern, key in COMPLAINTS:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            return text(f"cli.wrong.{key}", language, **found.groupdict())
    return text("cli.wrong.other", language, reason=message)


def parser(language: Language, actions: Mapping[str, Callable[..., Any]]) -> _Parser:
    """The parser; actions: what to call for each command."""

    def said(key: str) -> str:
        return text(f"cli.{key}", language).replace("%", "%%")

    class Spoken(_Parser):
        """Sub-commands use the same class, and so the same language."""

    Spoken.language = language
    top = Spoken(prog=COMMAND, description=said("description"), add_help=False)
    general = top.add_argument_group(said("options"))
    general.add_argument("-h", "--help", action="help", help=said("help.help"))
    version = f"{COMMAND} {__version__}"
    general.add_argument("--version", action="version", version=version, help=said("help.version"))
    _language_flag(general, said)
    commands = top.add_subparsers(title=said("commands"), required=True, metavar="COMMAND")
    _recommend(_command(commands, "recommend", said), said, actions["recommend"])
    _plan(_command(commands, "plan", said), said, actions["plan"])
    _catalogue(_command(commands, "catalogue", said), said, actions)
    _serve(_command(commands, "serve", said), said, actions["serve"])
    _doctor(_command(commands, "doctor", said), said, actions["doctor"])
    _simulate(_command(commands, "simulate", said), said, actions["simulate"])
    _batch(_command(commands, "batch", said), said, actions["batch"])
    flags = partial(_options, said=said)
    add_population(_command(commands, "population", said), flags, said, actions)
    add_prospects(_command(commands, "prospects", said), flags, said, actions["prospects"])
    add_record(commands, _command, _options, said, actions)
    add_models(lambda n: _command(commands, n, said), lambda c: _options(c, said), said, actions)
    return top


Said = Callable[[str], str]


def _command(commands: Any, name: str, said: Said) -> Any:
    about = said(f"help.{name}")
    return commands.add_parser(name, help=about, description=about, add_help=False)


def _language_flag(group: Any, said: Said) -> None:
    group.add_argument(
        "--language", choices=LANGUAGES, default=argparse.SUPPRESS, help=said("help.language")
    )


def _options(command: Any, said: Said) -> Any:
    group = command.add_argument_group(said("options"))
    group.add_argument("-h", "--help", action="help", help=said("help.help"))
    _language_flag(group, said)
    return group


def _recommend(command: Any, said: Said, action: Callable[..., Any]) -> None:
    places = command.add_argument_group(said("arguments"))
    places.add_argument("profile", metavar="PROFILE", help=said("help.profile"))
    group = _options(command, said)
    for flag, name, metavar in (
        ("--catalogue", "catalogue_file", "F"),
        ("--models", "models_folder", "DIR"),
        ("--lanes", "lanes", "A,B"),
        ("--limit", "limit", "N"),
        ("--as-of", "as_of", "DATE"),
    ):
        group.add_argument(flag, metavar=metavar, help=said(f"help.{name}"))
    for flag in ("include_ineligible", "no_personalised", "json"):
        name = f"--{flag.replace('_', '-')}"
        group.add_argument(name, action="store_true", help=said(f"help.{flag}"))
    command.set_defaults(action=action)


def _plan(command: Any, said: Said, action: Callable[..., Any]) -> None:
    places = command.add_argument_group(said("arguments"))
    places.add_argument("profile", metavar="PROFILE", help=said("help.profile"))
    group = _options(command, said)
    for flag, name, metavar in (
        ("--catalogue", "catalogue_file", "F"),
        ("--models", "models_folder", "DIR"),
        ("--plans", "plans", "N"),
        ("--only", "plan_only", "A,B"),
        ("--exclude", "plan_exclude", "A,B"),
        ("--most-lines", "most_lines", "N"),
        ("--most-banks", "most_banks", "N"),
        ("--hedge-target", "hedge_target", "LOW-HIGH"),
        ("--as-of", "as_of", "DATE"),
    ):
        group.add_argument(flag, metavar=metavar, help=said(f"help.{name}"))
    for flag in ("no_conditional", "no_existing", "json"):
        name = f"--{flag.replace('_', '-')}"
        group.add_argument(name, action="store_true", help=said(f"help.{flag}"))
    command.set_defaults(action=action)


def _catalogue(command: Any, said: Said, actions: Mapping[str, Callable[..., Any]]) -> None:
    _options(command, said)
    commands = command.add_subparsers(title=said("commands"), required=True, metavar="COMMAND")
    for name, places, flags in (
        ("check", {"files": "*"}, ("models", "json")),
        ("convert", {"files": "*", "out": None}, ("models", "force")),
        ("diff", {"old": None, "new": None}, ("models", "as_of", "json")),
        ("template", {"out": None}, ("force",)),
        ("import", {"files": "+"}, ("models", *RECORD)),
        ("use", {"version": None}, ("models", "because", "by", *RECORD)),
        ("versions", {}, ("models", *RECORD)),
    ):
        own = _command(commands, name, said)
        group = own.add_argument_group(said("arguments")) if places else own
        for place, count in places.items():
            shown = "F" if place == "files" else place.upper()
            more = {} if count is None else {"nargs": count}
            group.add_argument(place, metavar=shown, help=said(f"help.{name}_{place}"), **more)
        group = _options(own, said)
        for flag in flags:
            kind: Any = {"metavar": VALUES[flag]} if flag in VALUES else {"action": "store_true"}
            about = said(f"help.{SHARED.get(flag, f'{name}_{flag}')}")
            group.add_argument(f"--{flag.replace('_', '-')}", help=about, **kind)
        own.set_defaults(action=actions[name])


def _serve(command: Any, said: Said, action: Callable[..., Any]) -> None:
    group = _options(command, said)
    for flag, name, metavar in (
        ("--host", "host", "HOST"),
        ("--port", "port", "PORT"),
        ("--catalogue", "catalogue_file", "F"),
        ("--models", "models_folder", "DIR"),
        ("--population", "serve_population", "DIR"),
        ("--store", "store", "URL"),
        ("--workers", "workers", "N"),
    ):
        group.add_argument(flag, metavar=metavar, help=said(f"help.{name}"))
    group.add_argument("--demo", action="store_true", help=said("help.demo"))
    group.add_argument("--identity", choices=("on", "off"), help=said("help.identity"))
    command.set_defaults(action=action)


def _doctor(command: Any, said: Said, action: Callable[..., Any]) -> None:
    group = _options(command, said)
    group.add_argument("--store", metavar="URL", help=said("help.store"))
    group.add_argument("--url", metavar="URL", help=said("help.doctor_url"))
    group.add_argument("--json", action="store_true", help=said("help.doctor_json"))
    command.set_defaults(action=action)


def _simulate(command: Any, said: Said, action: Callable[..., Any]) -> None:
    group = _options(command, said)
    for flag, name, metavar in (("--companies", "how_many", "N"), ("--out", "out", "OUT")):
        group.add_argument(flag, metavar=metavar, required=True, help=said(f"help.{name}"))
    for flag, name, default in (("--seed", "seed", "1"), ("--unknown", "unknown", "0.35")):
        group.add_argument(flag, metavar="X", default=default, help=said(f"help.{name}"))
    group.add_argument("--complete", action="store_true", help=said("help.complete"))
    group.add_argument("--outcomes", metavar="F", help=said("help.simulate_outcomes"))
    group.add_argument("--catalogue", metavar="F", help=said("help.catalogue_file"))
    command.set_defaults(action=action)


def _batch(command: Any, said: Said, action: Callable[..., Any]) -> None:
    group = _options(command, said)
    for flag, place in (("--in", "source"), ("--out", "out")):
        about = said(f"help.batch_{place}")
        group.add_argument(flag, dest=place, metavar="URI", required=True, help=about)
    engines = ("local", "spark")
    about = said("help.batch_engine")
    group.add_argument("--engine", choices=engines, default="local", help=about)
    for flag, name, metavar, default in (
        ("--top", "batch_top", "N", "10"),
        ("--as-of", "as_of", "DATE", None),
        ("--workers", "batch_workers", "N", "1"),
        ("--partition", "batch_partition", "ROWS", "5000"),
        ("--master", "batch_master", "URL", None),
        ("--catalogue", "catalogue_file", "F", None),
        ("--models", "models_folder", "DIR", None),
    ):
        group.add_argument(flag, metavar=metavar, default=default, help=said(f"help.{name}"))
    command.set_defaults(action=action)
