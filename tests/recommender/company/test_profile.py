"""The company profile: what is accepted, and every problem of a bad one at once, in words."""

import datetime
import json
import math
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.company.profile import Buyer, Company, Facility, Fact, Need, Route, Trade
from recommender.errors import InvalidProfile, UnreadableFile
from recommender.tables import data_dir, read_document
from recommender.texts import LANGUAGES, brief, problem_text, show

SAMPLES = sorted((data_dir() / "samples").glob("*.yaml"))
USCC_SYNTHETIC = "91990000MA0000017Y"
USCC_CHONGQING = "91310115591693856A"


def problems(raw):
    with pytest.raises(InvalidProfile) as caught:
        Company.parse(raw)
    return caught.value.problems


def codes(raw):
    return {(problem.field, problem.code) for problem in problems(raw)}


# --- what is accepted ----------------------------------------------------------------------------


def test_an_empty_profile_is_valid_and_knows_nothing():
    company = Company.parse({})
    assert set(company.model_dump().values()) == {None}


def test_null_is_not_known_and_an_empty_list_is_none():
    company = Company.parse({"staff": None, "documents": [], "trade": {"hs": []}})
    assert company.staff is None
    assert company.documents == ()
    assert company.trade.hs == ()
    assert company.collateral is None


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_says_the_same_as_a_file_and_as_json(path):
    company = Company.load(path)
    text = json.dumps(read_document(path), default=str)
    assert Company.parse(json.loads(text)) == company


@pytest.mark.parametrize(
    ("given_value", "read"),
    [
        (0, Decimal(0)),
        (1_000_000, Decimal(1_000_000)),
        (0.1, Decimal("0.1")),
        (99.99, Decimal("99.99")),
        (1e6, Decimal(1_000_000)),
        (1_234_567_890_123.45, Decimal("1234567890123.45")),
        (999_999_999_999_999, Decimal(999_999_999_999_999)),
    ],
)
def test_an_amount_keeps_its_decimals(given_value, read):
    assert Company.parse({"revenue_cny": given_value}).revenue_cny == read


def test_a_date_is_given_as_text_or_as_a_date():
    day = datetime.date(2026, 12, 15)
    assert Company.parse({"need": {"date": "2026-12-15"}}) == Company.parse({"need": {"date": day}})


def test_a_fact_is_a_bare_answer_or_a_record():
    facts = {
        "a": True,
        "b": {"value": 3.5, "source": "bank", "as_of": "2026-01-31"},
        "c": ["x", "y"],
        "d": datetime.date(2026, 1, 31),
        "e": None,
    }
    read = Company.parse({"facts": facts}).facts
    assert read["a"] == Fact(value=True, source="company")
    assert read["b"].source == "bank"
    assert read["b"].as_of == datetime.date(2026, 1, 31)
    assert read["c"].value == ("x", "y")
    assert read["d"].value == "2026-01-31"
    assert read["e"].value is None


def test_a_profile_cannot_be_changed_afterwards():
    company = Company.parse({"staff": 1})
    with pytest.raises(ValueError, match="frozen"):
        company.staff = 2


@pytest.mark.parametrize("uscc", [USCC_SYNTHETIC, USCC_CHONGQING])
@pytest.mark.parametrize("synthetic", [True, None])
def test_a_made_up_region_is_for_made_up_companies(uscc, synthetic):
    assert Company.parse({"uscc": uscc, "synthetic": synthetic}).uscc == uscc


# --- one problem: place, code, value, what is allowed --------------------------------------------


def placed(field, value):
    """A profile with a value at a place such as `documents[0].type`, and nothing else."""
    for part in reversed(field.replace("[0]", ".0").split(".")):
        value = [value] if part == "0" else {part: value}
    return value


def at(field, raw):
    [problem] = [problem for problem in problems(raw) if problem.field == field]
    return problem


