"""The engine on the packaged catalogue: empty profiles, days, rates, options, what-if, bytes."""

import hashlib
import os
import subprocess
import sys
from datetime import date

import orjson
import pytest
from catalogue_strategies import parameters, situations
from hypothesis import HealthCheck, given, settings
from strategies import AS_OF

from recommender import Catalogue, Company, Engine
from recommender.catalogue.catalogue import catalogue_files
from recommender.errors import InvalidOptions, InvalidProfile, NotFound
from recommender.matching.matcher import Matcher
from recommender.tables import data_dir, read_document

CATALOGUE = Catalogue.load()
ENGINE = Engine(CATALOGUE, parameters=parameters())
SAMPLES = sorted((data_dir() / "samples").glob("*.yaml"))
FARM = Company.load(data_dir() / "samples" / "farm_machinery.yaml")
often = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def matches(answer):
    return {m["product_id"]: m for lane in answer["lanes"] for m in lane["matches"]}


def recommend(company, **options):
    read = company if isinstance(company, Company) else Company.parse(company)
    return ENGINE.recommend(read, **{"as_of": AS_OF, "limit": 1000, **options})


# --- unknown is never no -------------------------------------------------------------------------


def test_an_empty_profile_opens_everything_and_fits_nothing_by_accident():
    answer = recommend({}, limit=1000)
    found = matches(answer)
    assert set(found) == set(CATALOGUE.products)
    assert {match["fit"] for match in found.values()} == {"conditional"}
    assert answer["next_questions"]
    assert answer["nothing_fits"] is None
    for match in found.values():
        assert match["blockers"] == []
        assert match["indicative_amount"]["low"] is None
        assert match["indicative_amount"]["high"] is None
        assert match["documents_missing"] is None
        assert match["unknowns"] or match["fit"] == "conditional"
    figures = ("size_class", "need", "collateral_coverage", "collateral_gap", "funding_gap")
    assert {answer["derived"][name] for name in figures} == {None}
    assert answer["derived"]["positions"] == []


def test_nulls_and_absent_fields_say_the_same():
    nulls = dict.fromkeys(Company.model_fields)
    nested = {"trade": {"hs": None, "stage": None}, "need": {"amount": None}}
    assert recommend(nulls) == recommend({})
    assert recommend({**nulls, **nested}) == recommend({})


# --- days and rates ------------------------------------------------------------------------------


def with_product(name, **changes):
    """An engine over the packaged catalogue with one product changed."""
    documents = {str(path): read_document(path) for path in catalogue_files(None)}
    for document in documents.values():
        for row in document.get("products", []):
            if row["id"] == name:
                row.update(changes)
    return Engine(Catalogue.from_documents(documents), parameters=parameters())


@pytest.mark.parametrize(
    ("day", "blocked"),
    [
        ("2026-05-31", "not_open_yet"),
        ("2026-06-01", None),
        ("2026-12-31", None),
        ("2027-01-01", "closed"),
    ],
)
def test_a_product_is_open_from_its_first_day_to_its_last(day, blocked):
    engine = with_product("cor-e-loan", valid_from="2026-06-01", valid_until="2026-12-31")
    answer = engine.recommend(Company(), as_of=day, include_ineligible=True, limit=100)
    match = matches(answer)["cor-e-loan"]
    assert [line["code"] for line in match["blockers"]] == ([blocked] if blocked else [])
    assert match["fit"] == ("ineligible" if blocked else "conditional")
    assert match["changes"] == []


def test_a_suspended_product_is_ineligible_and_says_so():
    engine = with_product("cor-e-loan", suspended=True)
    answer = engine.recommend(Company(), as_of=AS_OF, include_ineligible=True, limit=100)
    match = matches(answer)["cor-e-loan"]
    assert match["fit"] == "ineligible"
    assert [line["code"] for line in match["blockers"]] == ["suspended"]


def test_a_ceiling_on_the_fit_is_kept_and_named():
    plain = with_product("prg-centre")
    capped = with_product("prg-centre", fit_ceiling="conditional")
    company = Company.parse({"trade": {"directions": ["export"]}})
    open_, kept = (
        matches(engine.recommend(company, as_of=AS_OF, limit=1000))["prg-centre"]
        for engine in (plain, capped)
    )
    assert (open_["fit"], kept["fit"]) == ("eligible", "conditional")
    assert "fit_ceiling" in [line["code"] for line in kept["cautions"]]
    blocked = Company.parse({"trade": {"directions": []}})
    assert "prg-centre" not in matches(capped.recommend(blocked, as_of=AS_OF))


