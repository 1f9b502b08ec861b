"""Look up the tables of data/reference, and word what is wrong with a code.

Tables are read at first use and kept. The long ones stay text, searched by bisection: three
megabytes for all UN/LOCODE rather than a hundred thousand objects.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from recommender.errors import Problem
from recommender.tables import data_dir, read_rows, read_text
from recommender.texts import LANGUAGES, Label, text

_COMMON_MISTAKES = {"CNH": "CNY", "RMB": "CNY", "UK": "GB"}
LONGEST_CODE = 16


@lru_cache(maxsize=16)
def records(name: str) -> tuple[Mapping[str, Any], ...]:
    """Rows of a short table, in its order."""
    return tuple(row.values for row in read_rows(data_dir() / "reference" / name))


@lru_cache(maxsize=16)
def by_code(name: str) -> Mapping[str, Mapping[str, Any]]:
    """Rows of a short table by its first column."""
    return {next(iter(record.values())): record for record in records(name)}


@lru_cache(maxsize=4)
def _sorted_lines(name: str) -> str:
    """A long table as the text it is, without its header; its codes ascend and are unquoted."""
    return read_text(data_dir() / "reference" / name).partition("\n")[2]


def _position(lines: str, code: str) -> int:
    """Where the first line starts whose code is not below `code`, by bisection."""
    low, high = 0, len(lines)
    while low < high:
        start = lines.rfind("\n", low, (low + high) // 2) + 1 or low
        if lines[start : lines.index(",", start)] < code:
            low = lines.index("\n", start) + 1
        else:
            high = start
    return low


def line(name: str, code: str) -> tuple[str, ...] | None:
    """Cells of the line of a long table whose code is exactly this; None when there is none."""
    return _line(name, code) if len(code) <= LONGEST_CODE else None


@lru_cache(maxsize=4_096)
def _line(name: str, code: str) -> tuple[str, ...] | None:
    lines = _sorted_lines(name)
    start = _position(lines, code)
    if not code or not lines.startswith(f"{code},", start):
        return None
    return tuple(next(csv.reader([lines[start : lines.index("\n", start)]])))


def nearest(name: str, code: str) -> list[str]:
    """Up to three codes of the same length under the longest prefix that has any, by distance."""
    lines = _sorted_lines(name)
    for length in range(len(code) - 2, 0, -2):
        block = lines[_position(lines, code[:length]) : _position(lines, code[:length] + "~")]
        same = [c for c in (s.partition(",")[0] for s in block.splitlines()) if len(c) == len(code)]
        if same:
            return sorted(same, key=lambda c: (abs(int(c) - int(code)), c))[:3]
    return []


def tidy(value: str) -> str:
    """Half-width, upper case, without blanks around: what was meant, for suggestions only."""
    return unicodedata.normalize("NFKC", value[:64]).strip().upper()


def problem(
    code: str, value: str, near: Sequence[str], name: Callable[[str], Label], **params: Any
) -> Problem:
    """A problem that offers the nearest right codes: in `allowed`, and with names in the sentence.

    name: label of a code. params: of the sentence, beside the `hint` that this adds.
    """
    hint = Label("", "")
    if near:
        shown = [Label(f"{c}（{name(c).zh}）", f"{c} ({name(c).en})") for c in near]
        hint = Label(*(text("codes.did_you_mean", lang, near=shown) for lang in LANGUAGES))
    return Problem(code, value=value, allowed=list(near) or None, params={"hint": hint, **params})


def named(name: str, value: str, columns: Iterable[str]) -> list[str]:
    """Codes whose name, in one of these columns (`|` separates several), is the value."""
    wanted = tidy(value)
    return [
        code
        for code, record in by_code(name).items()
        if wanted in (tidy(part) for c in columns for part in (record[c] or "").split("|") if part)
    ]


def near_iso(name: str, value: str, columns: Iterable[str]) -> list[str]:
    """ISO codes meant by another way of writing, a usual mistake or a name."""
    meant = tidy(value)
    meant = _COMMON_MISTAKES.get(meant, meant)
    return [meant] if meant in by_code(name) else named(name, value, columns)


def itself(code: str) -> Label:
    """The label of a code without a name."""
    return Label(code, code)
