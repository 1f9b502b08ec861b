"""Every rule of every product on a real profile: met, failed, and with nothing known.

The values come from a table of operators, the profiles are read by the plain evaluator of
`rule_situations`, and the engine has to agree with it. A rule that cannot be met, or cannot fail,
is wrong.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache

import pytest
from profile_writers import BASE, CATALOGUE, DAY, FACTS, SAMPLE, WRITERS, Raw, write
from rule_situations import (
    NO,
    UNKNOWN,
    YES,
    apply,
    half_open,
    judged,
    settings_of,
    situations,
)

from recommender import Company, Engine
from recommender.company.profile import Need, Trade
from recommender.rules import Predicate, Rule


@cache
def engine() -> Engine:
    return Engine(CATALOGUE)


# --- the rules ------------------------------------------------------------------------------------


def distinct_rules() -> dict[str, tuple[Rule, list[tuple[str, str]]]]:
    """Every rule, stop and gate once, with the products and codes under which it stands."""
    found: dict[str, tuple[Rule, list[tuple[str, str]]]] = {}
    for name in CATALOGUE.products:
        for rule in CATALOGUE.rules(name):
            key = " or ".join(worded(predicate) for predicate in rule.predicates)
            found.setdefault(key, (rule, []))[1].append((name, rule.reason))
    return found


def worded(p: Predicate) -> str:
    operand = p.v_field or ("" if p.v is None else p.v)
    listed = ",".join(map(str, operand)) if isinstance(operand, tuple) else operand
    return f"{p.f} {p.op} {listed}".strip()


RULES = distinct_rules()


def verdicts(raw: Raw, places: list[tuple[str, str]]) -> set[str]:
    """What the engine answers to a rule, in every product that has it."""
    answer = engine().eligibility(Company.parse(raw), as_of=DAY)
    said = {
        (product["product_id"], rule["code"]): rule["verdict"]
        for product in answer["products"]
        for rule in product["rules"]
    }
    return {said[place] for place in places}


@pytest.mark.parametrize("answer", [YES, NO, UNKNOWN])
@pytest.mark.parametrize("key", RULES)
def test_every_rule_can_be_met_can_fail_and_can_be_open(key, answer):
    rule, places = RULES[key]
    profiles = [*situations(rule, answer), *(half_open(rule) if answer == UNKNOWN else ())]
    assert profiles, f"nothing this test can set makes the answer {answer}"
    for raw in profiles:
        assert judged(rule, raw) == answer
        assert verdicts(raw, places) == {answer}


def settable(name: str) -> bool:
    place, _, inner = name.rpartition(".")
    record = {"": Company, "trade": Trade, "need": Need}[place]
    return name in FACTS or name in WRITERS or inner in record.model_fields


def test_every_field_a_rule_asks_can_be_set_here():
    asked = {p for rule, _ in RULES.values() for p in rule.predicates}
    names = {p.f for p in asked} | {p.v_field for p in asked if p.v_field}
    assert sorted(n for n in names if not settable(n)) == [], "give it a writer and a reader"


def test_nothing_is_left_out():
    listed = [place for _, places in RULES.values() for place in places]
    assert len(listed) == len(set(listed))
    assert len(listed) == sum(len(CATALOGUE.rules(name)) for name in CATALOGUE.products)


IMPLICATIONS = [(fact.id, i) for fact in FACTS.values() for i in fact.implied_by]


@pytest.mark.parametrize(
    ("fact", "implication"), IMPLICATIONS, ids=[f"{n}: {i.f} {i.op}" for n, i in IMPLICATIONS]
)
def test_what_the_profile_implies_is_answered_without_asking(fact, implication):
    places = [place for _, places in RULES.values() for place in places]
    asked = [p for p in places if p[1] in (f"{fact}.holds", f"{fact}.lacks", f"{fact}.one_of")]
    raw = deepcopy(BASE)
    write(raw, fact, None)
    if implication.f == "insurance":
        raw["insurance"] = SAMPLE["insurance"] if implication.value else []
    else:
        apply(raw, settings_of(implication.predicate(), YES)[0])
    assert asked
    assert UNKNOWN not in set().union(*(verdicts(raw, [place]) for place in asked))
