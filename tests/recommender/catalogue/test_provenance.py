"""Where the catalogue's numbers come from: dated and sourced, or marked illustrative."""

import re
from collections.abc import Iterator

import pytest

from recommender import Catalogue
from recommender.catalogue.product import Product
from recommender.rules import Rule
from recommender.tables import data_dir, read_document
from recommender.vocabulary import PROVENANCES

CATALOGUE = Catalogue.load()
PRODUCTS = CATALOGUE.products
AS_OF = read_document(data_dir() / "catalogue" / "corridor.yaml")["as_of"]
EACH = pytest.mark.parametrize("item", PRODUCTS.values(), ids=PRODUCTS.keys())
PUBLIC = ("article", "first_hand", "secondary")
YEAR = re.compile(r"(19|20)\d\d")
PLEDGES = [p for p in PRODUCTS.values() if p.family in ("title_document", "goods_pledge")]
LEGS = {
    "sea": ("OCEAN_BL", "ENCD"),
    "rail": ("RAIL_BL", "RAIL_WAYBILL", "ENCD"),
    "multimodal": ("CIFA_MULTIMODAL_BL", "MULTIMODAL_BL"),
}


def numbers(item: Product) -> Iterator[str]:
    """The path of every number of a product."""
    ranges = {"amount": item.amount, "tenor_days": item.tenor_days}
    ranges |= {f"accepts.{kind}": advances for kind, advances in item.accepts.items()}
    for name, span in ranges.items():
        for end in ("low", "high"):
            if span is not None and getattr(span, end) is not None:
                yield f"{name}.{end}"


def source_word(item: Product, path: str) -> str | None:
    """What `provenance` says of a path, or of the nearest whole it is part of."""
    parts = path.split(".")
    wholes = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((item.provenance[whole] for whole in wholes if whole in item.provenance), None)


def dated(item: Product, word: str) -> bool:
    """Whether a source carries a date, or a public fact says of which year it is."""
    source = item.sources.get(word)
    said = [fact for fact in item.public_facts if YEAR.search(fact.zh) and YEAR.search(fact.en)]
    return source is not None and (source.date is not None or bool(said))


@EACH
def test_every_number_is_dated_and_sourced_or_illustrative(item):
    for path in numbers(item):
        word = source_word(item, path)
        assert word is None or word == "illustrative" or dated(item, word), path


@EACH
def test_every_number_in_a_rule_is_dated_and_sourced_or_illustrative(item):
    for rule in item.rules:
        if any(isinstance(p.v, int | float) for p in rule.predicates):
            assert rule.src == "illustrative" or dated(item, rule.src), rule.reason


@EACH
def test_every_rule_says_who_says_so(item):
    rules: tuple[Rule, ...] = CATALOGUE.rules(item.id)
    assert all(item.resolve(rule.src) in PROVENANCES for rule in rules)


def test_the_check_of_numbers_can_fail():
    item = PRODUCTS["exp-packing"].model_copy(update={"public_facts": ()})
    assert not dated(item, "p1")
    assert not dated(item, "illustrative")
    assert source_word(item, "amount.low") is None


@EACH
def test_a_public_source_can_be_found_again(item):
    for source in item.sources.values():
        assert source.quality in PUBLIC
        assert source.url or source.quality == "article" or source.date, source.title
        assert source.date is None or source.date <= AS_OF


@pytest.mark.parametrize(
    "item", [p for p in PRODUCTS.values() if p.fit_ceiling], ids=lambda p: p.id
)
def test_what_is_never_better_than_conditional_says_why(item):
    said = [n for n in item.notes if "未公布" in n.zh or "须向银行确认" in n.zh]
    assert said
    assert all("not published" in note.en or "confirmed by the bank" in note.en for note in said)


SERVICES = [p for p in PRODUCTS.values() if p.id.startswith("prg-")]


@pytest.mark.parametrize("item", SERVICES, ids=lambda p: p.id)
def test_services_named_without_terms_say_so(item):
    assert any("条款未公布" in note.zh for note in item.notes)
    assert any("terms are not published" in note.en.lower() for note in item.notes)


@pytest.mark.parametrize("item", PLEDGES, ids=lambda p: p.id)
def test_a_pledge_states_its_legal_basis_with_a_date(item):
    assert item.legal_notes
    for note in item.legal_notes:
        assert abs((note.as_of - AS_OF).days) <= 366


@pytest.mark.parametrize("item", PLEDGES, ids=lambda p: p.id)
def test_the_legal_basis_is_told_for_every_leg_its_papers_travel(item):
    papers = {str(v) for r in item.rules if r.f == "documents" and r.hard for v in r.v}
    said = " ".join(note.text.en.lower() for note in item.legal_notes)
    for leg, kinds in LEGS.items():
        assert not papers & set(kinds) or leg in said, leg


@pytest.mark.parametrize("fact", CATALOGUE.facts.values(), ids=CATALOGUE.facts.keys())
def test_every_fact_is_worded_in_both_languages(fact):
    texts = [fact.label, fact.question, *(o.label for o in fact.options or ())]
    for text in (*texts, *([fact.effort] if fact.effort else [])):
        assert re.search("[一-鿿]", text.zh)
        assert not re.search("[一-鿿]", text.en)
