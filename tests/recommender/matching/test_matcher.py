"""A profile read against a catalogue: what it states, what follows from it, what cannot be."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from catalogue_strategies import both, engine_of, parameters
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import AS_OF, COMPLETE, KINDS, PAPERS, leaves, without

from recommender import Catalogue, Company, Engine
from recommender.errors import InvalidProfile
from recommender.matching.matcher import Matcher
from recommender.matching.scoring import expert_weights, score
from recommender.tables import data_dir

DAY = date.fromisoformat(AS_OF)
CATALOGUE = Catalogue.load()
ENGINE = Engine(CATALOGUE, parameters=parameters())
MATCHER = Matcher(CATALOGUE, parameters())
SAMPLES = sorted((data_dir() / "samples").glob("*.yaml"))


def verdicts(company, product, *codes):
    found = ENGINE.eligibility(Company.parse(company), as_of=AS_OF)["products"]
    rules = next(p["rules"] for p in found if p["product_id"] == product)
    answers = {rule["code"]: rule["verdict"] for rule in rules}
    return [answers[code] for code in codes]


def test_a_fact_that_follows_from_the_profile_need_not_be_stated():
    shipped = {"trade": {"stage": "post_shipment"}}
    assert verdicts(shipped, "eci-financing", "goods_shipped.holds") == ["yes"]
    assert verdicts(shipped, "exp-packing", "goods_shipped.lacks") == ["no"]
    assert verdicts({}, "exp-packing", "goods_shipped.lacks") == ["unknown"]
    assert verdicts({"trade": {"stage": "stock"}}, "exp-packing", "goods_shipped.lacks") == [
        "unknown"
    ]


def test_a_stated_fact_that_the_profile_contradicts_is_refused():
    raw = {"trade": {"stage": "post_shipment"}, "facts": {"goods_shipped": False}}
    for call in (ENGINE.recommend, ENGINE.eligibility):
        with pytest.raises(InvalidProfile) as caught:
            call(Company.parse(raw), as_of=AS_OF)
        (problem,) = caught.value.problems
        assert (problem.code, problem.field, problem.value) == (
            "contradiction",
            "facts.goods_shipped",
            False,
        )
        assert problem.allowed is True


def test_a_fact_stated_as_not_known_says_nothing():
    silent, null = {}, {"facts": {"has_eci_policy": None, "overdue_loans": {"value": None}}}
    answers = [ENGINE.eligibility(Company.parse(raw), as_of=AS_OF) for raw in (silent, null)]
    assert answers[0] == answers[1]


def test_unknown_facts_papers_and_answers_are_all_named_at_once():
    raw = {
        "facts": {"has_eci_polcy": True, "overdue_loans": "perhaps", "lc_type": "strange"},
        "documents": [{"type": "OCEAN_BILL"}],
    }
    with pytest.raises(InvalidProfile) as caught:
        ENGINE.read(raw)
    problems = {p.field: p for p in caught.value.problems}
    assert set(problems) == {
        "facts.has_eci_polcy",
        "facts.overdue_loans",
        "facts.lc_type",
        "documents[0].type",
    }
    assert "has_eci_policy" in problems["facts.has_eci_polcy"].allowed
    assert "documentary" in problems["facts.lc_type"].allowed


def test_papers_are_known_by_synonym_whatever_the_case():
    paper = {"documents": [{"type": "digital_bl"}]}
    assert verdicts(paper, "doc-encd", "documents.overlaps") == ["no"]
    assert verdicts({"documents": [{"type": "encd_RECORD"}]}, "doc-encd", "documents.overlaps") == [
        "yes"
    ]


def test_another_issuer_than_the_catalogue_knows_never_answers_yes():
    code = "document_issuers.overlaps"
    operator = {"type": "DIGITAL_MULTIMODAL_BL", "issuer": "corridor_operator"}
    assert verdicts({"documents": [operator]}, "doc-tdtr", code) == ["yes"]
    forwarder = {"documents": [{**operator, "issuer": "forwarder"}]}
    assert verdicts(forwarder, "doc-tdtr", code) == ["no"]


@pytest.mark.parametrize(
    ("less", "more", "product", "code"),
    [
        # what credit insurance still carries may lower the coverage, and open a gap
        (
            {"facts": {}},
            {"facts": {"declaration_unfinanced_balance_usd": 1000}},
            "gua-policy",
            "collateral_gap",
        ),
        # receivables in collateral not yet stated may be in a currency the policy covers
        (
            {"collateral": None},
            {"collateral": [{"type": "export_receivable", "value": 5, "currency": "USD"}]},
            "eci-st-policy",
            "receivables",
        ),
        # the paper of a trade may be that of the goods
        (
            {"documents": [{"type": "OCEAN_BL"}]},
            {"documents": [{"type": "OCEAN_BL", "trade": "G"}]},
            "gua-policy",
            "collateral_gap",
        ),
        (
            {"documents": [{"type": "DIGITAL_MULTIMODAL_BL"}]},
            {"documents": [{"type": "DIGITAL_MULTIMODAL_BL", "issuer": "corridor_operator"}]},
            "doc-tdtr",
            "document_issuers.overlaps",
        ),
    ],
)
def test_what_further_answers_could_turn_round_is_not_known_yet(less, more, product, code):
    insured = {"type": "insured_receivable", "trade": "T1", "currency": "CNY", "senior_claim": 0}
    goods = {"type": "goods_in_transit", "trade": "G", "currency": "CNY", "senior_claim": 0}
    base = {
        "need": {"amount": 1_000_000, "currency": "CNY"},
        "collateral": [{**insured, "value": 2_000_000}],
        "insurance": [
            {
                "trade": "T1",
                "declared": 2_000_000,
                "free_limit": 2_000_000,
                "currency": "CNY",
                "cover_pct": 90,
                "premium_paid": True,
            }
        ],
        "positions": [
            {"currency": "THB", "bucket": "1-3m", "receipts": 5, "documented": True},
        ],
        "documents": [],
    }
    if "documents" in less and code == "collateral_gap":
        base |= {"collateral": [{**goods, "value": 9_000_000}]}
    before, after = (verdicts({**base, **part}, product, code)[0] for part in (less, more))
    assert before in ("unknown", after)


DERIVED = {
    "collateral_gap_cny": [{"op": "at_least", "v": 1}, {"op": "at_most", "v": 50_000}],
    "need_cny": [{"op": "at_most", "v": 250_000}],
    "size_class": [{"op": "one_of", "v": ["micro"]}, {"op": "none_of", "v": ["small", "medium"]}],
    "receivable_currencies": [{"op": "overlaps", "v": ["USD"]}, {"op": "none_of", "v": ["CNY"]}],
    "documented_positions": [{"op": "overlaps", "v": ["USD:0-1m", "CNY:1-3m"]}],
    "insurance": [{"op": "none_of", "v": ["limit_free"]}, {"op": "one_of", "v": ["in_force"]}],
    "documents": [{"op": "none_of", "v": ["LC"]}],
    "document_issuers": [{"op": "one_of", "v": ["OCEAN_BL:carrier", "DIGITAL_BL:railway"]}],
    "trade.hs": [{"op": "none_of", "v": ["8703"]}, {"op": "overlaps", "v": ["8432", "27"]}],
    "registered_province": [{"op": "one_of", "v": ["5001"]}],
    "industry": [{"op": "none_of", "v": ["C351"]}],
}


def offered():
    """One product with rules on everything that is computed or only partly known."""
    rules = [
        {"f": name, "code": f"{name}.{i}", **rule}
        for name, several in DERIVED.items()
        for i, rule in enumerate(several)
    ]
    accepts = {kind: {"low": 0.5, "high": 0.8} for kind in KINDS}
    row = {"id": "p", "name_zh": "甲", "name_en": "P", "lane": "service", "category": "test"}
    texts = {"provider": both("bank"), "summary": both("sum"), "family": "none", "formula": "none"}
    papers = [
        {"id": name, "label": both(name), "kind": "trade", "character": character}
        for name, character in zip(PAPERS, ("title", "contractual", "none", "none"), strict=True)
    ]
    balance = {
        "id": "declaration_unfinanced_balance_usd",
        "type": "number",
        "unit": "USD",
        "label": both("balance"),
        "question": both("balance?"),
    }
    product = {**row, **texts, "currencies": ["CNY"], "accepts": accepts, "rules": rules}
    return engine_of({"products": [product], "facts": [balance], "documents": papers})


OFFERED = offered()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(COMPLETE, st.none() | st.sampled_from((0, 10, 1e6)), st.data())
def test_learning_something_moves_computed_verdicts_only_from_unknown(drawn, balance, data):
    raw = {**drawn, "facts": {"declaration_unfinanced_balance_usd": balance}}
    places = list(leaves(raw))
    hidden = data.draw(st.lists(st.sampled_from(places), max_size=3)) if places else []
    answers = [
        OFFERED.eligibility(Company.parse(known), as_of=AS_OF)["products"][0]["rules"]
        for known in (without(raw, hidden), raw)
    ]
    moved = {
        before["code"]: (before["verdict"], after["verdict"])
        for before, after in zip(*answers, strict=True)
        if before["verdict"] not in ("unknown", after["verdict"])
    }
    assert moved == {}, hidden


def test_the_province_in_the_credit_code_is_used_until_one_is_stated():
    coded = {"uscc": "91500000MA5U0000XX"}
    with pytest.raises(InvalidProfile):
        Company.parse(coded)
    stated = {"registered_province": "51"}
    assert verdicts(stated, "cor-ilstc-loan", "registered_province.one_of") == ["no"]
    farm = Company.load(data_dir() / "samples" / "farm_machinery.yaml")
    assert MATCHER.read(farm, DAY).row["registered_province"].has == ("50",)


def test_coverage_takes_advances_of_products_for_the_direction_of_the_company():
    """The full ocean bill is an importer's advance; an exporter gets nine tenths at most."""
    advances = {d: MATCHER.best_advances(DAY, d) for d in (None, ("export",), ("import",), ())}
    found = {d: best["ocean_bl"] for d, best in advances.items()}
    assert (found[None], found[("import",)], found[("export",)]) == (1, 1, Decimal("0.9"))
    assert found[()] == parameters().advance("ocean_bl", DAY).default
    assert MATCHER.best_advances(DAY, ("export", "import"))["ocean_bl"] == 1
    bill = {"type": "ocean_bl", "value": 1_000_000, "currency": "CNY", "senior_claim": 0}
    for directions, covered in ((["export"], 900_000), (["import"], 1_000_000), (None, 1_000_000)):
        company = Company.parse({"trade": {"directions": directions}, "collateral": [bill]})
        assert MATCHER.read(company, DAY).derived.collateral_coverage.value == covered


def test_a_company_among_a_thousand_scores_as_it_does_alone():
    companies = [Company.load(path) for path in SAMPLES]
    cases = [MATCHER.read(company, DAY) for company in companies]
    many = (cases * (1000 // len(cases) + 1))[:1000]
    situation = MATCHER.situation(many)
    ids = tuple(CATALOGUE.products)
    scores = score(MATCHER.values(situation), expert_weights(), ids)
    fits = MATCHER.fits(situation.verdicts)
    for i, case in enumerate(cases):
        alone = MATCHER.situation([case])
        single = score(MATCHER.values(alone), expert_weights(), ids)
        for at in range(i, 1000, len(cases)):
            assert np.array_equal(scores.total[at], single.total[0])
            assert np.array_equal(scores.low[at], single.low[0])
            assert np.array_equal(scores.high[at], single.high[0])
            assert np.array_equal(fits[at], MATCHER.fits(alone.verdicts)[0])
