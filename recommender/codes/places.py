"""Places: UN/LOCODE, ISO 3166-1 countries and the divisions of GB/T 2260."""

from __future__ import annotations

import re
from difflib import get_close_matches

from recommender.codes import reference
from recommender.errors import Problem
from recommender.texts import Label

_EVEN_DIGITS = re.compile(r"[0-9]{2}(?:[0-9]{2}){0,4}")
_UNNAMED_LEVELS = ("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划")


def locode_problem(code: str, mode: str | None) -> Problem | None:
    """A location of the UN/LOCODE list that is what a user of this mode can mean.

    mode: RSI, XBR, IRT, ... or None (not known). Errors: locode_unknown; locode_confusable when a
    real place far from the corridor is given where a corridor node with nearly its code or name
    must be meant (Mohe for Mohan). On other modes such a place is accepted.
    """
    if reference.line("unlocode.csv.gz", code) is None:
        return reference.problem("locode_unknown", code, _near_locodes(code), locode_label)
    other = reference.by_code("confusable_locodes.csv").get(code)
    if other is None or mode not in other["modes"].split("|"):
        return None
    place = Label(other["place_zh"], other["place_en"])
    return reference.problem(
        "locode_confusable", code, [other["meant"]], _node_and_place, place=place
    )


def _near_locodes(code: str) -> list[str]:
    """As written elsewhere (CN CKG), by the node's name, by a near node, by two letters swapped."""
    meant = re.sub(r"[\s\-]", "", reference.tidy(code))
    if reference.line("unlocode.csv.gz", meant):
        return [meant]
    swapped = (meant[:i] + meant[i + 1] + meant[i] + meant[i + 2 :] for i in (2, 3) if meant[4:])
    return (
        reference.named("corridor_nodes.csv", code, ("name_zh", "name_en", "aliases"))
        or get_close_matches(meant, list(reference.by_code("corridor_nodes.csv")), 3, 0.75)
        or [c for c in swapped if reference.line("unlocode.csv.gz", c)]
    )


def locode_label(code: str) -> Label:
    """A corridor node by the name the trade uses; another place by the list's name and country."""
    if node := reference.by_code("corridor_nodes.csv").get(code):
        return Label(node["name_zh"], node["name_en"])
    found, country = reference.line("unlocode.csv.gz", code), country_label(code[:2])
    if found is None:
        return reference.itself(code)
    return Label(f"{country.zh} {found[1]}", f"{found[1]}, {country.en}")


def _node_and_place(code: str) -> Label:
    node = reference.by_code("corridor_nodes.csv")[code]
    place = division_label(node["division"]) if node["division"] else country_label(node["country"])
    return Label(f"{node['name_zh']}，{place.zh}", f"{node['name_en']}, {place.en}")


def country_problem(code: str) -> Problem | None:
    """ISO 3166-1 alpha-2 in capitals. Error: country_unknown."""
    if code in reference.by_code("countries.csv"):
        return None
    near = reference.near_iso("countries.csv", code, ("iso3", "name_zh", "name_en"))
    return reference.problem("country_unknown", code, near, country_label)


def country_label(code: str) -> Label:
    """Short name of a country or region."""
    record = reference.by_code("countries.csv").get(code)
    return Label(record["name_zh"], record["name_en"]) if record else reference.itself(code)


def division_problem(code: str) -> Problem | None:
    """2, 4 or 6 digits of GB/T 2260; `50`, `5000` and `500000` are the same place.

    Errors: division_form, division_unknown with the nearest divisions under the same parent.
    """
    if not _EVEN_DIGITS.fullmatch(code) or len(code) > 6:
        meant = reference.tidy(code)
        near = [meant] if reference.line("divisions.csv", _significant(meant)) else []
        return reference.problem("division_form", code, near, division_label)
    if reference.line("divisions.csv", _significant(code)):
        return None
    return reference.problem(
        "division_unknown", code, reference.nearest("divisions.csv", code), division_label
    )


def _significant(code: str) -> str:
    while len(code) in (4, 6) and code.endswith("00"):
        code = code[:-2]
    return code


def division_label(code: str) -> Label:
    """Province, city and district in one name; English by code where no English name is certain."""
    own = _significant(code)
    levels = [reference.line("divisions.csv", own[:n]) for n in range(2, len(own) + 1, 2)]
    if not levels or levels[-1] is None:
        return reference.itself(code)
    known = [level for level in levels if level]
    zh = [n[1] for n in known if n[0] == own or n[1] not in _UNNAMED_LEVELS]
    en = [n[2] or own for n in known if n[2] or n[0] == own]
    return Label("".join(zh), ", ".join(reversed(en)))
