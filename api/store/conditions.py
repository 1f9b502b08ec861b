"""Conditional writes (RFC 9110, 6585): what a caller read must still be what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.refusals import ConditionNeeded, Stale

ANY = "*"
ABSENT = "-"


@dataclass(frozen=True)
class Condition:
    """match: the tags of If-Match, None without that header; none: If-None-Match is `*`."""

    match: frozenset[str] | None = None
    none: bool = False

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Condition:
        """The condition that the headers of a request state."""
        given = headers.get("if-match")
        tags = None if given is None else frozenset(tags_of(given))
        return cls(tags, headers.get("if-none-match", "").strip() == ANY)

    def check(self, current: str | None, *, needed: bool = True) -> None:
        """Hold it against the tag that is there, None where nothing is.

        Raises Stale, and ConditionNeeded where a change needs a condition and none is given.
        """
        if current is None:
            if self.match is not None:
                raise Stale(given=self._said(), current=ABSENT)
        elif self.none:
            raise Stale(given=ABSENT, current=current)
        elif self.match is None:
            if needed:
                raise ConditionNeeded
        elif current not in self.match and ANY not in self.match:
            raise Stale(given=self._said(), current=current)

    def _said(self) -> str:
        return ", ".join(sorted(self.match or ()))[:200] or ABSENT


def tags_of(header: str) -> list[str]:
    """The entity tags of a header, as they stand in it.

    >>> tags_of('"3-ab12", "4-cd34"')
    ['"3-ab12"', '"4-cd34"']
    """
    return [tag.strip() for tag in header.split(",") if tag.strip()]
