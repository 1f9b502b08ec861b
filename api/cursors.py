"""Where a page of the record begins: the last row of the page before, as opaque text."""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Sequence

import orjson

from api.errors import InvalidRequest
from recommender.errors import Problem
from recommender.records import unreadable


def written(parts: Sequence[str | int]) -> str:
    """As text.

    >>> read(written(["a", 1]), (str, int))
    ['a', 1]
    """
    return base64.urlsafe_b64encode(orjson.dumps(list(parts))).decode().rstrip("=")


def read(given: str, kinds: Sequence[type]) -> list[str | int]:
    """From text; raises InvalidRequest for what is none."""
    try:
        found: list[str | int] = orjson.loads(
            base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
        )
        readable = not any(isinstance(part, str) and unreadable(part) for part in found)
        if readable and [type(part) for part in found] == list(kinds):
            return found
    except (TypeError, ValueError, binascii.Error):
        pass
    raise InvalidRequest([Problem("not_cursor", "cursor", given)])


def moment(given: str | int) -> datetime.datetime:
    """A point in time of a cursor; raises InvalidRequest."""
    try:
        found = datetime.datetime.fromisoformat(str(given))
        return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
    except ValueError:
        raise InvalidRequest([Problem("not_cursor", "cursor", given)]) from None
