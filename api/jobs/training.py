"""Models learned from outcomes and measured on them, for one organisation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson

from api.jobs.kinds import EvaluateJob, Learning
from api.jobs.work import Made, Work
from api.loading import load_catalogue
from api.store.outcomes import learning_table
from api.store.registry import keep_model
from api.store.writer import Write
from recommender import __version__
from recommender.learning import training
from recommender.learning.card import cards
from recommender.learning.drift import drift
from recommender.learning.lists import Lists
from recommender.learning.training import How, Periods, Trained, evaluated
from recommender.matching.scoring import Weights, expert_weights
from recommender.outcomes import Outcomes, read_outcomes, table
from recommender.registry.registry import Registry


def train(work: Work) -> Made:
    """A model, kept with its card and not promoted; none where too little was learned from.

    Raises what reading outcomes and versions raises.
    """
    began, asked = time.monotonic(), work.parameters
    registry = work.registry
    found = training.train(
        outcomes_of(work, asked),
        load_catalogue(work.settings, registry),
        prior=weights_named(registry, asked.init),
        current=registry.serving(),
        how=_how(work, asked),
        told=work.meter.begin,
    )
    version = found.weights.version
    shown = {"version": version, "fallback": found.fallback}
    if found.fallback:
        return Made(shown)
    manifest, files = described(found, time.monotonic() - began)

    def keep(write: Write) -> None:
        own, actor = work.organisation_id, work.user_id
        keep_model(write, own, found.weights, manifest, files, actor)

    return Made(shown, {name: content.encode() for name, content in files.items()}, keep)


def described(found: Trained, seconds: float) -> tuple[dict[str, Any], dict[str, str]]:
    """What the manifest of a model says of it, and the files beside it: cards, and `run.json`."""
    manifest = training.manifest_of(found, {"engine_version": __version__})
    run = {"seconds": round(seconds, 1), "finished": time.strftime("%FT%T%z")}
    beside = {**cards(found.weights.version, found.report), "run.json": orjson.dumps(run).decode()}
    return manifest, beside


def evaluate(work: Work) -> Made:
    """Measures of a model beside the one that serves and the peers, and how far lists have moved.

    drift: None for a model that does not say what it was learned on.
    """
    asked: EvaluateJob = work.parameters
    registry = work.registry
    weights, manifest = registry.load(asked.model), registry.manifest(asked.model)
    lists = _lists(work, asked)
    found = evaluated(Periods.of(lists), weights, registry.serving(), 0, work.meter.begin)
    moved = drift(manifest["profile"], lists, weights) if "profile" in manifest else None
    whole = {"evaluation": found, "drift": moved}
    return Made(whole, {"evaluation.json": orjson.dumps(whole)})


def evaluation(
    work: Work, asked: Any, weights: Weights, current: Weights | None
) -> Mapping[str, Any]:
    """A model on the outcomes of a job beside another one; raises TooFew."""
    return evaluated(Periods.of(_lists(work, asked)), weights, current, 0, work.meter.begin)


def _lists(work: Work, asked: Any) -> Lists:
    catalogue = load_catalogue(work.settings, work.registry)
    return _how(work, asked).lists(outcomes_of(work, asked), catalogue, work.meter.begin)


def outcomes_of(work: Work, asked: Any) -> Outcomes:
    """The outcomes a job learns from: the files that were uploaded for it, or those on record."""
    if asked.outcomes is None:
        own = work.organisation_id
        rows = work.store.read(lambda c: learning_table(c, own, whole=True))
        return table.outcomes_of(table.frame_of(rows), {})
    companies = None if asked.companies is None else work.file(asked.companies)
    return read_outcomes(work.file(asked.outcomes), companies)


def weights_named(registry: Registry, version: str | None) -> Weights:
    """A model of the organisation; None or their version: the expert weights."""
    expert = expert_weights()
    return expert if version in (None, expert.version) else registry.load(str(version))


def _how(work: Work, asked: Any) -> How:
    own = asked if isinstance(asked, Learning) else None
    return How(
        use_refusals=own is not None and own.use_refusals,
        without_withdrawn=own is not None and own.without_withdrawn,
        parameters=work.settings.parameters,
        half_life=None if own is None else own.half_life,
    )
