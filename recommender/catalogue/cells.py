"""One cell of a catalogue table: how a value is written into it and read back.

Lists are separated by semicolons; an item that holds one, or begins or ends with a blank, stands in
double quotes. An empty cell says nothing; `[]` is an empty list, `open` a range that is stated and
without limits, `""` an empty text. What cannot be read stays as it is, for its field to refuse.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from recommender.catalogue.columns import Column

EMPTY_LIST, OPEN = "[]", "open"
TRUE, FALSE = ("yes", "true", "是"), ("no", "false", "否")
NUMERIC = ("at_least", "at_most", "between")
SEVERAL = ("one_of", "none_of", "overlaps", "between")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_ITEM = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*|([^;；]*))(?:[;；]|$)')
_QUOTES = re.compile(r'(?:"")+')

Cell = str | int | float | None


def written(value: Any, column: Column) -> Cell:
    """The cell of a value; None for a value that is not there.

    >>> written(("0708", "a;b"), Column("hs", "list"))
    '0708; "a;b"'
    """
    if value is None:
        return None
    if isinstance(value, (tuple, list)):
        return "; ".join(_item(item) for item in value) or EMPTY_LIST
    if isinstance(value, bool):
        return TRUE[0] if value else FALSE[0]
    if isinstance(value, (Decimal, float)):
        return plain_number(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    return _text(value, column) if isinstance(value, str) else int(value)


def plain_number(value: Decimal | float) -> int | float:
    """A number as YAML, JSON and cells have it: whole ones without a fraction."""
    return int(value) if value == int(value) else float(value)


def _text(value: str, column: Column) -> str:
    if column.kind == "text":
        return _quoted(value) if set(value) <= {'"'} else value
    return _quoted(value) if value != value.strip() or value[:1] == '"' else value


def _item(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str):
        return str(written(value, Column("", "word")))
    bare = value == value.strip() and value[:1] != '"' and not set(value) & {";", "；"}
    return value if bare and value not in ("", EMPTY_LIST) else _quoted(value)


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def read(raw: Any, column: Column, op: Any = None, answer: str | None = None) -> Any:
    """The value of a cell; None for an empty one.

    op: the operator beside an operand; answer: the type of the fact that is answered.
    """
    if raw is None or (isinstance(raw, str) and not raw.strip() and column.kind != "text"):
        return None
    kind = column.kind
    if kind == "text":
        return _plain_text(_as_text(raw))
    raw = raw.strip() if isinstance(raw, str) else raw
    if kind == "list":
        return _list(raw)
    if kind == "number":
        return {} if raw == OPEN else number(raw)
    if kind == "yes_no":
        return yes_no(raw)
    if kind == "date":
        return _as_day(raw)
    if kind == "scope":
        return raw if raw == "all" else _list(raw)
    if kind == "operand":
        return operand(raw, op)
    return answered(raw, answer) if kind == "answer" else _word(_as_text(raw))


def operand(raw: Any, op: Any) -> Any:
    """What a rule compares with: numbers for comparisons of size, texts for all others."""
    single = number if op in NUMERIC else _word_of
    items = _list(raw) if op in SEVERAL else [raw]
    values = [single(item) for item in items]
    return values if op in SEVERAL else values[0]


def answered(raw: Any, kind: str | None) -> Any:
    """An answer to a fact of that type; without a type, as it looks."""
    if kind == "choices":
        return _list(raw)
    if kind in ("choice", "date"):
        return _word_of(raw)
    guess = number(raw) if kind in (None, "number") else raw
    return yes_no(guess) if kind in (None, "flag") else guess


def _list(raw: Any) -> list[str]:
    """The items of a list; blank ones are left out.

    >>> _list('a; "b; c"；d;')
    ['a', 'b; c', 'd']
    """
    text = _as_text(raw)
    return [] if text == EMPTY_LIST else list(_items(text))


def _items(text: str) -> Iterable[str]:
    at = 0
    while at < len(text):
        found = _ITEM.match(text, at)
        if found is None:  # text behind a closing quote: kept, for its field to refuse
            yield text[at:].strip()
            return
        quoted, bare = found.groups()
        item = bare.strip() if quoted is None else quoted.replace('""', '"')
        if item or quoted is not None:
            yield item
        at = max(found.end(), at + 1)


def number(raw: Any) -> Any:
    """A number from a cell; what is none stays as it is.

    >>> [number(cell) for cell in ("5", "0.10", 3.0, "1,000", True)]
    [5, 0.1, 3, '1,000', True]
    """
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    text = raw.strip() if isinstance(raw, str) else ""
    if not _NUMBER.fullmatch(text):
        return raw
    return int(text) if re.fullmatch("[-+]?[0-9]{1,300}", text) else float(text)


def yes_no(raw: Any) -> Any:
    """True or false from yes, no, true, false, 是, 否; anything else as it is."""
    word = raw.lower() if isinstance(raw, str) else None
    return True if word in TRUE else False if word in FALSE else raw


def _as_day(raw: Any) -> Any:
    return _as_text(raw) if isinstance(raw, datetime.date) else raw


def _as_text(raw: Any) -> str:
    """A cell as text: a whole number without fraction, a day without time."""
    if isinstance(raw, datetime.datetime):
        midnight = raw.time() == datetime.time()
        return raw.date().isoformat() if midnight else raw.isoformat()
    if isinstance(raw, (datetime.date, datetime.time)):
        return raw.isoformat()
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    return raw if isinstance(raw, str) else str(raw)


def _plain_text(text: str) -> str:
    return text[1:-1].replace('""', '"') if _QUOTES.fullmatch(text) else text


def _word_of(raw: Any) -> str:
    return _word(_as_text(raw))


def _word(text: str) -> str:
    items: Sequence[str] = list(_items(text)) if text[:1] == '"' else ()
    return items[0] if len(items) == 1 else text.strip()
