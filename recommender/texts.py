"""Sentences in Chinese and English from one table, with amounts and dates as people write them.

Every string a user may see lives in `data/texts/*.yaml` (or, for products, facts and documents, in
the catalogue) with both languages. Parameters are typed: a `Label` shows in the language asked
for, `Money` as 184 万元 or CNY 1.84 m, a date as 2026年5月22日 or 22 May 2026.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

from recommender.errors import CorridorError, InvalidParameters, Problem
from recommender.tables import data_dir, read_document

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class Label(NamedTuple):
    """A name in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Money:
    """An amount with its ISO 4217 currency, for sentences."""

    amount: Decimal | float | int
    currency: str


@dataclass(frozen=True)
class Percent:
    """A share in [0, 1], shown in percent."""

    share: float


@lru_cache(maxsize=1)
def table() -> Mapping[str, Label]:
    """Every sentence by its key, `<section>.<key>`; raises InvalidParameters for a missing half."""
    sentences: dict[str, Label] = {}
    problems: list[Problem] = []
    for path in sorted((data_dir() / "texts").glob("*.yaml")):
        for key, pair in _flatten(read_document(path)):
            if set(pair) != set(LANGUAGES) or key in sentences:
                problems.append(Problem("text_pair", key, pair, file=str(path)))
            else:
                sentences[key] = Label(**pair)
    if problems:
        raise InvalidParameters(problems)
    return sentences


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Mapping[str, str]]]:
    for key, node in tree.items():
        path = f"{prefix}{key}"
        if not isinstance(node, Mapping):
            yield path, {"": str(node)}
        elif all(isinstance(value, str) for value in node.values()):
            yield path, node
        else:
            yield from _flatten(node, f"{path}.")


def text(key: str, language: Language, **params: Any) -> str:
    """The sentence of a key with its parameters; KeyError for a key that does not exist."""
    sentence = table()[key][LANGUAGES.index(language)]
    if not params:
        return sentence
    return sentence.format(**{name: show(value, language) for name, value in params.items()})


def label(key: str) -> Label:
    """Both languages of a key without parameters."""
    return table()[key]


def show(value: Any, language: Language) -> str:
    """One value as people of that language write it."""
    if isinstance(value, Label):
        return value[LANGUAGES.index(language)]
    if isinstance(value, Money):
        return money(value, language)
    if isinstance(value, Percent):
        return f"{value.share * 100:.0f}%"
    if isinstance(value, bool):
        return text("common.yes" if value else "common.no", language)
    if value is None:
        return text("common.unknown", language)
    if isinstance(value, date):
        return day(value, language)
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = [show(item, language) for item in value]
        return ("、" if language == "zh" else ", ").join(parts)
    if isinstance(value, (int, float, Decimal)):
        return number(value)
    return str(value)


def number(value: Decimal | float | int) -> str:
    """Thousands separated, at most two decimals, no trailing zeros."""
    shown = f"{value:,.2f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def money(value: Money, language: Language) -> str:
    """CNY 1,840,000 as 184 万元 or CNY 1.84 m; USD 250,000 as USD 25 万 or USD 250 k."""
    amount, code = float(value.amount), value.currency
    if language == "zh":
        unit = "元" if code == "CNY" else ""
        lead = "" if code == "CNY" else f"{code} "
        if abs(amount) >= 1e8:
            return f"{lead}{_short(amount / 1e8)} 亿{unit}"
        if abs(amount) >= 1e4:
            return f"{lead}{_short(amount / 1e4)} 万{unit}"
        return f"{lead}{number(amount)}{' ' + unit if unit else ''}"
    if abs(amount) >= 1e9:
        return f"{code} {_short(amount / 1e9)} bn"
    if abs(amount) >= 1e6:
        return f"{code} {_short(amount / 1e6)} m"
    if abs(amount) >= 1e4:
        return f"{code} {_short(amount / 1e3)} k"
    return f"{code} {number(amount)}"


def _short(value: float) -> str:
    digits = 2 if abs(value) < 100 else 1 if abs(value) < 1000 else 0
    return number(round(value, digits))


def day(value: date, language: Language) -> str:
    """2026年5月22日 / 22 May 2026."""
    if language == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def problem_text(problem: Problem, language: Language) -> str:
    """One problem as a sentence that names the field, the value and what is allowed."""
    params = {
        "field": problem.field or text("common.whole", language),
        "value": _quoted(problem.value),
        "allowed": problem.allowed,
        **problem.params,
    }
    return text(f"error.{problem.code}", language, **params)


def error_text(error: CorridorError, language: Language) -> str:
    """What happened, as one sentence (the problems of an InvalidInput are listed apart)."""
    return text(f"error.{error.code}", language, **error.params)


def _quoted(value: Any) -> str:
    shown = value if isinstance(value, str) else repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."
