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


class _PlainNumbers(GenerateJsonSchema):
    """Amounts are JSON numbers, never text, though they are decimals inside."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A decimal as a number with its bounds."""
        found: JsonSchemaValue = {"type": "number"}
        bounds = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum"}
        for name, keyword in bounds.items():
            if name in schema:
                found[keyword] = float(schema[name])  # type: ignore[literal-required]
        return found


def components(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """JSON schemas of models and all they contain, by name, for `components.schemas`."""
    wanted = [(model, "validation") for model in models]
    _, found = models_json_schema(
        wanted,  # type: ignore[arg-type]
        ref_template=f"{PREFIX}{{model}}",
        schema_generator=_PlainNumbers,
    )
    schemas: dict[str, Any] = found["$defs"]
    if "Fact" in schemas:
        schemas["Fact"] = _or_plain_answer(schemas["Fact"])
    return schemas


def _or_plain_answer(fact: dict[str, Any]) -> dict[str, Any]:
    """A fact may be given as its bare value, without source and date."""
    return {"anyOf": [*fact["properties"]["value"]["anyOf"], fact]}


def reference(model: type[BaseModel]) -> dict[str, str]:
    """A reference to a component."""
    return {"$ref": f"{PREFIX}{model.__name__}"}
