"""What every record shares: frozen models, plain checked types, problems instead of exceptions.

Pydantic finds what is wrong; this module says it in the project's own codes, so that one sentence
table words every error in both languages.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic.config import JsonDict
from pydantic_core import ErrorDetails, PydanticCustomError

from recommender.errors import Problem


class Record(BaseModel):
    """Base of every model: frozen, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


RecordType = TypeVar("RecordType", bound=Record)


def raise_problems(problems: Iterable[Problem]) -> None:
    """Raise problems in the form pydantic collects with its own; nothing when there are none."""
    found = tuple(problems)
    if found:
        raise PydanticCustomError("problems", "problems", {"problems": found})


def checked(check: Any) -> AfterValidator:
    """A validator from a function that returns a Problem or None (see `recommender.codes`)."""

    def validate(value: str) -> str:
        problem = check(value)
        raise_problems(() if problem is None else (problem,))
        return value

    return AfterValidator(validate)


def _plain_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise_problems((Problem("not_number", value=value),))
    return value


def _iso_day(value: Any) -> Any:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    try:
        return datetime.date.fromisoformat(value) if len(value) == 10 else _not_day(value)
    except (TypeError, ValueError):
        return _not_day(value)


def _not_day(value: Any) -> None:
    raise_problems((Problem("not_date", value=value),))


Amount = Annotated[
    Decimal,
    BeforeValidator(_plain_number),
    Field(ge=0, max_digits=17, decimal_places=2, allow_inf_nan=False),
]
Percent = Annotated[
    Decimal, BeforeValidator(_plain_number), Field(ge=0, le=100, allow_inf_nan=False)
]
Share = Annotated[Decimal, BeforeValidator(_plain_number), Field(ge=0, le=1, allow_inf_nan=False)]
Day = Annotated[datetime.date, BeforeValidator(_iso_day)]
YesNo = Annotated[bool, Field(strict=True)]
Days = Annotated[int, Field(gt=0, le=36_500, strict=True)]
Years = Annotated[int, Field(ge=0, le=500, strict=True)]
Count = Annotated[int, Field(ge=0, le=100_000_000, strict=True)]
Text = Annotated[str, StringConstraints(max_length=2_000)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]


def described(description: str, *, zh: str, en: str, unit: str, **more: Any) -> Any:
    """A field with description, unit and labels in both languages; None (not known) by default."""
    extra: JsonDict = {"unit": unit, "label_zh": zh, "label_en": en}
    default = more.pop("default", None)
    return Field(default, description=description, json_schema_extra=extra, **more)


def examined(
    model: type[RecordType], raw: Any, place: str = ""
) -> tuple[RecordType | None, list[Problem]]:
    """The record, or what can be read of it, with every problem found.

    After a failure the parts at fault are left out and the rest is validated again, so that
    checks across fields also report. None when even the rest cannot be read.
    """
    problems: list[Problem] = []
    for _ in range(4):
        try:
            return model.model_validate(raw), problems
        except ValidationError as error:
            details = error.errors(include_url=False)
            found = [p for detail in details for p in _problems(model, detail, place)]
            problems += [p for p in found if not _told(p, problems)]
            raw = _without(raw, [detail["loc"] for detail in details])
            if raw is None:
                break
    return None, problems


def _told(problem: Problem, problems: Iterable[Problem]) -> bool:
    """Whether a part is missing only because an earlier problem took it out, or was named."""
    return problem.code == "missing" and any(
        earlier.field == problem.field
        or earlier.field.startswith((f"{problem.field}.", f"{problem.field}["))
        for earlier in problems
    )


def _without(raw: Any, places: list[tuple[int | str, ...]]) -> Any:
    """A copy of a mapping without the parts at fault: the second level of nested records."""
    if not isinstance(raw, Mapping):
        return None
    rest = {key: dict(value) if isinstance(value, Mapping) else value for key, value in raw.items()}
    for place in places:
        if not place:
            return None
        head = rest.get(place[0])
        if isinstance(head, dict) and len(place) > 1 and place[1] in head:
            del head[place[1]]
        else:
            rest.pop(place[0], None)
    return rest


def _problems(model: type[Record], detail: ErrorDetails, place: str) -> list[Problem]:
    where = path(detail["loc"], place)
    context = detail.get("ctx", {})
    if detail["type"] == "problems":
        return [
            replace(
                problem,
                field=".".join(part for part in (where, problem.field) if part),
                value=detail["input"] if problem.value is None else problem.value,
            )
            for problem in context["problems"]
        ]
    code, allowed = _CODES.get(detail["type"], ("invalid_value", None))
    allowed = context[allowed] if allowed else None
    value = detail["input"]
    if code == "unknown_field":
        return [_unknown_field(model, detail, where)]
    return [Problem(code, where, None if code == "missing" else value, allowed)]


def _unknown_field(model: type[Record], detail: ErrorDetails, where: str) -> Problem:
    names, name = _fields_at(model, detail["loc"]), str(detail["loc"][-1])
    guess = get_close_matches(name, names, 1)
    return Problem("field_did_you_mean" if guess else "unknown_field", where, name, guess or names)


_CODES: dict[str, tuple[str, str | None]] = {
    "missing": ("missing", None),
    "extra_forbidden": ("unknown_field", None),
    "literal_error": ("not_one_of", "expected"),
    "int_type": ("not_integer", None),
    "int_parsing": ("not_integer", None),
    "int_from_float": ("not_integer", None),
    "decimal_type": ("not_number", None),
    "decimal_parsing": ("not_number", None),
    "float_type": ("not_number", None),
    "finite_number": ("not_finite", None),
    "decimal_max_digits": ("too_many_digits", "max_digits"),
    "decimal_whole_digits": ("too_many_digits", "whole_digits"),
    "decimal_max_places": ("too_many_decimals", "decimal_places"),
    "greater_than": ("not_above", "gt"),
    "greater_than_equal": ("below_minimum", "ge"),
    "less_than_equal": ("above_maximum", "le"),
    "bool_type": ("not_yes_no", None),
    "string_type": ("not_text", None),
    "string_too_short": ("text_empty", None),
    "string_too_long": ("text_too_long", "max_length"),
    "string_pattern_mismatch": ("not_identifier", None),
    "tuple_type": ("not_list", None),
    "list_type": ("not_list", None),
    "too_long": ("list_too_long", "max_length"),
    "too_short": ("list_too_short", "min_length"),
    "dict_type": ("not_record", None),
    "model_type": ("not_record", None),
    "model_attributes_type": ("not_record", None),
}


def path(loc: Iterable[int | str], start: str = "") -> str:
    """A place as people write it: `collateral[2].value`."""
    text = start
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Names allowed where an unknown field stood."""
    for part in loc[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            inner = _model_of(model.model_fields[part].annotation)
            if inner is None:
                break
            model = inner
    return sorted(model.model_fields)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_of(part)
        if found is not None:
            return found
    return None
