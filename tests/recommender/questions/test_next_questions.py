"""The next question is about something not known that decides a product still open."""

import pytest
from catalogue_strategies import both, engine_of, parameters, situations
from hypothesis import HealthCheck, given, settings
from strategies import AS_OF

from recommender import Catalogue, Company, Engine
from recommender.vocabulary import LANES

PACKAGED = Engine(Catalogue.load(), parameters=parameters())
often = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def answer(company, **options):
    return PACKAGED.recommend(Company.parse(company), as_of=AS_OF, **options)


def asked(company, **options):
    return [question["fact"] for question in answer(company, **options)["next_questions"]]


def test_an_empty_profile_is_asked_for_trade_and_need_first():
    found = answer({})["next_questions"]
    assert len(found) == 10
    assert all(question["question"] and question["decides"] for question in found)
    assert {question["fact"] for question in found[:2]} == {"trade", "need"}


@pytest.mark.parametrize("section", ["trade", "need"])
def test_a_section_of_which_something_is_said_is_asked_for_field_by_field(section):
    said = {"trade": {"directions": ["export"]}, "need": {"purpose": "working_capital"}}[section]
    found = asked({section: said}, lanes=["financing"])
    assert section not in found
    assert any(name.startswith(f"{section}.") for name in found)


def test_the_order_in_which_a_profile_is_written_changes_no_question():
    facts = {"credit_record_ok": True, "overdue_loans": False, "fx_admin_class": "A"}
    trade = {"directions": ["export", "import"], "hs": ["8714", "2603"]}
    one = asked({"facts": facts, "trade": trade})
    turned = {name: list(reversed(codes)) for name, codes in reversed(trade.items())}
    assert asked({"trade": turned, "facts": dict(reversed(facts.items()))}) == one


def test_what_is_likely_to_be_missed_is_asked_before_what_is_almost_never():
    """One product asks for a rare recognition; no firm on a list of debtors comes this far."""
    rare = {"f": "consent", "op": "holds"}
    never = {"f": "supervised", "op": "lacks"}
    assert open_in(of_rules(rare, never), {})[1] == ["consent", "supervised"]


def test_what_only_a_bank_or_a_list_can_say_is_not_asked_of_the_firm():
    facts = PACKAGED.catalogue.facts
    found = {name for lane in LANES for name in asked({}, lanes=[lane])}
    assert {facts[name].asked_of for name in found if name in facts} == {"company"}


def test_what_is_answered_is_not_asked_again():
    assert "trade" in asked({})
    assert "trade.directions" not in asked({"trade": {"directions": ["export"]}})
    assert "has_eci_policy" in asked({}, lanes=["insurance"])
    assert "has_eci_policy" not in asked({"facts": {"has_eci_policy": True}}, lanes=["insurance"])
    assert "has_eci_policy" in asked({"facts": {"has_eci_policy": None}}, lanes=["insurance"])


def of_rules(*rules):
    """An engine over one product with these rules, and facts for what they ask."""
    kinds = {"supervised": "flag", "consent": "flag", "expiry": "date"}
    facts = [
        {"id": name, "type": kind, "label": both(name), "question": both(f"{name}?")}
        for name, kind in kinds.items()
    ]
    row = {"id": "p", "name_zh": "甲", "name_en": "P", "lane": "service", "category": "test"}
    texts = {"provider": both("bank"), "summary": both("summary"), "family": "none"}
    product = {**row, **texts, "formula": "none", "currencies": ["CNY"], "rules": list(rules)}
    return engine_of({"products": [product], "facts": facts})


def open_in(engine, company):
    """What the one product says is unknown, and what is asked next."""
    found = engine.recommend(Company.parse(company), as_of=AS_OF, language="en")
    (match,) = [match for lane in found["lanes"] for match in lane["matches"]]
    questions = [line["question"] for line in match["unknowns"]]
    return questions, [question["fact"] for question in found["next_questions"]]


def test_of_two_alternatives_the_open_one_is_asked_for():
    either = [{"f": "supervised", "op": "lacks"}, {"f": "consent", "op": "holds"}]
    engine = of_rules({"any": either, "code": "clear"})
    assert open_in(engine, {"facts": {"supervised": True}}) == (["Text consent?"], ["consent"])
    assert open_in(engine, {"facts": {"consent": False}}) == (["Text supervised?"], ["supervised"])
    assert open_in(engine, {})[1] == ["consent", "supervised"]


def test_the_field_a_fact_is_compared_with_is_asked_for_too():
    """A credit that expires on a known day is compared with the day the money is needed."""
    engine = of_rules({"f": "expiry", "op": "after", "v_field": "need.date"})
    known = {"facts": {"expiry": "2027-03-31"}}
    assert open_in(engine, known) == (["When is the money needed?"], ["need.date"])
    assert open_in(engine, {"need": {"date": "2027-03-31"}}) == (["Text expiry?"], ["expiry"])
    assert sorted(open_in(engine, {})[1]) == ["expiry", "need.date"]


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
        assert {fits[product] for product in question["decides"]} <= {"conditional", "eligible"}


@often
@given(situations())
def test_a_product_that_is_open_for_what_the_company_can_say_has_its_questions(s):
    ceilings = {p.id for p in s.engine.catalogue.products.values() if p.fit_ceiling}
    for lane in s.recommend(limit=1000)["lanes"]:
        for match in lane["matches"]:
            if match["fit"] == "conditional" and match["product_id"] not in ceilings:
                assert match["unknowns"]
            assert all(line["question"].strip() for line in match["unknowns"])
