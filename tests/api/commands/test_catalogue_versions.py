"""`corridor catalogue import`, `use` and `versions`: from a file to a catalogue that serves."""

import errno
import json
import os

import pytest
from catalogue_copies import NEW, RAISED, changed, write

from recommender import Catalogue
from recommender.matching.scoring import Weights
from recommender.matching.similarity import NAMES
from recommender.registry.registry import Registry, Serving

PACKAGED = Catalogue.load().version
CATALOGUE = changed(5_000_000, added=True, withdrawn=True)
VERSION = CATALOGUE.version
LEARNED = Weights({**dict.fromkeys(NAMES, 0.5), "route": 4.0}, {RAISED: 1.5}, PACKAGED)
EN = ("--language", "en")


@pytest.fixture
def registry(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRIDOR_MODELS", str(tmp_path / "models"))
    return Registry(tmp_path / "models")


@pytest.fixture
def place(tmp_path):
    return write(CATALOGUE, tmp_path / "new.xlsx")


@pytest.fixture
def stored(registry):
    registry.catalogues.add(CATALOGUE)
    return registry


@pytest.mark.parametrize("name", ["new.yaml", "new.json", "new.xlsx", "tables"])
def test_a_catalogue_of_any_format_is_stored_and_its_changes_are_said(
    run, registry, tmp_path, name
):
    code, out, err = run("catalogue", "import", write(CATALOGUE, tmp_path / name), *EN)
    assert (code, err) == (0, "")
    assert out.startswith(f"Stored as version {VERSION}: {len(CATALOGUE.products)} products")
    assert "Products added: 1, withdrawn: 1, changed: " in out
    assert "3,000,000 -> 5,000,000" in out
    assert "Sample companies whose fit changes: " in out
    assert out.splitlines()[-1] == f"To let it serve: corridor catalogue use {VERSION}"
    assert registry.catalogues.load(VERSION).version == VERSION
    assert registry.state == Serving()


def test_importing_it_again_says_so_and_writes_nothing(run, stored, place):
    before = stored.catalogues.place(VERSION).stat().st_mtime_ns
    code, out, _ = run("catalogue", "import", place, *EN)
    assert (code, out.splitlines()[0]) == (
        0, f"Version {VERSION} was imported before; nothing was written."
    )  # fmt: skip
    assert "3,000,000 -> 5,000,000" in out
    assert stored.catalogues.place(VERSION).stat().st_mtime_ns == before


def test_what_is_compared_is_the_catalogue_in_use(run, stored, place):
    stored.use(VERSION, "li", "")
    code, out, _ = run("catalogue", "import", place, *EN)
    assert (code, out.splitlines()[1:]) == (0, ["Nothing changed."])


def test_the_folder_of_models_can_be_named(run, tmp_path, place):
    flag = ("--models", tmp_path / "elsewhere")
    _, out, _ = run("catalogue", "import", place, *flag, *EN)
    assert out.splitlines()[-1].endswith(f"use {VERSION} --models {tmp_path / 'elsewhere'}")
    assert run("catalogue", "use", VERSION, *flag)[0] == 0
    assert Registry(tmp_path / "elsewhere").state.catalogue == VERSION


def test_every_problem_is_told_at_once_and_nothing_is_stored(run, registry, tmp_path):
    (tmp_path / "products.csv").write_text("id,lane,colour\np1,loans,red\n", "utf-8")
    code, out, err = run("catalogue", "import", tmp_path / "products.csv", *EN)
    assert (code, out) == (2, "")
    checked = run("catalogue", "check", tmp_path / "products.csv", *EN)
    assert (err, checked[0]) == (checked[2], 2)
    assert len(err.splitlines()) > 5
    assert registry.catalogues.versions() == []


def test_what_is_not_there_is_told(run, registry, tmp_path):
    code, _, err = run("catalogue", "import", tmp_path / "gone.xlsx")
    assert (code, "gone.xlsx" in err) == (2, True)
    code, _, err = run("catalogue", "import", *EN)
    assert (code, "missing: F" in err) == (2, True)


def test_a_full_disk_is_told_and_leaves_nothing_behind(run, stored, place, monkeypatch):
    stored.catalogues.place(VERSION).unlink()

    def full(*_args, **_kw):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    code, out, err = run("catalogue", "import", place, *EN)
    assert (code, out) == (2, "")
    assert "No space left" in err
    assert [*stored.catalogues.shelf.folder.iterdir()] == []


def test_a_version_is_taken_into_use_with_who_and_why(run, stored, profile):
    code, out, err = run("catalogue", "use", VERSION, "--because", "spring", "--by", "li", *EN)
    assert (code, err) == (0, "")
    assert out == f"Catalogue in use: {VERSION} (before: the packaged one)\n"
    step = stored.history()[-1]
    assert (step.action, step.kind, step.who, step.why) == ("use", "catalogue", "li", "spring")
    answer = json.loads(run("recommend", profile, "--json")[1])
    assert answer["catalogue_version"] == VERSION
    said = run("models", *EN)[1]
    assert f"Catalogue in use: {VERSION}" in said
    assert f"took into use catalogue {VERSION}  li: spring" in said


@pytest.mark.parametrize("name", ["packaged", PACKAGED])
def test_the_packaged_catalogue_is_taken_into_use_again(run, stored, name):
    stored.use(VERSION, "li", "")
    assert run("catalogue", "use", name)[0] == 0
    assert stored.state == Serving()


def test_rollback_undoes_the_last_decision_of_either_kind(run, stored):
    stored.add(LEARNED, {"kind": "trained"})
    stored.promote(LEARNED.version, "li", "")
    run("catalogue", "use", VERSION)
    said = run("rollback", *EN)[1]
    assert said == f"Catalogue in use: the packaged one (before: {VERSION})\n"
    assert stored.state == Serving(LEARNED.version, None)
    said = run("rollback", *EN)[1]
    assert f"Serving now: expert weights (before: {LEARNED.version})" in said
    code, _, err = run("rollback", *EN)
    assert (code, "could be undone" in err) == (2, True)


def test_a_model_trained_on_another_catalogue_is_told(run, stored):
    stored.add(LEARNED, {"kind": "trained"})
    stored.promote(LEARNED.version, "li", "")
    _, out, _ = run("catalogue", "use", VERSION, *EN)
    assert f"Model {LEARNED.version} was trained on catalogue {PACKAGED}" in out
    assert "Retrain" in out
    assert "Retrain" in run("catalogue", "use", VERSION, *EN)[1]
    assert "Retrain" not in run("catalogue", "use", "packaged", *EN)[1]
    assert "Retrain" in run("rollback", *EN)[1]


def test_a_model_of_another_catalogue_than_the_one_in_use_is_not_promoted(run, stored, tmp_path):
    stored.add(LEARNED, {"kind": "trained"})
    run("catalogue", "use", VERSION)
    promote = ("promote", LEARNED.version, "--cases", tmp_path, *EN)
    code, _, err = run(*promote)
    assert code == 2
    assert f"learned on catalogue {PACKAGED}; the one in use is {VERSION}" in err
    code, out, _ = run(*promote, "--because", "until it is retrained")
    assert (code, "Retrain" in out) == (0, True)
    assert "refused_catalogue" in stored.history()[-1].despite
    assert stored.state == Serving(LEARNED.version, VERSION)


@pytest.mark.parametrize("name", ["nonsense", "../current", "new.xlsx"])
def test_an_unknown_version_is_told_and_nothing_changes(run, stored, name):
    code, out, err = run("catalogue", "use", name, *EN)
    assert (code, out) == (2, "")
    assert err == f"corridor: There is no catalogue with the id {name}.\n"
    assert "目录" in run("catalogue", "use", name, "--language", "zh")[2]
    assert stored.history() == []


def damage(registry):
    place = registry.catalogues.place(VERSION)
    place.write_text(place.read_text("utf-8").replace("5000000", "6000000"), "utf-8")


def cut_off(registry):
    place = registry.catalogues.place(VERSION)
    place.write_text(place.read_text("utf-8")[:999], "utf-8")


@pytest.mark.parametrize("harm", [damage, cut_off])
def test_a_damaged_version_is_refused_and_mended_by_importing_it_again(
    run, stored, place, profile, harm
):
    harm(stored)
    code, _, err = run("catalogue", "use", VERSION, *EN)
    assert (code, VERSION in err) == (2, True)
    assert stored.history() == []
    assert (
        f"  {VERSION}  missing, cut off or changed by hand" in run("catalogue", "versions", *EN)[1]
    )
    assert f"The file of version {VERSION} was damaged" in run("catalogue", "import", place, *EN)[1]
    assert run("catalogue", "use", VERSION)[0] == 0
    harm(stored)
    code, out, err = run("recommend", profile, *EN)
    assert (code, out, VERSION in err) == (2, "", True)
    assert f"* {VERSION}  missing" in run("catalogue", "versions", *EN)[1]
    assert run("rollback")[0] == 0
    assert run("recommend", profile)[0] == 0


def test_a_new_catalogue_is_imported_although_the_one_in_use_is_damaged(run, stored, tmp_path):
    stored.use(VERSION, "li", "")
    damage(stored)
    other = write(changed(2_000_000), tmp_path / "other.json")
    code, out, err = run("catalogue", "import", other, *EN)
    assert (code, VERSION in err) == (0, True)
    assert "nothing was compared" in out
    assert run("catalogue", "use", changed(2_000_000).version)[0] == 0


def test_the_versions_are_listed_with_the_one_that_serves(run, stored):
    assert run("catalogue", "versions", *EN)[1].splitlines() == [
        f"* {PACKAGED}  packaged, 53 products",
        f"  {VERSION}  imported, {len(CATALOGUE.products)} products",
    ]
    stored.use(VERSION, "li", "")
    assert f"* {VERSION}" in run("catalogue", "versions")[1]
    stored.catalogues.place(VERSION).unlink()
    assert f"* {VERSION}  missing" in run("catalogue", "versions", *EN)[1]


def test_a_stated_catalogue_comes_first_and_that_is_said(run, stored, profile, monkeypatch):
    monkeypatch.setenv("CORRIDOR_CATALOGUE", "packaged")
    out = run("catalogue", "use", VERSION, *EN)[1]
    assert "CORRIDOR_CATALOGUE names packaged and comes first" in out
    assert "comes first" in run("catalogue", "versions", *EN)[1]
    assert "comes first" in run("rollback", *EN)[1]
    answer = json.loads(run("recommend", profile, "--json")[1])
    assert answer["catalogue_version"] == PACKAGED
    stated = run("recommend", profile, "--json", "--catalogue", VERSION)[1]
    assert json.loads(stated)["catalogue_version"] == VERSION


def test_files_and_versions_are_named_alike(run, stored, tmp_path):
    code, out, _ = run("catalogue", "diff", "packaged", VERSION, *EN)
    assert (code, f"Version {PACKAGED} -> {VERSION}" in out) == (1, True)
    assert run("catalogue", "convert", VERSION, tmp_path / "out.xlsx")[0] == 0
    assert json.loads(run("catalogue", "check", VERSION, "--json")[1])["version"] == VERSION
    assert Catalogue.load(tmp_path / "out.xlsx").version == VERSION
    damage(stored)
    code, _, err = run("catalogue", "diff", "packaged", VERSION, *EN)
    assert (code, "changed after it was imported" in err) == (2, True)


def test_models_are_trained_on_the_catalogue_in_use(run, stored, tmp_path):
    flags = ("--companies", "300", "--unknown", "0.2", "--seed", "2", "--out", tmp_path / "f.jsonl")
    outcomes = tmp_path / "outcomes.csv"
    stored.use(VERSION, "li", "")
    code, _, err = run("simulate", *flags, "--outcomes", outcomes)
    assert (code, err) == (0, "")
    assert NEW in outcomes.read_text("utf-8")
    firms = ("--companies", tmp_path / "f.jsonl")
    code, _, err = run("train", "--outcomes", outcomes, *firms)
    assert (code, err) == (0, "")
    (model,) = stored.versions()
    assert stored.load(model).trained_on == VERSION
    code, _, err = run("train", "--outcomes", outcomes, *firms, "--catalogue", "packaged", *EN)
    assert (code, f"the catalogue has no product {NEW}" in err) == (2, True)
    stored.use(None, "li", "")
    assert run("evaluate", model, "--outcomes", outcomes, *firms, "--catalogue", VERSION)[0] == 0
