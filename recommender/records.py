"""What every record shares: frozen models, plain checked types, problems instead of exceptions.

Pydantic finds what is wrong; this module says it in the project's own codes, so that one sentence
table words every error in both languages.
"""

from __future__ import annotations

import datetime
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)
from pydantic.config import JsonDict
from pydantic_core import ErrorDetails, PydanticCustomError

from recommender.errors import Problem
from recommender.texts import brief

# Control characters but tab and line breaks; marks that override the direction of writing.
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
LARGEST = 1e15  # of a plain number; amounts have at most fifteen digits before the point
_PASSES = 6
_MOST = 1_000
_HANDY = 50
Loc = tuple[int | str, ...]


class Record(BaseModel):
    """Base of every model: frozen, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


RecordType = TypeVar("RecordType", bound=Record)


def short_enough(cls: type[Record], value: Any, info: ValidationInfo) -> Any:
    """Refuse what is too long before its items are looked at; for use with `field_validator`."""
    field = cls.model_fields[str(info.field_name)]
    limit = next(part.max_length for part in field.metadata if hasattr(part, "max_length"))
    if isinstance(value, (list, tuple, dict)) and len(value) > limit:
        raise_problems((Problem("list_too_long", value=value, allowed=limit),))
    return value


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


def plain_number(value: Any) -> Any:
    """A number as it is; text and yes or no are refused."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise_problems((Problem("not_number", value=value),))
    return value


def day_of(value: Any) -> datetime.date | None:
    """The day that is given as YYYY-MM-DD or as a date; None for anything else."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    try:
        return datetime.date.fromisoformat(value) if _DATE.fullmatch(value) else None
    except (TypeError, ValueError):
        return None


def unreadable(value: str) -> bool:
    r"""Whether a text has signs that show nothing, or that turn around what is shown beside them.

    >>> unreadable("重庆某公司\n"), unreadable("bank \u202egnp.exe")
    (False, True)
    """
    return _UNREADABLE.search(value) is not None


def _readable(value: str) -> str:
    raise_problems([Problem("text_control", value=value[:50])] if unreadable(value) else [])
    return value


def _iso_day(value: Any) -> Any:
    day = day_of(value)
    if day is None:
        raise_problems((Problem("not_date", value=value),))
    return day


Amount = Annotated[
    Decimal,
    BeforeValidator(plain_number),
    Field(ge=0, max_digits=17, decimal_places=2, allow_inf_nan=False),
]
Percent = Annotated[
    Decimal, BeforeValidator(plain_number), Field(ge=0, le=100, allow_inf_nan=False)
]
Share = Annotated[Decimal, BeforeValidator(plain_number), Field(ge=0, le=1, allow_inf_nan=False)]
Day = Annotated[datetime.date, BeforeValidator(_iso_day)]
YesNo = Annotated[bool, Field(strict=True)]
Days = Annotated[int, Field(gt=0, le=36_500, strict=True)]
Years = Annotated[int, Field(ge=0, le=500, strict=True)]
Count = Annotated[int, Field(ge=0, le=100_000_000, strict=True)]
READABLE = AfterValidator(_readable)
Text = Annotated[str, StringConstraints(max_length=2_000), READABLE]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), READABLE]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
WholeDays = Annotated[
    Decimal,
    BeforeValidator(plain_number),
    Field(ge=0, le=36_500, decimal_places=0, allow_inf_nan=False),
]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]


def repeated(field: str, names: Sequence[str]) -> Iterator[Problem]:
    """A Problem for every name that stands in a list more than once, whatever its order."""
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Problem("duplicate_id", field, name, None, {"first": field})


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
    checks across fields also report. None when even the rest cannot be read. The search ends after
    a thousand problems: nobody reads more, and a hostile input could hold millions.
    """
    problems: list[Problem] = []
    for _ in range(_PASSES):
        try:
            return model.model_validate(raw), problems
        except ValidationError as error:
            details = error.errors(include_url=False)[:_MOST]
        told = {part for problem in problems for part in _explained(problem, place)}
        found = (problem for detail in details for problem in _problems(model, detail, place))
        problems += [problem for problem in found if problem.field not in told]
        raw = None if len(details) == _MOST else _without(raw, [d["loc"] for d in details])
        if raw is None:
            break
    return None, problems


