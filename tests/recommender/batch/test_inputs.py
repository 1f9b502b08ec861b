"""The input of a run: partitions by row, ids that stand twice, files that cannot be used."""

import orjson
import pyarrow as pa
import pytest
from batch_runs import FIRMS, as_lines, as_parquet, rows_of
from pyarrow import parquet

from recommender.batch.inputs import read_input, read_part
from recommender.batch.places import place
from recommender.errors import UnreadableFile
from recommender.texts import LANGUAGES, error_text

ROWS = rows_of(FIRMS)


def looked_over(path, rows=10):
    where = place(str(path), "--in")
    return where, read_input(where, rows)


def companies(path, rows=10):
    """All partitions, put together."""
    where, given = looked_over(path, rows)
    return [line for part in given.parts for line in read_part(where, part).to_pylist()]


@pytest.mark.parametrize("group", [3, 10, 1000])
@pytest.mark.parametrize("rows", [1, 7, 60, 500])
def test_partitions_hold_every_row_once_and_in_order(tmp_path, group, rows):
    found = companies(as_parquet(ROWS, tmp_path / "firms.parquet", group), rows)
    assert [(line["id"], line["profile"].decode()) for line in found] == ROWS
    assert [line["row"] for line in found] == list(range(1, len(ROWS) + 1))
    assert {line["twice"] for line in found} == {None}


@pytest.mark.parametrize("rows", [1, 7, 60, 500])
def test_lines_give_the_same_companies(tmp_path, rows):
    assert companies(as_lines(ROWS, tmp_path / "firms.jsonl"), rows) == companies(
        as_parquet(ROWS, tmp_path / "firms.parquet"), rows
    )


def test_a_last_line_without_an_end_and_empty_lines_are_fine(tmp_path):
    path = tmp_path / "firms.jsonl"
    path.write_text(f"\n{ROWS[0][1]}\n\n \n{ROWS[1][1]}", "utf-8")
    found = companies(path, 2)
    assert [(line["row"], line["id"]) for line in found] == [(2, ROWS[0][0]), (5, ROWS[1][0])]


def test_a_folder_is_its_files_in_order_of_their_names(tmp_path):
    as_parquet(ROWS[:25], tmp_path / "b.parquet")
    as_lines(ROWS[25:40], tmp_path / "c.jsonl")
    as_parquet(ROWS[40:], tmp_path / "a.parquet")
    for other in ("notes.txt", "_SUCCESS", ".hidden.parquet", "_part.parquet"):
        (tmp_path / other).write_text("x", "utf-8")
    _, given = looked_over(tmp_path)
    assert [(file.name, file.rows) for file in given.files] == [
        ("a.parquet", 20),
        ("b.parquet", 25),
        ("c.jsonl", 15),
    ]
    assert given.rows == 60
    assert [(part.file[0], part.rows) for part in given.parts] == [
        *[("a", 10)] * 2, *[("b", 10)] * 2, ("b", 5), ("c", 10), ("c", 5),
    ]  # fmt: skip
    assert [name for name, _ in ROWS[40:] + ROWS[:40]] == [r["id"] for r in companies(tmp_path)]


def test_an_id_that_stood_before_is_named_with_its_place(tmp_path):
    as_parquet([ROWS[0], ROWS[1], ROWS[0], (None, "{}"), (None, "{}")], tmp_path / "a.parquet")
    as_lines([ROWS[2], ROWS[1], ROWS[2], ROWS[1]], tmp_path / "b.jsonl")
    twice = [line["twice"] for line in companies(tmp_path, 2)]
    first = [None, None, "a.parquet:1", None, None]
    assert twice == [*first, None, "a.parquet:2", "b.jsonl:1", "a.parquet:2"]


def test_an_empty_table_has_no_partitions(tmp_path):
    columns = {name: pa.array([], pa.string()) for name in ("id", "profile")}
    parquet.write_table(pa.table(columns), tmp_path / "none.parquet")
    (tmp_path / "none.jsonl").touch()
    assert looked_over(tmp_path)[1].parts == ()


def test_ids_may_be_numbers_and_profiles_bytes(tmp_path):
    columns = {"profile": pa.array([b"{}", b"\xff"], pa.binary()), "id": [7, 8], "more": [1, 2]}
    parquet.write_table(pa.table(columns), tmp_path / "firms.parquet")
    found = companies(tmp_path / "firms.parquet")
    assert [(line["id"], line["profile"]) for line in found] == [("7", b"{}"), ("8", b"\xff")]


def table(path, columns):
    parquet.write_table(pa.table(columns), path)


BAD = {
    "no_such_file": lambda path: None,
    "not_parquet": lambda path: path.write_bytes(b"PAR1 and then nothing"),
    "batch_columns": lambda path: table(path, {"id": ["a"], "company": ["{}"]}),
    "batch_profile_type": lambda path: table(path, {"id": ["a"], "profile": [{"staff": 5}]}),
    "batch_empty_folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("reason", BAD)
def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path, reason):
    path = tmp_path / "firms.parquet"
    BAD[reason](path)
    with pytest.raises(UnreadableFile) as caught:
        looked_over(path)
    assert caught.value.params["reason"] == reason
    assert all("firms.parquet" in error_text(caught.value, language) for language in LANGUAGES)


def test_another_ending_is_refused(tmp_path):
    (tmp_path / "firms.csv").write_text("id,profile\n", "utf-8")
    with pytest.raises(UnreadableFile) as caught:
        looked_over(tmp_path / "firms.csv")
    assert caught.value.params["reason"] == "batch_ending"


def test_a_table_that_is_cut_off_is_refused(tmp_path):
    path = as_parquet(ROWS, tmp_path / "firms.parquet")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UnreadableFile) as caught:
        looked_over(path)
    assert caught.value.params["reason"] == "not_parquet"


def test_a_file_that_changes_meanwhile_is_noticed(tmp_path):
    path = as_lines(ROWS, tmp_path / "firms.jsonl")
    where, given = looked_over(path)
    as_lines(ROWS[:40], path)
    with pytest.raises(UnreadableFile) as caught:
        read_part(where, given.parts[-1])
    assert caught.value.params["reason"] == "batch_changed"


def test_other_bytes_have_another_hash(tmp_path):
    path = as_lines(ROWS, tmp_path / "firms.jsonl")
    before = looked_over(path)[1].files
    assert looked_over(path)[1].files == before
    as_lines([*ROWS[:-1], (ROWS[-1][0], orjson.dumps({"id": ROWS[-1][0]}).decode())], path)
    assert looked_over(path)[1].files != before
