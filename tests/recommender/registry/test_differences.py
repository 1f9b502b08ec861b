"""What changed between two catalogues: every change is found, and said in both languages."""

from copy import deepcopy

import pytest
from catalogue_strategies import CATALOGUES
from hypothesis import given, settings

from recommender import Catalogue
from recommender.registry.differences import Comparison, differences
from recommender.texts import LANGUAGES

WORDS = {"zh": "文", "en": "text"}
OTHER = {"zh": "二", "en": "two"}
LOAN = {
    "id": "p1",
    "name_zh": "通道e贷",
    "name_en": "Corridor e-Loan",
    "lane": "financing",
    "category": "corridor_credit",
    "provider": WORDS,
    "summary": WORDS,
    "directions": ["export"],
    "family": "unsecured",
    "accepts": {"encd": None},
    "formula": "unsecured",
    "amount": {"low": 1, "high": 3_000_000},
    "currencies": ["CNY"],
    "rules": [{"f": "staff", "op": "at_least", "v": 5}, {"f": "sound", "op": "holds"}],
    "documents": ["ENCD"],
    "notes": [WORDS, OTHER],
    "sources": {"s": {"quality": "article", "title": "t"}},
    "provenance": {"amount": "s"},
}
ROWS = {
    "products": [LOAN, {**LOAN, "id": "p2", "name_en": "Second Loan"}],
    "facts": [
        {"id": "sound", "type": "flag", "label": WORDS, "question": WORDS},
        {
            "id": "grade",
            "type": "choice",
            "label": WORDS,
            "question": WORDS,
            "options": [{"id": "a", "label": WORDS}, {"id": "b", "label": OTHER}],
        },
    ],
    "documents": [{"id": "ENCD", "label": WORDS, "kind": "transport"}],
    "stops": [{"f": "years_operating", "op": "at_least", "v": 1, "scope": ["p1"]}],
}


def of(rows):
    return Catalogue.from_documents({"f": rows})


def changed(change):
    rows = deepcopy(ROWS)
    change(rows)
    return of(rows)


def lines(change, language="en"):
    return Comparison(of(ROWS), changed(change)).lines(language)


def first(**fields):
    return lambda rows: rows["products"][0].update(**fields)


SAID = {
    "ceiling of Corridor e-Loan (p1): 3,000,000 -> 5,000,000": first(
        amount={"low": 1, "high": 5_000_000}
    ),
    "ceiling of Corridor e-Loan (p1): 3,000,000 -> not stated": first(amount={"low": 1}),
    "directions of Corridor e-Loan (p1): Export -> Export, Import": first(
        directions=["export", "import"]
    ),
    "directions of Corridor e-Loan (p1): Export -> not stated": first(directions=None),
    "papers asked for of Corridor e-Loan (p1): text -> empty": first(documents=[]),
    "summary of Corridor e-Loan (p1): text -> two": first(summary=OTHER),
    "suspended of Corridor e-Loan (p1): no -> yes": first(suspended=True),
    "Chinese name of Corridor e-Loan (p1): 通道e贷 -> 贷": first(name_zh="贷"),
    "shortest tenor in days of Corridor e-Loan (p1): not stated -> 30": first(
        tenor_days={"low": 30}
    ),
    "rule added to Corridor e-Loan (p1): ruled out: text": first(
        rules=[*LOAN["rules"], {"f": "sound", "op": "lacks", "hard": False}]
    ),
    "rule removed from Corridor e-Loan (p1): required: text": first(rules=LOAN["rules"][:1]),
    "rule of Corridor e-Loan (p1): Staff at least 5 persons -> Staff at least 9 persons": first(
        rules=[{**LOAN["rules"][0], "v": 9}, LOAN["rules"][1]]
    ),
    "note removed from Corridor e-Loan (p1): two": first(notes=[WORDS]),
    "note of Corridor e-Loan (p1): in another order": first(notes=[OTHER, WORDS]),
    "collateral encd of Corridor e-Loan (p1): not stated -> low 0.5": first(
        accepts={"encd": {"low": 0.5}}
    ),
    "source of a field amount removed from Corridor e-Loan (p1): s": first(provenance={}),
    "source s of Corridor e-Loan (p1): article, t -> first_hand, t": first(
        sources={"s": {"quality": "first_hand", "title": "t"}}
    ),
    "relation added to Corridor e-Loan (p1): complements, p2": first(
        relations=[{"kind": "complements", "any_of": ["p2"]}]
    ),
    "Product withdrawn: Second Loan (p2)": lambda rows: rows["products"].pop(),
    "Product added: Third (p3)": lambda rows: rows["products"].append(
        {**LOAN, "id": "p3", "name_en": "Third"}
    ),
    "Question withdrawn: text (grade)": lambda rows: rows["facts"].pop(),
    "who answers of text (sound): Answered by the firm -> Decided by the bank": lambda rows: rows[
        "facts"
    ][0].update(asked_of="bank"),
    "option of text (grade): in another order": lambda rows: rows["facts"][1]["options"].reverse(),
    "synonyms of text (ENCD): empty -> e": lambda rows: rows["documents"][0].update(synonyms=["e"]),
    "Common stop withdrawn: Years in business at least 1 year": lambda rows: rows["stops"].pop(),
}


