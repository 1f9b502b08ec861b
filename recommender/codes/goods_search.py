"""Finding the HS code of goods by what people call them in Chinese or English, or by its digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from recommender.codes import reference
from recommender.codes.goods import hs_label
from recommender.texts import Label

_WORD = re.compile(r"[a-z]+|[一-鿿]+|[0-9]+")
_SMALL = frozenset({"and", "of", "or", "the", "for", "with", "other", "in", "n", "e", "c"})
LONGEST_QUERY = 100


class Found(NamedTuple):
    """Goods with their code. rank: smaller is better."""

    code: str
    label: Label
    rank: tuple[int, int, str]


def search(query: str, limit: int = 10) -> list[Found]:
    """Goods whose names or codes fit, the best first; none for an empty query.

    Digits find codes that begin with them. Words find, in this order: names that the trade uses,
    chapters by their Chinese names, and headings and subheadings by their English ones, where
    every word has to occur, as the beginning of a word.
    """
    plain = reference.tidy(query[:LONGEST_QUERY]).lower()
    digits = re.sub(r"[\s.\-]", "", plain)
    found = _by_code(digits) if digits.isdecimal() else _by_words(plain)
    best: dict[str, Found] = {}
    for item in sorted(found, key=lambda f: f.rank):
        best.setdefault(item.code, item)
        if len(best) == limit:
            break
    return list(best.values())


def _by_code(digits: str) -> Iterator[Found]:
    names = _names()
    for code, label in _nomenclature():
        if code.startswith(digits):
            yield Found(code, names.get(code, label), (len(code), 0, code))


def _by_words(plain: str) -> Iterator[Found]:
    words = [w for w in _WORD.findall(plain) if w not in _SMALL]
    if not words:
        return
    chinese = [w for w in words if "一" <= w[0] <= "鿿"]
    stems = [f" {_stem(w)}" for w in words if w not in chinese]
    for code, label in _names().items():
        if all(_in_chinese(w, label.zh) for w in chinese) and all(_in(w, label.en) for w in stems):
            exact = 0 if plain in re.split("、", label.zh) or plain == label.en.lower() else 1
            yield Found(code, label, (exact, len(label.zh), code))
    for code, label in _nomenclature():
        if chinese:
            if len(code) == 2 and all(_in_chinese(w, label.zh) for w in words):
                yield Found(code, label, (2, len(label.zh), code))
        elif all(_in(word, label.en) for word in stems):
            yield Found(code, label, (3 if len(code) < 6 else 4, len(label.en), code))


def _in_chinese(word: str, name: str) -> bool:
    """Whether a name has the word, or is one of its parts in the word."""
    return word in name or any(len(part) > 1 and part in word for part in name.split("、"))


def _in(stem: str, name: str) -> bool:
    """Whether a word of a name begins so. stem: with a space before it."""
    return stem in _spaced(name)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


@lru_cache(maxsize=20_000)
def _spaced(name: str) -> str:
    return " " + " ".join(_WORD.findall(name.lower()))


@lru_cache(maxsize=1)
def _names() -> dict[str, Label]:
    rows = reference.by_code("goods_names.csv")
    return {code: Label(str(r["name_zh"]), str(r["name_en"])) for code, r in rows.items()}


@lru_cache(maxsize=1)
def _nomenclature() -> tuple[tuple[str, Label], ...]:
    """Every chapter, heading and subheading with its names; Chinese ones are the chapter's."""
    chapters = reference.by_code("hs2.csv")
    return tuple(
        (code, Label(str(chapters[code[:2]]["name_zh"]), str(row["description_en"])))
        for code, row in reference.by_code("hs.csv").items()
        if code[:2] in chapters
    )


def goods_label(code: str) -> Label:
    """Goods by the name the trade uses where there is one, else as the nomenclature has it."""
    return _names().get(code) or hs_label(code)
