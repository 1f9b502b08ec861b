"""The shapes of requests and answers, for the OpenAPI document and the tests.

Answers are plain dicts that nothing validates while serving (ruling 11): these models describe
them, and the tests hold every answer against them. A new field of an answer is a new field here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

PREFIX = "#/components/schemas/"


KEYWORDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
NOT_KEYWORDS = {"max_digits", "decimal_places"}


class _PlainNumbers(GenerateJsonSchema):
    """Amounts are JSON numbers, never text, though they are decimals inside."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:  # noqa: ARG002 - bounds come later
        """A decimal as a number."""
        return {"type": "number"}


def components(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """JSON schemas of models and all they contain, by name, for `components.schemas`."""
    _, found = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=f"{PREFIX}{{model}}",
        schema_generator=_PlainNumbers,
    )
    schemas: dict[str, Any] = _standard(found["$defs"])
    if "Fact" in schemas:
        schemas["Fact"] = _or_plain_answer(schemas["Fact"])
    return schemas


def _standard(schema: Any) -> Any:
    """Bounds of decimals under the names that JSON Schema has for them."""
    if isinstance(schema, list):
        return [_standard(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") != "number":
        return {key: _standard(value) for key, value in schema.items()}
    kept = {key: value for key, value in schema.items() if key not in NOT_KEYWORDS}
    return {KEYWORDS.get(key, key): value for key, value in kept.items()}


def _or_plain_answer(fact: dict[str, Any]) -> dict[str, Any]:
    """A fact may be given as its bare value, without source and date."""
    return {"anyOf": [*fact["properties"]["value"]["anyOf"], fact]}


def reference(model: type[BaseModel]) -> dict[str, str]:
    """A reference to a component."""
    return {"$ref": f"{PREFIX}{model.__name__}"}
