"""`corridor population` and `corridor prospects` on the command line."""

import csv
import io
import json

import openpyxl
import pytest
from populations import engine, profiles, written

from recommender.population.population import Population

EN = ("--language", "en")
PRODUCT = "cor-cashflow"


@pytest.fixture
def companies(tmp_path):
    return written(tmp_path, profiles()[:40])


@pytest.fixture
def built(run, tmp_path, companies):
    folder = tmp_path / "p"
    code, out, err = run(
        "population", "build", companies, "--out", folder, "--as-of", "2026-11-23", *EN
    )
    assert (code, err) == (0, "")
    assert out == f"Population built: {folder}, 40 companies (40 made up)\n"
    return folder


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_population_is_shown(run, built, language):
    code, out, _ = run("population", "show", built, "--verify", "--language", language)
    assert code == 0
    assert "40" in out
    assert engine().catalogue.version in out
    assert len(out.splitlines()) == 5


def test_a_population_is_shown_as_json(run, built):
    found = json.loads(run("population", "show", built, "--json")[1])
    assert (found["companies"], found["synthetic"], found["as_of"]) == (40, 40, "2026-11-23")
    assert found["population_version"] == Population.open(built).version
    assert found["bytes_per_company"]["structure"] > 0


def test_rows_that_are_rejected_are_told_and_the_others_packed(run, tmp_path, built):
    changes = written(tmp_path, [{**profiles()[50], "staff": -1}, profiles()[51]], "more.jsonl")
    code, out, err = run("population", "update", built, changes, *EN)
    assert code == 0
    assert "1 companies written, 0 of them" in out
    assert err == f"Rows rejected: 1; the reasons are in {built / 'rejected.csv'}\n"


def test_removing_and_compacting(run, built):
    code, out, err = run("population", "remove", built, profiles()[3]["id"], "nobody", *EN)
    assert code == 2
    assert out == f"Companies removed from {built}: 1.\n"
    assert "the population has no company nobody" in err
    code, out, _ = run("population", "compact", built, *EN)
    assert (code, out) == (0, f"Population compacted: {built}, 39 companies, 1 rows cleared away\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "none"], "there is no population here"),
        (["build", "none.jsonl", "--out", "x"], "there is no such file"),
        (["build", "none.txt", "--out", "x"], "ends in .jsonl, .csv, .xlsx or .parquet"),
        (["build", "c.jsonl", "--out", "x", "--as-of", "soon"], "--as-of"),
        (["build", "c.jsonl", "--out", "x", "--workers", "0"], "--workers"),
    ],
)
def test_what_is_wrong_is_one_line(run, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, profiles()[:1], "c.jsonl")
    code, out, err = run("population", *arguments, *EN)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "x").exists()


def test_nothing_good_lists_the_problems(run, tmp_path):
    path = written(tmp_path, [{"id": "a", "staff": -1}, {"staff": 3}])
    code, out, err = run("population", "build", path, "--out", tmp_path / "x", *EN)
    assert (code, out) == (2, "")
    assert [line.split(": ")[0] for line in err.splitlines()] == [f"{path}:1", f"{path}:2"]


# --- prospects -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_prospects_for_people(run, built, language):
    code, out, err = run(
        "prospects", PRODUCT, "--population", built, "--n", "3", "--language", language
    )
    answer = json.loads(run("prospects", PRODUCT, "--population", built, "--n", "3", "--json",
                            "--language", language)[1])  # fmt: skip
    assert (code, err) == (0, "")
    unbroken = "".join(out.split())
    for prospect in answer["prospects"]:
        assert prospect["company"]["id"] in out
        for point in prospect["talking_points"]:
            assert "".join(point[f"text_{language}"].split()) in unbroken
    assert answer["next"] in unbroken
    assert ("【虚构】" if language == "zh" else "(made up)") in out


