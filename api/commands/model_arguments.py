"""The arguments of the commands that work on models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Said = Callable[[str], str]
FIT = ("init", "half_life")
LEARN = ("outcomes", "companies", "catalogue", "use_refusals", "without_withdrawn")
DECIDE = ("because", "by")
COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "train": ((), (*LEARN, *FIT)),
    "evaluate": (("model",), (*LEARN, "json")),
    "compare": (("a", "b"), LEARN),
    "drift": ((), (*LEARN, "model")),
    "edit": (("model",), ("set", "because")),
    "promote": (("model",), (*LEARN, *DECIDE, "cases")),
    "rollback": ((), DECIDE),
    "models": ((), ()),
}
YES_NO = ("use_refusals", "without_withdrawn", "json")
REQUIRED = {("train", "outcomes"), ("evaluate", "outcomes"), ("drift", "outcomes")}
METAVARS = {"because": "WHY", "by": "WHO", "set": "NAME=POINTS", "init": "MODEL", "cases": "DIR"}


def add_models(
    command: Callable[[str], Any],
    options: Callable[[Any], Any],
    said: Said,
    actions: Mapping[str, Callable[..., Any]],
) -> None:
    """Add every command of COMMANDS. command: makes one; options: its group of flags."""
    for name, (places, flags) in COMMANDS.items():
        own = command(name)
        if places:
            group = own.add_argument_group(said("arguments"))
            for place in places:
                group.add_argument(place, metavar=place.upper(), help=said("help.model_name"))
        group = options(own)
        group.add_argument("--models", metavar="DIR", help=said("help.models_folder"))
        group.add_argument("--organisation", metavar="ID", help=said("help.registry_organisation"))
        group.add_argument("--store", metavar="URL", help=said("help.store"))
        for flag in flags:
            _flag(group, name, flag, said)
        own.set_defaults(action=actions[name])


def _flag(group: Any, command: str, flag: str, said: Said) -> None:
    kind: dict[str, Any] = {"metavar": METAVARS.get(flag, "F")}
    if flag in YES_NO:
        kind = {"action": "store_true"}
    elif flag == "set":
        kind |= {"action": "append", "required": True}
    elif flag == "half_life":
        kind = {"metavar": "DAYS", "type": float}
    elif flag == "init":
        kind |= {"default": "prior"}
    elif flag == "model":
        kind = {"metavar": "MODEL"}
    else:
        kind |= {"required": (command, flag) in REQUIRED}
    about = {"catalogue": "catalogue_file", "model": "drift_model", "json": "evaluate_json"}
    group.add_argument(
        f"--{flag.replace('_', '-')}", help=said(f"help.{about.get(flag, f'model_{flag}')}"), **kind
    )
