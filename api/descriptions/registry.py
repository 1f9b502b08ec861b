"""The operations on models and catalogues."""

from __future__ import annotations

from typing import Any

from api.descriptions.operation import REFUSALS, Operation, Parameter
from api.refusals import ModelRefused
from api.schemas.registry import (
    CatalogueAdded,
    CatalogueDifference,
    CataloguesAnswer,
    DecisionRequest,
    ModelAnswer,
    ModelComparison,
    ModelsAnswer,
    PromotionRequest,
    StepAnswer,
)
from recommender import Engine
from recommender.errors import NotFound, Problem
from recommender.registry.registry import NothingBefore
from recommender.texts import Language

MODEL, BEFORE, CATALOGUE = "model-3f2a90b1c4d5", "model-90ab12cd34ef", "7c1d2e3f4a5b"
VERSION = Parameter("version", "path", MODEL, required=True)
CATALOGUE_VERSION = Parameter("version", "path", CATALOGUE, required=True)
NO_MODEL = NotFound(kind="model", id=MODEL)
NO_CATALOGUE = NotFound(kind="catalogue", id=CATALOGUE)
SERVING = {"model": MODEL, "catalogue": None}


def _step(_engine: Engine, _language: Language) -> Any:
    return {
        "step": 2,
        "action": "promote",
        "kind": "model",
        "model": MODEL,
        "catalogue": None,
        "before": BEFORE,
        "who": "analyst@example.com",
        "when": "2026-11-24T01:00:00+00:00",
        "why": "outcomes of the third quarter",
        "despite": [],
    }


def _entry() -> dict[str, Any]:
    return {
        "version": MODEL,
        "kind": "trained",
        "prior": "expert-1",
        "catalogue_version": CATALOGUE,
        "engine_version": "0.1.0",
        "events": 1_204,
        "synthetic": False,
        "kept_at": "2026-11-24T00:50:00+00:00",
        "serving": True,
    }


def _models(engine: Engine, language: Language) -> Any:
    return {"models": [_entry()], "serving": SERVING, "steps": [_step(engine, language)]}


def _model(engine: Engine, _language: Language) -> Any:
    card = {"zh": f"# 模型卡：{MODEL}", "en": f"# Model card: {MODEL}"}
    weights = dict(engine.weights.weights)
    return {**_entry(), "weights": weights, "manifest": {"kind": "trained"}, "card": card}


def _comparison(_engine: Engine, _language: Language) -> Any:
    told = {"outcomes_version": "0a1b2c3d4e5f", "catalogue_version": CATALOGUE}
    sides = [{"version": v, **told, "measures": {}, "against": {}} for v in (BEFORE, MODEL)]
    weights = [{"feature": "route", "a": 1.0, "b": 1.4}]
    return {"a": sides[0], "b": sides[1], "weights": weights, "same_test": True}


def _catalogues(engine: Engine, language: Language) -> Any:
    counted = len(engine.catalogue.products)
    packaged = {"version": engine.catalogue.version, "kind": "packaged", "products": counted}
    entry = {**packaged, "kept_at": None, "serving": True}
    return {"catalogues": [entry], "serving": SERVING, "steps": [_step(engine, language)]}


def _added(_engine: Engine, _language: Language) -> Any:
    return {
        "version": CATALOGUE,
        "products": 84,
        "facts": 120,
        "documents": 60,
        "stops": 4,
        "new": True,
    }


def _difference(_engine: Engine, _language: Language) -> Any:
    counts = {"added": 0, "withdrawn": 0, "changed": 0, "others": 0}
    samples = {"as_of": "2026-11-24", "total": 0, "changed": 0, "unread": [], "changes": []}
    versions = {"same": True, "old": CATALOGUE, "new": CATALOGUE}
    return {**versions, **counts, "differences": [], "samples": samples}


def _reason(_language: Language) -> Any:
    return {"reason": "outcomes of the third quarter"}


REFUSED = ModelRefused([Problem("refused_synthetic", MODEL)])
OPERATIONS = (
    Operation("models", "jobs", ModelsAnswer, _models),
    Operation("model", "jobs", ModelAnswer, _model, errors=(NO_MODEL,), parameters=(VERSION,)),
    Operation(
        "compare_models",
        "jobs",
        ModelComparison,
        _comparison,
        errors=(NO_MODEL, REFUSALS[-1]),
        parameters=(
            Parameter("a", "query", BEFORE, required=True),
            Parameter("b", "query", MODEL, required=True),
        ),
    ),
    Operation(
        "promote_model",
        "jobs",
        StepAnswer,
        _step,
        PromotionRequest,
        (*REFUSALS[:-1], NO_MODEL, REFUSED),
        _reason,
        parameters=(VERSION,),
    ),
    Operation(
        "roll_back",
        "jobs",
        StepAnswer,
        _step,
        DecisionRequest,
        (*REFUSALS[:-1], NothingBefore([])),
        _reason,
    ),
    Operation("catalogues", "jobs", CataloguesAnswer, _catalogues),
    Operation(
        "add_catalogue",
        "jobs",
        CatalogueAdded,
        _added,
        errors=(REFUSALS[1], REFUSALS[-1]),
        status=201,
        parameters=(Parameter("name", "query", "catalogue.xlsx", required=True),),
    ),
    Operation(
        "compare_catalogues",
        "jobs",
        CatalogueDifference,
        _difference,
        errors=(NO_CATALOGUE, REFUSALS[-1]),
        parameters=(CATALOGUE_VERSION, Parameter("against", "query", "packaged", required=True)),
    ),
    Operation(
        "use_catalogue",
        "jobs",
        StepAnswer,
        _step,
        DecisionRequest,
        (*REFUSALS, NO_CATALOGUE),
        _reason,
        parameters=(CATALOGUE_VERSION,),
    ),
)
