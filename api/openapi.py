"""The OpenAPI document: every operation with a request that works and the answer it gets.

Paths and methods come from the application's own routes, shapes from `api.schemas`, and the
example answers from the engine itself, so that none of them can be out of date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.descriptions import (
    applications,
    companies,
    jobs,
    outcomes,
    overrides,
    registry,
    reviews,
    runs,
    sessions,
)
from api.descriptions import engine as engine_operations
from api.descriptions.engine import PROSPECTS, first_product
from api.descriptions.operation import Json, Operation
from api.errors import MEDIA_TYPE, InvalidRequest, NotReady, problem_body, status_of
from api.policy import PUBLIC
from api.refusals import Erased, KeyReused, NotAllowed, NotAuthenticated
from api.schemas import components, reference
from api.schemas.products import NotReadyAnswer
from api.schemas.requests import ErrorBody
from recommender import Engine, __version__
from recommender.errors import CorridorError, NotFound, Problem
from recommender.texts import Language, label, text

OPERATIONS = engine_operations.OPERATIONS
EVERY = (
    *OPERATIONS,
    PROSPECTS,
    *sessions.OPERATIONS,
    *companies.OPERATIONS,
    *applications.OPERATIONS,
    *outcomes.OPERATIONS,
    *overrides.OPERATIONS,
    *reviews.OPERATIONS,
    *runs.OPERATIONS,
    *registry.OPERATIONS,
    *jobs.OPERATIONS,
)
BEARER = {"type": "http", "scheme": "bearer"}
KEY, COMPANY = "Idempotency-Key", "company_id"


def document(
    routes: Sequence[APIRoute], engine: Engine | None, language: Language, *, identified: bool
) -> dict[str, Any]:
    """The document of these operations; without an engine its answers have no examples.

    identified: whether operations ask for a token.
    """
    described = {operation.id: operation for operation in EVERY}
    shown = [described[str(route.operation_id)] for route in routes]
    paths: Json = {}
    for route in routes:
        operation = described[str(route.operation_id)]
        for method in sorted(route.methods or ()):
            entry = _operation(route, operation, engine, language, identified=identified)
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
        "components": {
            "schemas": _schemas(shown),
            **({"securitySchemes": {"token": BEARER}} if identified else {}),
        },
    }


def _schemas(operations: Sequence[Operation]) -> Json:
    models = [model for o in operations for model in (o.request, o.answer) if model is not None]
    return components([*dict.fromkeys(models), ErrorBody, NotReadyAnswer])


def _operation(
    route: APIRoute,
    operation: Operation,
    engine: Engine | None,
    language: Language,
    *,
    identified: bool,
) -> Json:
    entry: Json = {
        "operationId": operation.id,
        "tags": [text(f"api.tag.{operation.tag}", language)],
        "summary": text(f"api.operation.{operation.id}.summary", language),
        "description": text(f"api.operation.{operation.id}.description", language),
        "parameters": list(_parameters(route, operation, engine, language)),
        "responses": _responses(operation, engine, language, identified=identified),
    }
    if operation.request is not None and operation.asked is not None:
        body = _content(operation.request, operation.asked(language))
        entry["requestBody"] = {"required": True, "content": {"application/json": body}}
    if operation.uploads:
        file = {"schema": {"type": "string", "format": "binary"}}
        entry["requestBody"] = {"required": True, "content": dict.fromkeys(operation.uploads, file)}
    if identified and operation.id not in PUBLIC:
        entry["security"] = [{"token": []}]
    return entry


def _parameters(
    route: APIRoute, operation: Operation, engine: Engine | None, language: Language
) -> Iterator[Json]:
    if "{product_id}" in route.path:
        shown = {} if engine is None else {"example": first_product(engine)}
        said = text("api.parameter.product_id", language)
        yield _parameter("product_id", "path", said, required=True, **shown)
    for more in operation.parameters:
        said = text(f"api.parameter.{more.name.lower().replace('-', '_')}", language)
        schema = {"type": more.kind}
        place = {"name": more.name, "in": more.place, "required": more.required}
        yield {**place, "description": said, "schema": schema, "example": more.example}
    if route.path.startswith("/v1/"):
        said = text("api.parameter.language", language)
        yield _parameter("Accept-Language", "header", said, required=False, example=language)


def _parameter(name: str, where: str, said: str, *, required: bool, **more: Any) -> Json:
    schema = {"type": "string"}
    place = {"name": name, "in": where, "required": required}
    return {**place, "description": said, "schema": schema, **more}


def _responses(
    operation: Operation, engine: Engine | None, language: Language, *, identified: bool
) -> Json:
    example = None if engine is None else operation.example(engine, language)
    said = text(f"api.operation.{operation.id}.summary", language)
    good: Json = {"description": said}
    if operation.answer is not None:
        good["content"] = {operation.media_type: _content(operation.answer, example)}
    if operation.runs:
        said = text("api.header.run_id", language)
        good["headers"] = {"Run-Id": {"description": said, "schema": {"type": "string"}}}
    told = {str(operation.status): good, **{str(status): good for status in operation.also}}
    if operation.cached:
        told["304"] = {"description": text("api.title.304", language)}
    found = {**told, **_refusals(_errors(operation, identified=identified), language)}
    if operation.id == "ready":
        missing = {"missing": [text("api.part.catalogue", language)]}
        content = {"application/json": _content(NotReadyAnswer, missing)}
        found["503"] = {"description": text("api.title.503", language), "content": content}
    return found


def _errors(operation: Operation, *, identified: bool) -> tuple[CorridorError, ...]:
    """What may be refused: its caller, its parameters, and what the operation itself names.

    Whatever asks the engine or the record may also find none. A later error of a status is the one
    that is shown.
    """
    found: list[CorridorError] = []
    if identified and operation.id not in PUBLIC:
        found += [NotAuthenticated(), NotAllowed(role="auditor", operation=operation.id)]
    given = {parameter.place for parameter in operation.parameters}
    named = {parameter.name for parameter in operation.parameters}
    if "query" in given or KEY in named:
        found.append(InvalidRequest([Problem("above_maximum", "limit", 5_000, 200)]))
    if KEY in named:
        found.append(KeyReused(key="take-up-2026-11-24-1"))
    if identified and (COMPANY in named or COMPANY in _fields(operation.request)):
        found += [NotFound(kind="company", id="no-such"), Erased(kind="company", id="example-1")]
    found += operation.errors
    if operation.tag == "service":
        return tuple(found)
    return (*found, NotReady(missing=label("api.part.catalogue")))


def _fields(model: type[BaseModel] | None) -> Iterable[str]:
    return () if model is None else model.model_fields


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