@pytest.mark.parametrize("said", SAID)
def test_a_change_is_said_in_words(said):
    found = lines(SAID[said])
    assert any(line.startswith(said) for line in found), found
    assert len(lines(SAID[said], "zh")) == len(found) == 1


def test_a_soft_rule_and_new_words_of_a_rule_are_told():
    soft = {**LOAN["rules"][0], "hard": False, "note": OTHER, "src": "s"}
    (line,) = lines(first(rules=[soft, LOAN["rules"][1]]))
    assert line.endswith("(a caution only), source: s, note: two")


def test_the_issue_s_own_example_in_chinese():
    (line,) = lines(first(amount={"low": 1, "high": 5_000_000}), "zh")
    assert line == "通道e贷 (p1)的最高金额：3,000,000 → 5,000,000"


@pytest.mark.parametrize(
    ("after", "said", "zh"),
    [
        ("abcdefg", "added g (6 others stay)", "新增g（其余 6 项不变）"),
        ("abcde", "removed f (5 others stay)", "去掉f（其余 5 项不变）"),
        ("abcdeg", "added g; removed f (5 others stay)", "新增g，去掉f（其余 5 项不变）"),
        ("abcd", "a, b, c, d, e, f -> a, b, c, d", "a、b、c、d、e、f → a、b、c、d"),
    ],
)
def test_of_a_long_list_only_what_came_and_went_is_said(after, said, zh):
    before = changed(first(keywords=list("abcdef")))
    later = changed(first(keywords=list(after)))
    for language, expected in (("en", said), ("zh", zh)):
        (line,) = Comparison(before, later).lines(language)
        assert line.endswith(expected)


def test_changes_are_counted():
    def change(rows):
        rows["products"][0].update(family="none", suspended=True)
        rows["products"][1]["id"] = "p3"
        rows["facts"].pop()

    counts = Comparison(of(ROWS), changed(change)).counts()
    assert counts == {"added": 1, "withdrawn": 1, "changed": 1, "others": 1}


@settings(max_examples=30)
@given(CATALOGUES, CATALOGUES)
def test_catalogues_differ_exactly_when_their_versions_do(one, other):
    before, after = of(one), of(other)
    for old, new in ((before, after), (before, before)):
        comparison = Comparison(old, new)
        assert bool(comparison.found) is (old.version != new.version)
        assert all(comparison.lines(language) or not comparison.found for language in LANGUAGES)
    turned = {(d.section, d.id, d.field, d.part) for d in differences(after, before)}
    assert turned == {(d.section, d.id, d.field, d.part) for d in differences(before, after)}
