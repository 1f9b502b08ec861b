"""The catalogue as a whole: the field it covers, and what must hold between its products."""

import re

import pytest

from recommender import Catalogue
from recommender.catalogue.checks import OPERATORS
from recommender.catalogue.product import Product
from recommender.codes import linkable
from recommender.company.fields import BY_ID
from recommender.rules import Stop

CATALOGUE = Catalogue.load()
PRODUCTS = CATALOGUE.products
EACH = pytest.mark.parametrize("item", PRODUCTS.values(), ids=PRODUCTS.keys())

FIELD = {
    "corridor credit": "cor-ilstc-loan cor-e-loan cor-scenario-boc cor-zhaoqi cor-cashflow"
    " cor-export-efin",
    "documents and goods": "doc-encd doc-tdtr doc-rail-bl-lc doc-railsea-onebill doc-rail-pilot"
    " doc-ocean-bl inv-warehouse",
    "export": "eci-xbe eci-financing eci-st-policy eci-micro exp-packing exp-order exp-receivable"
    " exp-forfaiting exp-factoring exp-taxrebate",
    "import": "imp-lc imp-bill-advance imp-prepay",
    "logistics": "log-freight-factoring log-project ins-multimodal-cargo ls-ship ls-equipment",
    "foreign exchange": "fxh-forward fxh-optional-forward fxh-option fxh-collar fxh-swap"
    " fxs-rmb-settle gua-fxhedge",
    "cross-border": "xb-scitech xb-scitech-growth xb-cashpool xb-offshore-loan xb-overseas-bond"
    " con-auto",
    "support": "fund-corridor gua-first-loan gua-policy plt-safe-ilstc",
}
PROGRAMMES = {"prg-listing", "prg-baiyi", "prg-fiveset", "prg-consortium", "prg-centre"}
ONLINE = FIELD["corridor credit"].split()

# What the notes on each product call a disqualifier, and the rule that says it. `gate`: the engine
# makes the rule from the lane.
DISQUALIFIERS = {
    "doc-encd": {
        "doc_already_pledged": "doc_already_pledged.lacks",
        "non_negotiable_waybill": "documents.overlaps",
        "perishable_without_coldchain_control": "perishable_without_coldchain_control.lacks",
    },
    "doc-tdtr": {
        "no_cargo_supervision": "goods_supervised_by_issuer.holds",
        "prior_registration_on_same_cargo": "prior_registration_on_cargo.lacks",
    },
    "doc-rail-bl-lc": {"plain_rail_waybill_only": "documents.overlaps"},
    "doc-rail-pilot": {"waybill_treated_as_title": "credit_line_or_insurance_or_guarantee.holds"},
    "doc-ocean-bl": {
        "straight_bl": "documents.overlaps",
        "seaway_bill": "documents.overlaps",
        "not_to_order": "bl_full_set_to_order.holds",
        "stale_documents": "stale_documents.lacks",
    },
    "eci-financing": {
        "insurer_exclusion": "insurer_exclusion.lacks",
        "buyer_limit_used": "buyer_limit_available.holds",
        "related_party_buyer": "related_party_buyer.lacks",
        "trade_dispute": "trade_dispute.lacks",
    },
    "exp-packing": {
        "soft_clause_lc": "lc_soft_clause.lacks",
        "transferable_lc_not_confirmed": "lc_type.one_of",
        "proceeds_used_off_purpose": "proceeds_used_off_purpose.lacks",
    },
    "exp-receivable": {"declaration_fully_financed": "declaration_unfinanced_balance_usd.at_least"},
    "inv-warehouse": {
        "special_made_goods": "special_made_goods.lacks",
        "textiles_apparel": "goods_textiles_or_appliances.lacks",
        "home_appliances": "goods_textiles_or_appliances.lacks",
    },
    "ls-ship": {"working_capital_need": "need.purpose.one_of"},
    "fxh-forward": {
        "speculation_without_exposure": "real_need_documents.holds",
        "exposure_currency_not_quoted": "open_position",
    },
    "fxh-option": {"naked_option_sale": "sells_option_naked.lacks"},
    "fxh-collar": {"first_time_hedger": "hedge_experience.holds"},
    "fxh-swap": {"no_mismatch": "has_fx_debt_or_mismatch.holds"},
    "con-auto": {"no_local_licence": "local_licensed_partner.holds"},
    "fund-corridor": {"working_capital_need": "need.purpose.one_of"},
}

