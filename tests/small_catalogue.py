"""A catalogue of three products, as plain values."""

from copy import deepcopy

from recommender import Catalogue

WORDS = {"zh": "文", "en": "text"}

OPTIONS = [{"id": "a", "label": WORDS}, {"id": "b", "label": WORDS}]

RULES = [
    {"f": "sound", "op": "holds", "src": "s"},
    {"f": "grade", "op": "one_of", "v": ["a", "b"], "hard": False},
    {"any": [{"f": "staff", "op": "at_least", "v": 1}, {"f": "sound", "op": "lacks"}]},
    {"f": "need.tenor_days", "op": "between", "v": [30, 90]},
]

LOAN = {
    "id": "p1",
    "name_zh": "贷款",
    "name_en": "Loan",
    "lane": "financing",
    "category": "corridor_credit",
    "provider": WORDS,
    "summary": WORDS,
    "keywords": ["a", "b"],
    "directions": ["export", "import"],
    "hs": ["84", "85"],
    "family": "title_document",
    "accepts": {"encd": {"low": 0.5, "high": 0.8}, "ocean_bl": None},
    "formula": "advance",
    "amount": {"low": 1, "high": 2},
    "tenor_days": {"low": 30, "high": 90},
    "currencies": ["CNY", "USD"],
    "rules": RULES,
    "documents": ["ENCD", "OCEAN_BL"],
    "relations": [
        {"kind": "substitutes", "any_of": ["p2", "p3"]},
        {"kind": "complements", "any_of": ["p3"]},
    ],
    "notes": [WORDS, {"zh": "二", "en": "two"}],
    "sources": {"s": {"quality": "article", "title": "t"}},
    "provenance": {"amount": "s"},
}

SERVICE = {**LOAN, "lane": "service", "relations": [], "id": "p2"}

SMALL = {
    "products": [LOAN, SERVICE, {**SERVICE, "id": "p3"}],
    "facts": [
        {"id": "sound", "type": "flag", "label": WORDS, "question": WORDS},
        {"id": "grade", "type": "choice", "options": OPTIONS, "label": WORDS, "question": WORDS},
    ],
    "documents": [
        {"id": "ENCD", "label": WORDS, "kind": "transport", "synonyms": ["eNCD_record", "e"]},
        {"id": "OCEAN_BL", "label": WORDS, "kind": "transport", "issuer": "carrier"},
    ],
    "stops": [
        {"f": "staff", "op": "at_most", "v": 10, "scope": ["p1", "p2"]},
        {"f": "staff", "op": "at_most", "v": 5, "scope": ["p3"]},
    ],
}


def small():
    return deepcopy(SMALL)


def load(tree):
    return Catalogue.from_documents({"f.yaml": tree})
