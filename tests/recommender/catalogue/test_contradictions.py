"""Rules that exclude each other: found exactly, named in full, and never where a company fits."""

from itertools import chain, combinations, product

import pytest
from catalogue_strategies import SERVICE, WORDS
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import Catalogue
from recommender.catalogue.contradictions import Contradictions, worded
from recommender.catalogue.product import FactDefinition
from recommender.errors import InvalidCatalogue
from recommender.rules import Rule
from recommender.texts import LANGUAGES, problem_text

OPTIONS = [{"id": name, "label": WORDS} for name in "abc"]
FACTS = [
    {"id": "flag", "type": "flag", "label": WORDS, "question": WORDS},
    {"id": "number", "type": "number", "unit": "days", "label": WORDS, "question": WORDS},
    {"id": "day", "type": "date", "label": WORDS, "question": WORDS},
    {"id": "one", "type": "choice", "options": OPTIONS, "label": WORDS, "question": WORDS},
    {"id": "many", "type": "choices", "options": OPTIONS, "label": WORDS, "question": WORDS},
]
LOAN = {
    **SERVICE,
    "lane": "financing",
    "formula": "unsecured",
    "amount": {"low": 100, "high": 500},
    "tenor_days": {"low": 30, "high": 90},
}


def rule(text, **more):
    """A rule from words: `number at_least 5`, `one one_of a,b`."""
    f, op, *value = text.split()
    found = {"f": f, "op": op, **more}
    if value:
        number = op in ("at_least", "at_most", "between")
        items = [float(v) if number else v for v in value[0].split(",")]
        found["v"] = items if op in ("between", "one_of", "none_of", "overlaps") else items[0]
    return found


def refusals(products=(), stops=()):
    try:
        Catalogue.from_documents(
            {"f.yaml": {"products": list(products), "facts": FACTS, "stops": list(stops)}}
        )
    except InvalidCatalogue as error:
        for problem in error.problems:
            assert all(problem_text(problem, language) for language in LANGUAGES)
        return [problem for problem in error.problems if problem.code == "rules_contradict"]
    return []


def of(*rules, base=SERVICE, **more):
    coded = [
        {**(rule(r) if isinstance(r, str) else r), "code": f"r{i}"} for i, r in enumerate(rules)
    ]
    return refusals([{**base, "rules": coded, **more}])


IMPOSSIBLE = [
    ("number at_least 5", "number at_most 3"),
    ("number between 1,2", "number between 3,4"),
    ("number between 1,2", "number at_least 2.5"),
    ("day before 2026-01-02", "day after 2026-01-01"),
    ("need.date before 2026-01-01", "need.date after 2026-02-01"),
    ("one one_of a", "one none_of a"),
    ("one one_of a", "one one_of b"),
    ("one none_of a,b", "one one_of a,b"),
    ("one none_of a", "one none_of b,c"),
    ("many one_of a", "many none_of a"),
    ("flag holds", "flag lacks"),
    ("registered_province one_of 50", "registered_province one_of 11"),
    ("registered_province one_of 500112", "registered_province none_of 50"),
    ("trade.hs overlaps 8432", "trade.hs none_of 84"),
    ("size_class none_of micro,small", "size_class none_of medium,large"),
]
POSSIBLE = [
    ("number at_least 5", "number at_most 5"),
    ("number between 1,3", "number between 3,4"),
    ("day before 2026-01-03", "day after 2026-01-01"),
    ("one one_of a,b", "one none_of a"),
    ("many one_of a", "many one_of b"),
    ("many overlaps a,b", "many none_of a"),
    ("registered_province one_of 50", "registered_province one_of 500112"),
    ("registered_province one_of 50", "registered_province none_of 500112"),
    ("trade.hs overlaps 84", "trade.hs none_of 8432"),
    ("special_zone none_of x", "special_zone none_of y"),
]


@pytest.mark.parametrize("pair", IMPOSSIBLE, ids=" & ".join)
@pytest.mark.parametrize("turned", [False, True])
def test_two_rules_that_exclude_each_other_are_refused_by_name(pair, turned):
    pair = pair[::-1] if turned else pair
    (problem,) = of("staff at_least 1", *pair)
    assert (problem.field, problem.file, problem.row) == ("products[p1].rules[2]", "f.yaml", 1)
    said = problem_text(problem, "en")
    assert all(
        f"rule r{i}: {text.split()[0]} {text.split()[1]}" in said for i, text in enumerate(pair, 1)
    )
    assert "staff" not in said


@pytest.mark.parametrize("pair", POSSIBLE, ids=" & ".join)
def test_rules_that_some_company_can_meet_are_accepted(pair):
    assert of(*pair) == []


def test_three_rules_may_exclude_each_other_where_no_two_do():
    (problem,) = of("one one_of a,b", "one one_of b,c", "one one_of a,c", "flag holds")
    assert len(problem.params["rules"]) == 3


def test_a_soft_rule_excludes_nothing():
    assert of("number at_least 5", {**rule("number at_most 3"), "hard": False}) == []


def test_a_comparison_of_two_fields_is_taken_as_possible():
    two = {"f": "number", "op": "at_least", "v_field": "staff"}
    assert of("number at_most 3", two) == []


def test_a_suspended_product_is_no_contradiction():
    assert of("number at_least 1", suspended=True) == []


