"""What to say to a company comes from its own figures, in both languages."""

from copy import deepcopy

import pytest
from populations import DAY, engine, profiles

from api.examples import EXPORTER
from recommender import Company
from recommender.population.company_columns import split
from recommender.prospects.talking_points import MOST, talking_points


def said(product_id="cor-cashflow", **changes):
    """Points by code, of the made-up exporter with changes."""
    raw = deepcopy(dict(EXPORTER)) | changes
    case, match = engine().match(Company.parse(raw), product_id, as_of=DAY, language="en")
    product = engine().catalogue.product(product_id)
    points = talking_points(case, product, match, engine().catalogue)
    return {point["code"]: (point["text_zh"], point["text_en"]) for point in points}


def receipts(amount, currency="USD", **more):
    flows = {"receipts": amount, "payables": 0, "fx_debt": 0, "bought": 0, "sold": 0}
    return [{"currency": currency, "bucket": "1-3m", **flows, "documented": True, **more}]


def test_a_receivable_with_its_place_and_the_open_share():
    found = said(collateral=[], positions=receipts(2_100_000, sold=315_000))
    assert found["receivable"] == (
        "对海防的应收账款 210万美元，其中 85% 未套期保值。",
        "USD 2.1 m receivable on Hai Phong, 85% unhedged.",
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"trade": {}}, "USD 250 k receivable, 100% unhedged."),
        ({"positions": None}, "USD 250 k receivable on Hai Phong."),
        ({"positions": None, "trade": {}}, "USD 250 k receivable."),
        ({"positions": receipts(250_000, documented=None)}, "USD 250 k receivable on Hai Phong."),
        ({"positions": receipts(250_000, sold=400_000)},
         "USD 250 k receivable on Hai Phong, 60% unhedged."),
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_said(changes, expected):
    assert said(**changes)["receivable"][1] == expected


def test_a_company_that_says_nothing_is_only_asked():
    _, match = engine().match(Company(), "cor-cashflow", as_of=DAY, language="zh")
    case, _ = engine().match(Company(), "cor-cashflow", as_of=DAY, language="zh")
    product = engine().catalogue.product("cor-cashflow")
    points = talking_points(case, product, match, engine().catalogue)
    assert [point["code"] for point in points] == ["ask"]


def test_the_need_and_what_is_not_covered():
    found = said(collateral=[], positions=[])
    assert found["need"][1] == "Needs CNY 2 m for 90 days."
    assert found["cover"][1] == "No collateral that counts; CNY 2 m is not covered."


def test_a_hedge_names_the_open_position():
    found = said("fxh-forward", collateral=[], positions=receipts(250_000))
    assert found["position"][1] == "USD 250 k to be sold in 1 to 3 months, the rate still open."


def test_points_are_few_and_in_both_languages():
    for raw in profiles()[:60]:
        company = Company.parse(split(raw)[0])
        for product in list(engine().catalogue.products.values())[::9]:
            case, match = engine().match(company, product.id, as_of=DAY, language="zh")
            found = talking_points(case, product, match, engine().catalogue)
            assert len(found) <= MOST
            assert all(p["text_zh"] and p["text_en"] and p["code"] for p in found)
            assert not any("None" in p["text_en"] for p in found)
