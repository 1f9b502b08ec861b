"""What a question is worth is what brute force finds: every answer given, the lists compared."""

import datetime
from math import isclose

import numpy as np
import pytest
from catalogue_strategies import parameters, situations
from hypothesis import HealthCheck, given, settings
from strategies import AS_OF

from recommender import Catalogue, Company, Engine
from recommender.answers.changes import apply
from recommender.answers.unanswered import is_open
from recommender.company.readings import Codes
from recommender.errors import InvalidProfile
from recommender.questions.expected_change import TOP, change, expected_changes
from recommender.questions.possible_answers import answers

OFTEN = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PACKAGED = Engine(Catalogue.load(), parameters=parameters())
SETTABLE = {
    "trade.directions": list,
    "trade.routes": lambda codes: [{"mode": code} for code in codes],
    "trade.hs": list,
    "trade.incoterms": list,
    "trade.settlement_methods": list,
    "trade.stage": lambda codes: codes[0],
    "need.purpose": lambda codes: codes[0],
    "ownership": lambda codes: codes[0],
    "registered_province": lambda codes: codes[0] if codes else "11",
    "special_zone": lambda codes: codes[0] if codes else "elsewhere",
    "trade.corridor_shipments_12m": round,
    "years_operating": round,
    "need.tenor_days": round,
}


def given_value(engine, answer):
    """The answer as a profile states it; None where a profile cannot say just that."""
    name, value = answer.question, answer.values[answer.question]
    fact = engine.catalogue.facts.get(name)
    if fact is None:
        said = value.has if isinstance(value, Codes) else value
        return SETTABLE[name](said) if name in SETTABLE else None
    if fact.type == "flag":
        return bool(value.has)
    if fact.type == "choice":
        return value.has[0] if value.has else None
    if fact.type == "choices":
        return list(value.has)
    return value.isoformat() if isinstance(value, datetime.date) else value


def tops(engine, company, **options):
    """The products that fit, by lane and in order."""
    found = engine.recommend(company, as_of=AS_OF, limit=1000, **options)
    return {
        lane["lane"]: [
            m["product_id"] for m in lane["matches"] if m["fit"] in ("eligible", "conditional")
        ]
        for lane in found["lanes"]
    }


def moved(engine, company, before, answer, **options):
    """The change of all lists when an answer is given; None when it contradicts the profile."""
    try:
        after = apply(company, {answer.question: given_value(engine, answer)}, engine.catalogue)
        lists = tops(engine, after, **options)
    except InvalidProfile:
        return None
    return sum(change(before[lane], lists.get(lane, [])) for lane in before)


def computed(engine, company, **options):
    """What the engine expects each question to change, by name."""
    chosen = engine._chosen(None, {"as_of": AS_OF, **options})
    assessment = engine._assess(company, chosen)
    index, fit = engine._matcher.index, assessment.fit
    shown = [
        [index[p.id] for p in products if fit(p.id) in ("eligible", "conditional")]
        for products in engine._by_lane(assessment, chosen).values()
    ]
    questions = engine._questions
    lists = questions._lists(assessment, shown)
    found = expected_changes(questions._possible, questions._state(assessment, lists))
    return assessment.case, dict(zip(questions._possible.names, found.tolist(), strict=True))


def wholly_unknown(case, name):
    value = case.row.get(name)
    stated = isinstance(value, Codes) and (value.has or value.may is not None)
    return is_open(case, name) and not stated


def compare(engine, company, **options):
    """How many questions brute force could answer; each must be worth what is computed."""
    case, found = computed(engine, company, **options)
    before, p = tops(engine, company, **options), engine._questions._possible
    compared = 0
    for at, name in enumerate(p.names):
        settable = name in SETTABLE or name in engine.catalogue.facts
        rows = np.flatnonzero(p.question == at).tolist()
        if not settable or not wholly_unknown(case, name):
            continue
        changes = [moved(engine, company, before, p.answers[row], **options) for row in rows]
        if None not in changes:
            expected = sum(p.prior[row] * c for row, c in zip(rows, changes, strict=True))
            assert isclose(found[name], expected, abs_tol=1e-9), name
            compared += 1
    return compared


@OFTEN
@given(situations())
def test_the_expected_change_is_that_of_brute_force_over_the_answers(s):
    compare(s.engine, s.company)


@OFTEN
@given(situations())
def test_without_scores_the_expected_change_is_that_of_brute_force_too(s):
    compare(s.engine, s.company, personalised=False)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"trade": {"directions": ["export"], "stage": "post_shipment"}},
        {"need": {"amount": 2_000_000, "currency": "CNY", "tenor_days": 90}, "documents": []},
    ],
)
def test_the_packaged_catalogue_agrees_with_brute_force(raw):
    assert compare(PACKAGED, Company.parse(raw)) > 50


def test_the_chances_of_the_answers_to_a_question_are_at_most_one():
    p = PACKAGED._questions._possible
    total = np.bincount(p.question, weights=p.prior)
    assert (total <= 1 + 1e-9).all()
    assert (p.prior > 0).all()


def test_an_answer_that_was_left_out_changes_nothing():
    company = Company.parse({"trade": {"directions": ["export"]}})
    kept = {(a.question, repr(a.values)) for a in PACKAGED._questions._possible.answers}
    before = tops(PACKAGED, company)
    dropped = [
        answer
        for answer in answers(PACKAGED._matcher)
        if (answer.question, repr(answer.values)) not in kept
        and answer.question in PACKAGED.catalogue.facts
        and PACKAGED.catalogue.facts[answer.question].type == "flag"
    ]
    assert dropped
    for answer in dropped[:20]:
        assert moved(PACKAGED, company, before, answer) == 0


def test_more_lists_than_are_looked_at_in_full_are_cut_to_the_leading_ones(monkeypatch):
    """The approximation for large catalogues: a product far down is taken to stay there."""
    monkeypatch.setattr("recommender.questions.next_questions.EXACT", 0)
    _, near = computed(PACKAGED, Company.parse({}))
    monkeypatch.undo()
    _, exact = computed(PACKAGED, Company.parse({}))
    leading = sorted(exact, key=lambda name: -exact[name])[:10]
    assert len(set(leading) & set(sorted(near, key=lambda name: -near[name])[:10])) >= 6


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("abcd", "abce", 0), ("abc", "cba", 0), ("abc", "abd", 1), ("abc", "ab", 0.5), ("", "", 0)],
)
def test_a_change_is_half_of_what_leaves_and_enters_the_first_three(before, after, expected):
    assert change(before, after) == expected
    assert change(after, before) == expected
    assert len(before[:TOP]) <= 3
