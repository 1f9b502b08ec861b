"""`corridor simulate`: made-up companies from the command line."""

import json

import pytest

from api.cli import main


def run(capsys, *arguments):
    code = main(["simulate", *arguments, "--language", "en"])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_companies_are_written_and_counted(tmp_path, capsys):
    out = tmp_path / "firms.jsonl"
    code, said, _ = run(capsys, "--companies", "7", "--seed", "2", "--out", str(out))
    assert code == 0
    assert said.startswith("7 made-up companies (seed 2)")
    assert len(out.read_text("utf-8").splitlines()) == 7


def test_complete_profiles_leave_nothing_out(tmp_path, capsys):
    for name, more in (("full", ["--complete"]), ("half", ["--unknown", "0.5"])):
        run(capsys, "--companies", "3", "--out", str(tmp_path / f"{name}.jsonl"), *more)
    full, half = (
        [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text("utf-8").splitlines()]
        for name in ("full", "half")
    )
    assert all(len(a["facts"]) > len(b.get("facts", {})) for a, b in zip(full, half, strict=True))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--companies", "x"], "--companies: x is not a whole number"),
        (["--companies", "-1"], "--companies: -1 has to be at least 0"),
        (["--companies", "1", "--unknown", "2"], "--unknown: 2 has to be at most 1"),
        (["--companies", "1", "--unknown", "half"], "--unknown: half is not a number"),
        (["--companies", "1", "--seed", "1.5"], "--seed: 1.5 is not a whole number"),
    ],
)
def test_wrong_flags_are_named(tmp_path, capsys, arguments, expected):
    code, _, said = run(capsys, *arguments, "--out", str(tmp_path / "firms"))
    assert code == 2
    assert expected in said
    assert not (tmp_path / "firms").exists()


def test_all_wrong_flags_are_named_at_once(tmp_path, capsys):
    wrong = ["--companies", "x", "--seed", "y", "--unknown", "z"]
    _, _, said = run(capsys, *wrong, "--out", str(tmp_path / "firms"))
    assert len(said.splitlines()) == 3


def test_what_is_there_is_kept(tmp_path, capsys):
    out = tmp_path / "firms.jsonl"
    out.write_text("mine")
    code, _, said = run(capsys, "--companies", "1", "--out", str(out))
    assert code == 2
    assert "is there already" in said
    assert out.read_text() == "mine"


def test_outcomes_are_written_beside_the_firms(tmp_path, capsys):
    firms, table = tmp_path / "firms.jsonl", tmp_path / "outcomes.csv"
    flags = ["--companies", "5", "--out", str(firms), "--outcomes", str(table)]
    assert main(["simulate", *flags, "--language", "en"]) == 0
    said = capsys.readouterr()
    assert "made-up events" in said.out
    assert table.read_text("utf-8").startswith("event,company,product")
    assert len(firms.read_text("utf-8").splitlines()) == 5
    assert main(["simulate", *flags, "--language", "en"]) == 2
    assert "is there already" in capsys.readouterr().err