MODES = ["RSI", "XBR", "IRT", "CER", "RIV", "SEA", "AIR"]
BAD = [
    ("stff", 1, "field_did_you_mean", ["staff"]),
    ("need.amont", 1, "field_did_you_mean", ["amount"]),
    ("documents[0].isuer", "bank", "field_did_you_mean", ["issuer"]),
    ("facts.x.souce", "bank", "field_did_you_mean", ["source"]),
    ("trade.routes[0].zzz", 1, "unknown_field", ["legs", "mode"]),
    ("revenue_cny", -1, "below_minimum", 0),
    ("staff", -1, "below_minimum", 0),
    ("need.tenor_days", 0, "not_above", 0),
    ("need.tenor_days", 40_000, "above_maximum", 36_500),
    ("need.tenor_days", "90 days", "not_integer", None),
    ("revenue_cny", 1.005, "too_many_decimals", 2),
    ("revenue_cny", 0.1 + 0.2, "too_many_decimals", 2),
    ("revenue_cny", 10**20, "too_many_digits", 17),
    ("revenue_cny", 1e300, "too_many_digits", 17),
    ("staff", 10**9, "above_maximum", 100_000_000),
    ("revenue_cny", math.inf, "not_finite", None),
    ("revenue_cny", -math.inf, "not_finite", None),
    ("insurance[0].cover_pct", 101, "above_maximum", 100),
    ("positions[0].probability", 1.5, "above_maximum", 1),
    ("revenue_cny", True, "not_number", None),
    ("revenue_cny", "2000000", "not_number", None),
    ("staff", True, "not_integer", None),
    ("staff", "45", "not_integer", None),
    ("staff", 4.5, "not_integer", None),
    ("staff", 45.0, "not_integer", None),
    ("synthetic", "yes", "not_yes_no", None),
    ("synthetic", 1, "not_yes_no", None),
    ("name_en", 5, "not_text", None),
    ("registered_province", 50, "not_text", None),
    ("need.date", "2026-02-30", "not_date", None),
    ("need.date", "2026-12-15T08:00:00", "not_date", None),
    ("need.date", 20261231, "not_date", None),
    ("need.date", "20261231", "not_date", None),
    ("need.date", "2026-W01-1", "not_date", None),
    ("need.date", "2026-01-\u0661\u0661", "not_date", None),
    ("need.date", [], "not_date", None),
    ("need", [], "not_record", None),
    ("trade", "export", "not_record", None),
    ("facts", [True], "not_record", None),
    ("documents[0]", [], "not_record", None),
    ("collateral[0]", "encd", "not_record", None),
    ("collateral", {"type": "encd"}, "not_list", None),
    ("trade.hs", "8432", "not_list", None),
    ("trade.hs[0]", 8432, "not_text", None),
    ("trade.routes[0].mode", "RAIL", "not_one_of", MODES),
    ("positions[0].bucket", "1-3M", "not_one_of", ["0-1m", "1-3m", "3-6m", "6-12m", "12m+"]),
    ("name_zh", "", "text_empty", None),
    ("name_zh", "长" * 201, "text_too_long", 200),
    ("trade.description", "x" * 2_001, "text_too_long", 2_000),
    ("id", "a b", "not_identifier", None),
    ("id", "a\n", "not_identifier", None),
    ("name_en", "\ud800", "invalid_value", None),
    ("facts.x.value", math.inf, "not_an_answer", None),
    ("facts.x.value", [["a"]], "not_an_answer", None),
    ("facts.x.value", [1, 2], "not_an_answer", None),
    ("facts.x.value", {}, "not_an_answer", None),
    ("facts.x.as_of", "now", "not_date", None),
    ("need.currency", "RMB", "currency_unknown", None),
    ("trade.buyers[0].country", "VNM", "country_unknown", ["VN"]),
    ("trade.hs[0]", "8499", "hs_unknown", None),
    ("trade.hs[0]", "843", "hs_form", ["84"]),
    ("trade.hs[0]", "9801", "hs_reserved", None),
    ("trade.routes[0].legs[0]", "CNZZ9", "locode_unknown", None),
    ("registered_province", "500199", "division_unknown", None),
    ("industry", "X99", "industry_unknown", None),
    ("uscc", "91310115591693857A", "uscc_check_digit", None),
    ("collateral[0].type", "house", "collateral_unknown", None),
]
IDS = [f"{field}-{code}-{number}" for number, (field, _, code, _) in enumerate(BAD)]
EACH = pytest.mark.parametrize(("field", "value", "code", "allowed"), BAD, ids=IDS)


@EACH
def test_a_bad_value_is_named_with_its_place_and_what_is_allowed(field, value, code, allowed):
    problem = at(field, placed(field, value))
    name = field.rpartition(".")[2] if "field" in code else value
    assert (problem.code, problem.value) == (code, name)
    if allowed is not None:
        assert problem.allowed == allowed


@EACH
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bad_value_is_put_into_words(field, value, code, allowed, language):
    problem = at(field, placed(field, value))
    sentence = problem_text(problem, language)
    assert field in sentence
    if code not in ("text_empty", "text_too_long"):
        assert brief(problem.value) in sentence
    if allowed is not None:
        shown = problem.allowed if isinstance(problem.allowed, list) else [problem.allowed]
        assert all(show(item, language) in sentence for item in shown)


