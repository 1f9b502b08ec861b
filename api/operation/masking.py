"""What must not stand in a log: credit codes of companies, tokens, passwords."""

from __future__ import annotations

import re
from functools import lru_cache

SHORT = 100
_CODE = "[0-9A-HJ-NP-RTUW-Ya-hj-np-rtuw-y]"
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # A unified social credit code; the six digits inside it keep other ids from looking like one.
    (re.compile(rf"(?<![0-9A-Za-z]){_CODE}{{2}}[0-9]{{6}}{_CODE}{{10}}(?![0-9A-Za-z])"), "[uscc]"),
    (re.compile(r"(?<![0-9A-Za-z])cm_[\w-]{8,}"), "[token]"),
    (re.compile(r"(?<![0-9A-Za-z])eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), r"\1 [token]"),
    (re.compile(r"(://[^/\s:@]*):[^/\s@]+@"), r"\1:[secret]@"),
    (
        re.compile(
            r"(?i)(password|passwd|secret|token|api_?key)(\\?[\"']?\s*[:=]\s*\\?[\"']?)"
            r"(?!\[)[^\s\"'\\&,;})]+"
        ),
        r"\1\2[secret]",
    ),
)


def masked(text: str) -> str:
    """A text without what must not be logged.

    >>> masked("GET /v1/companies/91990000MA0000017Y")
    'GET /v1/companies/[uscc]'
    >>> masked("postgresql://me:hunter2@db/x and Bearer abc.def and password=geheim")
    'postgresql://me:[secret]@db/x and Bearer [token] and password=[secret]'
    """
    return _short(text) if len(text) <= SHORT else _masked(text)


def _masked(text: str) -> str:
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


# The same few addresses and messages come again and again.
_short = lru_cache(maxsize=1024)(_masked)
