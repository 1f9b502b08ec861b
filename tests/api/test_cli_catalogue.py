"""`corridor catalogue check`, and a catalogue or setting of one's own."""

import json

from recommender.tables import data_dir


def test_the_packaged_catalogue_is_fine(run):
    code, out, err = run("catalogue", "check", "--language", "en")
    assert (code, err) == (0, "")
    counts = json.loads(run("catalogue", "check", "--json")[1])
    assert counts["valid"]
    assert f"{counts['products']} products, {counts['facts']} facts" in out
    assert counts["version"] in out


BROKEN = """
products:
  - {id: p1, name_zh: 甲, name_en: A, lane: financing, category: x, family: x, formula: none,
     provider: {zh: 甲, en: A}, summary: {zh: 甲, en: A}, currencies: [CNYY],
     amount: {low: 9, high: 1}, rules: [{f: no_such_fact, op: holds}]}
  - {id: p1, name_zh: 乙, name_en: B, lane: loans, colour: red}
facts:
  - {id: f1, type: number, label: {zh: 一, en: one}, question: {zh: 一, en: one}}
"""


def test_every_problem_of_a_catalogue_has_its_place(run, tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN, "utf-8")
    code, out, err = run("catalogue", "check", path, "--language", "en")
    assert (code, out) == (2, "")
    *lines, total = err.splitlines()
    assert total == f"Problems found: {len(lines)}. Nothing was loaded."
    assert all(line.startswith(f"{path}:") for line in lines)
    for part in ("products[p1].currencies[0]: CNYY", "amount", "lane: loans", "colour", "unit"):
        assert any(part in line for line in lines), part
    found = json.loads(run("catalogue", "check", path, "--json")[1])
    assert (found["valid"], found["count"]) == (False, len(lines))
    assert {entry["row"] for entry in found["problems"]} >= {1, 2}


def test_the_first_fifty_problems_are_shown_and_all_are_counted(run, tmp_path):
    path = tmp_path / "many.yaml"
    rows = "\n".join(f"  - {{id: f{number}, type: colour}}" for number in range(40))
    path.write_text(f"facts:\n{rows}\n")
    code, _, err = run("catalogue", "check", path, "--language", "en")
    lines = err.splitlines()
    count = json.loads(run("catalogue", "check", path, "--json")[1])["count"]
    assert (code, count > 100, len(lines)) == (2, True, 52)
    assert lines[50] == f"These are the first 50 of {count}."


def test_unreadable_files_are_all_named(run, tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xff")
    (tmp_path / "b.yaml").write_text("facts: [")
    code, _, err = run("catalogue", "check", tmp_path, tmp_path / "gone.yaml")
    assert code == 2
    assert all(name in err for name in ("a.yaml", "b.yaml", "gone.yaml"))


def test_a_catalogue_of_one_s_own_is_used(run, tmp_path, profile):
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for path in (data_dir() / "catalogue").glob("*.yaml"):
        (folder / path.name).write_bytes(path.read_bytes())
    whole = json.loads(run("catalogue", "check", folder, "--json")[1])
    assert whole["valid"]
    code, out, _ = run("recommend", profile, "--catalogue", folder, "--json")
    assert (code, json.loads(out)["catalogue_version"]) == (0, whole["version"])
    code, _, err = run("recommend", profile, "--catalogue", tmp_path / "gone")
    assert code == 2
    assert "gone" in err


def test_a_stated_setting_is_checked(run, monkeypatch, profile):
    monkeypatch.setenv("CORRIDOR_MAX_BODY", "lots")
    code, _, err = run("recommend", profile, "--language", "en")
    assert (code, err) == (2, "corridor: CORRIDOR_MAX_BODY: lots is not a whole number.\n")