@pytest.mark.parametrize(
    ("raw", "field", "code", "value", "allowed"),
    [
        ({1: 2}, "[1]", "unknown_field", "1", sorted(Company.model_fields)),
        ({None: 2}, "None", "unknown_field", "None", sorted(Company.model_fields)),
        ({"documents": [{}]}, "documents[0].type", "missing", None, None),
        ({"staff": 10**5000}, "staff", "above_maximum", "10^5000", 100_000_000),
        ({"facts": {"x": 10**400}}, "facts.x.value", "not_an_answer", "10^400", None),
        ({"facts": {"": True}}, "facts.", "text_empty", "", None),
        (
            {"trade": {"routes": [{"mode": "XBR", "legs": ["CNCKG", "CNMOH"]}]}},
            "trade.routes[0].legs[1]",
            "locode_confusable",
            "CNMOH",
            ["CNMHN"],
        ),
        (
            {"uscc": USCC_SYNTHETIC, "synthetic": False},
            "uscc",
            "uscc_unassigned_region",
            USCC_SYNTHETIC,
            None,
        ),
        (
            {"facilities": [{"limit": 1, "drawn": 2}]},
            "facilities[0].drawn",
            "drawn_above_limit",
            Decimal(2),
            Decimal(1),
        ),
        (
            {"trade": {"buyers": [{"share_pct": 60}, {"share_pct": 40.01}]}},
            "trade.buyers",
            "shares_above_100",
            Decimal("100.01"),
            100,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_odd_key_a_gap_or_a_contradiction_is_named_too(raw, field, code, value, allowed):
    [problem] = problems(raw)
    assert (problem.field, problem.code) == (field, code)
    assert (problem.value, problem.allowed) == (value, allowed)
    assert all(field in problem_text(problem, language) for language in LANGUAGES)


@pytest.mark.parametrize(
    ("field", "item", "limit"),
    [
        ("collateral", {"type": "house"}, 500),
        ("facilities", {"limit": -1}, 200),
        ("insurance", {"x": 1}, 500),
        ("documents", {}, 500),
        ("positions", {}, 500),
        ("trade.routes", {"mode": "X"}, 50),
        ("trade.hs", "9999", 200),
        ("trade.buyers", {"country": "X"}, 500),
        ("trade.directions", "X", 20),
    ],
)
def test_a_list_that_is_too_long_is_refused_before_its_items_are_read(field, item, limit):
    head, _, name = field.rpartition(".")
    rows = {name: [item] * (limit + 1)}
    [problem] = problems({head: rows} if head else rows)
    assert (problem.field, problem.code, problem.allowed) == (field, "list_too_long", limit)
    assert f"{limit}" in problem_text(problem, "en")


def test_too_many_legs_incoterms_facts_and_purposes_are_refused():
    raw = {
        "trade": {
            "routes": [{"mode": "RSI", "legs": ["XXXXX"] * 21}],
            "incoterms": ["FOB"] * 21,
            "settlement_methods": ["OA"] * 21,
        },
        "facts": {f"f{n}": math.nan for n in range(1_001)},
        "consents": {"data_use": ["matching"] * 51},
    }
    assert codes(raw) == {
        ("trade.routes[0].legs", "list_too_long"),
        ("trade.incoterms", "list_too_long"),
        ("trade.settlement_methods", "list_too_long"),
        ("facts", "list_too_long"),
        ("consents.data_use", "list_too_long"),
    }


@pytest.mark.parametrize("raw", [None, [], "text", 5, True, math.nan, [{}]])
def test_what_is_no_record_at_all_is_refused(raw):
    [problem] = problems(raw)
    assert (problem.field, problem.code) == ("", "not_record")


# --- models by themselves ------------------------------------------------------------------------


def test_the_same_checks_hold_in_python():
    with pytest.raises(ValueError, match="problems"):
        Facility(limit=1, drawn=2)
    with pytest.raises(ValueError, match="problems"):
        Route(mode="RSI", legs=("CNMOH",))
    assert Route(mode="CER", legs=("CNMOH",)).legs == ("CNMOH",)
    assert Trade(buyers=(Buyer(share_pct=60), Buyer(share_pct=60))).buyers[0].share_pct == 60


# --- files ---------------------------------------------------------------------------------------


def test_an_empty_file_is_an_empty_profile(tmp_path):
    (tmp_path / "c.yaml").write_text("# nothing yet\n", "utf-8")
    assert Company.load(tmp_path / "c.yaml") == Company()


def test_a_bad_file_is_named_in_every_problem(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("staff: -1\nneed: {date: 2026-02-30, amount: .nan}\n", "utf-8")
    with pytest.raises(InvalidProfile) as caught:
        Company.load(path)
    found = {(p.file, p.field, p.code) for p in caught.value.problems}
    assert found == {
        (str(path), "staff", "below_minimum"),
        (str(path), "need.date", "not_date"),
        (str(path), "need.amount", "not_finite"),
    }


def test_a_file_that_is_no_yaml_is_unreadable(tmp_path):
    (tmp_path / "c.yaml").write_text("staff: 1\nstaff: 2\n", "utf-8")
    with pytest.raises(UnreadableFile):
        Company.load(tmp_path / "c.yaml")


# --- anything at all -----------------------------------------------------------------------------

NAMES = sorted({*Company.model_fields, *Trade.model_fields, *Need.model_fields, *Fact.model_fields})
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.builds(pow, st.just(10), st.integers(15, 500))
    | st.floats()
    | st.dates()
    | st.text(max_size=8)
    | st.sampled_from(["CNY", "8432", "RSI", "2026-02-30", "encd", USCC_SYNTHETIC, "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(NAMES) | st.text(max_size=3) | st.integers(), inner, max_size=5
        )
    ),
    max_leaves=25,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(NAMES) | st.none(), JSON, max_size=6) | JSON)
def test_any_values_are_a_profile_or_problems_in_both_languages(raw):
    with suppress(InvalidProfile):
        assert isinstance(Company.parse(raw), Company)
    for problem in Company.examine(raw)[1]:
        assert all(problem_text(problem, language) for language in LANGUAGES)
