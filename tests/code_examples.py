"""Public codes that are right, and how to look at what is said of wrong ones."""

from dataclasses import replace

from recommender.errors import Problem
from recommender.tables import data_dir
from recommender.texts import LANGUAGES, Label, problem_text

REFERENCE = data_dir() / "reference"

RIGHT = {
    "hs": ["84", "8432", "843210", "84321000", "8432100010", "0901", "870380"],
    "locode": ["CNCKG", "CNQZH", "VNHPH", "DEDUI", "USNYC"],
    "country": ["CN", "VN", "LA", "HK"],
    "currency": ["CNY", "USD", "VND", "KZT", "AED"],
    "division": ["50", "5001", "500106", "500000", "450700", "71", "81", "82"],
    "industry": ["C", "C35", "C351", "C3571", "G58", "N79", "T97"],
    "uscc": ["91310115591693856A", "91310110666007217T", "91350100M000100Y43"],
    "collateral": ["insured_receivable", "export_lc"],
}


def wide(ascii_text: str) -> str:
    """The same characters in full width, as a Chinese keyboard gives them."""
    return "".join(chr(ord(c) + 0xFEE0) for c in ascii_text)


def sentences(problem: Problem) -> Label:
    placed = replace(problem, field="here")
    return Label(*(problem_text(placed, language) for language in LANGUAGES))
