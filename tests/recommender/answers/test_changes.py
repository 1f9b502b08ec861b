"""What would change an answer: every change shown is tried on the profile itself."""

from datetime import date

import orjson
import pytest
from catalogue_strategies import both, engine_of, parameters, read, situations
from hypothesis import HealthCheck, given, settings
from strategies import AS_OF

from recommender import Catalogue, Company
from recommender.answers.changes import Change, Trials, apply
from recommender.answers.remedies import Remedies, levers, mendable
from recommender.errors import InvalidProfile
from recommender.matching.matcher import Matcher
from recommender.vocabulary import LANES

often = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def matches(answer):
    return [match for lane in answer["lanes"] for match in lane["matches"]]


def rules_of(engine, company, product_id):
    products = engine.eligibility(company, as_of=AS_OF)["products"]
    return next(p["rules"] for p in products if p["product_id"] == product_id)


def plain(change):
    """What is set, as a program would post it back."""
    return orjson.loads(orjson.dumps(change["set"]))


# --- for every company and catalogue -------------------------------------------------------------


@often
@given(situations())
def test_a_near_miss_fits_once_its_changes_are_made(s):
    for match in matches(s.recommend()):
        if match["fit"] != "near_miss":
            assert match["changes"] == []
            continue
        assert match["changes"]
        for change in match["changes"]:
            assert change["by"] == "company"
            answer = s.engine.what_if(s.company, plain(change), as_of=AS_OF)
            after = {m["product_id"]: m["fit"] for m in matches(answer["after"])}
            assert after.get(match["product_id"]) in ("eligible", "conditional"), change
            moved = {m["product_id"]: m for m in answer["moved"]}
            assert moved[match["product_id"]]["fit_before"] == "near_miss"


@often
@given(situations())
def test_a_change_shown_turns_a_rule_to_yes(s):
    for match in matches(s.recommend(include_ineligible=True)):
        before = rules_of(s.engine, s.company, match["product_id"])
        failing = [i for i, r in enumerate(before) if r["hard"] and r["verdict"] == "no"]
        for change in match["changes"]:
            changed = apply(s.company, plain(change), s.engine.catalogue)
            after = rules_of(s.engine, changed, match["product_id"])
            answers = [after[i]["verdict"] for i in failing]
            assert "yes" in answers, change
            if match["fit"] == "near_miss":
                assert set(answers) == {"yes"}, change


@often
@given(situations())
def test_no_change_rests_on_what_nobody_can_change_or_on_screening(s):
    facts, documents = s.engine.catalogue.facts, s.engine.catalogue.documents
    for match in matches(s.recommend(include_ineligible=True)):
        for change in match["changes"]:
            added = change["set"].get("documents", [])
            brought = {name for paper in added for name in documents[paper["type"]].sets}
            for name, value in change["set"].items():
                assert value is not None
                if name in facts and name not in brought:
                    assert facts[name].asked_of != "screening"
                    assert facts[name].changeable != "no"
                    hands = {"company": ("company",), "third_party": ("company", "third_party")}
                    assert facts[name].changeable in hands[change["by"]]
                assert not name.startswith(("staff", "revenue", "years", "industry", "trade.stage"))


@often
@given(situations())
def test_rules_without_a_lever_in_common_have_no_single_change(s):
    matcher = Matcher(s.engine.catalogue, parameters())
    case = matcher.read(s.company, date.fromisoformat(AS_OF))
    verdicts = matcher.situation([case]).verdicts[0]
    failing = matcher.failing(verdicts, mendable(matcher, ("company",)), LANES)
    anything = [frozenset({"anything"})] * len(matcher.rules)
    found, full = (
        {name: [c.key for c in changes] for name, changes in near.items()}
        for near in (
            Remedies(matcher, case, moves).near_misses(failing)
            for moves in (levers(matcher), anything)
        )
    )
    assert found == full


# --- one catalogue made for it -------------------------------------------------------------------


def fact(name, kind="flag", changeable="company", **more):
    labels = {"label": both(name), "question": both(name)}
    unit = {"unit": "CNY"} if kind == "number" else {}
    return {"id": name, "type": kind, "changeable": changeable, **labels, **unit, **more}


