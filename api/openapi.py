"""The OpenAPI document: every operation with a request that works and the answer it gets.

Paths and methods come from the application's own routes, shapes from `api.schemas`, and the
example answers from the engine itself, so that none of them can be out of date.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel

from api import examples
from api.errors import (
    MEDIA_TYPE,
    BadBody,
    InvalidRequest,
    NotReady,
    TooLarge,
    WrongMediaType,
    problem_body,
    status_of,
)
from api.schemas import components, reference
from api.schemas.answers import EligibilityAnswer, RecommendationAnswer, WhatIfAnswer
from api.schemas.plans import PlansAnswer, PlansRequest
from api.schemas.products import (
    FactsAnswer,
    HealthAnswer,
    NoticeAnswer,
    NotReadyAnswer,
    ProductAnswer,
    ProductsAnswer,
    ReadyAnswer,
)
from api.schemas.prospects import ProspectsAnswer, ProspectsRequest
from api.schemas.requests import (
    EligibilityRequest,
    ErrorBody,
    RecommendationRequest,
    WhatIfRequest,
)
from recommender import Engine, __version__
from recommender.company.relationship import Relationship
from recommender.errors import CorridorError, NotFound, Problem
from recommender.population.population import PopulationMismatch
from recommender.prospects.lists import answer_json, prospect_json
from recommender.prospects.options import MOST, ProspectOptions
from recommender.texts import Language, label, text

Json = dict[str, Any]
SHOWN = 2
Answer = Callable[[Engine, Language], Any]


@dataclass(frozen=True)
class Operation:
    """How an operation is described. tag: its group; example: answers the example request."""

    id: str
    tag: str
    answer: type[BaseModel]
    example: Answer
    request: type[BaseModel] | None = None
    errors: tuple[CorridorError, ...] = ()


def _request(language: Language, **more: Any) -> Json:
    options = {**examples.OPTIONS, "language": language}
    return {"company": dict(examples.EXPORTER), **more, "options": options}


def _recommend(engine: Engine, language: Language) -> Any:
    return engine.recommend(engine.read(examples.EXPORTER), **examples.OPTIONS, language=language)


def _eligibility(engine: Engine, language: Language) -> Any:
    return engine.eligibility(engine.read(examples.EXPORTER), **examples.OPTIONS, language=language)


def _what_if(engine: Engine, language: Language) -> Any:
    company = engine.read(examples.EXPORTER)
    return engine.what_if(company, examples.CHANGES, **examples.OPTIONS, language=language)


def _plans(_engine: Engine, language: Language) -> Any:
    return examples.plans(language)


def _first_product(engine: Engine) -> str:
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
    day, product_id = datetime.date.fromisoformat(examples.OPTIONS["as_of"]), _first_product(engine)
    company = engine.read(named)
    found = prospect_json(engine, product_id, company, relation, day, language)
    counts = {"companies": 1, "eligible": 0, "conditional": 1, "kept": 1, "candidates": 0}
    versions = {"as_of": day, "population_version": "3211b91df9e2"}
    left_out = {"left_out": {"consent": 0, "region": 0}, "looked_at": 0}
    return answer_json(
        engine, product_id, options, versions, counts | left_out, [{**found, "rank": 1}], None
    )


REFUSALS: tuple[CorridorError, ...] = (
    BadBody(line=1, column=12),
    TooLarge(limit=1 << 20),
    WrongMediaType(given="text/plain"),
    InvalidRequest([Problem("below_minimum", "company.need.amount", -1, 0)]),
)
OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "recommend",
        "company",
        RecommendationAnswer,
        _recommend,
        RecommendationRequest,
        REFUSALS,
    ),
    Operation(
        "eligibility",
        "company",
        EligibilityAnswer,
        _eligibility,
        EligibilityRequest,
        REFUSALS,
    ),
    Operation("what_if", "company", WhatIfAnswer, _what_if, WhatIfRequest, REFUSALS),
    Operation("plans", "company", PlansAnswer, _plans, PlansRequest, REFUSALS),
    Operation("products", "catalogue", ProductsAnswer, _some_products),
    Operation(
        "product",
        "catalogue",
        ProductAnswer,
        lambda e, lang: e.product(_first_product(e), lang),
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
)


def document(
    routes: Sequence[APIRoute], engine: Engine | None, language: Language
) -> dict[str, Any]:
    """The document of these operations; without an engine its answers have no examples."""
    described = {operation.id: operation for operation in (*OPERATIONS, PROSPECTS)}
    shown = [described[str(route.operation_id)] for route in routes]
    paths: Json = {}
    for route in routes:
        operation = described[str(route.operation_id)]
        for method in sorted(route.methods or ()):
            entry = _operation(route, operation, engine, language)
            paths.setdefault(route.path, {})[method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Corridor Match",
            "version": __version__,
            "description": text("api.description", language),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": _schemas(shown)},
    }


def _schemas(operations: Sequence[Operation]) -> Json:
    models = [model for o in operations for model in (o.request, o.answer) if model is not None]
    return components([*dict.fromkeys(models), ErrorBody, NotReadyAnswer])


def _operation(
    route: APIRoute, operation: Operation, engine: Engine | None, language: Language
) -> Json:
    entry: Json = {
        "operationId": operation.id,
        "tags": [text(f"api.tag.{operation.tag}", language)],
        "summary": text(f"api.operation.{operation.id}.summary", language),
        "description": text(f"api.operation.{operation.id}.description", language),
        "parameters": list(_parameters(route, engine, language)),
        "responses": _responses(operation, engine, language),
    }
    if operation.request is not None:
        more = {"set": dict(examples.CHANGES)} if operation.request is WhatIfRequest else {}
        asked = _request(language, **more)
        if operation is PROSPECTS:
            asked = {"options": {**examples.PROSPECTS, "language": language}}
        if operation.request is PlansRequest:
            asked["options"] = {**examples.PLAN_OPTIONS, "language": language}
        body = _content(operation.request, asked)
        entry["requestBody"] = {"required": True, "content": {"application/json": body}}
    return entry


def _parameters(route: APIRoute, engine: Engine | None, language: Language) -> Iterator[Json]:
    if "{product_id}" in route.path:
        shown = {} if engine is None else {"example": _first_product(engine)}
        said = text("api.parameter.product_id", language)
        yield _parameter("product_id", "path", said, required=True, **shown)
    if route.path.startswith("/v1/"):
        said = text("api.parameter.language", language)
        yield _parameter("Accept-Language", "header", said, required=False, example=language)


def _parameter(name: str, where: str, said: str, *, required: bool, **more: Any) -> Json:
    schema = {"type": "string"}
    place = {"name": name, "in": where, "required": required}
    return {**place, "description": said, "schema": schema, **more}


def _responses(operation: Operation, engine: Engine | None, language: Language) -> Json:
    example = None if engine is None else operation.example(engine, language)
    good: Json = {
        "description": text(f"api.operation.{operation.id}.summary", language),
        "content": {"application/json": _content(operation.answer, example)},
    }
    if operation.request is not None:
        said = text("api.header.run_id", language)
        good["headers"] = {"Run-Id": {"description": said, "schema": {"type": "string"}}}
    found = {"200": good, **_refusals(_errors(operation), language)}
    if operation.id == "ready":
        missing = {"missing": [text("api.part.catalogue", language)]}
        content = {"application/json": _content(NotReadyAnswer, missing)}
        found["503"] = {"description": text("api.title.503", language), "content": content}
    return found


def _errors(operation: Operation) -> tuple[CorridorError, ...]:
    """Whatever asks the engine may also find none."""
    if operation.tag == "service":
        return operation.errors
    return (*operation.errors, NotReady(missing=label("api.part.catalogue")))


def _refusals(errors: Sequence[CorridorError], language: Language) -> Mapping[str, Json]:
    return {
        str(status_of(error)): {
            "description": text(f"api.title.{status_of(error)}", language),
            "content": {MEDIA_TYPE: _content(ErrorBody, problem_body(error, language))},
        }
        for error in errors
    }


def _content(model: type[BaseModel], example: Any) -> Json:
    shown = {} if example is None else {"example": example}
    return {"schema": reference(model), **shown}
