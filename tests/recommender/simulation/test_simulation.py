"""Made-up companies: coherent, marked, the same for the same seed, and never over other files."""

import itertools
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from recommender import Catalogue, Company, Engine
from recommender.codes import uscc_facts
from recommender.errors import InvalidOptions
from recommender.simulation import companies, company, files, write
from recommender.simulation.draws import Draws
from recommender.simulation.world import world

ENGINE = Engine(Catalogue.load())
MANY = list(companies(400, seed=3, unknown=0))
SEEDS = st.integers(0, 10**9)
NUMBERS = st.integers(0, 10**6)


@settings(max_examples=150, deadline=None)
@given(SEEDS, NUMBERS, st.sampled_from((0, 0.2, 0.5, 0.9, 1)))
def test_every_profile_is_accepted_by_the_engine(seed, number, unknown):
    read = ENGINE.read(company(seed, number, unknown))
    assert read.synthetic is True
    assert "虚构" in read.name_zh
    assert "synthetic" in read.name_en
    assert uscc_facts(read.uscc)["unassigned_region"]


@settings(max_examples=50, deadline=None)
@given(SEEDS, NUMBERS)
def test_a_company_depends_on_its_seed_and_number_alone(seed, number):
    assert company(seed, number) == company(seed, number)
    assert company(seed, number) != company(seed + 1, number)


def test_how_many_are_drawn_changes_none_of_them():
    assert list(companies(5, 9)) == list(itertools.islice(companies(50, 9), 5))


def parts(profile, place=""):
    """Places and values of a profile."""
    for name, value in profile.items():
        if name in ("trade", "need", "facts"):
            yield from parts(value, f"{name}.")
        else:
            yield f"{place}{name}", json.dumps(value, ensure_ascii=False)


@settings(max_examples=50, deadline=None)
@given(SEEDS, NUMBERS)
def test_what_is_known_of_a_realistic_profile_is_part_of_the_complete_one(seed, number):
    full, some = dict(parts(company(seed, number, 0))), dict(parts(company(seed, number, 0.4)))
    assert set(some.items()) < set(full.items())


def test_the_share_of_unknowns_is_the_one_asked_for():
    kept = [
        sum(1 for _ in parts(company(1, i, 0.3))) / sum(1 for _ in parts(company(1, i, 0)))
        for i in range(200)
    ]
    assert sum(kept) / len(kept) == pytest.approx(0.7, abs=0.04)


def test_codes_are_one_for_each_company():
    assert len({profile["uscc"] for profile in MANY}) == len(MANY)
    assert len({profile["id"] for profile in MANY}) == len(MANY)


# --- a banker would nod --------------------------------------------------------------------------


def test_every_kind_of_firm_and_most_regions_appear():
    does = Counter(direction for profile in MANY for direction in profile["trade"]["directions"])
    assert set(does) == {"export", "import", "logistics", "infrastructure"}
    chongqing = [p for p in MANY if p["registered_province"].startswith("50")]
    assert 0.6 < len(chongqing) / len(MANY) < 0.95


def test_needs_are_round_and_in_proportion_to_sales():
    for profile in MANY:
        need, sales = profile["need"], profile["revenue_cny"]
        if need["purpose"] == "working_capital" and need["currency"] == "CNY":
            assert need["amount"] <= max(10_000, sales / 4)
            assert int(str(need["amount"]).rstrip("0")) < 100


def test_stage_terms_papers_and_collateral_go_together():
    for profile in MANY:
        trade, held = profile["trade"], {paper["type"] for paper in profile["documents"]}
        kinds = {item["type"] for item in profile["collateral"]}
        if trade["stage"] == "pre_shipment":
            assert not held & {"OCEAN_BL", "DIGITAL_MULTIMODAL_BL", "ENCD", "EXPORT_DECLARATION"}
            assert not kinds & {"ocean_bl", "digital_bl", "encd", "insured_receivable"}
        if "insured_receivable" in kinds:
            assert profile["insurance"]
        if "export_lc" in kinds:
            assert trade["settlement_methods"][0] == "LC"
        if "AIR_WAYBILL" in held:
            assert "AIR" in {route["mode"] for route in trade["routes"]}
        if trade["directions"] == ["import"]:
            assert trade["export_12m_usd"] == 0
            assert profile["insurance"] == []


