"""Texts people write, and lists that come in parts."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from recommender.errors import Problem
from recommender.records import Record, raise_problems

LONGEST_PAGE = 200


def _readable(value: str) -> str:
    odd = [sign for sign in value if ord(sign) < 32 and sign not in "\t\n\r"]
    raise_problems([Problem("text_control", value=value[:50])] if odd else [])
    return value


def written(most: int) -> StringConstraints:
    """A text of at least one sign besides spaces, and at most so many."""
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=most)


READABLE = AfterValidator(_readable)
Note = Annotated[str, written(1_000), READABLE]


class Page(Record):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = Field(50, description="How many.")
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = Field(0, description="After how many.")
