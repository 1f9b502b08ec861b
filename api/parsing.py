"""Text to plain values, refusing what no profile needs: for HTTP bodies and for files alike."""

from __future__ import annotations

import json
from typing import Any

import orjson

from api.errors import BadBody, BadEncoding, RepeatedKey, TooDeep

DEPTH = 64
MOST = 1_000_000
BOM = b"\xef\xbb\xbf"


def parsed(raw: bytes) -> Any:
    """JSON as the standard defines it, without depths and repetitions that no profile needs.

    Raises BadEncoding, BadBody, TooDeep or RepeatedKey.
    """
    raw = raw.removeprefix(BOM)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        _check_encoding(raw)
        raise BadBody(line=error.lineno, column=error.colno) from None
    # Every field has one colon, so that equal counts leave no room for a repeated one.
    if fields(value) != raw.count(b":"):
        json.loads(raw, object_pairs_hook=_distinct, parse_int=float)
    return value


def _check_encoding(raw: bytes) -> None:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadEncoding(byte=error.start + 1) from None


def fields(value: Any) -> int:
    """How many fields a value has, at all levels; raises TooDeep.

    Not recursive on purpose. YAML can repeat and even contain itself by references, so what it
    expands to is limited too.
    """
    count, level = 0, [value]
    for _ in range(DEPTH):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                count += len(item)
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return count
        if len(inner) > MOST:
            break
        level = inner
    raise TooDeep(limit=DEPTH)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise RepeatedKey(name=repeated[:100])
    return found
