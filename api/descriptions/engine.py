"""The operations on the engine: examples are asked of it, so that none can be out of date."""

from __future__ import annotations

import datetime
from typing import Any

from api import examples
from api.descriptions.operation import REFUSALS, Json, Operation
from api.errors import InvalidRequest
from api.schemas.answers import EligibilityAnswer, RecommendationAnswer, WhatIfAnswer
from api.schemas.plans import PlansAnswer, PlansRequest
from api.schemas.products import (
    FactsAnswer,
    HealthAnswer,
    NoticeAnswer,
    ProductAnswer,
    ProductsAnswer,
    ReadyAnswer,
)
from api.schemas.prospects import ProspectsAnswer, ProspectsRequest
from api.schemas.requests import EligibilityRequest, RecommendationRequest, WhatIfRequest
from recommender import Engine, __version__
from recommender.company.relationship import Relationship
from recommender.errors import NotFound, Problem
from recommender.population.population import PopulationMismatch
from recommender.prospects.lists import answer_json, prospect_json
from recommender.prospects.options import MOST, ProspectOptions
from recommender.texts import Language

SHOWN = 2


def _asked(language: Language) -> Json:
    options = {**examples.OPTIONS, "language": language}
    return {"company": dict(examples.EXPORTER), "options": options}


def _changed(language: Language) -> Json:
    return {**_asked(language), "set": dict(examples.CHANGES)}


def _planned(language: Language) -> Json:
    return {**_asked(language), "options": {**examples.PLAN_OPTIONS, "language": language}}


def _sought(language: Language) -> Json:
    return {"options": {**examples.PROSPECTS, "language": language}}


def _recommend(engine: Engine, language: Language) -> Any:
    return engine.recommend(engine.read(examples.EXPORTER), **examples.OPTIONS, language=language)


def _eligibility(engine: Engine, language: Language) -> Any:
    return engine.eligibility(engine.read(examples.EXPORTER), **examples.OPTIONS, language=language)


def _what_if(engine: Engine, language: Language) -> Any:
    company = engine.read(examples.EXPORTER)
    return engine.what_if(company, examples.CHANGES, **examples.OPTIONS, language=language)


def _plans(_engine: Engine, language: Language) -> Any:
    return examples.plans(language)


def first_product(engine: Engine) -> str:
    """A product id that works."""
    return next(iter(engine.catalogue.products))


def _some_products(engine: Engine, language: Language) -> Any:
    answer = engine.products(language)
    return {**answer, "products": answer["products"][:SHOWN]}


def _some_facts(engine: Engine, language: Language) -> Any:
    answer = engine.facts(language)
    return {**answer, "facts": answer["facts"][:SHOWN]}


def _ready(engine: Engine, _language: Language) -> Json:
    return {
        "status": "ready",
        "engine_version": __version__,
        "catalogue_version": engine.catalogue.version,
        "model_version": engine.model_version,
    }


def _prospects(engine: Engine, language: Language) -> Any:
    """A list of one: the made-up exporter, for the first product."""
    options = ProspectOptions.parse({**examples.PROSPECTS, "language": language})
    named = {**examples.EXPORTER, "id": "example-1", "consents": {"contact": True}}
    relation = Relationship.model_validate(examples.RELATIONSHIP)
    day, product_id = datetime.date.fromisoformat(examples.OPTIONS["as_of"]), first_product(engine)
    company = engine.read(named)
    found = prospect_json(engine, product_id, company, relation, day, language)
    counts = {"companies": 1, "eligible": 0, "conditional": 1, "kept": 1, "candidates": 0}
    versions = {"as_of": day, "population_version": "3211b91df9e2"}
    left_out = {"left_out": {"consent": 0, "region": 0}, "looked_at": 0}
    return answer_json(
        engine, product_id, options, versions, counts | left_out, [{**found, "rank": 1}], None
    )


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "recommend",
        "company",
        RecommendationAnswer,
        _recommend,
        RecommendationRequest,
        REFUSALS,
        _asked,
    ),
    Operation(
        "eligibility",
        "company",
        EligibilityAnswer,
        _eligibility,
        EligibilityRequest,
        REFUSALS,
        _asked,
    ),
    Operation("what_if", "company", WhatIfAnswer, _what_if, WhatIfRequest, REFUSALS, _changed),
    Operation("plans", "company", PlansAnswer, _plans, PlansRequest, REFUSALS, _planned),
    Operation("products", "catalogue", ProductsAnswer, _some_products),
    Operation(
        "product",
        "catalogue",
        ProductAnswer,
        lambda e, lang: e.product(first_product(e), lang),
        errors=(NotFound(kind="product", id="no-such-product"),),
    ),
    Operation("facts", "catalogue", FactsAnswer, _some_facts),
    Operation("notice", "catalogue", NoticeAnswer, lambda e, _: e.notice()),
    Operation("health", "service", HealthAnswer, lambda _e, _l: {"status": "ok"}),
    Operation("ready", "service", ReadyAnswer, _ready),
)


PROSPECTS = Operation(
    "prospects",
    "population",
    ProspectsAnswer,
    _prospects,
    ProspectsRequest,
    (
        *REFUSALS[:3],
        InvalidRequest([Problem("above_maximum", "options.n", 5_000, MOST)]),
        NotFound(kind="product", id="no-such-product"),
        PopulationMismatch(
            [
                Problem(
                    "population_differs",
                    "catalogue_version",
                    params={"found": "2f00c095de6a", "expected": "05a7061a6ba4"},
                )
            ]
        ),
    ),
    _sought,
)