TRADE = (
    "cor-export-efin doc-encd doc-tdtr doc-rail-bl-lc doc-railsea-onebill doc-rail-pilot"
    " doc-ocean-bl eci-xbe eci-financing exp-packing exp-order exp-receivable exp-forfaiting"
    " exp-factoring exp-taxrebate"
).split()
HEDGES = "fxh-forward fxh-optional-forward fxh-option fxh-collar fxh-swap".split()
SCOPES = {
    "screening_result.none_of": "all",
    "dual_use_unlicensed.lacks": "all",
    "dishonest_debtor_list.lacks": {
        *ONLINE,
        *TRADE,
        *HEDGES,
        *"imp-bill-advance imp-prepay inv-warehouse log-freight-factoring log-project".split(),
        *"ls-ship ls-equipment gua-fxhedge xb-scitech xb-scitech-growth xb-offshore-loan".split(),
        *"xb-overseas-bond gua-policy".split(),
    },
    "trade_background_rejected.lacks": {
        *TRADE,
        *HEDGES,
        *"cor-ilstc-loan imp-lc imp-bill-advance imp-prepay".split(),
    },
    "fx_admin_class.none_of": {
        *(set(TRADE) - {"cor-export-efin"}),
        *HEDGES,
        *"eci-st-policy eci-micro imp-lc imp-bill-advance imp-prepay fxs-rmb-settle".split(),
        *"gua-fxhedge xb-scitech xb-scitech-growth xb-cashpool xb-offshore-loan".split(),
        "xb-overseas-bond",
    },
}
TAKES_OUT = {
    "doc-ocean-bl": {"exp-packing"},
    "exp-forfaiting": {"exp-packing"},
    "eci-xbe": {"exp-packing", "exp-order"},
    "eci-financing": {"exp-packing", "exp-order"},
    "exp-receivable": {"exp-order"},
    "exp-factoring": {"exp-order"},
    "doc-tdtr": {"imp-prepay"},
    "doc-encd": {"imp-prepay"},
    "doc-railsea-onebill": {"imp-prepay"},
    "inv-warehouse": {"doc-tdtr", "doc-encd", "imp-prepay"},
    "imp-bill-advance": {"imp-lc"},
}
NEEDS = {
    "eci-xbe": {("eci-micro", "eci-st-policy")},
    "eci-financing": {("eci-micro", "eci-st-policy")},
    "doc-rail-bl-lc": {("imp-lc",), ("ins-multimodal-cargo",)},
}


def related(item: Product, kind: str) -> set[str]:
    return {name for r in item.relations if r.kind == kind for name in r.any_of}


def reasons(item: Product) -> dict[str, bool]:
    return {rule.reason: rule.hard for rule in CATALOGUE.rules(item.id)}


def bars(item: Product, purpose: str) -> bool:
    """Whether a hard rule on the purpose says no to it."""
    asked = [r for r in CATALOGUE.rules(item.id) if r.f == "need.purpose" and r.hard]
    return any((purpose in r.v) == (r.op == "none_of") for r in asked)


def test_the_whole_field_is_there_and_nothing_invented():
    names = {name for group in FIELD.values() for name in group.split()}
    assert len(names) == 48
    assert set(PRODUCTS) == names | PROGRAMMES


@pytest.mark.parametrize(
    ("product", "prose", "reason"),
    [(p, prose, reason) for p, found in DISQUALIFIERS.items() for prose, reason in found.items()],
)
def test_every_disqualifier_in_prose_is_a_hard_rule(product, prose, reason):
    assert reasons(PRODUCTS[product]).get(reason) is True, prose


def test_the_common_stops_have_exactly_their_scope():
    found = {
        stop.reason: stop.scope if stop.scope == "all" else set(stop.scope)
        for stop in CATALOGUE.stops
        if stop.f != "need.purpose"
    }
    assert found == SCOPES


@EACH
def test_every_rule_has_an_operator_that_fits_its_field(item):
    for rule in CATALOGUE.rules(item.id):
        for predicate in rule.predicates:
            fact = CATALOGUE.facts.get(predicate.f)
            kind = fact.type if fact else BY_ID[predicate.f].kind
            assert predicate.op in OPERATORS[kind], rule.reason


@EACH
def test_no_rule_contradicts_another(item):
    asked = {(r.f, r.op) for r in CATALOGUE.rules(item.id) if r.hard and r.any is None}
    assert not {f for f, op in asked if op == "holds"} & {f for f, op in asked if op == "lacks"}


def test_online_loans_without_collateral_stand_for_each_other():
    for name in ONLINE:
        assert related(PRODUCTS[name], "substitutes") == set(ONLINE) - {name}
    assert not [p for p in PRODUCTS if p not in ONLINE and related(PRODUCTS[p], "substitutes")]


def test_what_takes_out_what():
    found = {p: related(item, "takes_out") for p, item in PRODUCTS.items()}
    assert {p: names for p, names in found.items() if names} == TAKES_OUT


