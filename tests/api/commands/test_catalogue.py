"""`corridor catalogue`: check, convert, diff, template; a catalogue or setting of one's own."""

import json

import pytest

from recommender import Catalogue
from recommender.catalogue.files import write_catalogue
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
    assert lines[50] == f"These are the first 50 of {count}, and {count - 50} more."


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


# --- convert, template ---------------------------------------------------------------------------


def version(run, place):
    return json.loads(run("catalogue", "check", place, "--json")[1])["version"]


def test_a_catalogue_is_converted_there_and_back(run, tmp_path):
    code, out, err = run("catalogue", "convert", tmp_path / "c.xlsx", "--language", "en")
    packaged = json.loads(run("catalogue", "check", "--json")[1])
    assert (code, err) == (0, "")
    assert f"Wrote {tmp_path / 'c.xlsx'}: {packaged['products']} products" in out
    for source, target in (("c.xlsx", "tables"), ("tables", "c.json"), ("c.json", "c.yaml")):
        assert run("catalogue", "convert", tmp_path / source, tmp_path / target)[0] == 0
        assert version(run, tmp_path / target) == packaged["version"]
    assert "as_of: 2026-" in (tmp_path / "c.yaml").read_text("utf-8")


def test_nothing_is_replaced_unless_told(run, tmp_path):
    place = tmp_path / "c.yaml"
    place.write_text("mine")
    for command in (("convert", place), ("template", tmp_path / "t.xlsx")):
        run("catalogue", *command)
        code, out, err = run("catalogue", *command, "--language", "en")
        assert (code, out) == (2, "")
        assert (
            err
            == f"corridor: {command[1]} was not written: it exists already. --force replaces it.\n"
        )
        assert run("catalogue", *command, "--force")[0] == 0
    assert version(run, place)


def test_an_invalid_catalogue_is_not_converted(run, tmp_path):
    (tmp_path / "broken.yaml").write_text(BROKEN, "utf-8")
    code, _, err = run("catalogue", "convert", tmp_path / "broken.yaml", tmp_path / "c.json")
    assert (code, (tmp_path / "c.json").exists()) == (2, False)
    assert "currencies[0]" in err


def test_a_template_is_written_and_says_what_is_next(run, tmp_path):
    place = tmp_path / "t.xlsx"
    code, out, err = run("catalogue", "template", place, "--language", "en")
    assert (code, err) == (0, "")
    assert f"corridor catalogue check {place}" in out
    code, _, err = run("catalogue", "check", place, "--language", "en")
    assert (code, err.splitlines()[0]) == (2, f"{place}: products: the catalogue has no product.")


def test_a_fault_in_a_table_names_sheet_and_cell(run, tmp_path):
    (tmp_path / "products.csv").write_text("id,lane,colour\np1,loans,red\n", "utf-8")
    _, _, err = run("catalogue", "check", tmp_path, "--language", "en")
    assert f"{tmp_path}, sheet products, B2: products[p1].lane: loans" in err
    assert (
        f"{tmp_path / 'products.csv'}, sheet products, C1: products: there is no field colour"
        in err
    )
    assert f"{tmp_path}, sheet products, row 2: products[p1].family: required" in err
    found = json.loads(run("catalogue", "check", tmp_path, "--json")[1])["problems"]
    (lane,) = [entry for entry in found if entry["value"] == "loans"]
    assert (lane["sheet"], lane["row"], lane["column"]) == ("products", 2, "B")
    assert "financing" in lane["allowed"]


def test_a_thousand_faults_are_all_counted(run, tmp_path):
    lines = [f"p{number},service" for number in range(125)]
    (tmp_path / "products.csv").write_text("\n".join(["id,lane", *lines]), "utf-8")
    code, _, err = run("catalogue", "check", tmp_path, "--language", "en")
    found = json.loads(run("catalogue", "check", tmp_path, "--json")[1])
    assert (code, found["count"], len(found["problems"])) == (2, 1_000, 1_000)
    assert err.splitlines()[50] == "These are the first 50 of 1,000, and 950 more."


# --- diff ----------------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path):
    """The packaged catalogue, and a copy with a lower ceiling and a product less."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    document = Catalogue.load().document()
    write_catalogue(document, old)
    products = json.loads(old.read_text("utf-8"))["products"]
    for product in products:
        if product["id"] == "cor-e-loan":
            product["amount"]["high"] = 400_000
    products = [p for p in products if p["id"] != "prg-centre"]
    for product in products:
        kept = (
            {**r, "any_of": [i for i in r["any_of"] if i != "prg-centre"]}
            for r in product.get("relations", ())
        )
        product["relations"] = [relation for relation in kept if relation["any_of"]]
    document = {**json.loads(old.read_text("utf-8")), "products": products}
    for stop in document["stops"]:
        if stop["scope"] != "all":
            stop["scope"] = [i for i in stop["scope"] if i != "prg-centre"]
    new.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    return old, new


def test_nothing_changed_is_exit_code_0(run, pair):
    assert run("catalogue", "diff", pair[0], pair[0], "--language", "en") == (
        0,
        "Nothing changed.\n",
        "",
    )
    assert run("catalogue", "diff", pair[0], pair[0], "--language", "zh")[1] == "没有变化。\n"


def test_what_changed_is_said_with_the_samples_it_matters_to(run, pair):
    code, out, err = run("catalogue", "diff", *pair, "--language", "en", "--as-of", "2026-11-23")
    assert (code, err) == (1, "")
    assert "Products added: 0, withdrawn: 1, changed: 1" in out
    assert "  ceiling of" in out
    assert "-> 400,000" in out
    assert "  Product withdrawn:" in out
    assert "of 25 (as of 2026-11-23)" in out
    shown = run("catalogue", "diff", *pair, "--language", "zh", "--as-of", "2026-11-23")[1]
    assert "撤下产品：" in shown


def test_the_differences_as_json(run, pair):
    code, out, _ = run("catalogue", "diff", *pair, "--json", "--as-of", "2026-11-23")
    found = json.loads(out)
    assert (code, found["same"], found["withdrawn"], found["changed"]) == (1, False, 1, 1)
    (ceiling,) = [d for d in found["differences"] if d["field"] == "amount.high"]
    assert (ceiling["id"], ceiling["new"]) == ("cor-e-loan", 400_000)
    samples = found["samples"]
    assert (samples["total"], samples["unread"]) == (25, [])
    assert samples["changed"] == len({change["company"] for change in samples["changes"]}) > 0
    (same,) = {c["product_id"] for c in samples["changes"]} - {"prg-centre"}
    assert same == "cor-e-loan"


def test_what_cannot_be_compared_is_exit_code_2(run, pair, tmp_path):
    (tmp_path / "broken.yaml").write_text(BROKEN, "utf-8")
    code, out, err = run("catalogue", "diff", pair[0], tmp_path / "broken.yaml")
    assert (code, out) == (2, "")
    assert "broken.yaml" in err
    assert run("catalogue", "diff", pair[0], tmp_path / "gone.yaml")[0] == 2
    code, _, err = run("catalogue", "diff", *pair, "--as-of", "tomorrow", "--language", "en")
    assert (code, "--as-of" in err) == (2, True)
