"""A model card as it is kept, Markdown of our own making, taken apart for a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Block(NamedTuple):
    """A part of a card. kind: heading, text, strong or table; lines: of a table, its head first."""

    kind: str
    said: str = ""
    lines: tuple[tuple[str, ...], ...] = ()


def blocks(card: str) -> Iterator[Block]:
    """The parts of a card, without its title, which the page has."""
    for part in card.strip().split("\n\n"):
        if part.startswith("## "):
            yield Block("heading", part[3:])
        elif part.startswith("| "):
            head, _, *rows = part.splitlines()
            yield Block("table", lines=tuple(_cells(row) for row in (head, *rows)))
        elif part.startswith("**"):
            yield Block("strong", part.strip("*"))
        elif part and not part.startswith("# "):
            yield Block("text", part)


def _cells(row: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row.strip().strip("|").split(" | "))