def test_years_and_lenders_agree_with_the_rest():
    for profile in MANY:
        facts = profile["facts"]
        assert facts.get("years_exporting", 0) <= profile["years_operating"]
        assert facts["lender_count"] == len(profile["facilities"])
        assert (facts["loan_classification"] == "no_loans") == (not profile["facilities"])


def test_what_banks_and_lists_say_is_seldom_known():
    asked = {f.id for f in ENGINE.catalogue.facts.values() if f.asked_of != "company"}
    told = [profile for profile in MANY if asked & set(profile["facts"])]
    assert 0 < len(told) < len(MANY) / 5
    for profile in told:
        sources = {profile["facts"][name]["source"] for name in asked & set(profile["facts"])}
        assert sources <= {"bank", "screening"}


def test_every_answer_and_paper_of_the_tables_is_one_of_the_catalogue():
    assert {line.name for line in world().answers} <= set(ENGINE.catalogue.facts)
    assert {line.name for line in world().papers} <= set(ENGINE.catalogue.documents)


def test_chance_is_the_same_everywhere():
    draws = Draws("company", 1, 2)
    assert round(draws.share(), 6) == round(Draws("company", 1, 2).share(), 6)
    assert Draws("a").one({"x": 1, "y": 0}) == "x"
    assert {Draws(i).item("abc") for i in range(50)} == set("abc")


# --- files ---------------------------------------------------------------------------------------


def test_a_file_has_one_company_on_each_line(tmp_path):
    out = tmp_path / "firms.jsonl"
    told = []
    assert write(companies(12, 4), out, told.append) == 12
    lines = out.read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == list(companies(12, 4))
    assert told == list(range(1, 13))
    assert write(companies(12, 4), tmp_path / "again.jsonl") == 12
    assert (tmp_path / "again.jsonl").read_bytes() == out.read_bytes()


def test_a_folder_has_one_readable_file_for_each_company(tmp_path):
    assert write(companies(5, 4), tmp_path / "firms") == 5
    files = sorted((tmp_path / "firms").iterdir())
    assert len(files) == 5
    for path, raw in zip(files, companies(5, 4), strict=True):
        assert Company.load(path) == Company.parse(raw)


def test_parquet_has_ids_and_profiles_as_text_in_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "GROUP", 5)
    out, told = tmp_path / "firms.parquet", []
    assert write(companies(12, 4), out, told.append) == 12
    table = parquet.ParquetFile(out)
    assert table.num_row_groups == 3
    assert told == [5, 10, 12]
    rows = table.read().to_pylist()
    assert [json.loads(row["profile"]) for row in rows] == list(companies(12, 4))
    assert [row["id"] for row in rows] == [one["id"] for one in companies(12, 4)]
    write(companies(12, 4), tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == out.read_bytes()


@pytest.mark.parametrize("name", ["firms.jsonl", "firms.parquet", "firms"])
def test_what_is_there_is_not_overwritten(tmp_path, name):
    write(companies(2, 1), tmp_path / name)
    with pytest.raises(InvalidOptions) as caught:
        write(companies(3, 2), tmp_path / name)
    assert [problem.code for problem in caught.value.problems] == ["already_there"]


@pytest.mark.parametrize(
    ("name", "code"), [("firms.csv", "simulation_ending"), ("no/firms.jsonl", "not_writable")]
)
def test_a_place_that_cannot_be_is_refused(tmp_path, name, code):
    with pytest.raises(InvalidOptions) as caught:
        write(companies(1, 1), tmp_path / name)
    assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize("name", ["firms.jsonl", "firms.parquet", "firms"])
def test_what_fails_half_way_leaves_nothing(tmp_path, name):
    def broken():
        yield company(1, 0)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(broken(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
