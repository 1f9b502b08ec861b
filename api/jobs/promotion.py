"""Whether a model may serve its organisation, and the promotion of one that may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from api.jobs.kinds import PromoteJob
from api.jobs.work import Made, Work, told_of
from api.loading import load_engine
from api.refusals import ModelRefused
from api.settings import Settings
from api.store.registry import StoreShelf, append
from api.store.store import Store
from api.store.writer import Write
from recommender.cases import cases_folder
from recommender.errors import CorridorError, Problem
from recommender.learning.promotion import against
from recommender.registry.registry import Registry, decided


def reasons(
    settings: Settings, organisation_id: str, version: str
) -> tuple[tuple[Problem, ...] | None, Any]:
    """What speaks against a model, in the worker of a server; or errors in both languages."""
    store = Store(settings.store)
    try:
        registry = Registry(StoreShelf(store, organisation_id))
        return tuple(found(settings, registry, version, None)), None
    except CorridorError as error:
        return None, told_of(error, settings)
    finally:
        store.close()


def found(
    settings: Settings, registry: Registry, version: str, evaluation: Mapping[str, Any] | None
) -> list[Problem]:
    """What speaks against a model. evaluation: instead of the one it was trained with."""
    weights, manifest = registry.load(version), registry.manifest(version)
    engine = load_engine(settings, registry)
    measured = evaluation or manifest.get("evaluation")
    cases = settings.cases or cases_folder()
    return list(against(engine, weights, manifest, measured, cases))


def promote(work: Work) -> Made:
    """Check a model and let it serve; raises ModelRefused unless it is to serve nevertheless."""
    asked: PromoteJob = work.parameters
    registry, measured = work.registry, None
    weights = registry.load(asked.model)
    if asked.outcomes is not None:
        from api.jobs.training import evaluation

        measured = evaluation(work, asked, weights, registry.serving())
    work.meter.begin("checking", None)
    problems = found(work.settings, registry, asked.model, measured)
    if problems and not asked.despite:
        raise ModelRefused(problems)
    despite = tuple(dict.fromkeys(problem.code for problem in problems))
    steps = registry.history()
    step = decided(steps, "promote", "model", asked.model, work.user_id, asked.reason, despite)

    def keep(write: Write) -> None:
        append(write, work.organisation_id, len(steps), step, work.user_id)

    return Made({"step": asdict(step)}, {}, keep)
