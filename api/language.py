"""Which of the two languages a caller reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from recommender.texts import LANGUAGES, Language

DEFAULT: Language = "zh"


@lru_cache(maxsize=256)
def preferred(accept_language: str | None) -> Language:
    """The language an `Accept-Language` header likes best; Chinese when it names neither.

    >>> preferred("en-GB,en;q=0.9,zh;q=0.8")
    'en'
    >>> preferred("fr, zh-Hant;q=0.5, en;q=0.4")
    'zh'
    >>> preferred("en;q=0, *;q=0.1")
    'zh'
    """
    wishes = dict(reversed(list(_wishes((accept_language or "")[:1_000]))))
    others = wishes.get("*", 0.0)
    liked = {language: wishes.get(language, others) for language in LANGUAGES}
    best = max(LANGUAGES, key=lambda language: (liked[language], language == DEFAULT))
    return best if liked[best] > 0 else DEFAULT


def _wishes(header: str) -> Iterator[tuple[str, float]]:
    """Primary subtags with their quality, best first; what cannot be read is passed over."""
    found = []
    for part in header.split(","):
        tag, _, parameters = part.partition(";")
        quality = _quality(parameters)
        if tag.strip() and quality is not None:
            found.append((tag.strip().lower().split("-")[0], quality))
    yield from sorted(found, key=lambda wish: -wish[1])


def _quality(parameters: str) -> float | None:
    name, _, value = parameters.replace(" ", "").partition("=")
    if not name:
        return 1.0
    try:
        quality = float(value) if name.lower() == "q" else None
    except ValueError:
        return None
    return quality if quality is not None and 0 <= quality <= 1 else None


def of_locale(name: str | None) -> Language:
    """The language of a locale such as `en_GB.UTF-8`; Chinese unless it is English.

    >>> of_locale("en_GB.UTF-8"), of_locale("C.UTF-8"), of_locale(None)
    ('en', 'zh', 'zh')
    """
    return "en" if (name or "").lower().startswith("en") else DEFAULT