def paper(name, **more):
    return {"id": name, "label": both(name), "kind": "trade", **more}


FACTS = [
    fact("own"),
    fact("third", changeable="third_party"),
    fact("never", changeable="no"),
    fact("screened", asked_of="screening"),
    fact("amount", "number"),
    fact("expiry", "date", document="LC"),
    fact("accepted", document="LC"),
    fact("checked", document="LC", asked_of="screening"),
]
DOCUMENTS = [
    paper("LC"),
    paper("BL", kind="transport", character="title", issuer="carrier", sets={"own": True}),
    paper("WAYBILL", kind="transport"),
    paper("EARLY", obtainable_in=["pre_shipment"]),
    paper("APPROVAL", obtained_from="third_party"),
]


def engine(*rules, **product):
    raw = {
        "id": "p",
        "name_zh": "产品",
        "name_en": "Product",
        "lane": "service",
        "category": "test",
        "provider": both("bank"),
        "summary": both("summary"),
        "family": "none",
        "formula": "none",
        "currencies": ["CNY", "USD"],
        "rules": list(rules),
        **product,
    }
    return engine_of({"products": [raw], "facts": FACTS, "documents": DOCUMENTS})


def outcome(engine_, company):
    """Fit and changes of the one product."""
    answer = engine_.recommend(Company.parse(company), as_of=AS_OF, include_ineligible=True)
    match = matches(answer)[0]
    return match["fit"], [change["set"] for change in match["changes"]]


def holds(name):
    return {"f": name, "op": "holds"}


@pytest.mark.parametrize(
    ("rule", "company", "change"),
    [
        (holds("own"), {"facts": {"own": False}}, {"own": True}),
        ({"f": "own", "op": "lacks"}, {"facts": {"own": True}}, {"own": False}),
        (
            {"f": "amount", "op": "at_least", "v": 10.5},
            {"facts": {"amount": 3}},
            {"amount": 10.5},
        ),
        (
            {"f": "expiry", "op": "after", "v_field": "need.date"},
            {"need": {"date": "2027-01-31"}, "facts": {"expiry": "2027-01-31"}},
            {"expiry": "2027-02-01"},
        ),
        (
            {"f": "need.date", "op": "before", "v": "2027-01-01"},
            {"need": {"date": "2027-01-31"}},
            {"need.date": "2026-12-31"},
        ),
        (
            {"f": "need.tenor_days", "op": "at_most", "v": 90.5},
            {"need": {"tenor_days": 180}},
            {"need.tenor_days": 90},
        ),
        (
            {"f": "trade.corridor_shipments_12m", "op": "at_least", "v": 1.5},
            {"trade": {"corridor_shipments_12m": 0}},
            {"trade.corridor_shipments_12m": 2},
        ),
        (
            {"f": "trade.routes", "op": "overlaps", "v": ["RSI"]},
            {"trade": {"routes": [{"mode": "SEA", "legs": ["CNSHA", "SGSIN"]}]}},
            {"trade.routes": [{"mode": "SEA", "legs": ["CNSHA", "SGSIN"]}, {"mode": "RSI"}]},
        ),
        (
            {"f": "need.currency", "op": "one_of", "v": ["USD"]},
            {"need": {"currency": "EUR"}},
            {"need.currency": "USD"},
        ),
        (
            {"f": "need_cny", "op": "at_most", "v": 1_000_000},
            {"need": {"amount": 3_000_000, "currency": "CNY"}},
            {"need.amount": 1_000_000},
        ),
        (
            {"f": "documents", "op": "overlaps", "v": ["BL"]},
            {"documents": [{"type": "LC"}]},
            {"documents": [{"type": "LC"}, {"type": "BL", "issuer": "carrier"}], "own": True},
        ),
    ],
)
def test_what_a_company_can_do_itself_makes_a_near_miss(rule, company, change):
    assert outcome(engine(rule), company) == ("near_miss", [change])


