"""Rules answered for many companies at once, against a slow and obvious evaluation of one."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.company.readings import UNKNOWN as ANYTHING
from recommender.company.readings import Codes
from recommender.matching.eligibility import NO, UNKNOWN, YES, Gates, compile_rules
from recommender.matching.encoding import Layout
from recommender.rules import Rule

NUMBERS = ("amount", "limit")
DAYS = ("day", "expiry")
SETS = {
    "mode": tuple(f"m{i}" for i in range(70)),
    "hs": ("08", "0810", "84", "8432", "843221", "87"),
}
PREFIXED = ("hs",)
LAYOUT = Layout((*NUMBERS, *DAYS), {**SETS, "flag": ("true",)}, {"hs": "prefix"})
VALUES = (0, 1, 1.5, 100, 99.99, 1e9)
DATES = tuple(date(2026, 11, day) for day in (1, 2, 3, 30))


def reference(rule, row):
    """A rule answered by reading it out loud."""
    answers = [predicate(p, row) for p in rule.predicates]
    return YES if YES in answers else UNKNOWN if UNKNOWN in answers else NO


def predicate(p, row):
    if p.op in ("holds", "lacks", "one_of", "none_of", "overlaps"):
        tokens = ("true",) if p.v is None else p.v
        found = contains(row.get(p.f), tokens, p.f in PREFIXED)
        return -found if p.op in ("lacks", "none_of") else found
    left = row.get(p.f)
    if p.v_field is not None:
        right = row.get(p.v_field)
    else:
        right = p.v if p.f in NUMBERS else date.fromisoformat(p.v)
    if left is None or right is None:
        return UNKNOWN
    true = {
        "at_least": lambda: left >= right,
        "at_most": lambda: left <= right,
        "between": lambda: right[0] <= left <= right[1],
        "before": lambda: left < right,
        "after": lambda: left > right,
    }[p.op]()
    return YES if true else NO


def contains(value, tokens, prefixed):
    if value is None:
        return UNKNOWN

    def certain(code, token):
        return code.startswith(token) if prefixed else code == token

    def possible(code, token):
        return code == token or (prefixed and (token.startswith(code) or code.startswith(token)))

    if any(certain(code, token) for code in value.has for token in tokens):
        return YES
    if value.may is None:
        return UNKNOWN
    maybe = (*value.has, *value.may)
    return UNKNOWN if any(possible(c, t) for c in maybe for t in tokens) else NO


def few(values, least=0):
    return st.lists(st.sampled_from(values), min_size=least, max_size=4, unique=True)


@st.composite
def predicates(draw):
    kind = draw(st.sampled_from(("number", "day", "set", "flag")))
    if kind == "flag":
        return {"f": "flag", "op": draw(st.sampled_from(("holds", "lacks")))}
    if kind == "set":
        name = draw(st.sampled_from(sorted(SETS)))
        operator = draw(st.sampled_from(("one_of", "none_of", "overlaps")))
        return {"f": name, "op": operator, "v": draw(few(SETS[name], least=1))}
    names, values = (NUMBERS, VALUES) if kind == "number" else (DAYS, DATES)
    operators = ("at_least", "at_most", "between") if kind == "number" else ("before", "after")
    operator = draw(st.sampled_from(operators))
    if operator == "between":
        return {
            "f": names[0],
            "op": operator,
            "v": sorted(draw(st.tuples(*[st.sampled_from(VALUES)] * 2))),
        }
    if draw(st.booleans()):
        return {"f": names[0], "op": operator, "v_field": names[1]}
    value = draw(st.sampled_from(values))
    return {"f": names[0], "op": operator, "v": value if kind == "number" else value.isoformat()}


RULES = st.one_of(
    predicates(),
    st.lists(predicates(), min_size=2, max_size=3).map(lambda several: {"any": several}),
).map(Rule.model_validate)


def sets(name):
    codes = (*SETS[name], "other", "843290")
    known = st.builds(lambda has, may: Codes(tuple(has), tuple(may)), few(codes), few(codes))
    return st.one_of(st.none(), st.just(ANYTHING), known, few(codes).map(lambda h: Codes(tuple(h))))


FLAGS = st.sampled_from((None, Codes(("true",)), Codes(), ANYTHING))
ROWS = st.fixed_dictionaries(
    {
        **{name: st.none() | st.sampled_from(VALUES) for name in NUMBERS},
        **{name: st.none() | st.sampled_from(DATES) for name in DAYS},
        **{name: sets(name) for name in SETS},
        "flag": FLAGS,
    }
)


@settings(max_examples=200, deadline=None)
@given(st.lists(RULES, min_size=1, max_size=8), st.lists(ROWS, min_size=1, max_size=5))
def test_the_vectorised_answers_are_those_of_the_obvious_evaluation(rules, rows):
    table, columns = compile_rules(rules, LAYOUT), LAYOUT.encode(rows)
    expected = [[reference(rule, row) for rule in rules] for row in rows]
    assert table.verdicts(columns).tolist() == expected
    lists = [columns.values(i) for i in range(len(rows))]
    assert [[table.answer(i, one) for i in range(len(rules))] for one in lists] == expected


@pytest.mark.parametrize(
    ("op", "yes", "no"),
    [
        ("at_least", 5, 4.99),
        ("at_most", 5, 5.01),
        ("between", 5, 8.01),
    ],
)
def test_bounds_are_included(op, yes, no):
    v = [5, 8] if op == "between" else 5
    table = compile_rules([Rule.model_validate({"f": "amount", "op": op, "v": v})], LAYOUT)
    answers = table.verdicts(LAYOUT.encode([{"amount": yes}, {"amount": no}, {}]))
    assert answers[:, 0].tolist() == [YES, NO, UNKNOWN]


@pytest.mark.parametrize(("op", "yes", "no"), [("before", 1, 2), ("after", 3, 2)])
def test_before_and_after_leave_out_the_day_itself(op, yes, no):
    rule = Rule.model_validate({"f": "day", "op": op, "v": "2026-11-02"})
    rows = [{"day": date(2026, 11, yes)}, {"day": date(2026, 11, no)}, {}]
    answers = compile_rules([rule], LAYOUT).verdicts(LAYOUT.encode(rows))
    assert answers[:, 0].tolist() == [YES, NO, UNKNOWN]


def test_one_true_alternative_is_enough_and_one_open_one_keeps_it_open():
    rule = Rule.model_validate(
        {"any": [{"f": "flag", "op": "holds"}, {"f": "amount", "op": "at_least", "v": 5}]}
    )
    holds, lacks = Codes(("true",)), Codes()
    rows = [
        {"flag": holds},
        {"flag": lacks, "amount": 6},
        {"flag": lacks},
        {"amount": 4},
        {"flag": lacks, "amount": 4},
    ]
    answers = compile_rules([rule], LAYOUT).verdicts(LAYOUT.encode(rows))
    assert answers[:, 0].tolist() == [YES, YES, UNKNOWN, UNKNOWN, NO]


def test_no_rules_answer_nothing():
    assert compile_rules([], LAYOUT).verdicts(LAYOUT.encode([{}, {}])).shape == (2, 0)


ANSWERS = st.sampled_from((YES, UNKNOWN, NO))


@given(st.data())
def test_all_is_the_weakest_answer_and_a_product_without_rules_is_open_to_everybody(data):
    n, rules = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 6))
    row = st.lists(ANSWERS, min_size=rules, max_size=rules)
    verdicts = np.array(data.draw(st.lists(row, min_size=n, max_size=n)), dtype=np.int8)
    subsets = st.lists(st.lists(st.integers(0, rules - 1), max_size=3), min_size=3, max_size=3)
    company, other = data.draw(subsets), data.draw(subsets)
    found = Gates.of(company, other, rules).fits(verdicts)
    expected = []
    for v in verdicts:
        mine, theirs = ([min((v[i] for i in p), default=YES) for p in x] for x in (company, other))
        expected.append([NO if t == NO else m for m, t in zip(mine, theirs, strict=True)])
    assert found.tolist() == expected
