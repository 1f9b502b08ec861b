"""Profiles as the record keeps them: canonical text, the source of each field, and de-identified.

Consents and the id are no part of the text that is kept: both stand in columns of their own, so
that each is said once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import orjson

from recommender.catalogue.cells import plain_number
from recommender.company.profile import Company

Json = dict[str, Any]
PARTS = ("trade", "need")
ELSEWHERE = ("id", "consents")
# What has no source of its own: facts carry theirs, and the mark of a made-up company needs none.
UNSOURCED = ("facts", "synthetic")
NAMING = ("name_zh", "name_en", "uscc")
NAMING_IN = {"trade": ("description",), "facilities": ("lender", "secured_by", "application")}
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def canonical(company: Company) -> tuple[str, Json]:
    """A profile as text and as values: sorted, without what is not known.

    The same profile gives the same text.
    """
    plain = company.model_dump(exclude_none=True, exclude=set(ELSEWHERE))
    for fact in plain.get("facts", {}).values():
        fact.setdefault("value", None)
    return written(plain), plain


def written(value: Any) -> str:
    """Canonical JSON; amounts become plain numbers."""
    return orjson.dumps(value, default=_number, option=orjson.OPT_SORT_KEYS).decode()


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain_number(value)
    raise TypeError(type(value).__name__)


def leaves(profile: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields that have a source: those of trade and need one by one, lists as a whole."""
    for name, value in profile.items():
        if name in PARTS:
            yield from ((f"{name}.{part}", inner) for part, inner in value.items())
        elif name not in UNSOURCED:
            yield name, value


def sourced(
    after: Mapping[str, Any],
    given: Mapping[str, Json],
    default: Json,
    before: tuple[Mapping[str, Any], Mapping[str, Json]] = ({}, {}),
) -> dict[str, Json]:
    """Source and date of each field of a profile.

    given: what the caller says; default: of fields that changed; before: the profile and its
    sources until now, which fields keep that did not change.
    """
    old, sources = dict(leaves(before[0])), before[1]
    found = {}
    for name, value in leaves(after):
        kept = sources.get(name) if name in old and old[name] == value else None
        found[name] = {**default, **given[name]} if name in given else kept or default
    return found


def deidentified(profile: Mapping[str, Any]) -> Json:
    """A profile without names, codes and free text; trades keep only which belong together."""
    rest = {name: value for name, value in profile.items() if name not in NAMING}
    for name, words in NAMING_IN.items():
        rest[name] = _without(rest.get(name), words)
    trades: dict[str, str] = {}
    for name in ("collateral", "insurance", "documents"):
        rest[name] = _numbered(rest.get(name), trades)
    if "facts" in rest:
        rest["facts"] = {n: f for n, f in rest["facts"].items() if _coded(f.get("value"))}
    return {name: value for name, value in rest.items() if value is not None}


def _without(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: inner for name, inner in value.items() if name not in names}


def _numbered(items: Any, trades: dict[str, str]) -> Any:
    if not isinstance(items, list):
        return items
    return [
        {**item, "trade": trades.setdefault(item["trade"], f"t{len(trades) + 1}")}
        if "trade" in item
        else item
        for item in items
    ]


def _coded(value: Any) -> bool:
    """Whether an answer is a number, a yes, a day or codes, and no text that may name anybody."""
    if isinstance(value, list):
        return all(_coded(item) for item in value)
    return not isinstance(value, str) or _CODE.fullmatch(value) is not None
