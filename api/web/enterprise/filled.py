"""Between a profile and the fields of a form: both ways, losing nothing that was typed."""

from __future__ import annotations

import copy
import re
from decimal import Decimal
from typing import Any

from api.web.enterprise.steps import Asked, Rows, Step, at
from api.web.forms import Form

Json = dict[str, Any]
_ROW = re.compile(r"\[(\d{1,3})\]\.")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_SIZES = {"万": 4, "萬": 4, "亿": 8, "k": 3, "K": 3, "m": 6, "M": 6}
_SPLIT = re.compile(r"[\s,，、;；>→]+")
MOST_ROWS = 100
LONGEST = 30
LISTS = ("ticks", "codes")


def merged(profile: Json, step: Step, form: Form) -> Json:
    """The profile with what the form of a step says; the rest of it stays.

    What cannot be read stays as it was typed, so that the problem can name it.
    """
    after = copy.deepcopy(profile)
    for prefix, _, fields in step.parts:
        for field in fields:
            name = prefix + field.name
            none: list[str] | None = [] if form.one(f"{name}.none") else None
            value = _value(field, form.many(name))
            _put(after, name, none if value is None and field.kind in LISTS else value)
    for rows in step.rows:
        _put(after, rows.at, _records(rows, form))
    return after


def shown(profile: Json, step: Step, extra: int = 1) -> dict[str, Any]:
    """What the fields of a form hold: by name, rows as lists of dicts. extra: empty rows."""
    found: dict[str, Any] = {}
    for prefix, _, fields in step.parts:
        for field in fields:
            kept = at(profile, prefix + field.name)
            found[prefix + field.name] = _text(field, kept)
            if field.kind in LISTS:
                found[f"{prefix}{field.name}.none"] = kept == []
    for rows in step.rows:
        kept = at(profile, rows.at)
        lines = [{f.name: _text(f, row.get(f.name)) for f in rows.fields} for row in kept or ()]
        empty = {f.name: [] if f.kind == "ticks" else "" for f in rows.fields}
        found[rows.at] = [*lines, *(dict(empty) for _ in range(extra))]
        found[f"{rows.at}.none"] = kept == []
    return found


def number(text: str) -> Any:
    """An amount as people type it: 1,840,000 or 184万 or 1.84 m; else the text itself.

    >>> number("1,840,000"), number("184万"), number("1.84 m"), number("about two")
    (1840000, 1840000, 1840000, 'about two')
    """
    plain = text.replace(",", "").replace("，", "").replace(" ", "").removesuffix("元")
    size = _SIZES.get(plain[-1:], 0)
    digits = plain[:-1] if size else plain
    if not _NUMBER.fullmatch(digits):
        return text
    whole, _, part = digits.partition(".")
    moved = whole + part[:size].ljust(size, "0")
    rest = part[size:].rstrip("0")
    sign, moved = ("-", moved[1:]) if moved.startswith("-") else ("", moved)
    if len(moved) > LONGEST:
        return text
    return Decimal(f"{sign}{moved}.{rest}") if rest else int(sign + moved)


def _records(rows: Rows, form: Form) -> list[Json] | None:
    """Rows that say anything, in their order; [] for a ticked "none", None for nothing said."""
    found: dict[int, Json] = {}
    for name in form.names():
        match = _ROW.match(name.removeprefix(rows.at)) if name.startswith(rows.at) else None
        if match and int(match[1]) < MOST_ROWS:
            found.setdefault(int(match[1]), {})
    lines = []
    for index in sorted(found):
        line = {
            field.name: _value(field, form.many(f"{rows.at}[{index}].{field.name}"))
            for field in rows.fields
        }
        lines.append({name: value for name, value in line.items() if value is not None})
    lines = [line for line in lines if line]
    return lines or ([] if form.one(f"{rows.at}.none") else None)


def _value(field: Asked, given: list[str]) -> Any:
    """A field as the profile has it; None where nothing was said."""
    if not given:
        return None
    if field.kind == "ticks":
        return given
    if field.kind == "codes":
        parts = [part for text in given for part in _SPLIT.split(text) if part]
        return list(dict.fromkeys(parts)) if field.source == "goods" else parts
    text = given[-1]
    if field.kind == "flag":
        return {"yes": True, "no": False}.get(text, text)
    if field.kind == "int":
        plain = number(text)
        return plain if isinstance(plain, int) else text
    if field.kind == "amount":
        return number(text)
    return text.upper() if field.source in ("currencies", "countries") else text


def _text(field: Asked, value: Any) -> Any:
    """A field as its input shows it."""
    if field.kind in ("ticks", "codes"):
        return [str(item) for item in value or ()]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _put(profile: Json, path: str, value: Any) -> None:
    *parts, last = path.split(".")
    inner = profile
    for part in parts:
        inner = inner.setdefault(part, {})
    if value is None:
        inner.pop(last, None)
    else:
        inner[last] = value
    if not inner and parts:
        profile.pop(parts[0], None)
