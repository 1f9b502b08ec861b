"""`corridor train`, `evaluate`, `compare`, `drift` and `edit`: models from outcomes."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from api.commands.progress import Begin, progress
from api.loading import load_catalogue
from api.settings import Settings
from recommender.errors import InvalidOptions, Problem
from recommender.matching.scoring import Weights, expert_weights
from recommender.outcomes import Outcomes, read_outcomes
from recommender.registry.registry import Registry
from recommender.texts import Language, text

PRIOR, FIRMS = ("prior", "expert"), "firms.jsonl"
WIDTH = 160


def train(arguments: argparse.Namespace, language: Language) -> int:
    """Learn a model and write it with its card; what serves is left alone."""
    from api.jobs.training import described
    from recommender.learning import training

    began, settings = time.monotonic(), read_settings(arguments)
    registry = registry_asked(arguments, settings)
    catalogue = load_catalogue(settings, registry)
    prior, current = model_of(registry, arguments.init), registry.serving()
    outcomes = outcomes_of(arguments)
    with progress(language) as begin:
        how = how_of(arguments, settings)
        found = training.train(
            outcomes, catalogue, prior=prior, current=current, how=how, told=begin
        )
    if found.fallback:
        say(text(f"card.fallback.{found.fallback}", language))
        say(text("models.kept", language, version=found.weights.version))
        return 0
    version = found.weights.version
    manifest, files = described(found, time.monotonic() - began)
    place = registry.add(found.weights, manifest, files)
    if outcomes.synthetic:
        say(text("card.synthetic", language))
    _measures(found.report["evaluation"], language)
    say(text("models.trained", language, version=version, place=str(place)))
    return 0


def evaluate(arguments: argparse.Namespace, language: Language) -> int:
    """Measure a model on outcomes, beside the current one and the peers."""
    settings = read_settings(arguments)
    registry = registry_asked(arguments, settings)
    weights = model_of(registry, arguments.model)
    with progress(language) as begin:
        found = evaluation_of(arguments, settings, weights, registry.serving(), begin)
    if arguments.json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _measures(found, language)
    return 0


def compare(arguments: argparse.Namespace, language: Language) -> int:
    """Two models side by side: weights, and measures where outcomes are given."""
    settings = read_settings(arguments)
    registry = registry_asked(arguments, settings)
    a, b = (model_of(registry, name) for name in (arguments.a, arguments.b))
    say(text("models.compare", language, a=a.version, b=b.version))
    head = [text("card.feature", language), a.version, b.version, ""]
    lines = [
        [text(f"feature.{n}.label", language), f"{v:.2f}", f"{b.weights[n]:.2f}",
         "" if v == b.weights[n] else text("models.moved", language)]
        for n, v in a.weights.items()
    ]  # fmt: skip
    show_table([head, *lines])
    if arguments.outcomes:
        with progress(language) as begin:
            found = evaluation_of(arguments, settings, a, b, begin)
        _measures(found, language)
    return 0


def drift(arguments: argparse.Namespace, language: Language) -> int:
    """How far firms and lists have moved from those a model was learned on."""
    from recommender.learning import drift as drifting

    settings = read_settings(arguments)
    registry = registry_asked(arguments, settings)
    version = arguments.model or registry.current or ""
    manifest, weights = registry.manifest(version), registry.load(version)
    if "profile" not in manifest:
        say(text("models.drift.none", language))
        return 0
    with progress(language) as begin:
        lists = how_of(arguments, settings).lists(
            outcomes_of(arguments), load_catalogue(settings, registry), begin
        )
    found = drifting.drift(manifest["profile"], lists, weights)
    say(text("models.drift.title", language, version=version, lists=found["lists"]))
    names = ("models.drift.index", "models.drift.by_chance")
    head = [text("card.feature", language), *(text(name, language) for name in names), ""]
    lines = [
        [text(f"feature.{n}.label", language), f"{f['index']:.3f}", f"{f['by_chance']:.3f}",
         text("models.moved", language) if f["moved"] else ""]
        for n, f in found["features"].items()
    ]  # fmt: skip
    show_table([head, *lines])
    if found["uptake"]:
        from recommender.learning.card import interval

        shown = {name: f"{found['uptake'][name]:.3f}" for name in ("stated", "observed")}
        error = interval(found["uptake"])
        say(text("models.drift.uptake", language, error=error, **shown))
    return 0


def edit(arguments: argparse.Namespace, language: Language) -> int:
    """Weights changed by hand as a new model, which is not promoted and has no chances."""
    registry = registry_asked(arguments, read_settings(arguments))
    before = model_of(registry, arguments.model)
    changed = dict(_changes(arguments.set or [], before))
    weights = registry.edit(before, changed, arguments.because or "")
    place = registry.shelf.place(weights.version)
    say(text("models.edited", language, version=weights.version, place=str(place)))
    return 0


def _changes(given: Iterable[str], before: Weights) -> Iterator[tuple[str, float]]:
    wrong = []
    for item in given:
        name, _, points = item.partition("=")
        try:
            value = float(points) if name in before.weights else -1.0
        except ValueError:
            value = -1.0
        if value >= 0:
            yield name, value
        else:
            wrong.append(Problem("model_unknown_weight", "--set", item, list(before.weights)))
    if wrong:
        raise InvalidOptions(wrong)


def read_settings(arguments: argparse.Namespace) -> Settings:
    """The settings of a command that works on models."""
    catalogue = getattr(arguments, "catalogue", None)
    store = getattr(arguments, "store", None)
    return Settings.read(os.environ, catalogue=catalogue, models=arguments.models, store=store)


def registry_asked(arguments: argparse.Namespace, settings: Settings) -> Registry:
    """The folder of models, or the shelf of the organisation that is named in the store.

    Raises InvalidOptions where both are named, NotFound, and what a store that cannot be used
    raises.
    """
    organisation_id: str | None = getattr(arguments, "organisation", None)
    if organisation_id is None:
        return Registry(settings.models)
    if arguments.models is not None:
        raise InvalidOptions([Problem("models_or_organisation", "--models", arguments.models)])
    from api.store import maintenance
    from api.store.registry import registry_of
    from api.store.store import Store

    store = Store(settings.store)
    maintenance.ready(store.database)
    return registry_of(store, organisation_id)


def model_of(registry: Registry, name: str) -> Weights:
    """The weights of a model by name; `prior` and `expert` are the expert weights."""
    expert = expert_weights()
    return expert if name in (*PRIOR, expert.version) else registry.load(name)


def outcomes_of(arguments: argparse.Namespace) -> Outcomes:
    """The outcomes of the command line; firms stand beside them unless they are named."""
    place = Path(arguments.outcomes)
    beside = place.parent / FIRMS
    named = Path(arguments.companies) if arguments.companies else None
    return read_outcomes(place, named or (beside if beside.exists() else None))


def how_of(arguments: argparse.Namespace, settings: Settings) -> Any:
    """How outcomes are read and learned from."""
    from recommender.learning.training import How

    return How(
        use_refusals=arguments.use_refusals,
        without_withdrawn=arguments.without_withdrawn,
        parameters=settings.parameters,
        workers=min(2, os.cpu_count() or 1),
        half_life=half_life(arguments),
    )


def half_life(arguments: argparse.Namespace) -> float | None:
    """Days after which an outcome counts half; raises InvalidOptions."""
    days: float | None = getattr(arguments, "half_life", None)
    if days is not None and not 0 < days < float("inf"):
        raise InvalidOptions([Problem("not_above", "--half-life", days, 0)])
    return days


def evaluation_of(
    arguments: argparse.Namespace,
    settings: Settings,
    weights: Weights,
    current: Weights | None,
    begin: Begin,
) -> dict[str, Any]:
    """A model on outcomes beside another one."""
    from recommender.learning.training import Periods, evaluated

    catalogue = load_catalogue(settings, registry_asked(arguments, settings))
    lists = how_of(arguments, settings).lists(outcomes_of(arguments), catalogue, begin)
    return evaluated(Periods.of(lists), weights, current, 0, begin)


def _measures(evaluation: Mapping[str, Any], language: Language) -> None:
    from recommender.learning.card import measures

    for kind, content in measures(evaluation, language):
        if kind == "table":
            show_table(content)
        else:
            say(content)


def say(line: str) -> None:
    """One line on standard output."""
    sys.stdout.write(line + "\n")


def show_table(lines: list[list[str]]) -> None:
    """A table with its head in the first line."""
    from rich.table import Table

    from api.commands.console import console_on

    console = console_on(sys.stdout)
    if not sys.stdout.isatty():
        console.width = WIDTH
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name in lines[0]:
        table.add_column(name, overflow="fold")
    for line in lines[1:]:
        table.add_row(*line)
    console.print(table)
