"""`corridor promote`, `rollback` and `models`: what serves, and the record of it."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

from api.commands.arguments import BAD_INPUT, COMMAND
from api.commands.complaints import complain
from api.commands.models import evaluation_of, model_of, read_settings, registry_asked, say
from api.commands.progress import progress
from api.loading import load_engine
from api.settings import Settings
from recommender import Catalogue
from recommender.cases import cases_folder
from recommender.errors import CorridorError
from recommender.registry.registry import NotPromoted, Registry, Step
from recommender.texts import Language, error_text, text


def promote(arguments: argparse.Namespace, language: Language) -> int:
    """Let a model serve, unless something speaks against it and no reason is given."""
    from recommender.learning.promotion import against

    settings = read_settings(arguments)
    registry = registry_asked(arguments, settings)
    engine = load_engine(settings, registry)
    weights, manifest = registry.load(arguments.model), registry.manifest(arguments.model)
    evaluation = manifest.get("evaluation")
    if arguments.outcomes:
        with progress(language) as begin:
            current = model_of(registry, registry.current or "expert")
            evaluation = evaluation_of(arguments, settings, weights, current, begin)
    cases = Path(arguments.cases) if arguments.cases else cases_folder()
    reasons = list(against(engine, weights, manifest, evaluation, cases))
    if reasons and not arguments.because:
        refusal = NotPromoted(reasons)
        complain([(COMMAND, refusal)], language)
        sys.stderr.write(error_text(refusal, language) + "\n")
        return BAD_INPUT
    despite = tuple(dict.fromkeys(reason.code for reason in reasons))
    why = arguments.because or text("models.no_reason", language)
    step = registry.promote(arguments.model, who(arguments), why, despite)
    return told(step, settings, registry, language)


def rollback(arguments: argparse.Namespace, language: Language) -> int:
    """Undo the last promotion or change of catalogue."""
    settings = read_settings(arguments)
    registry = registry_asked(arguments, settings)
    step = registry.rollback(who(arguments), arguments.because or "")
    return told(step, settings, registry, language)


def models(arguments: argparse.Namespace, language: Language) -> int:
    """Every model, which one serves on which catalogue, and who decided so."""
    registry = registry_asked(arguments, read_settings(arguments))
    names, state = registry.versions(), registry.state
    if not names:
        say(text("models.none", language))
    for name in names:
        say(_line(registry, name, "*" if name == state.model else " ", language))
    catalogue = state.catalogue or text("catalogues.packaged", language)
    say(text("catalogues.in_use", language, version=catalogue))
    for step in registry.history():
        action = text(f"models.action.{step.action}", language)
        shown = {"when": step.when, "who": step.who, "why": step.why, "action": action}
        say(text("models.step", language, version=_decided(step, language), **shown))
    return 0


def _line(registry: Registry, name: str, mark: str, language: Language) -> str:
    try:
        manifest: dict[str, Any] = registry.manifest(name)
    except CorridorError:
        manifest = {"kind": "broken"}
    catalogue = manifest.get("catalogue_version") or "-"
    kind = text(f"models.kind.{manifest.get('kind', 'edited')}", language)
    made_up = text("models.synthetic", language) if manifest.get("synthetic") else ""
    params = {"mark": mark, "version": name, "catalogue": catalogue, "kind": kind}
    return text("models.line", language, synthetic=made_up, **params)


def _decided(step: Step, language: Language) -> str:
    name = _name(step.kind, step.chosen, language)
    return text("models.catalogue", language, version=name) if step.kind == "catalogue" else name


def told(step: Step, settings: Settings, registry: Registry, language: Language) -> int:
    """Say what serves from now on, and what that means for commands and models."""
    before = _name(step.kind, step.before, language)
    key = "models.promoted" if step.kind == "model" else "catalogues.used"
    say(text(key, language, version=_name(step.kind, step.chosen, language), before=before))
    if step.kind == "catalogue" and settings.catalogue is not None:
        say(text("catalogues.stated", language, catalogue=str(settings.catalogue)))
    try:
        _tell_training(step, registry, language)
    except CorridorError as error:
        complain([(COMMAND, error)], language)
    return 0


def _tell_training(step: Step, registry: Registry, language: Language) -> None:
    """Say so where the model that serves was trained on another catalogue than the one in use."""
    trained = None if step.model is None else registry.load(step.model).trained_on
    catalogue = step.catalogue or Catalogue.load().version
    if trained not in (None, catalogue):
        params = {"model": step.model, "trained": trained, "catalogue": catalogue}
        say(text("catalogues.trained_elsewhere", language, **params))


def _name(kind: str, version: str | None, language: Language) -> str:
    unset = "models.expert" if kind == "model" else "catalogues.packaged"
    return text(unset, language) if version is None else version


def who(arguments: argparse.Namespace) -> str:
    """Who decides: as named, else the user of the system."""
    if arguments.by:
        return str(arguments.by)
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "-"
