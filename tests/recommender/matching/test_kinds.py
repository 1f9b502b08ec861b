"""Kinds of firms: tokens of what a profile says, nothing for what it does not, peers by segment."""

from decimal import Decimal

import pytest
from hypothesis import given
from strategies import COMPANIES

from recommender import Catalogue, Company
from recommender.company.readings import UNKNOWN, Codes
from recommender.matching.kinds import KIND_NAMES, KIND_OF, KINDS, firm
from recommender.matching.matcher import Matcher
from recommender.matching.tokens import group
from recommender.options import Options
from recommender.parameters import Parameters
from recommender.texts import LANGUAGES, text

MATCHER = Matcher(Catalogue.load(), Parameters.load())
FARM = {
    "trade.directions": Codes(("export",)),
    "trade.hs": Codes(("8432", "8701")),
    "trade.routes": Codes(("RSI",)),
    "size_class": Codes(("small",)),
    "need_cny": Decimal(1_000_000),
    "has_bank_loan_history": Codes(),
}


def read(raw):
    return MATCHER.read(Company.model_validate(raw), Options().day).firm


def test_by_hand():
    found = firm(FARM, Decimal(150_000))
    assert found.tokens == {
        "direction=export": 1.0,
        "goods2=84": 0.5,
        "goods2=87": 0.5,
        "goods4=8432": 0.5,
        "goods4=8701": 0.5,
        "route=RSI": 1.0,
        "size=small": 1.0,
        "amount=2": 1.0,
        "amount_zeros=4": 1.0,
        "amount_digits=2": 1.0,
        "history=no": 1.0,
    }
    assert found.segment == (
        "trade.directions=export", "trade.hs=mixed", "trade.routes=RSI", "size_class=small",
    )  # fmt: skip


def test_what_is_not_said_has_no_token():
    assert firm({}) == ({}, ())
    assert firm(dict.fromkeys(FARM, UNKNOWN)) == ({}, ())
    assert read({}).tokens == {}
    assert "history=yes" not in read({}).tokens


def test_a_segment_ends_where_nothing_more_is_known():
    row = {name: value for name, value in FARM.items() if name != "trade.routes"}
    assert firm(row).segment == ("trade.directions=export", "trade.hs=mixed")


def test_nothing_needed_is_not_an_unknown_amount():
    assert firm({"need_cny": Decimal(0)}).tokens == {"amount_none=1": 1.0}


@given(COMPANIES)
def test_tokens_are_of_known_kinds_and_share_one_weight(raw):
    found = read(raw)
    assert {group(token) for token in found.tokens} <= KIND_OF.keys()
    sums = dict.fromkeys(KIND_OF, 0.0)
    for token, value in found.tokens.items():
        assert 0 < value <= 1
        sums[group(token)] += value
    assert all(total == pytest.approx(1) or total <= 1 for total in sums.values())
    assert len(found.segment) <= 4


@given(COMPANIES)
def test_the_order_of_lists_does_not_matter(raw):
    trade = raw.get("trade") or {}
    turned = {
        name: value[::-1] if isinstance(value, list) and name != "routes" else value
        for name, value in trade.items()
    }
    assert read({**raw, "trade": turned} if trade else raw) == read(raw)


def test_every_kind_is_worded_in_both_languages():
    for language in LANGUAGES:
        for name in KIND_NAMES:
            said = [text(f"feature.kind_{name}.{part}", language) for part in
                    ("label", "high", "low")]  # fmt: skip
            assert len(set(said)) == 3
    assert len({kind.name for kind in KINDS}) == len(KINDS)