def test_prerequisites_beside_cargo_insurance():
    found = {
        p: {r.any_of for r in item.relations if r.kind == "prerequisite"}
        for p, item in PRODUCTS.items()
    }
    alone = {("ins-multimodal-cargo",)}
    assert {p: needs for p, needs in found.items() if needs and needs != alone} == NEEDS


@EACH
def test_a_product_is_not_two_things_to_another(item):
    kinds = [related(item, kind) for kind in ("substitutes", "takes_out", "prerequisite")]
    assert sum(map(len, kinds)) == len(set().union(*kinds))
    assert not related(item, "substitutes") & related(item, "complements")


@EACH
def test_a_hedge_beside_money_says_when(item):
    for relation in item.relations:
        if relation.kind == "complements" and set(relation.any_of) & set(HEDGES):
            assert item.lane in ("hedge", "guarantee") or relation.when is not None


def test_the_corrections_of_the_trade():
    ocean, forfaiting = PRODUCTS["doc-ocean-bl"], PRODUCTS["exp-forfaiting"]
    assert "OA" not in ocean.settlement_methods
    assert all("OA" not in r.v for r in ocean.rules if r.f == "trade.settlement_methods")
    assert reasons(forfaiting)["acceptor_type.one_of"] is True
    assert "fxh-forward" not in related(forfaiting, "complements")
    bill = next(r for r in PRODUCTS["imp-bill-advance"].relations if "fxh-forward" in r.any_of)
    assert "购汇" in bill.when.zh
    assert PRODUCTS["gua-fxhedge"].covers == "hedge_margin"
    assert PRODUCTS["con-auto"].lane == "service"
    assert any("not the exporter" in note.en for note in PRODUCTS["con-auto"].notes)


@EACH
def test_nothing_here_pays_for_investment_abroad(item):
    if item.lane in ("financing", "lease", "equity", "guarantee") and item.covers != "hedge_margin":
        assert bars(item, "outward_investment")


@EACH
def test_working_capital_loans_are_not_for_ships_and_hedges(item):
    if item.lane == "financing":
        assert bars(item, "hedging")


@pytest.mark.parametrize("name", sorted(PROGRAMMES))
def test_programmes_without_terms_invent_nothing(name):
    item = PRODUCTS[name]
    assert item.lane == "service"
    assert item.formula == "none"
    assert (item.amount, item.tenor_days, item.documents, item.accepts) == (None, None, (), {})
    assert {rule.src for rule in item.rules} <= {"a"}
    assert any("not published" in note.en for note in item.notes)
    assert [source.quality for source in item.sources.values()] == ["article"]


@EACH
def test_public_facts_carry_a_year(item):
    for fact in item.public_facts:
        assert re.search(r"(19|20)\d\d", fact.zh) or "月查阅" in fact.zh, fact.zh
        assert re.search(r"(19|20)\d\d", fact.en), fact.en


@EACH
def test_an_illustrative_product_says_no_more_than_it_knows(item):
    if not item.sources:
        assert item.public_facts == ()
        assert set(item.provenance) == set()


@EACH
def test_copies_and_weak_pages_are_recorded_and_never_linked(item):
    for source in item.sources.values():
        if source.url and not linkable(source.url):
            assert source.quality == "secondary"


def test_one_address_has_one_quality():
    found: dict[str, set[str]] = {}
    for item in PRODUCTS.values():
        for source in item.sources.values():
            if source.url:
                found.setdefault(source.url, set()).add(source.quality)
    assert {url: words for url, words in found.items() if len(words) > 1} == {}


def test_who_answers_is_the_trade_s_answer():
    asked = {name: fact.asked_of for name, fact in CATALOGUE.facts.items()}
    bank = {
        "credit_line",
        "credit_line_or_margin",
        "credit_line_or_insurance_or_guarantee",
        "margin_or_derivative_line_or_guarantee",
        "lc_issuing_bank_acceptable",
        "trade_background_rejected",
        "whitelist_member",
        "derivatives_suitability_assessed",
        "beneficial_owner_verified",
        "lgfv_or_hidden_debt",
    }
    screening = {
        "screening_result",
        "dual_use_unlicensed",
        "dishonest_debtor_list",
        "controller_litigation_or_limit",
        "high_risk_country_or_bank",
        "vessel_screened",
    }
    assert {name for name, who in asked.items() if who == "bank"} == bank
    assert {name for name, who in asked.items() if who == "screening"} == screening


def test_a_stop_is_a_rule_with_a_scope():
    assert all(isinstance(stop, Stop) and stop.hard for stop in CATALOGUE.stops)