def _explained(problem: Problem, place: str) -> Iterator[str]:
    """Places where a later pass finds what follows from a problem: itself and what is around it.

    Nothing follows from an unknown field that was left out.
    """
    yield problem.field
    if problem.code not in ("unknown_field", "field_did_you_mean"):
        yield place
        yield from (problem.field[:i] for i, sign in enumerate(problem.field) if sign in ".[")


def _without(raw: Any, places: Iterable[Loc]) -> Any:
    """A copy without the parts at fault; None when there is nothing that could be left out.

    Fields are left out first. A list goes as a whole, as its places must not move, and only when
    no field is left to go: by then every item has been through the checks across its fields.
    """
    if not isinstance(raw, Mapping):
        return None
    rest = _copy(raw)
    cuts = [cut for cut in (_cut(rest, place) for place in places) if cut]
    fields = [cut for cut in cuts if not _holds_records(rest, cut)]
    if not cuts and len(rest) == len(raw):
        return None
    own = {id(rest): rest}
    for *way, last in sorted(fields or cuts, key=len, reverse=True):
        node = rest
        for part in way:
            node[part] = node[part] if id(node[part]) in own else _copy(node[part])
            node = node[part]
            own[id(node)] = node
        node.pop(last, None)
    return rest


def _copy(node: Any) -> Any:
    """A list, or a mapping without the keys that are no names."""
    if isinstance(node, Mapping):
        return {key: value for key, value in node.items() if isinstance(key, str)}
    return list(node)


def _cut(node: Any, place: Loc) -> Loc:
    """The longest part of a place that ends in a field of the input; empty when there is none."""
    end = 0
    for depth, part in enumerate(place):
        if isinstance(node, Mapping) and isinstance(part, str) and part in node:
            node, end = node[part], depth + 1
        elif isinstance(node, (list, tuple)) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            break
    return place[:end]


def _holds_records(node: Any, place: Loc) -> bool:
    for part in place:
        node = node[part]
    return isinstance(node, (list, tuple)) and any(isinstance(item, Mapping) for item in node)


def handy(value: Any) -> Any:
    """A given value for a Problem: as it is, or in short when it is too large to pass on."""
    waiting, seen = deque([value]), 0
    while waiting:
        item, seen = waiting.popleft(), seen + 1
        if seen > _HANDY or (isinstance(item, int) and item.bit_length() > 1000):
            return brief(value)
        if isinstance(item, Mapping):
            waiting.extend(islice(item.keys(), _HANDY))
            waiting.extend(islice(item.values(), _HANDY))
        elif isinstance(item, (list, tuple, set, frozenset)):
            waiting.extend(islice(item, _HANDY))
    return value


def _problems(model: type[Record], detail: ErrorDetails, place: str) -> list[Problem]:
    where = path(detail["loc"], place)
    context = detail.get("ctx", {})
    value = handy(detail["input"])
    if detail["type"] == "problems":
        return [
            replace(
                problem,
                field=".".join(part for part in (where, problem.field) if part),
                value=handy(problem.value) if problem.field or problem.value is not None else value,
            )
            for problem in context["problems"]
        ]
    if detail["type"] == "too_short" and len(detail["input"]) >= context["min_length"]:
        return []  # pydantic counts the items that are right
    code, limit = _CODES.get(detail["type"], ("invalid_value", None))
    allowed = context[limit] if limit else None
    if code == "unknown_field":
        return [unknown_field(brief(detail["loc"][-1]), _fields_at(model, detail["loc"]), where)]
    if code == "not_one_of":
        allowed = _CHOICE.findall(str(allowed))
    return [Problem(code, where, None if code == "missing" else value, allowed)]


_CHOICE = re.compile(r"'([^']*)'")


def unknown_field(name: str, names: Iterable[str], place: str) -> Problem:
    """A Problem for a name that is none of those there are: with the nearest, or all of them."""
    allowed = sorted(names)
    guess = get_close_matches(name, allowed, 1)
    return Problem(
        "field_did_you_mean" if guess else "unknown_field", place, name, guess or allowed
    )


_CODES: dict[str, tuple[str, str | None]] = {
    "missing": ("missing", None),
    "extra_forbidden": ("unknown_field", None),
    "invalid_key": ("unknown_field", None),
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
        elif part != "[key]":  # pydantic's word for the name of an entry
            text += f".{part}" if text else part
    return text


def _fields_at(model: type[BaseModel], loc: Loc) -> list[str]:
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
