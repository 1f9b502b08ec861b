"""The table of outcomes: the same from every format, and every problem named at once."""

import datetime
import json

import pandas as pd
import pytest

from recommender import Catalogue
from recommender.errors import UnreadableFile, Unwritable
from recommender.outcomes import InvalidOutcomes, outcomes_of, read_outcomes
from recommender.outcomes.cells import OUTCOMES, REFUSALS
from recommender.outcomes.files import write_outcomes
from recommender.outcomes.table import COLUMNS
from recommender.simulation import companies, write
from recommender.simulation.outcomes import outcomes
from recommender.tables import data_dir
from recommender.texts import LANGUAGES, error_text, problem_text, table

FIRMS = list(companies(30, 5))
PROFILES = {firm["id"]: firm for firm in FIRMS}
TABLE = outcomes(Catalogue.load(), FIRMS, 5)
ENDINGS = (".csv", ".xlsx", ".parquet")
TODAY = datetime.date(2026, 11, 23)


@pytest.fixture
def firms(tmp_path):
    write(FIRMS, tmp_path / "firms.jsonl")
    return tmp_path / "firms.jsonl"


def saved(tmp_path, frame, ending=".csv"):
    path = tmp_path / f"outcomes{ending}"
    write_outcomes(frame, path, force=True)
    return path


def faults(tmp_path, firms, frame, ending=".csv"):
    with pytest.raises(InvalidOutcomes) as caught:
        read_outcomes(saved(tmp_path, frame, ending), firms, TODAY)
    found = caught.value.problems
    for problem in found:
        assert all(problem_text(problem, language) for language in LANGUAGES)
        assert problem.file.endswith(ending)
    return found


def changed(column, value, at=0):
    frame = TABLE.astype(object).copy()
    frame.loc[at, column] = value
    return frame


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_holds_the_same_outcomes(tmp_path, firms, ending):
    whole = outcomes_of(TABLE, PROFILES)
    read = read_outcomes(saved(tmp_path, TABLE, ending), firms, TODAY)
    assert read.version == whole.version
    assert len(read) == TABLE["event"].nunique()
    assert read.synthetic


def test_the_order_of_rows_does_not_matter():
    turned = TABLE.iloc[::-1]
    assert outcomes_of(turned, PROFILES).version == outcomes_of(TABLE, PROFILES).version


def test_a_changed_cell_is_another_version():
    other = changed("outcome", "withdrawn")
    assert outcomes_of(other, PROFILES).version != outcomes_of(TABLE, PROFILES).version


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("outcome", "bought", "not_one_of"),
        ("outcome", None, "missing"),
        ("position", "0", "below_minimum"),
        ("position", "first", "not_integer"),
        ("position", "1.5", "not_integer"),
        ("propensity", "0", "not_above"),
        ("propensity", "1.2", "above_maximum"),
        ("propensity", "often", "not_number"),
        ("date", "2026-11-24", "outcome_future"),
        ("date", "24.11.2025", "not_date"),
        ("reason", "bad_mood", "not_one_of"),
        ("reason", "screening", "outcome_reason_alone"),
        ("amount", "-1", "below_minimum"),
        ("currency", "RMB", "currency_unknown"),
        ("synthetic", "perhaps", "not_yes_no"),
        ("snapshot", "[1]", "not_record"),
        ("company", "nobody", "outcome_uneven"),
        ("source", "", "missing"),
    ],
)
@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_a_wrong_cell_is_named_with_its_place(tmp_path, firms, column, value, code, ending):
    frame = changed(column, value)
    frame.loc[0, "outcome"] = value if column == "outcome" else "declined"
    found = faults(tmp_path, firms, frame, ending)
    named = next(problem for problem in found if problem.code == code)
    letter = chr(65 + [c.name for c in COLUMNS].index(column))
    assert named.field == column
    assert named.column == letter
    assert named.row in (2, 3)
    assert named.sheet == ("outcomes" if ending == ".xlsx" else None)


def test_all_problems_come_at_once(tmp_path, firms):
    frame = changed("outcome", "bought")
    frame.loc[1, "position"] = "none"
    frame.loc[2, "date"] = "soon"
    assert len(faults(tmp_path, firms, frame)) == 3


