"""Firms: industries of GB/T 4754-2017 and the unified social credit code of GB 32100-2015."""

from __future__ import annotations

import re
from typing import Any

from stdnum.cn import uscc

from recommender.codes import reference
from recommender.codes.places import division_label
from recommender.errors import Problem
from recommender.texts import Label
from recommender.texts import table as sentences

_INDUSTRY = re.compile(r"[A-T](?:[0-9]{2,4})?")
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_MISREAD = str.maketrans("IOSVZ", "105U2")  # letters a USCC never has, by what they look like
_BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_STATE_LEVEL = "100000"  # registered by the state authority itself, not by a division


def industry_problem(code: str) -> Problem | None:
    """GB/T 4754-2017: a section letter, or the letter and two to four digits.

    Letter and first two digits are checked; groups and classes (digits three and four) are not,
    as no table of the 2017 edition is at hand. Error: industry_unknown, with the 2017 successor of
    a division that the 2011 edition numbered otherwise.
    """
    if _industry_known(code):
        return None
    return reference.problem("industry_unknown", code, _near_industries(code), industry_label)


def _industry_known(code: str) -> bool:
    return bool(_INDUSTRY.fullmatch(code)) and code[:3] in reference.by_code("gbt4754.csv")


def _near_industries(code: str) -> list[str]:
    meant = reference.tidy(code)
    if _industry_known(meant):
        return [meant]
    if old := reference.by_code("gbt4754_2011.csv").get(meant[:3]):
        return list(old["code_2017"].split("|"))
    digits = meant.lstrip("ABCDEFGHIJKLMNOPQRST")
    table = reference.by_code("gbt4754.csv")
    lettered = (c + digits[2:] for c in table if len(c) == 3 and c[1:] == digits[:2])
    found = [c for c in lettered if _industry_known(c)]
    return found or reference.named("gbt4754.csv", code, ("name_zh", "name_en"))


def industry_label(code: str) -> Label:
    """Name of the division, or of the section where only that is given."""
    if not _industry_known(code):
        return reference.itself(code)
    own, section = (
        reference.by_code("gbt4754.csv")[code[:3]],
        reference.by_code("gbt4754.csv")[code[0]],
    )
    return Label(own["name_zh"], own["name_en"] or f"{section['name_en']} ({code[:3]})")


def uscc_problem(code: str) -> Problem | None:
    """18 characters of GB 32100-2015 with the right check digit, and a right organisation code.

    Errors: uscc_form; uscc_check_digit with the one expected; uscc_body_check (GB 11714), not asked
    of a code whose region is unassigned, because no register issued it.
    """
    if not _USCC.fullmatch(code):
        meant = re.sub(r"[\s\-]", "", reference.tidy(code))
        tries = dict.fromkeys((meant, meant.translate(_MISREAD)))
        return reference.problem(
            "uscc_form", code, [c for c in tries if _uscc_right(c)], _uscc_label
        )
    expected = uscc.calc_check_digit(code[:17])
    if code[17] != expected:
        return Problem("uscc_check_digit", value=code, params={"expected": expected})
    expected = _body_check_digit(code[8:16])
    if code[16] != expected and not _unassigned(code[2:8]):
        return Problem("uscc_body_check", value=code, params={"expected": expected})
    return None


def uscc_facts(code: str) -> dict[str, Any]:
    """What the code itself says; {} for a code that has a problem.

    registering_authority, entity_type: first and second character. authority_label: its Label, or
    None. registered_province: six digits of GB/T 2260, as far as the region is in today's table,
    None if unassigned or state level. organisation_code: nine characters. unassigned_region: True
    for regions no province has (99: synthetic firms).
    """
    if uscc_problem(code) is not None:
        return {}
    region = code[2:8]
    known = [region[:n] for n in (6, 4, 2) if reference.line("divisions.csv", region[:n])]
    return {
        "registering_authority": code[0],
        "authority_label": sentences().get(f"uscc_authority.{code[0]}"),
        "entity_type": code[1],
        "registered_province": known[0].ljust(6, "0") if known else None,
        "organisation_code": code[8:17],
        "unassigned_region": _unassigned(region),
    }


def _unassigned(region: str) -> bool:
    return region != _STATE_LEVEL and reference.line("divisions.csv", region[:2]) is None


def _body_check_digit(body: str) -> str:
    total = sum(int(c, 36) * weight for c, weight in zip(body, _BODY_WEIGHTS, strict=True))
    return "0123456789X"[-total % 11]


def _uscc_right(code: str) -> bool:
    return bool(_USCC.fullmatch(code)) and uscc_problem(code) is None


def _uscc_label(code: str) -> Label:
    return division_label(code[2:8])
