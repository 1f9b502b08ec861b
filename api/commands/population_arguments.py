"""The arguments of `corridor population` and `corridor prospects`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from recommender.prospects.options import Held, Order

Said = Callable[[str], str]
COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "build": (("companies",), ("out", "as_of", "report", "workers", "catalogue", "models")),
    "update": (("dir", "changes"), ("report", "workers", "catalogue", "models")),
    "remove": (("dir", "ids"), ()),
    "compact": (("dir",), ("workers", "catalogue", "models")),
    "show": (("dir",), ("verify", "json")),
}
METAVARS = {"out": "DIR", "as_of": "DATE", "workers": "N", "models": "DIR", "ids": "ID"}
SHARED = {"catalogue": "catalogue_file", "models": "models_folder"}
VALUES = (
    "n", "cursor", "order", "region", "size", "hs", "route", "lane_held", "not_contacted_days",
    "not_declined_days", "first_loan", "per_group", "per_manager",
)  # fmt: skip
CHOICES: Mapping[str, tuple[str, ...]] = {
    "order": get_args(Order),
    "lane_held": get_args(Held),
    "first_loan": ("yes", "no"),
}
YES_NO = ("without_consent", "no_near_misses", "json", "force")


def flag_of(name: str) -> str:
    """The flag of an option: `--not-contacted-days`."""
    return f"--{name.replace('_', '-')}"


def add_population(
    command: Any, group_of: Callable[[Any], Any], said: Said, actions: Mapping[str, Any]
) -> None:
    """Add `population` with its commands. group_of: the group of flags of one."""
    group_of(command)
    commands = command.add_subparsers(title=said("commands"), required=True, metavar="COMMAND")
    for name, (places, flags) in COMMANDS.items():
        about = said(f"help.population_{name}")
        own = commands.add_parser(name, help=about, description=about, add_help=False)
        group = own.add_argument_group(said("arguments"))
        for place in places:
            count = {"nargs": "+"} if place == "ids" else {}
            shown = METAVARS.get(place, place.upper())
            group.add_argument(place, metavar=shown, help=said(f"help.population_{place}"), **count)
        group = group_of(own)
        for flag in flags:
            kind: dict[str, Any] = {"metavar": METAVARS.get(flag, "F"), "required": flag == "out"}
            if flag in ("verify", "json"):
                kind = {"action": "store_true"}
            about = said(f"help.{SHARED.get(flag, f'population_{flag}')}")
            group.add_argument(flag_of(flag), help=about, **kind)
        own.set_defaults(action=actions[f"population_{name}"])


def add_prospects(
    command: Any, group_of: Callable[[Any], Any], said: Said, action: Callable[..., Any]
) -> None:
    """Add `prospects`."""
    places = command.add_argument_group(said("arguments"))
    places.add_argument("product", metavar="PRODUCT", help=said("help.prospects_product"))
    group = group_of(command)
    group.add_argument("--population", metavar="DIR", help=said("help.prospects_population"))
    for name in ("catalogue", "models"):
        group.add_argument(flag_of(name), metavar="F", help=said(f"help.{SHARED[name]}"))
    for name in VALUES:
        kind: dict[str, Any] = {"metavar": "X"}
        if name in CHOICES:
            kind = {"choices": CHOICES[name]}
        group.add_argument(flag_of(name), help=said(f"help.prospects_{name}"), **kind)
    for name in YES_NO:
        about = said(f"help.prospects_{name}")
        group.add_argument(flag_of(name), action="store_true", help=about)
    for name in ("csv", "xlsx"):
        group.add_argument(flag_of(name), metavar="F", help=said(f"help.prospects_{name}"))
    command.set_defaults(action=action)