def test_a_row_that_stands_twice_is_refused(tmp_path, firms):
    twice = pd.concat([TABLE, TABLE.iloc[[0]]], ignore_index=True)
    assert [p.code for p in faults(tmp_path, firms, twice)] == ["outcome_twice"]


def test_a_column_that_gives_the_answer_away_is_refused(tmp_path, firms):
    leaking = TABLE.assign(loan_id_after=1)
    (problem,) = faults(tmp_path, firms, leaking)
    assert problem.code == "outcome_column"
    assert "outcome" in problem.allowed


def test_a_missing_column_is_named(tmp_path, firms):
    found = faults(tmp_path, firms, TABLE.drop(columns=["product", "date"]))
    assert {p.field for p in found if p.code == "outcome_no_column"} == {"product", "date"}


def test_a_firm_without_a_profile_is_named(tmp_path, firms):
    frame = TABLE.copy()
    frame.loc[frame["event"] == frame["event"][0], "company"] = "nobody"
    (problem,) = faults(tmp_path, firms, frame)
    assert (problem.code, problem.value) == ("outcome_company", "nobody")


def test_a_snapshot_stands_before_the_file_of_firms(tmp_path):
    frame = TABLE.astype(object).copy()
    for _event, rows in frame.groupby("event"):
        raw = PROFILES[frame.loc[rows.index[0], "company"]]
        frame.loc[rows.index[-1], "snapshot"] = json.dumps(raw)
    read = read_outcomes(saved(tmp_path, frame), None, TODAY)
    assert set(read.rows["profile"].str.partition("@")[0]) == set(frame["company"])
    assert len(read) == frame["event"].nunique()


def test_a_fact_that_came_later_is_refused(tmp_path):
    firm = {"id": "late", "facts": {"overdue_loans": {"value": False, "as_of": "2026-11-20"}}}
    frame = TABLE.head(1).assign(company="late", date=datetime.date(2026, 1, 1))
    with pytest.raises(InvalidOutcomes, match="outcome_later_fact"):
        outcomes_of(frame, {"late": firm})


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_truncated_file_is_refused(tmp_path, firms, ending):
    path = saved(tmp_path, TABLE, ending)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 - 3])
    with pytest.raises((UnreadableFile, InvalidOutcomes)) as caught:
        read_outcomes(path, firms, TODAY)
    assert all(error_text(caught.value, language) for language in LANGUAGES)


@pytest.mark.parametrize("name", ["none.csv", "none.xlsx", "none.parquet", "none.txt"])
def test_a_file_that_is_not_there_is_refused(tmp_path, name):
    with pytest.raises(UnreadableFile):
        read_outcomes(tmp_path / name)


def test_nothing_is_written_over(tmp_path):
    path = saved(tmp_path, TABLE)
    with pytest.raises(Unwritable):
        write_outcomes(TABLE, path)


def test_every_code_has_its_word():
    keys = [f"outcome.{name}" for name in OUTCOMES] + [f"refusal.{name}" for name in REFUSALS]
    assert [key for key in keys if key not in table()] == []


def test_the_dictionary_names_every_column():
    page = (data_dir() / "README.md").read_text("utf-8")
    part = page[page.index("## Columns of outcomes") :]
    for column in COLUMNS:
        required = "yes" if column.required else "no"
        assert f"| `{column.name}` | {column.kind} | {required} |" in part
    assert all(f"`{name}`" in part for name in (*OUTCOMES, *REFUSALS))


def test_made_up_outcomes_are_marked_and_repeat():
    assert TABLE["synthetic"].all()
    assert (TABLE["source"] == "simulation").all()
    again = outcomes(Catalogue.load(), FIRMS, 5)
    pd.testing.assert_frame_equal(again, TABLE)


def test_chances_of_what_was_shown_first_add_up():
    whole = outcomes(Catalogue.load(), list(companies(300, 6)), 6)
    first = whole[whole["position"] == 1]
    assert ((first["propensity"] > 0) & (first["propensity"] <= 1)).all()
    alone = whole.groupby("event")["product"].transform("size") == 1
    assert (whole[alone]["propensity"] == 1).all()
