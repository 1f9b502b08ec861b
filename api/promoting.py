"""`corridor promote`, `rollback` and `models`: which model serves, and the record of it."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

from api.arguments import BAD_INPUT, COMMAND
from api.complaints import complain
from api.loading import load_engine
from api.modelling import evaluation_of, model_of, read_settings, say
from api.progress import progress
from recommender.cases import cases_folder
from recommender.errors import CorridorError
from recommender.registry import NotPromoted, Registry, Step
from recommender.texts import Language, error_text, text


def promote(arguments: argparse.Namespace, language: Language) -> int:
    """Let a model serve, unless something speaks against it and no reason is given."""
    from recommender.learning.promotion import against

    settings = read_settings(arguments)
    registry, engine = Registry(settings.models), load_engine(settings)
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
    return _told(registry.promote(arguments.model, who(arguments), why, despite), language)


def rollback(arguments: argparse.Namespace, language: Language) -> int:
    """Let the model before this one serve again."""
    registry = Registry(read_settings(arguments).models)
    return _told(registry.rollback(who(arguments), arguments.because or ""), language)


def models(arguments: argparse.Namespace, language: Language) -> int:
    """Every model, which one serves, and who decided so."""
    registry = Registry(read_settings(arguments).models)
    names, current = registry.versions(), registry.current
    if not names:
        say(text("models.none", language))
    for name in names:
        say(_line(registry, name, "*" if name == current else " ", language))
    for step in registry.history():
        action = text(f"models.action.{step.action}", language)
        shown = {"when": step.when, "who": step.who, "why": step.why, "action": action}
        say(text("models.step", language, version=_name(step.model, language), **shown))
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


def _told(step: Step, language: Language) -> int:
    names = {"version": _name(step.model, language), "before": _name(step.before, language)}
    say(text("models.promoted", language, **names))
    return 0


def _name(version: str | None, language: Language) -> str:
    return text("models.expert", language) if version is None else version


def who(arguments: argparse.Namespace) -> str:
    """Who decides: as named, else the user of the system."""
    if arguments.by:
        return str(arguments.by)
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "-"
