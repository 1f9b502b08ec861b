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
from itertools import islice
from typing import Any, Literal, NamedTuple, get_args

from recommender.errors import CorridorError, InvalidParameters, Problem
from recommender.tables import data_dir, read_document

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_ECHO = 80
_ITEMS = 5
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
        tree = read_document(path)
        if not isinstance(tree, Mapping):
            problems.append(Problem("not_record", value=tree, file=str(path)))
            continue
        for key, pair in _flatten(tree):
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


def text(key: str, language: Language, /, **params: Any) -> str:
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
        parts = sorted(parts) if isinstance(value, (set, frozenset)) else parts
        return ("、" if language == "zh" else ", ").join(parts)
    if isinstance(value, (int, float, Decimal)):
        return number(value)
    return value if isinstance(value, str) else brief(value)


def number(value: Decimal | float | int) -> str:
    """Thousands separated, at most two decimals, no trailing zeros, no minus before a zero."""
    try:
        shown = f"{value:z,.2f}"
    except (OverflowError, ValueError):
        return brief(value)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def money(value: Money, language: Language) -> str:
    """CNY 1,840,000 as 184万元 or CNY 1.84 m; USD 250,000 as 25万美元 or USD 250 k.

    The unit is chosen after rounding: 9,999.999 is 1万元, and 999,999 CNY 1 m.
    """
    code = value.currency
    for size, end, name in _UNITS[language]:
        shown = _short(float(value.amount) / size) if name else round(float(value.amount), 2)
        if abs(shown) * size < end:
            break
    if language == "zh":
        unit = table()[f"money.{code}"].zh if f"money.{code}" in table() else f" {code}"
        return f"{number(shown)}{name}{unit}"
    return f"{code} {number(shown)}{' ' if name else ''}{name}"


_INFINITE = float("inf")
_UNITS: Mapping[Language, tuple[tuple[float, float, str], ...]] = {
    "zh": ((1, 1e4, ""), (1e4, 1e8, "万"), (1e8, _INFINITE, "亿")),
    "en": ((1, 1e4, ""), (1e3, 1e6, "k"), (1e6, 1e9, "m"), (1e9, _INFINITE, "bn")),
}


def _short(value: float) -> float:
    return round(value, 2 if abs(value) < 100 else 1 if abs(value) < 1000 else 0)


def day(value: date, language: Language) -> str:
    """2026年5月22日 / 22 May 2026."""
    if language == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def problem_text(problem: Problem, language: Language) -> str:
    """One problem as a sentence that names the field, the value and what is allowed."""
    nothing = isinstance(problem.allowed, (list, tuple)) and not problem.allowed
    params = {
        "field": brief(problem.field, 200) if problem.field else text("common.whole", language),
        "value": brief(problem.value),
        "allowed": text("common.none", language) if nothing else _few(problem.allowed),
        **problem.params,
    }
    return text(f"error.{problem.code}", language, **params)


def _few(allowed: Any) -> Any:
    """A long list of alternatives, cut for a sentence; `Problem.allowed` has them all."""
    if isinstance(allowed, (list, tuple)) and len(allowed) > _ALTERNATIVES:
        return [*allowed[:_ALTERNATIVES], label("common.and_more")]
    return allowed


_ALTERNATIVES = 12


def error_text(error: CorridorError, language: Language) -> str:
    """What happened, as one sentence (the problems of an InvalidInput are listed apart)."""
    params = error.params
    for section in _REASONS_OF.get(error.code, ()):
        key = f"{section}.{params.get('reason')}"
        if key in table():
            params = {**params, "reason": text(key, language, **params)}
    return text(f"error.{error.code}", language, **params)


_REASONS_OF = {
    "unreadable_file": ("file_reason",),
    "unwritable": ("write_reason",),
    "batch_no_spark": ("spark_reason",),
    "damaged_population": ("damage_reason",),
}


def brief(value: Any, limit: int = _ECHO) -> str:
    """Any value of JSON or YAML in one short line, as they write it; never raises.

    >>> brief([True, None, "84", {"a": 1.5}])
    '[true, null, 84, {a: 1.5}]'
    """
    shown = "".join(_visible(value, 3, limit))
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def _visible(value: Any, depth: int, limit: int) -> Iterable[str]:
    """The parts of a value; of what is long or deep only the beginning."""
    if isinstance(value, str):
        yield value[: limit + 1]
    elif isinstance(value, (Mapping, list, tuple, set, frozenset)):
        record = isinstance(value, Mapping)
        parts = value.items() if isinstance(value, Mapping) else ((item,) for item in value)
        shown = [
            ": ".join("".join(_visible(item, depth - 1, limit)) for item in part)
            for part in islice(parts, _ITEMS if depth else 0)
        ]
        inner = ", ".join([*shown, "..."] if len(value) > len(shown) else shown)
        yield f"{{{inner}}}" if record else f"[{inner}]"
    elif value is None or isinstance(value, bool):
        yield {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, int) and value.bit_length() > 1000:
        yield f"10^{int(value.bit_length() * 0.30103)}"
    else:
        yield str(value)[: limit + 1]