def rate_of(day, company=FARM, **options):
    (rate,) = recommend(company, as_of=day, **options)["derived"]["rates"]
    return rate["currency"], rate["cny_per_unit"], rate["date"]


def test_the_rate_is_that_of_the_newest_month_that_had_ended():
    assert rate_of("2026-11-23") == ("USD", 6.7758, "2026-06-30")
    assert rate_of("2026-06-30") == ("USD", 6.7758, "2026-06-30")
    assert rate_of("2026-06-29")[2] == "2026-05-31"


def test_a_rate_given_with_the_request_is_used_and_named():
    given_rate = {"USD": {"rate": 7, "date": "2026-11-20"}}
    assert rate_of("2026-11-23", rates=given_rate) == ("USD", 7.0, "2026-11-20")
    assert recommend(FARM, rates=given_rate)["derived"]["collateral_coverage"] == 144_000 * 7


def test_a_currency_without_a_rate_is_not_known_and_named():
    need = {"need": {"amount": 5_000_000_000, "currency": "VND"}}
    answer = recommend(need, language="en")
    assert answer["derived"]["need"] is None
    assert answer["derived"]["rates_missing"] == ["VND"]
    assert any("VND" in notice or "Dong" in notice for notice in answer["notices"])
    known = recommend(need, rates={"VND": {"rate": 0.000265, "date": AS_OF}})
    assert known["derived"]["need"] == 1_325_000
    assert known["derived"]["rates_missing"] == []


# --- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"lanes": ["loans"]}, "lanes[0]"),
        ({"limit": 0}, "limit"),
        ({"language": "fr"}, "language"),
        ({"as_of": "tomorrow"}, "as_of"),
        ({"rates": {"XXY": {"rate": 1, "date": AS_OF}}}, "rates.XXY"),
        ({"personalised": "yes"}, "personalised"),
        ({"limits": 3}, "limits"),
    ],
)
def test_a_wrong_option_is_named(options, place):
    with pytest.raises(InvalidOptions) as caught:
        recommend({}, **options)
    assert [problem.field for problem in caught.value.problems] == [place]


def test_options_may_come_as_one_object_with_single_ones_beside_it():
    rates = {"VND": {"rate": 0.000265, "date": AS_OF}}
    options = ENGINE.options({"as_of": AS_OF, "language": "en", "rates": rates, "limit": 1000})
    assert ENGINE.recommend(FARM, options) == recommend(FARM, language="en", rates=rates)
    assert ENGINE.recommend(FARM, options, language="zh")["language"] == "zh"


def test_a_lane_asked_for_twice_is_answered_once_and_an_empty_one_is_shown():
    answer = recommend({}, lanes=["hedge", "hedge"])
    assert [lane["lane"] for lane in answer["lanes"]] == ["hedge"]
    nobody = recommend({"positions": []}, lanes=["hedge"])
    assert [lane["matches"] for lane in nobody["lanes"]] == [[]]


def test_a_product_that_does_not_exist_is_not_found():
    with pytest.raises(NotFound):
        ENGINE.product("nonsense")


# --- what if -------------------------------------------------------------------------------------


@often
@given(situations())
def test_before_after_and_what_moved_agree(s):
    changes = {"need.amount": 250_000, "need.currency": "CNY", "need.tenor_days": 60}
    found = s.engine.what_if(s.company, changes, as_of=AS_OF)
    before, after = matches(found["before"]), matches(found["after"])
    assert found["before"] == s.recommend()
    moved = {line["product_id"]: line for line in found["moved"]}
    for name in s.engine.catalogue.products:
        places = [
            (part.get(name, {}).get("fit"), part.get(name, {}).get("rank"))
            for part in (before, after)
        ]
        if places[0] != places[1]:
            line = moved[name]
            assert (line["rank_before"], line["rank_after"]) == (places[0][1], places[1][1])
            assert places[0][0] in (None, line["fit_before"])
            assert places[1][0] in (None, line["fit_after"])
    for name, line in moved.items():
        assert name in s.engine.catalogue.products
        same_fit = line["fit_before"] == line["fit_after"]
        assert not (same_fit and line["rank_before"] == line["rank_after"])


@often
@given(situations())
def test_setting_what_is_already_so_moves_nothing(s):
    same = {}
    if s.company.need is not None:
        need = s.company.need.model_dump(mode="json", exclude_none=True)
        same |= {f"need.{n}": float(v) if n == "amount" else v for n, v in need.items()}
    for name, fact in (s.company.facts or {}).items():
        if fact.value is not None:
            same[name] = list(fact.value) if isinstance(fact.value, tuple) else fact.value
    assert s.engine.what_if(s.company, same, as_of=AS_OF)["moved"] == []


