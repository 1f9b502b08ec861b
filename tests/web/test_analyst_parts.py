"""What the pages of the analyst and the auditor are made of, without a browser."""

import pytest

from api.jobs.catalogues import changed
from api.web.analyst import cards, measures, problem_tables
from api.web.auditor.days import days_of
from recommender import Catalogue
from recommender.errors import InvalidCatalogue, NotFound

PACKAGED = Catalogue.load()
MICRO = ("products", "eci-micro")
CARD = "# Model card: m\n\n**made up**\n\n## Data\n\nOne text.\n\n| a | b |\n|---|---|\n| 1 |  |\n"


def test_a_card_is_taken_apart():
    found = list(cards.blocks(CARD))
    assert [block.kind for block in found] == ["strong", "heading", "text", "table"]
    assert found[3].lines == (("a", "b"), ("1", ""))


def interval(value, low, high):
    return {"value": value, "low": low, "high": high}


@pytest.mark.parametrize(
    ("gap", "verdict"), [((0.1, 0.05, 0.2), "better"), ((-0.1, -0.2, -0.05), "worse"),
                         ((0.0, -0.1, 0.1), "even")],
)  # fmt: skip
def test_the_headline_is_held_against_the_best_peer(gap, verdict):
    found = {
        "measures": {"model": {"mrr": interval(0.5, 0.4, 0.6)},
                     "current": {"mrr": interval(0.9, 0.8, 1.0)},
                     "expert": {"mrr": interval(0.3, 0.2, 0.4)},
                     "as_shown": {"mrr": interval(0.4, 0.3, 0.5)}},
        "against": {"as_shown": {"mrr": interval(*gap)}},
    }  # fmt: skip
    headline = measures.headline(found)
    assert headline.best == "as_shown"
    assert headline.verdict == verdict
    assert measures.headline(None) is None


def test_values_of_a_catalogue_are_changed_and_everything_else_stays():
    new = changed(PACKAGED, {MICRO: {"rules.1.v": 5, "amount.high": 9, "tenor_days.low": None}})
    product, old = new.products["eci-micro"], PACKAGED.products["eci-micro"]
    assert product.rules[1].v == 5
    assert product.rules[0] == old.rules[0]
    assert (product.amount.low, product.amount.high) == (None, 9)
    assert (product.tenor_days.low, product.tenor_days.high) == (None, 365)
    assert {**new.products, "eci-micro": old} == PACKAGED.products
    assert new.version != PACKAGED.version
    same = {MICRO: {"rules.1.v": old.rules[1].v}}
    assert changed(PACKAGED, same).version == PACKAGED.version


def test_a_change_that_cannot_be_is_refused_where_it_stands():
    with pytest.raises(InvalidCatalogue) as caught:
        changed(PACKAGED, {MICRO: {"rules.1.v": "abc", "name_en": ""}})
    places = {problem.field for problem in caught.value.problems}
    assert {"products[eci-micro].rules[1].v", "products[eci-micro].name_en"} <= places
    with pytest.raises(NotFound):
        changed(PACKAGED, {("products", "nothing"): {"name_en": "x"}})


def test_a_table_of_problems_holds_both_languages_and_no_formula():
    one = {"sheet": "facts", "row": 3, "column": "B", "field": "f", "value": "=1+1"}
    bodies = {
        "zh": {"errors": [{**one, "message": "错"}]},
        "en": {"errors": [{**one, "message": "no"}]},
    }
    text = problem_tables.csv_of(bodies).decode("utf-8-sig")
    assert text.splitlines()[1] == ",facts,3,B,f,'=1+1,错,no"


@pytest.mark.parametrize(
    ("since", "until", "wrong"),
    [("", "", []), ("2026-02-01", "2026-02-01", []), ("x", "2026-13-01", ["since", "until"]),
     ("2026-02-02", "2026-02-01", ["until"]), ("", "9999-12-31", ["until"])],
)  # fmt: skip
def test_days_of_a_search(since, until, wrong):
    found = days_of({"since": since, "until": until}, "en")
    assert sorted(found.problems) == wrong
    if since and not wrong:
        assert (found.until - found.since).days == 1