def test_the_amount_asked_for_in_foreign_currency_is_cut_to_the_ceiling_in_yuan():
    rule = {"f": "need_cny", "op": "at_most", "v": 1_000_000}
    fit, changes = outcome(engine(rule), {"need": {"amount": 300_000, "currency": "USD"}})
    rate = engine(rule).parameters.rate("USD", engine(rule).options({"as_of": AS_OF}).day)
    assert fit == "near_miss"
    assert changes == [{"need.amount": int(1_000_000 / rate.cny_per_unit)}]


@pytest.mark.parametrize(
    ("rule", "company"),
    [
        (holds("never"), {"facts": {"never": False}}),
        (holds("screened"), {"facts": {"screened": False}}),
        (holds("checked"), {"facts": {"checked": False}, "documents": []}),
        ({"f": "staff", "op": "at_least", "v": 10}, {"staff": 3}),
        ({"f": "trade.stage", "op": "one_of", "v": ["stock"]}, {"trade": {"stage": "capex"}}),
        ({"f": "documents", "op": "overlaps", "v": ["WAYBILL"]}, {"documents": []}),
        (
            {"f": "documents", "op": "overlaps", "v": ["EARLY"]},
            {"documents": [], "trade": {"stage": "post_shipment"}},
        ),
        ({"f": "need_cny", "op": "at_least", "v": 9}, {"need": {"amount": 1, "currency": "CNY"}}),
        ({"f": "need.tenor_days", "op": "at_most", "v": 0}, {"need": {"tenor_days": 180}}),
        (
            {"f": "trade.payment_term_days", "op": "at_most", "v": -1},
            {"trade": {"payment_term_days": 5}},
        ),
    ],
)
def test_what_cannot_or_should_not_be_changed_stays_ineligible(rule, company):
    assert outcome(engine(rule), company) == ("ineligible", [])


@pytest.mark.parametrize(
    ("rule", "company", "change"),
    [
        (holds("third"), {"facts": {"third": False}}, {"third": True}),
        (
            {"f": "documents", "op": "overlaps", "v": ["APPROVAL"]},
            {"documents": []},
            {"documents": [{"type": "APPROVAL"}]},
        ),
    ],
)
def test_what_a_third_party_has_to_do_is_shown_and_makes_no_near_miss(rule, company, change):
    assert outcome(engine(rule), company) == ("ineligible", [change])


def test_one_paper_brings_all_the_facts_that_are_its_own():
    two = engine(holds("accepted"), {"f": "expiry", "op": "after", "v": "2027-01-01"})
    company = {"documents": [{"type": "LC"}], "facts": {"accepted": False, "expiry": "2026-12-01"}}
    expected = [{"accepted": True, "expiry": "2027-01-02"}]
    assert outcome(two, company) == ("near_miss", expected)


def test_two_unrelated_changes_are_no_near_miss():
    two = engine(holds("own"), {"f": "amount", "op": "at_least", "v": 5})
    fit, changes = outcome(two, {"facts": {"own": False, "amount": 1}})
    assert fit == "ineligible"
    assert sorted(changes, key=str) == [{"amount": 5}, {"own": True}]


def implied(name, field, code):
    """A fact that is true when a field of the profile has a code."""
    return fact(name, implied_by=[{"f": field, "op": "one_of", "v": [code], "value": True}])


def engine_with(definition, *rules):
    whole = engine().catalogue.product("p").model_dump(mode="json", exclude_defaults=True)
    return engine_of({"products": [{**whole, "rules": list(rules)}], "facts": [definition]})


def test_a_change_that_contradicts_the_profile_is_not_offered():
    shipped = engine_with(
        implied("shipped", "trade.stage", "post_shipment"), {"f": "shipped", "op": "lacks"}
    )
    assert outcome(shipped, {"trade": {"stage": "post_shipment"}}) == ("ineligible", [])


@pytest.mark.parametrize("facts", [{}, {"dollars": None}])
def test_what_follows_from_a_change_counts_too(facts):
    """Asking in dollars meets the first rule, and breaks the second."""
    dollars = engine_with(
        implied("dollars", "need.currency", "USD"),
        {"f": "need.currency", "op": "one_of", "v": ["USD"]},
        {"f": "dollars", "op": "lacks"},
    )
    fit, _ = outcome(dollars, {"need": {"currency": "EUR"}, "facts": facts})
    assert fit == "ineligible"


