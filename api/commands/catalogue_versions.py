"""`corridor catalogue import`, `use` and `versions`: catalogues by version; which one serves."""

from __future__ import annotations

import argparse
from typing import Any

from api.commands.arguments import COMMAND
from api.commands.catalogue import catalogue_of, counts_of, refuse, show_differences
from api.commands.complaints import Named, complain
from api.commands.models import read_settings, registry_asked, say
from api.commands.promotion import told, who
from api.comparing import compared
from api.loading import load_catalogue
from api.settings import Settings
from recommender import Catalogue
from recommender.errors import CorridorError, NotFound
from recommender.registry.catalogues import PACKAGED
from recommender.registry.registry import Registry
from recommender.texts import Language, text


def store(arguments: argparse.Namespace, language: Language) -> int:
    """Store a valid catalogue as a version; what serves is left alone."""
    settings = read_settings(arguments)
    problems: list[Named] = []
    catalogue, head = catalogue_of(arguments, arguments.files, problems)
    if catalogue is None:
        return refuse(problems, language)
    registry = registry_asked(arguments, settings)
    added = registry.catalogues.add(catalogue, head)
    say(text(f"catalogues.{added}", language, **_known(added, catalogue)))
    if _changes(settings, registry, catalogue, language):
        flag = "".join(
            f" --{name} {value}"
            for name in ("models", "organisation", "store")
            if (value := getattr(arguments, name, None))
        )
        command = f"{COMMAND} catalogue use {catalogue.version}{flag}"
        say(text("catalogues.next", language, command=command))
    return 0


def _known(added: str, catalogue: Catalogue) -> dict[str, Any]:
    return counts_of(catalogue) if added == "stored" else {"version": catalogue.version}


def _changes(
    settings: Settings, registry: Registry, catalogue: Catalogue, language: Language
) -> bool:
    """Say what changes against the catalogue in use; whether anything does."""
    try:
        now = load_catalogue(settings, registry)
    except CorridorError as error:
        complain([(COMMAND, error)], language)
        say(text("catalogues.not_compared", language))
        return True
    show_differences(compared(now, catalogue, None, language), language)
    return now.version != catalogue.version


def use(arguments: argparse.Namespace, language: Language) -> int:
    """Let a stored catalogue serve, or the packaged one again."""
    settings = read_settings(arguments)
    registry = registry_asked(arguments, settings)
    version = _chosen(registry, arguments.version)
    step = registry.use(version, who(arguments), arguments.because or "")
    return told(step, settings, registry, language)


def _chosen(registry: Registry, name: str) -> str | None:
    if name in registry.catalogues.versions():
        return name
    if name in (PACKAGED, Catalogue.load().version):
        return None
    raise NotFound(kind="catalogue", id=name)


def versions(arguments: argparse.Namespace, language: Language) -> int:
    """Every version, the packaged one first, and which one serves."""
    settings = read_settings(arguments)
    registry = registry_asked(arguments, settings)
    current, stored = registry.state.catalogue, registry.catalogues.versions()
    packaged = Catalogue.load()
    say(_line(packaged, "packaged", "*" if current is None else " ", language))
    for name in sorted({*stored, *((current,) if current else ())}):
        mark = "*" if name == current else " "
        try:
            say(_line(registry.catalogues.load(name), "imported", mark, language))
        except CorridorError:
            say(text("catalogues.broken", language, mark=mark, version=name))
    if settings.catalogue is not None:
        say(text("catalogues.stated", language, catalogue=str(settings.catalogue)))
    return 0


def _line(catalogue: Catalogue, kind: str, mark: str, language: Language) -> str:
    params = {"version": catalogue.version, "products": len(catalogue.products), "mark": mark}
    return text(
        "catalogues.line", language, kind=text(f"catalogues.kind.{kind}", language), **params
    )


ACTIONS = {"import": store, "use": use, "versions": versions}
