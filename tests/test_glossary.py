"""data/glossary.yaml: one word per concept, kept in everything a user reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import page_words
import pytest

from recommender.company.profile import Company
from recommender.tables import data_dir, read_document, read_rows

DATA = data_dir()
ROOT = Path(__file__).parent.parent
GLOSSARY = read_document(DATA / "glossary.yaml")
TERMS = {term["id"]: term for term in GLOSSARY["terms"]}
FIELDS = {"id", "zh", "en", "note", "avoid", "allow"}
PAGES = [ROOT / "README.md", DATA / "README.md", *sorted(DATA.glob("*/README.md"))]
# Not sentences of ours: words to search by, names firms give their papers, titles that are quoted.
QUOTED = {"keywords", "synonyms", "title", "url", "publication"}
CJK = re.compile("[一-鿿]")

Place = tuple[str, str]


def sentences(node: Any, place: str) -> Iterator[Place]:
    """Every text of a tree that people read, with its place."""
    if isinstance(node, dict):
        for key, inner in node.items():
            if key not in QUOTED:
                yield from sentences(inner, f"{place}.{key}")
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from sentences(inner, f"{place}[{number}]")
    elif isinstance(node, str) and (CJK.search(node) or " " in node):
        yield place, node


def labels_of_the_profile() -> Iterator[Place]:
    schema = Company.model_json_schema()
    for name, record in {"Company": schema, **schema["$defs"]}.items():
        for field, shape in record.get("properties", {}).items():
            for key in ("label_zh", "label_en"):
                if key in shape:
                    yield f"{name}.{field}.{key}", shape[key]


def words_of_tables() -> Iterator[Place]:
    for name in ("collateral_types.csv", "corridor_nodes.csv", "confusable_locodes.csv"):
        for row in read_rows(DATA / "reference" / name):
            yield from sentences(dict(row.values), f"{name}:{row.row}")


def words_of_pages() -> Iterator[Place]:
    """What the pages say, in both languages."""
    for language in ("zh", "en"):
        for message in page_words.kept(language):
            if message.id:
                yield f"{language}:{message.id}", str(message.string)


@cache
def everything() -> tuple[Place, ...]:
    trees = [
        path
        for folder in ("texts", "catalogue", "parameters")
        for path in sorted((DATA / folder).glob("*.yaml"))
    ]
    found = [line for path in trees for line in sentences(read_document(path), path.name)]
    for page in PAGES:
        lines = page.read_text("utf-8").splitlines()
        found += [(f"{page.parent.name}/{page.name}:{n}", text) for n, text in enumerate(lines, 1)]
    return (*found, *labels_of_the_profile(), *words_of_tables(), *words_of_pages())


def says(variant: str, text: str) -> bool:
    """Chinese anywhere; English as a word of its own, in any number and case."""
    if CJK.search(variant):
        return variant in text
    return (
        re.search(rf"(?<![\w/-]){re.escape(variant)}s?(?![\w/])", text, re.IGNORECASE) is not None
    )


def offences(term: dict[str, Any], texts: tuple[Place, ...]) -> list[str]:
    """Where a variant of a term is used, apart from the phrases in which it is right."""
    avoided = [
        (word, term[language]) for language in ("zh", "en") for word in term["avoid"][language]
    ]
    allowed = re.compile("|".join(map(re.escape, term.get("allow", ()))) or "(?!)", re.IGNORECASE)
    return [
        f"{place}: {word!r}, say {right!r}: {text[:80]}"
        for place, text in texts
        for word, right in avoided
        if says(word, allowed.sub("", text))
    ]


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS.keys())
def test_one_word_per_concept(term):
    assert offences(term, everything()) == []


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS.keys())
def test_every_term_is_in_use_and_every_exception_is_needed(term):
    texts = [text for _, text in everything()]
    for word in (term["zh"], term["en"]):
        assert any(says(word, text) for text in texts), f"nobody says {word!r}"
    for phrase in term.get("allow", ()):
        assert any(phrase.casefold() in text.casefold() for text in texts), phrase
        bare = {name: part for name, part in term.items() if name != "allow"}
        assert offences(bare, (("here", phrase),)), f"{phrase!r} needs no exception"


def test_the_glossary_is_well_formed():
    assert len(TERMS) == len(GLOSSARY["terms"]) >= 40
    for term in TERMS.values():
        assert set(term) <= FIELDS, term["id"]
        assert CJK.search(term["zh"])
        assert not CJK.search(term["en"])
        assert set(term["avoid"]) == {"zh", "en"}
        assert all(term["avoid"].values()), f"{term['id']}: a word to avoid in each language"


def test_no_word_is_the_term_of_two_concepts_or_avoided_by_one_and_used_by_another():
    for language in ("zh", "en"):
        said = [term[language] for term in TERMS.values()]
        assert len(said) == len(set(said))
        avoided = [word for term in TERMS.values() for word in term["avoid"][language]]
        assert len(avoided) == len(set(avoided))
        assert not set(said) & set(avoided)


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ("质押率为七成", True),
        ("标准仓单质押率不超过70%", False),
        ("the loan-to-value is 70 %", True),
        ("not a loan-to-value", False),
        ("融资比例为七成", False),
    ],
)
def test_the_check_of_words_can_fail(text, caught):
    assert bool(offences(TERMS["advance_rate"], (("here", text),))) is caught


def test_no_variant_hides_in_a_longer_english_word():
    assert not says("yuan", "Guoyuan Port")
    assert says("tenor", "Tenors of up to a year")
    assert says("B/L", "a B/L")


DIGIT_BESIDE = re.compile("[一-鿿] [0-9]|[0-9] [一-鿿]")


@pytest.mark.parametrize("folder", ["catalogue"])
def test_no_space_stands_between_chinese_and_a_number(folder):
    found = [
        (place, text)
        for path in sorted((DATA / folder).glob("*.yaml"))
        for place, text in sentences(read_document(path), path.name)
        if DIGIT_BESIDE.search(text)
    ]
    assert found == []


def test_the_data_dictionary_names_every_field_of_the_glossary():
    page = (DATA / "README.md").read_text("utf-8").partition("\n# Glossary\n")[2]
    assert FIELDS | {"terms"} <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