def test_every_flag_is_the_option_of_that_name(run, built):
    flags = {
        "n": 7, "order": "fit", "region": "50", "size": "micro,small", "hs": "87",
        "route": "RSI,IRT", "lane_held": "exclude", "not_contacted_days": 9, "not_declined_days": 8,
        "first_loan": "yes", "per_group": 2, "per_manager": 3,
    }  # fmt: skip
    given = [part for name, value in flags.items()
             for part in (f"--{name.replace('_', '-')}", str(value))]  # fmt: skip
    code, out, _ = run("prospects", PRODUCT, "--population", built, *given, "--without-consent",
                       "--no-near-misses", "--json")  # fmt: skip
    assert code == 0
    answer = json.loads(out)
    assert set(answer["counts"]["left_out"]) == {
        "region", "size", "hs", "route", "lane_held", "not_contacted_days", "not_declined_days",
        "first_loan",
    }  # fmt: skip
    assert answer["order"] == "fit"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--n", "1000000000"], "--n: 1000000000 has to be at most 1,000"),
        (["--n", "some"], "--n: some is not a whole number"),
        (["--region", "99"], "--region"),
        (["--size", "huge"], "--size"),
        (["--not-contacted-days", "0"], "--not-contacted-days"),
        (["--cursor", "x"], "cursor"),
        (["--csv", "list.xlsx"], "has to end in .csv"),
        (["--order", "value"], "calibrated"),
    ],
)
def test_wrong_flags_are_named(run, built, flags, said):
    code, out, err = run("prospects", PRODUCT, "--population", built, *flags, *EN)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_population_has_to_be_named(run, built, monkeypatch):
    code, _, err = run("prospects", PRODUCT, *EN)
    assert code == 2
    assert "--population" in err
    monkeypatch.setenv("CORRIDOR_POPULATION", str(built))
    assert run("prospects", PRODUCT, "--n", "1", *EN)[0] == 0


def test_nobody_is_said_in_words(run, built):
    code, out, _ = run("prospects", PRODUCT, "--population", built, "--hs", "97", *EN)
    assert code == 0
    assert "No company meets what was asked for." in out


# --- exports -------------------------------------------------------------------------------------

RISKY = ("=1+1", "+1", "-1", "@x", "\tx", "\rx")


@pytest.fixture
def risky(run, tmp_path):
    rows = [
        {**raw, "name_zh": RISKY[number], "name_en": RISKY[number], "manager": RISKY[number],
         "consent_to_contact": True, "consents": {"contact": True}}
        for number, raw in enumerate(profiles()[: len(RISKY)])
    ]  # fmt: skip
    folder = tmp_path / "risky"
    path = written(tmp_path, rows, "risky.jsonl")
    assert run("population", "build", path, "--out", folder, "--as-of", "2026-11-23")[0] == 0
    return folder


def test_cells_that_look_like_formulas_are_escaped_in_csv(run, tmp_path, risky):
    place = tmp_path / "list.csv"
    code, out, err = run("prospects", PRODUCT, "--population", risky, "--csv", place, *EN)
    assert (code, out) == (0, "")
    assert str(place) in err
    text = place.read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows
    for row in rows:
        assert row["name (zh)"][0] == "'"
        assert row["manager"][0] == "'"
        assert row["made up"] == "yes"
        assert row["as of"] == "2026-11-23"
        assert "(" in row["sources of the terms with their dates"]
        assert not [cell for cell in row.values() if cell[:1] and cell[0] in "=+-@\t\r"]


def test_a_workbook_holds_text_and_nothing_is_replaced_without_force(run, tmp_path, risky):
    place = tmp_path / "list.xlsx"
    arguments = ("prospects", PRODUCT, "--population", risky, "--xlsx", place)
    assert run(*arguments)[0] == 0
    first = place.read_bytes()
    sheet = openpyxl.load_workbook(place).active
    header = [cell.value for cell in sheet[1]]
    assert sheet[2][header.index("中文名称")].data_type == "s"
    code, _, err = run(*arguments, *EN)
    assert code == 2
    assert "exists already" in err
    assert run(*arguments, "--force")[0] == 0
    assert place.read_bytes() == first