def test_a_change_that_contradicts_the_rest_of_the_profile_is_refused():
    company = Company.parse({"trade": {"stage": "post_shipment"}})
    with pytest.raises(InvalidProfile) as caught:
        ENGINE.what_if(company, {"goods_shipped": False}, as_of=AS_OF)
    assert [problem.field for problem in caught.value.problems] == ["facts.goods_shipped"]


@pytest.mark.parametrize("field", ["nonsense", "facts.nonsense", "need.amont"])
def test_a_field_that_does_not_exist_is_named(field):
    with pytest.raises(InvalidProfile) as caught:
        ENGINE.what_if(Company(), {field: 1}, as_of=AS_OF)
    (problem,) = caught.value.problems
    assert problem.field in (field, f"set.{field}")


def test_asking_for_the_ceiling_turns_a_near_miss_round():
    raw = read_document(data_dir() / "samples" / "farm_machinery.yaml")
    company = Company.parse({**raw, "need": {**raw["need"], "amount": 9_000_000}})
    near = matches(recommend(company))["cor-ilstc-loan"]
    assert near["fit"] == "near_miss"
    assert near["changes"][0]["set"] == {"need.amount": 5_000_000}
    found = ENGINE.what_if(company, near["changes"][0]["set"], as_of=AS_OF, limit=1000)
    assert matches(found["after"])["cor-ilstc-loan"]["fit"] in ("eligible", "conditional")


# --- same input, same bytes ----------------------------------------------------------------------

ANSWERS = """
import hashlib, sys, orjson
from recommender import Catalogue, Company, Engine
engine = Engine(Catalogue.load())
digest = hashlib.sha256()
for path in sys.argv[2:]:
    for language in ("zh", "en"):
        answer = engine.recommend(Company.load(path), as_of=sys.argv[1], language=language,
                                  include_ineligible=True, limit=1000)
        digest.update(orjson.dumps(answer))
print(digest.hexdigest())
"""


def bytes_of(answer):
    return orjson.dumps(answer)


def test_the_same_question_gives_the_same_bytes_in_a_new_process():
    digest = hashlib.sha256()
    for path in SAMPLES[::4]:
        for language in ("zh", "en"):
            answer = recommend(Company.load(path), language=language, include_ineligible=True)
            again = recommend(Company.load(path), language=language, include_ineligible=True)
            assert bytes_of(answer) == bytes_of(again)
            digest.update(bytes_of(answer))
    done = subprocess.run(
        [sys.executable, "-c", ANSWERS, AS_OF, *map(str, SAMPLES[::4])],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == digest.hexdigest()


@often
@given(situations())
def test_another_engine_over_the_same_rows_gives_the_same_bytes(s):
    fresh = type(s)(s.rows, s.raw)
    options = {"include_ineligible": True, "limit": 1000}
    assert bytes_of(fresh.recommend(**options)) == bytes_of(s.recommend(**options))
    assert bytes_of(fresh.eligibility()) == bytes_of(s.eligibility())


def test_the_answer_names_what_it_was_made_with():
    answer = recommend({}, as_of="2026-07-01")
    assert answer["as_of"] == "2026-07-01"
    assert answer["catalogue_version"] == CATALOGUE.version
    assert answer["model_version"] == ENGINE.weights.version
    assert date.fromisoformat(answer["as_of"])


def test_a_firm_is_read_once_for_the_day_that_is_asked_about(monkeypatch):
    days = []
    read = Matcher._read

    def noted(self, company, as_of, given):
        days.append(as_of)
        return read(self, company, as_of, given)

    monkeypatch.setattr(Matcher, "_read", noted)
    day = date(2026, 7, 1)
    ENGINE.recommend(ENGINE.read({"staff": 12}, day), as_of=str(day))
    assert days == [day]


def test_facts_of_the_wrong_kind_and_contradictions_are_told_together():
    wrong = {
        fact.id: "none of them" if fact.type in ("choice", "choices") else ["x"]
        for fact in ENGINE.catalogue.facts.values()
    }
    facts = {**wrong, "goods_shipped": False}
    with pytest.raises(InvalidProfile) as caught:
        ENGINE.read({"facts": facts, "trade": {"stage": "post_shipment"}})
    codes = {problem.field: problem.code for problem in caught.value.problems}
    assert codes["facts.goods_shipped"] == "contradiction"
    assert set(codes) >= {f"facts.{name}" for name in wrong if name != "goods_shipped"}
