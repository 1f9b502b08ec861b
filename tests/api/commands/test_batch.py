"""`corridor batch`: from a file of companies to matches and a summary, from the command line."""

import json

import pytest
from pyarrow import parquet

from api.cli import main
from recommender.texts import LANGUAGES

FLAGS = ["--partition", "8", "--as-of", "2026-11-23"]


def run(capsys, *arguments, language="en"):
    code = main(["batch", *map(str, arguments), "--language", language])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def firms(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "firms.parquet"
    assert main(["simulate", "--companies", "20", "--seed", "3", "--out", str(path)]) == 0
    capsys.readouterr()
    return path


def test_simulated_companies_are_matched_and_summed_up(firms, tmp_path, capsys):
    code, said, wrong = run(capsys, "--in", firms, "--out", "out", "--top", "3", *FLAGS)
    assert (code, wrong) == (0, "")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    lines = parquet.read_table(tmp_path / "out" / "matches").to_pylist()
    assert said.startswith(f"Run {manifest['run_id']}: 20 companies, 0 rows rejected, {len(lines)}")
    assert "Financing: " in said
    assert "Near miss" in said
    assert (manifest["top"], manifest["as_of"]) == (3, "2026-11-23")
    assert max(line["rank"] for line in lines) == 3


def test_lines_give_the_same_matches_as_parquet(firms, tmp_path, capsys):
    lines = tmp_path / "firms.jsonl"
    main(["simulate", "--companies", "20", "--seed", "3", "--out", str(lines)])
    for source in (firms, lines):
        run(capsys, "--in", source, "--out", f"out-{source.suffix[1:]}", *FLAGS)
    found = [
        parquet.read_table(tmp_path / f"out-{kind}" / "matches").drop_columns("run_id")
        for kind in ("parquet", "jsonl")
    ]
    assert found[0].equals(found[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_rejected_rows_are_counted_by_reason(firms, tmp_path, capsys, language):
    rows = parquet.read_table(firms).to_pylist()
    lines = [row["profile"] for row in rows] + ["{", "[]", rows[0]["profile"]]
    (tmp_path / "more.jsonl").write_text("\n".join(lines), "utf-8")
    code, said, _ = run(capsys, "--in", "more.jsonl", "--out", "out", *FLAGS, language=language)
    assert code == 0
    last = said.splitlines()[-1]
    assert "out/rejects" in last
    assert all(f"{code} 1" in last for code in ("batch_not_json", "duplicate_id", "missing"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--top", "0"], "--top: 0 has to be at least 1"),
        (["--top", "1001"], "--top: 1001 has to be at most 1,000"),
        (["--workers", "many"], "--workers: many is not a whole number"),
        (["--partition", "0"], "--partition: 0 has to be at least 1"),
        (["--as-of", "soon"], "--as-of: "),
        (["--master", "local[2]"], "--master: local[2] works with --engine spark alone"),
        (["--engine", "dask"], "--engine: 'dask' is not one of the choices"),
        (["--in", "s3://bank/firms.parquet"], "--in: s3://bank/firms.parquet works with --engine"),
        (["--out", "ftp://bank/out"], "--out: the scheme of ftp://bank/out is not known"),
        (["--in", "none.parquet"], "none.parquet cannot be read: there is no such file"),
        (["--catalogue", "no-such"], "no-such cannot be read"),
    ],
)
def test_wrong_flags_are_named_and_nothing_is_written(firms, tmp_path, capsys, arguments, expected):
    given = ["--in", str(firms), "--out", "out", *arguments]
    try:
        code, _, said = run(capsys, *given)
    except SystemExit as stopped:
        code, said = stopped.code, capsys.readouterr().err
    assert code == 2
    assert expected in said
    assert not (tmp_path / "out").exists()


def test_all_wrong_flags_are_named_at_once(firms, capsys):
    wrong = ["--top", "0", "--workers", "0", "--partition", "x", "--as-of", "soon"]
    _, _, said = run(capsys, "--in", firms, "--out", "out", *wrong)
    assert len(said.splitlines()) == 4


def test_another_run_in_the_folder_is_refused_in_every_language(firms, capsys):
    run(capsys, "--in", firms, "--out", "out", *FLAGS)
    for language, word in zip(LANGUAGES, ("请另选 --out", "Choose another --out"), strict=True):
        given = ["--in", firms, "--out", "out", "--top", "4", *FLAGS]
        code, _, said = run(capsys, *given, language=language)
        assert code == 2
        assert "top" in said
        assert word in said
