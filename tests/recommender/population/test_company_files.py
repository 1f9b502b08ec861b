"""Companies in files of four kinds: the same profiles, and every bad row by its number."""

import csv
import json

import openpyxl
import pyarrow as pa
import pytest
from company_tables import flat, flat_table
from populations import engine, profiles, rows_of, written

from recommender.company.profile import Company
from recommender.errors import UnreadableFile
from recommender.population.company_columns import column_names, profile_columns, split

FACTS = engine().catalogue.facts


def as_csv(path, rows):
    table = flat_table(rows)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=table)
        writer.writeheader()
        writer.writerows(map(flat, rows))
    return path


def as_workbook(path, rows):
    book = openpyxl.Workbook()
    header = flat_table(rows)
    book.active.append(header)
    for row in rows:
        cells = flat(row)
        book.active.append([cells.get(name) for name in header])
    book.save(path)
    return path


def as_parquet(path, rows):
    import pyarrow.parquet as pq

    table = pa.table({name: [flat(r).get(name) for r in rows] for name in flat_table(rows)})
    pq.write_table(table, path)
    return path


def company_of(read):
    return Company.parse(read.profile).model_dump(mode="json", exclude_none=True)


WRITERS = {".csv": as_csv, ".xlsx": as_workbook, ".parquet": as_parquet, ".jsonl": None}


@pytest.mark.parametrize("ending", WRITERS)
def test_a_table_holds_what_lines_of_json_hold(tmp_path, ending):
    rows = list(profiles()[:25])
    path = tmp_path / f"companies{ending}"
    if ending == ".jsonl":
        written(tmp_path, rows)
    else:
        WRITERS[ending](path, rows)
    found = rows_of(path)
    assert all(read.problems == [] for read in found)
    expected = [
        Company.parse(split(raw)[0]).model_dump(mode="json", exclude_none=True) for raw in rows
    ]
    assert [company_of(read) for read in found] == expected
    assert [read.relation for read in found] == [split(raw)[1] for raw in rows]
    assert [read.number for read in found][:2] == (
        [2, 3] if ending in (".csv", ".xlsx") else [1, 2]
    )


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
def test_a_column_may_hold_the_whole_profile(tmp_path, ending):
    raw = split(profiles()[4])[0]
    rows = [{"profile": json.dumps(raw), "manager": "li", "consent_to_contact": "yes"}]
    WRITERS[ending](tmp_path / f"c{ending}", rows)
    (read,) = rows_of(tmp_path / f"c{ending}")
    assert read.profile == raw
    assert read.relation == {"manager": "li", "consent_to_contact": True}


def lines(tmp_path, text, name="c.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return rows_of(path)


def test_cells_are_read_as_catalogue_tables_have_them(tmp_path):
    text = (
        "id;trade.hs;trade.routes;documents;staff;facts.credit_record_ok;facts.fx_admin_class;"
        "need.date;lanes_held;facts.net_assets_cny\n"
        'a;"8432; 0810";"RSI; XBR";"OCEAN_BL";12;是;A;2026-12-01;[];5.5\n'
    )
    (read,) = lines(tmp_path, text)
    assert read.problems == []
    assert read.profile == {
        "id": "a",
        "trade": {"hs": ["8432", "0810"], "routes": [{"mode": "RSI"}, {"mode": "XBR"}]},
        "documents": [{"type": "OCEAN_BL"}],
        "staff": 12,
        "facts": {"credit_record_ok": True, "fx_admin_class": "A", "net_assets_cny": 5.5},
        "need": {"date": "2026-12-01"},
    }
    assert read.relation == {"lanes_held": []}


def test_empty_cells_are_not_known(tmp_path):
    (read,) = lines(tmp_path, "id,staff,trade.hs,manager\na,, ,\n")
    assert (read.profile, read.relation) == ({"id": "a"}, {})


def test_an_unknown_column_is_named_with_the_nearest(tmp_path):
    (read,) = lines(tmp_path, "id,staf\na,3\n")
    assert [(p.code, p.field, p.allowed) for p in read.problems] == [
        ("field_did_you_mean", "staf", ["staff"])
    ]


def test_bad_rows_of_csv_are_told_and_the_next_is_read(tmp_path):
    found = lines(
        tmp_path,
        b"id,collateral,name_zh\n"
        + "a,[],好\n".encode()
        + b"b,{broken,x\n"
        + b"c,[],x,too many\n"
        + "d,[],好".encode("gbk")
        + b"\n"
        + b"e,[],x\n",
    )
    codes = [[p.code for p in read.problems] for read in found]
    assert codes == [[], ["not_record"], ["too_many_cells"], ["cell_not_utf8"], []]
    assert [read.profile["id"] for read in found] == list("abcde")


def test_bad_lines_of_json_are_told_and_the_next_is_read(tmp_path):
    text = b'{"id": "a"}\n{"id": \n\n7\n\xff\n{"id": NaN}\n{"id": "b"}'
    found = lines(tmp_path, text, "c.jsonl")
    assert [(read.number, [p.code for p in read.problems]) for read in found] == [
        (1, []), (2, ["line_not_json"]), (4, ["not_record"]), (5, ["line_not_json"]),
        (6, ["line_not_json"]), (7, []),
    ]  # fmt: skip


def test_a_line_without_end_is_not_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("recommender.population.company_files.LONGEST_LINE", 50)
    found = lines(tmp_path, b'{"id": "' + b"x" * 500 + b'"}\n{"id": "b"}\n', "c.jsonl")
    assert [[p.code for p in read.problems] for read in found] == [["line_too_long"], []]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("c.txt", b"", "companies_ending"),
        ("c.parquet", b"PAR1 no", "not_parquet"),
        ("c.xlsx", b"no", "not_workbook"),
        ("c.csv", b"id,staff,id\n", "column_twice"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, name, content, reason):
    with pytest.raises(UnreadableFile) as caught:
        lines(tmp_path, content, name)
    assert caught.value.params["reason"] == reason


@pytest.mark.parametrize("name", ["none.csv", "none.jsonl", "none.parquet"])
def test_a_file_that_is_not_there_is_refused(tmp_path, name):
    with pytest.raises(UnreadableFile) as caught:
        rows_of(tmp_path / name)
    assert caught.value.params["reason"] == "no_such_file"


def test_a_quote_that_kept_a_formula_away_is_taken_off(tmp_path):
    (read,) = lines(tmp_path, "id,name_zh\na,'=1+1\n")
    assert read.profile["name_zh"] == "=1+1"


def test_parquet_may_hold_lists_and_records(tmp_path):
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "id": ["a"],
            "trade.hs": [["8432", "0810"]],
            "trade.routes": [[{"mode": "RSI", "legs": ["CNCKG", "VNHPH"]}]],
            "staff": pa.array([12.0]),
            "consent_to_contact": [True],
        }
    )
    pq.write_table(table, tmp_path / "c.parquet")
    (read,) = rows_of(tmp_path / "c.parquet")
    company = Company.parse(read.profile)
    assert company.staff == 12
    assert company.trade.hs == ("8432", "0810")
    assert read.relation == {"consent_to_contact": True}


def test_every_field_of_a_profile_has_a_column():
    names = set(profile_columns())
    assert {"id", "trade.hs", "trade.routes", "need.amount", "facts", "consents.contact"} <= names
    assert {"manager", "consent_to_contact", "profile"} <= set(column_names())
