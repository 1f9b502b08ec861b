"""Values to columns: unknown stays unknown, whatever the size of the vocabulary."""

import datetime
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.company.readings import UNKNOWN as ANYTHING
from recommender.company.readings import Codes
from recommender.matching.eligibility import NO, UNKNOWN, YES, compile_rules
from recommender.matching.encoding import Layout, as_number, ngrams
from recommender.rules import Rule

MANY = [f"c{i:03d}" for i in range(150)]
LAYOUT = Layout(
    ["amount", "day"],
    {"many": MANY, "hs": ["84", "8432", "87"], "flag": ["true"]},
    {"hs": "prefix"},
)


def ask(row, field, *codes):
    """Whether a row has one of the codes: yes, no or unknown."""
    rule = Rule.model_validate({"f": field, "op": "overlaps", "v": codes})
    return int(compile_rules([rule], LAYOUT).verdicts(LAYOUT.encode([row]))[0, 0])


def test_numbers_and_days_are_floats_and_unknown_is_nan():
    assert as_number(2) == 2.0
    assert as_number(datetime.date(2026, 11, 23)) == 739943.0
    assert math.isnan(as_number(None))
    columns = LAYOUT.encode([{"amount": 5}, {}])
    assert columns.numbers[0, LAYOUT.numbers["amount"]] == 5.0
    assert math.isnan(columns.numbers[0, LAYOUT.numbers["day"]])
    assert math.isnan(columns.numbers[1, LAYOUT.numbers["amount"]])


def test_a_field_nothing_asks_about_leaves_no_trace():
    full, empty = (LAYOUT.encode([row]) for row in ({"staff": 5, "colour": Codes(("red",))}, {}))
    assert np.array_equal(full.numbers, empty.numbers, equal_nan=True)
    assert np.array_equal(full.has, empty.has)
    assert np.array_equal(full.may, empty.may)


def test_a_code_outside_the_vocabulary_is_known_to_be_something_else():
    assert ask({"many": Codes(("elsewhere",))}, "many", "c001") == NO
    assert ask({}, "many", "c001") == UNKNOWN
    assert ask({"many": ANYTHING}, "many", "c001") == UNKNOWN
    assert ask({"many": Codes()}, "many", "c001") == NO


def test_a_partly_known_set_is_yes_for_what_it_has_and_unknown_for_what_it_may_have():
    row = {"many": Codes(("c001",), ("c149",))}
    assert ask(row, "many", "c001") == YES
    assert ask(row, "many", "c149") == UNKNOWN
    assert ask(row, "many", "c001", "c149") == YES
    assert ask(row, "many", "c100") == NO


def test_a_coarse_code_may_be_any_finer_one_and_a_fine_code_is_every_coarser_one():
    assert ask({"hs": Codes(("84",))}, "hs", "84") == YES
    assert ask({"hs": Codes(("84",))}, "hs", "8432") == UNKNOWN
    assert ask({"hs": Codes(("84",))}, "hs", "87") == NO
    assert ask({"hs": Codes(("843221",))}, "hs", "8432") == YES
    assert ask({"hs": Codes(("843221",))}, "hs", "84") == YES
    assert ask({"hs": Codes(("8418",))}, "hs", "8432") == NO


@settings(max_examples=30, deadline=None)
@given(st.sets(st.sampled_from(MANY)), st.none() | st.sets(st.sampled_from(MANY)))
def test_every_code_of_a_vocabulary_beyond_64_keeps_its_own_bit(has, may):
    assert LAYOUT.words > 2
    row = {"many": Codes(tuple(has), None if may is None else tuple(may))}
    maybe = set(MANY) if may is None else may
    expected = [YES if c in has else UNKNOWN if c in maybe else NO for c in MANY]
    rules = [Rule.model_validate({"f": "many", "op": "overlaps", "v": [code]}) for code in MANY]
    assert compile_rules(rules, LAYOUT).verdicts(LAYOUT.encode([row]))[0].tolist() == expected


@given(st.lists(st.fixed_dictionaries({"amount": st.none() | st.integers(0, 9)}), min_size=1))
def test_a_company_is_encoded_the_same_alone_and_among_others(rows):
    together = LAYOUT.encode(rows)
    for i, row in enumerate(rows):
        alone = LAYOUT.encode([row])
        assert np.array_equal(together.numbers[i], alone.numbers[0], equal_nan=True)
        assert np.array_equal(together.has[i], alone.has[0])
        assert np.array_equal(together.may[i], alone.may[0])


def test_ngrams_are_pairs_of_han_characters_and_trigrams_of_words():
    assert ngrams("微耕机") == ["微耕", "耕机"]
    assert ngrams("Rail") == [" ra", "ail", "il ", "rai"]
    assert ngrams("机 a1") == [" a1", "a1 ", "机"]
    assert ngrams("RAIL rail") == ngrams("rail")
    assert ngrams("?!") == []
