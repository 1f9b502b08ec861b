"""Currencies and kinds of collateral: names, minor units, withdrawn codes."""

import pytest
from code_examples import sentences

from recommender import codes


@pytest.mark.parametrize(("value", "meant"), [("CNH", "CNY"), ("RMB", "CNY"), ("泰铢", "THB")])
def test_currency_by_another_name(value, meant):
    assert codes.currency_problem(value).allowed == [meant]


@pytest.mark.parametrize("code", ["DEM", "ITL", "HRK", "ANG", "XAU", "XXX", "XTS"])
def test_withdrawn_currencies_and_metals_are_refused(code):
    assert codes.currency_problem(code).code == "currency_unknown"


def test_minor_units():
    units = [codes.minor_unit(c) for c in ("CNY", "VND", "JPY", "KRW", "LAK", "KWD")]
    assert units == [2, 0, 0, 0, 2, 3]
    with pytest.raises(KeyError):
        codes.minor_unit("CNH")


CORRIDOR_CURRENCIES = (
    "CNY USD EUR HKD SGD THB VND LAK MYR IDR KHR MMK PHP KZT AED JPY GBP KRW INR AUD"
)


@pytest.mark.parametrize("code", CORRIDOR_CURRENCIES.split())
def test_corridor_currencies_have_chinese_names(code):
    assert codes.currency_label(code).zh != code


FAMILIES = {
    "insured_receivable",
    "receivable",
    "title_document",
    "goods_pledge",
    "documentary_credit",
    "tax_rebate",
    "real_estate",
    "equipment",
    "deposit",
    "guarantee",
}


def test_collateral_types_have_families_labels_and_say_whether_they_cover():
    types = codes.collateral_types()
    assert {kind.family for kind in types} == FAMILIES
    assert [kind.type for kind in types if not kind.counts_in_coverage] == ["export_lc"]
    assert all(half for kind in types for half in kind.label)
    assert codes.collateral_type("digital_bl").family == "title_document"
    with pytest.raises(KeyError):
        codes.collateral_type("rail_waybill")


def test_an_unknown_collateral_type_lists_all_and_offers_the_nearest():
    problem = codes.collateral_type_problem("export_receivables")
    assert problem.allowed == [kind.type for kind in codes.collateral_types()]
    assert "Did you mean export_receivable (Export receivable)" in sentences(problem).en