@pytest.mark.parametrize(
    ("against", "gate"),
    [
        ("need_cny at_most 99", "gate amount_below_minimum"),
        ("need_cny at_least 501", "gate amount_above_ceiling"),
        ("need.tenor_days at_least 91", "gate tenor_too_long"),
        ("need.currency one_of USD", "gate currency"),
        ("trade.directions none_of export,import", "gate direction"),
        ("as_of after 2026-12-31", "gate closed"),
    ],
)
def test_a_rule_against_the_product_s_own_terms_is_refused(against, gate):
    more = {"directions": ["export", "import"], "valid_until": "2026-12-31"}
    (problem,) = of(against, base=LOAN, **more)
    assert gate in problem_text(problem, "zh")


def test_a_rule_against_a_common_stop_is_refused_where_the_stop_holds():
    stop = {**rule("flag lacks"), "scope": ["p1"]}
    owned = {**SERVICE, "rules": [rule("flag holds")]}
    other = {**SERVICE, "id": "p2", "rules": [rule("flag holds")]}
    (problem,) = refusals([owned, other], [stop])
    assert problem.field == "products[p1].rules[0]"
    assert "stop flag lacks" in problem_text(problem, "en")
    assert len(refusals([owned, other], [{**stop, "scope": "all"}])) == 2


def test_alternatives_are_tried_in_every_combination():
    either = {"any": [rule("number at_least 5"), rule("one one_of a")]}
    assert of(either, "number at_most 3") == []
    (problem,) = of(either, "number at_most 3", "one one_of b")
    assert len(problem.params["rules"]) == 3


def test_a_search_without_end_gives_up_and_accepts(monkeypatch):
    clauses = [{"any": [rule("one one_of a"), rule("one one_of b")]}, rule("one one_of c")]
    assert of(*clauses)
    monkeypatch.setattr("recommender.catalogue.contradictions.TRIES", 1)
    assert of(*clauses) == []


def test_a_rule_with_another_fault_is_left_out_and_the_others_are_compared():
    wrong = {"f": "number", "op": "at_most", "v": "3"}
    assert of("number at_least 5", wrong) == []
    assert len(of("number at_least 5", wrong, "number at_most 3")) == 1


# --- against every company there could be --------------------------------------------------------

DOMAINS = {
    "flag": [True, False],
    "number": list(range(6)),
    "one": list("abc"),
    "many": [set(c) for n in range(4) for c in combinations("abc", n)],
    "trade.hs": [set(c) for n in range(4) for c in combinations(("84", "8432", "85"), n)],
    "registered_province": ["50", "5001", "500112", "11", "31"],
}
TOKENS = {
    "one": "abc",
    "many": "abc",
    "trade.hs": ("84", "8432", "85"),
    "registered_province": ("50", "5001", "11"),
}


@st.composite
def predicates(draw):
    field = draw(st.sampled_from(sorted(DOMAINS)))
    if field == "flag":
        return {"f": field, "op": draw(st.sampled_from(("holds", "lacks")))}
    if field == "number":
        op = draw(st.sampled_from(("at_least", "at_most", "between")))
        pair = sorted(draw(st.tuples(st.integers(0, 5), st.integers(0, 5))))
        return {"f": field, "op": op, "v": pair if op == "between" else pair[0]}
    codes = draw(st.lists(st.sampled_from(TOKENS[field]), min_size=1, max_size=2, unique=True))
    return {"f": field, "op": draw(st.sampled_from(("one_of", "none_of", "overlaps"))), "v": codes}


RULES = st.lists(
    predicates() | st.lists(predicates(), min_size=2, max_size=3).map(lambda found: {"any": found}),
    min_size=1,
    max_size=5,
)


def true(p, value):
    """What the rule means, written down once more."""
    if p.op in ("holds", "lacks"):
        return value is (p.op == "holds")
    if p.op in ("at_least", "at_most", "between"):
        low, high = {"at_least": (p.v, 9), "at_most": (-9, p.v)}.get(p.op, p.v)
        return low <= value <= high
    held = value if isinstance(value, set) else {value}
    narrower = p.f in ("trade.hs", "registered_province")
    hit = any(h.startswith(v) if narrower else h == v for h in held for v in p.v)
    return hit is (p.op != "none_of")


def satisfiable(rules):
    names = sorted({p.f for r in rules for p in r.predicates})
    for values in product(*(DOMAINS[name] for name in names)):
        company = dict(zip(names, values, strict=True))
        if all(any(true(p, company[p.f]) for p in r.predicates) for r in rules):
            return True
    return False


FOUND = {fact["id"]: FactDefinition.model_validate(fact) for fact in FACTS}


@settings(max_examples=300)
@given(RULES)
def test_exactly_what_no_company_can_meet_is_found_and_cut_to_what_matters(raw):
    rules = [Rule.model_validate({**r, "code": f"r{i}"}) for i, r in enumerate(raw)]
    core = Contradictions(FOUND).among(rules)
    assert bool(core) is not satisfiable(rules)
    if core:
        assert not satisfiable(core)
        smaller = chain(combinations(core, len(core) - 1))
        assert all(satisfiable(list(rest)) for rest in smaller)
        assert len(list(worded(core))) == len(core)
