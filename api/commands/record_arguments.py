"""The arguments of the commands on the record: organisations, users, database, audit log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from api.policy import ORGANISATION_KINDS, ROLES, SCOPES

Said = Callable[[str], str]
REQUIRED = True


class Flag(NamedTuple):
    """A flag of a command; without a metavar it takes no value. choices: what it may be."""

    name: str
    metavar: str | None = None
    required: bool = False
    choices: tuple[str, ...] | None = None


# By group and command: what stands without a name, and the flags. All of them take --store.
GROUPS: Mapping[str, Mapping[str, tuple[tuple[str, ...], tuple[Flag, ...]]]] = {
    "organisations": {
        "add": (
            ("id",),
            (
                Flag("kind", "KIND", REQUIRED, ORGANISATION_KINDS),
                Flag("name_zh", "NAME", REQUIRED),
                Flag("name_en", "NAME", REQUIRED),
            ),
        ),
        "branch": (
            ("organisation", "id"),
            (Flag("name_zh", "NAME", REQUIRED), Flag("name_en", "NAME", REQUIRED)),
        ),
        "list": ((), (Flag("json"),)),
    },
    "users": {
        "add": (
            ("login",),
            (
                Flag("organisation", "ID", REQUIRED),
                Flag("role", "ROLE", REQUIRED, ROLES),
                Flag("name", "NAME", REQUIRED),
                Flag("branch", "ID"),
                Flag("company", "ID"),
                Flag("password_stdin"),
            ),
        ),
        "disable": (("login",), ()),
        "token": (
            ("login",),
            (Flag("scope", "SCOPE", choices=SCOPES), Flag("days", "N"), Flag("label", "TEXT")),
        ),
        "link": (("login",), (Flag("issuer", "URL", REQUIRED), Flag("subject", "ID", REQUIRED))),
        "unlink": (("login",), (Flag("issuer", "URL", REQUIRED), Flag("subject", "ID", REQUIRED))),
        "list": ((), (Flag("organisation", "ID"), Flag("json"))),
    },
    "companies": {
        "import": (
            ("file",),
            (
                Flag("organisation", "ID", REQUIRED),
                Flag("by", "LOGIN", REQUIRED),
                Flag("branch", "ID"),
                Flag("note", "TEXT"),
                Flag("dry_run"),
                Flag("json"),
            ),
        ),
        "export": (("id",), (Flag("organisation", "ID", REQUIRED), Flag("by", "LOGIN", REQUIRED))),
        "erase": (("id",), (Flag("organisation", "ID", REQUIRED), Flag("by", "LOGIN", REQUIRED))),
        "owner": (
            ("id",),
            (
                Flag("organisation", "ID", REQUIRED),
                Flag("by", "LOGIN", REQUIRED),
                Flag("user", "LOGIN"),
            ),
        ),
    },
    "outcomes": {
        "import": (
            ("file",),
            (
                Flag("organisation", "ID", REQUIRED),
                Flag("by", "LOGIN", REQUIRED),
                Flag("dry_run"),
                Flag("json"),
            ),
        ),
        "export": (
            (),
            (Flag("organisation", "ID", REQUIRED), Flag("out", "FILE", REQUIRED), Flag("force")),
        ),
    },
    "jobs": {
        "list": (
            (),
            (Flag("organisation", "ID", REQUIRED), Flag("by", "LOGIN", REQUIRED), Flag("json")),
        ),
        "show": (("id",), (Flag("organisation", "ID", REQUIRED), Flag("by", "LOGIN", REQUIRED))),
        "cancel": (("id",), (Flag("organisation", "ID", REQUIRED), Flag("by", "LOGIN", REQUIRED))),
    },
    "db": {
        "upgrade": ((), ()),
        "backup": (("file",), ()),
        "restore": (("file",), ()),
        "check": ((), (Flag("seals", "FILE"), Flag("json"))),
    },
    "audit": {
        "verify": ((), (Flag("organisation", "ID"), Flag("seals", "FILE"), Flag("json"))),
        "seal": ((), (Flag("seals", "FILE"),)),
    },
}


def add_record(
    commands: Any,
    command_of: Callable[[Any, str, Said], Any],
    group_of: Callable[[Any, Said], Any],
    said: Said,
    actions: Mapping[str, Any],
) -> None:
    """Add every group with its commands. command_of, group_of: a command, and its flags' group."""
    for group, members in GROUPS.items():
        own = command_of(commands, group, said)
        group_of(own, said)
        inner = own.add_subparsers(title=said("commands"), required=True, metavar="COMMAND")
        for name, (places, flags) in members.items():
            about = said(f"help.{group}_{name}")
            command = inner.add_parser(name, help=about, description=about, add_help=False)
            _arguments(command, group, places, (*flags, Flag("store", "URL")), group_of, said)
            command.set_defaults(action=actions[f"{group}_{name}"])


def _arguments(
    command: Any,
    group: str,
    places: tuple[str, ...],
    flags: tuple[Flag, ...],
    group_of: Callable[[Any, Said], Any],
    said: Said,
) -> None:
    if places:
        named = command.add_argument_group(said("arguments"))
        for place in places:
            named.add_argument(place, metavar=place.upper(), help=said(f"help.{group}_{place}"))
    options = group_of(command, said)
    for flag in flags:
        about = said("help.store" if flag.name == "store" else f"help.{group}_{flag.name}")
        kind: dict[str, Any] = {"action": "store_true"}
        if flag.metavar is not None:
            shown = None if flag.choices else flag.metavar
            kind = {"metavar": shown, "required": flag.required, "choices": flag.choices}
        options.add_argument(f"--{flag.name.replace('_', '-')}", help=about, **kind)