def test_a_fact_stated_as_not_known_is_as_good_as_not_stated():
    near = engine(holds("own"))
    assert outcome(near, {"facts": {"own": False, "third": None}})[0] == "near_miss"


# --- setting fields ------------------------------------------------------------------------------


def test_fields_and_facts_are_set_by_path_or_id():
    catalogue = engine().catalogue
    company = Company.parse({"need": {"amount": 5, "currency": "CNY"}, "facts": {"third": None}})
    changed = apply(
        company, {"need.amount": 7, "own": True, "facts.amount": 3, "trade.hs": ["84"]}, catalogue
    )
    assert float(changed.need.amount) == 7
    assert changed.need.currency == "CNY"
    assert changed.trade.hs == ("84",)
    assert changed.facts["own"].value is True
    assert changed.facts["own"].source == "company"
    assert changed.facts["amount"].value == 3
    assert company.need.amount == 5


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"nonsense": 1}, "set.nonsense"),
        ({"name_zh.first": 1}, "set.name_zh.first"),
        ({"documents[0].type": "LC"}, "set.documents[0].type"),
        ({"need.amont": 1}, "need.amont"),
        ({"need.amount": "much"}, "need.amount"),
        ({"need.amount": -1}, "need.amount"),
        ({"need.tenor_days": 0}, "need.tenor_days"),
        ({"trade.hs": ["00"]}, "trade.hs[0]"),
    ],
)
def test_what_cannot_be_set_is_named(values, place):
    company = Company.parse({"name_zh": "企业"})
    with pytest.raises(InvalidProfile) as caught:
        apply(company, values, engine().catalogue)
    assert [problem.field for problem in caught.value.problems] == [place]


def test_every_wrong_value_is_named_at_once():
    values = {"nonsense": 1, "other": 2}
    with pytest.raises(InvalidProfile) as caught:
        apply(Company(), values, engine().catalogue)
    assert [problem.field for problem in caught.value.problems] == ["set.nonsense", "set.other"]


def test_setting_a_fact_of_the_wrong_type_is_refused_by_the_engine():
    with pytest.raises(InvalidProfile) as caught:
        engine(holds("own")).what_if(Company(), {"own": "perhaps"}, as_of=AS_OF)
    assert [problem.field for problem in caught.value.problems] == ["facts.own"]
    assert read(engine(), {})[0] == Company()


ABROAD = {
    "need": {"amount": 15_000_000, "currency": "USD", "tenor_days": 90},
    "facts": {"net_assets_cny": 50_000_000, "foreign_debt_outstanding_usd": 0},
}


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        # room: 50m x 3.5 / 6.7758 = USD 25.8m, by a weight of 2, 1.5 or 1
        ({}, -1),
        ({"need.tenor_days": 366}, 1),
        ({"need.tenor_days": 365}, -1),
        ({"need.currency": "CNY", "need.amount": 15_000_000}, 1),
        ({"need.amount": 12_000_000}, 1),
        ({"net_assets_cny": 60_000_000}, 1),
        ({"net_assets_cny": 40_000_000}, -1),
        ({"foreign_debt_outstanding_usd": 1}, 0),
    ],
)
def test_a_room_moves_with_the_loan_wanted_and_with_what_it_rests_on(values, verdict):
    """Tried on the encoded profile, and set on the profile itself: one answer."""
    catalogue, day = Catalogue.load(), date.fromisoformat(AS_OF)
    matcher, company = Matcher(catalogue, parameters()), Company.parse(ABROAD)
    case = matcher.read(company, day)
    (at,) = (i for i, r in enumerate(matcher.rules) if r.code == "within_foreign_debt_ceiling")
    changed = matcher.read(apply(company, values, catalogue), day)
    assert matcher.situation([changed]).verdicts[0][at] == verdict
    trials, change = Trials(matcher, case), Change(tuple(values.items()), "company")
    tried = trials.after(change).values
    answers = [matcher.table.answer(i, tried) for i in range(len(matcher.rules))]
    assert answers[at] == verdict
    assert answers == matcher.situation([changed]).verdicts[0].tolist()
