"""HS codes: the Harmonised System, 2022 edition."""

from __future__ import annotations

import re

from recommender.codes import reference
from recommender.errors import Problem
from recommender.texts import Label

_EVEN_DIGITS = re.compile(r"[0-9]{2}(?:[0-9]{2}){0,4}")
_HS_RESERVED = ("77", "98", "99")  # 77 reserved for later use; 98 and 99 left to national use


def hs_problem(code: str) -> Problem | None:
    """2, 4, 6, 8 or 10 digits whose first six (or fewer) are in the HS 2022 nomenclature.

    Digits seven to ten are national and are not checked. Errors: hs_form, hs_reserved (chapters
    77, 98 and 99), hs_unknown with the nearest headings or subheadings.
    """
    if not _EVEN_DIGITS.fullmatch(code):
        digits = re.sub(r"[\s.\-]", "", reference.tidy(code))
        tries = dict.fromkeys((digits, f"0{digits}", digits[:-1]))  # a spreadsheet eats a zero
        return reference.problem("hs_form", code, [c for c in tries if _hs_known(c)], hs_label)
    if code[:2] in _HS_RESERVED:
        return reference.problem("hs_reserved", code, [], hs_label, chapter=code[:2])
    if _hs_known(code):
        return None
    return reference.problem("hs_unknown", code, reference.nearest("hs.csv", code[:6]), hs_label)


def _hs_known(code: str) -> bool:
    return bool(_EVEN_DIGITS.fullmatch(code)) and reference.line("hs.csv", code[:6]) is not None


def hs_label(code: str) -> Label:
    """Name of the nearest known level; the Chinese one is always the chapter's."""
    for length in (6, 4, 2):
        if found := reference.line("hs.csv", code[:length]):
            return Label(reference.by_code("hs2.csv")[code[:2]]["name_zh"], found[1])
    return reference.itself(code)


def hs_chapters() -> tuple[str, ...]:
    """The chapters in use, in order; 77 is reserved, 98 and 99 are left to national use."""
    return tuple(sorted(reference.by_code("hs2.csv")))


def hs_section(chapter: str) -> str:
    """Section I to XXI of a chapter or of any longer code; KeyError for a chapter without one."""
    return str(reference.by_code("hs2.csv")[chapter[:2]]["section"])


def hs_section_label(section: str) -> Label:
    """Name of a section I to XXI; KeyError for another."""
    record = reference.by_code("hs_sections.csv")[section]
    return Label(record["name_zh"], record["name_en"])
