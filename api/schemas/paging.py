"""Texts people write, and lists that come in parts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from recommender.records import READABLE, Record

LONGEST_PAGE = 200


def written(most: int) -> StringConstraints:
    """A text of at least one sign besides spaces, and at most so many."""
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=most)


Note = Annotated[str, written(1_000), READABLE]


class Page(Record):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = Field(50, description="How many.")
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = Field(0, description="After how many.")
