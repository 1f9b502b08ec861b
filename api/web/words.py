"""The words of the pages, from the two catalogues under `translations/`.

A message id is the short English phrase as it shows; `%` in it is written `%%`. What stands in
data/texts is said through `recommender.texts` and never repeated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

from recommender.texts import Language

FOLDER = Path(__file__).parent / "translations"
LOCALES: Mapping[Language, str] = {"zh": "zh_CN", "en": "en"}


def N_(phrase: str) -> str:  # noqa: N802 - the name that tools of translation look for
    """A phrase that is said later: marked, so that it is found for the catalogues."""
    return phrase


def say(language: Language, phrase: str, **params: object) -> str:
    """A phrase in a language, with `%(name)s` filled in; itself where no catalogue has it."""
    return catalogue(language).get(phrase, phrase) % params


@lru_cache(maxsize=2)
def catalogue(language: Language) -> Mapping[str, str]:
    """Every phrase of a language by its id."""
    place = FOLDER / LOCALES[language] / "LC_MESSAGES" / "messages.po"
    with place.open("rb") as file:
        found = read_po(file, locale=LOCALES[language])
    return {str(m.id): str(m.string) for m in found if m.id and m.string}
