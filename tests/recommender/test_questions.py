"""The next question is about something not known that decides a product still open."""

import pytest
from catalogue_strategies import parameters, situations
from hypothesis import HealthCheck, given, settings
from strategies import AS_OF

from recommender import Catalogue, Company, Engine

PACKAGED = Engine(Catalogue.load(), parameters=parameters())
often = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def answer(company, **options):
    return PACKAGED.recommend(Company.parse(company), as_of=AS_OF, **options)


def asked(company, **options):
    return [question["fact"] for question in answer(company, **options)["next_questions"]]


def unknowns(found):
    return {
        (match["product_id"], line["code"]): line["question"]
        for lane in found["lanes"]
        for match in lane["matches"]
        for line in match["unknowns"]
    }


def test_an_empty_profile_is_asked_what_opens_the_most_first():
    found = answer({})["next_questions"]
    assert len(found) == 10
    assert "trade.directions" in [question["fact"] for question in found[:3]]
    assert all(question["question"] and question["decides"] for question in found)
    decides = found[0]["decides"]
    assert len(decides) == max(len(question["decides"]) for question in found)


def test_what_is_answered_is_not_asked_again():
    assert "trade.directions" in asked({})
    assert "trade.directions" not in asked({"trade": {"directions": ["export"]}})
    assert "has_eci_policy" in asked({}, lanes=["insurance"])
    assert "has_eci_policy" not in asked({"facts": {"has_eci_policy": True}}, lanes=["insurance"])
    assert "has_eci_policy" in asked({"facts": {"has_eci_policy": None}}, lanes=["insurance"])


def test_of_two_alternatives_the_open_one_is_asked_for():
    found = answer({"facts": {"customs_supervised_goods": True}}, language="en")
    questions = unknowns(found)
    wanted = {f["id"]: f["question"] for f in PACKAGED.facts("en")["facts"]}
    assert questions["doc-encd", "customs_clear_or_consented"] == wanted["customs_pledge_consent"]


def test_the_field_a_fact_is_compared_with_is_asked_for_too():
    """A credit that expires on a known day is compared with the day the money is needed."""
    packing = {
        "trade": {"directions": ["export"], "settlement_methods": ["LC"], "stage": "pre_shipment"},
        "need": {
            "amount": 1_000_000,
            "currency": "CNY",
            "tenor_days": 90,
            "purpose": "working_capital",
        },
        "facts": {
            "lc_expiry": "2027-03-31",
            "lc_type": "documentary",
            "lc_soft_clause": False,
            "fx_admin_class": "A",
            "proceeds_used_off_purpose": False,
            "export_permission_missing": False,
        },
    }
    questions = {
        question["fact"]: question["decides"]
        for question in answer(packing, lanes=["financing"])["next_questions"]
    }
    assert "exp-packing" in questions["need.date"]
    assert "lc_expiry" not in questions


@pytest.mark.parametrize(
    ("company", "expected"),
    [
        ({"positions": []}, "collateral"),
        ({"collateral": []}, "positions"),
    ],
)
def test_currencies_of_receivables_are_asked_where_they_are_not_stated(company, expected):
    known = {**company, "trade": {"directions": ["export"]}, "facts": {"has_eci_policy": False}}
    found = asked(known, lanes=["insurance"])
    assert expected in found
    assert next(iter(company)) not in found


def test_a_currency_without_a_rate_is_what_is_missing():
    company = {"need": {"amount": 5_000_000_000, "currency": "VND", "tenor_days": 90}}
    assert "rates" in asked(company, lanes=["guarantee"])


def stated(company, name):
    """The value a profile states for a field by its dotted name; None when it says nothing."""
    part = company
    for step in name.split("."):
        part = None if part is None else getattr(part, step, None)
    return part


SCALARS = (
    *("industry", "ownership", "staff", "revenue_cny", "years_operating", "registered_province"),
    *("need.amount", "need.currency", "need.tenor_days", "need.date", "need.purpose"),
    *("trade.stage", "trade.payment_term_days", "trade.corridor_shipments_12m"),
    *("trade.directions", "trade.routes", "trade.settlement_methods", "trade.incoterms"),
)
PARTLY = ("registered_province", "industry")  # a coarse code may leave a finer one open


@often
@given(situations())
def test_questions_are_about_what_is_open_and_name_the_products_they_decide(s):
    found = s.recommend(limit=1000)
    fits = {m["product_id"]: m["fit"] for lane in found["lanes"] for m in lane["matches"]}
    names = [question["fact"] for question in found["next_questions"]]
    assert len(names) == len(set(names)) <= 10
    known = {n for n, f in (s.company.facts or {}).items() if f.value is not None}
    assert not known & set(names)
    assert not [n for n in names if n in SCALARS and n not in PARTLY and stated(s.company, n)]
    for question in found["next_questions"]:
        assert question["question"].strip()
        assert question["decides"]
        assert {fits[product] for product in question["decides"]} == {"conditional"}


@often
@given(situations())
def test_a_product_that_is_open_for_what_the_company_can_say_has_its_questions(s):
    ceilings = {p.id for p in s.engine.catalogue.products.values() if p.fit_ceiling}
    for lane in s.recommend(limit=1000)["lanes"]:
        for match in lane["matches"]:
            if match["fit"] == "conditional" and match["product_id"] not in ceilings:
                assert match["unknowns"]
            assert all(line["question"].strip() for line in match["unknowns"])
