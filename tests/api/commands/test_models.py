"""`corridor train` and what follows, from the command line."""

import json

import pytest

from api.cli import main
from recommender.registry.registry import Registry


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    flags = ["--companies", "300", "--unknown", "0.2", "--seed", "2"]
    files = ["--out", str(folder / "firms.jsonl"), "--outcomes", str(folder / "outcomes.csv")]
    assert main(["simulate", *flags, *files, "--language", "en"]) == 0
    trained = ["train", "--outcomes", str(folder / "outcomes.csv"), "--models", str(folder / "m")]
    assert main([*trained, "--language", "en"]) == 0
    return folder


CASE = {
    "title": "The sun does not rise",
    "story": "A firm of which nothing is known at all.",
    "company": {},
    "as_of": "2026-11-23",
    "expect": {"says": [{"en": "no such words anywhere"}]},
}


@pytest.fixture(scope="module")
def holds(tmp_path_factory):
    """A folder of one case that holds, where the hundreds of the project would take long."""
    folder = tmp_path_factory.mktemp("cases")
    case = {**CASE, "expect": {"unsaid": [{"en": "no such words anywhere"}]}}
    (folder / "one.yaml").write_text(json.dumps([case]), "utf-8")
    return folder


@pytest.fixture
def run(place, capsys, holds):
    def run(command, *arguments, code=0, cases=holds):
        flags = ["--models", str(place / "m"), "--language", "en"]
        if command == "promote" and cases is not None:
            flags += ["--cases", str(cases)]
        assert main([command, *arguments, *flags]) == code
        said = capsys.readouterr()
        return said.out if code == 0 else said.err

    return run


@pytest.fixture
def outcomes(place):
    return ["--outcomes", str(place / "outcomes.csv")]


@pytest.fixture
def model(place):
    registry = Registry(place / "m")
    return next(v for v in registry.versions() if registry.manifest(v)["kind"] == "trained")


def test_training_writes_a_model_with_its_card_and_promotes_nothing(place, model, run):
    names = {path.name for path in (place / "m" / model).iterdir()}
    cards = {f"card.{lang}.{end}" for lang in ("zh", "en") for end in ("md", "html")}
    assert names == {"manifest.json", "weights.json", "run.json", *cards}
    assert Registry(place / "m").current is None
    assert "from made-up outcomes" in run("models")


def test_training_again_gives_the_same_model(place, model, run, outcomes):
    before = (place / "m" / model / "manifest.json").read_bytes()
    said = run("train", *outcomes)
    assert model in said
    assert "Difference in MRR" in said
    assert (place / "m" / model / "manifest.json").read_bytes() == before


def test_a_model_of_made_up_outcomes_needs_a_reason(place, model, run):
    said = run("promote", model, code=2, cases=None)
    assert "made-up outcomes" in said
    assert "--because" in said
    assert Registry(place / "m").current is None
    said = run("promote", model, "--because", "a rehearsal", "--by", "li")
    assert f"Serving now: {model}" in said
    step = Registry(place / "m").history()[-1]
    assert (step.who, step.why) == ("li", "a rehearsal")
    assert "refused_synthetic" in step.despite
    assert f"* {model}" in run("models")
    assert "expert weights" in run("rollback", "--by", "li", "--because", "over")


def test_cases_that_cannot_be_found_are_a_reason(model, run, tmp_path):
    assert "no cases" in run("promote", model, cases=tmp_path, code=2)


def test_a_case_that_does_not_hold_is_named(model, run, tmp_path):
    (tmp_path / "one.yaml").write_text(json.dumps([CASE]), "utf-8")
    said = run("promote", model, cases=tmp_path, code=2)
    assert "a case does not hold: The sun does not rise" in said


def test_another_catalogue_is_a_reason(model, run, tmp_path, capsys):
    assert main(["catalogue", "convert", str(tmp_path / "c.json"), "--language", "en"]) == 0
    raw = json.loads((tmp_path / "c.json").read_text("utf-8"))
    raw["products"][0]["keywords"] = ["changed"]
    (tmp_path / "c.json").write_text(json.dumps(raw), "utf-8")
    capsys.readouterr()
    said = run("promote", model, "--catalogue", str(tmp_path / "c.json"), code=2)
    assert "it was learned on catalogue" in said


def test_weights_edited_by_hand_are_a_new_model_that_is_not_promoted(place, model, run):
    said = run("edit", model, "--set", "route=3", "--because", "routes matter")
    version = said.split()[3].rstrip(",")
    registry = Registry(place / "m")
    assert registry.load(version).weights["route"] == 3
    assert registry.load(version).uptake == {}
    assert registry.current is None
    assert registry.manifest(version)["synthetic"] is True
    said = run("promote", version, code=2)
    assert "was not compared" in said


@pytest.mark.parametrize("days", ["0", "-3", "nan", "inf"])
def test_a_half_life_that_is_no_time_is_refused(run, outcomes, days):
    assert "--half-life" in run("train", *outcomes, "--half-life", days, code=2)


@pytest.mark.parametrize("wrong", ["luck=1", "route", "route=-1", "route=much", "route=nan"])
def test_an_edit_that_is_no_weight_is_refused(run, wrong):
    assert "name=points" in run("edit", "expert", "--set", wrong, code=2)


def test_a_worse_model_is_refused_and_told_by_how_much(place, model, run, outcomes):
    flat = [f"--set={name}=0" for name in ("stage", "collateral", "route", "cargo", "documents")]
    version = run("edit", "expert", *flat).split()[3].rstrip(",")
    run("promote", model, "--because", "to be beaten")
    said = run("promote", version, *outcomes, code=2)
    assert "it is worse than the current model" in said
    assert Registry(place / "m").current == model
    run("rollback")


def test_models_are_measured_and_compared(model, run, outcomes):
    found = json.loads(run("evaluate", model, *outcomes, "--json"))
    assert found["against"]["expert"]["mrr"]["low"] <= found["against"]["expert"]["mrr"]["high"]
    said = run("compare", "expert", model, *outcomes)
    assert "Route" in said
    assert "Difference in MRR" in said


def test_drift_is_told_beside_what_chance_would_do(model, run, outcomes):
    said = run("drift", "--model", model, *outcomes)
    assert "By chance (95 %)" in said
    assert "moved" not in said.replace("have moved", "")


def test_a_model_that_is_not_there_is_named(run):
    assert "model-none" in run("promote", "model-none", code=2)
    assert "model-none" in run("compare", "expert", "model-none", code=2)


def test_an_organisation_in_the_store_stands_where_the_folder_does(tmp_path, capsys):
    store = ["--store", f"sqlite:///{tmp_path / 'corridor.db'}", "--language", "en"]
    made = ["--kind", "bank", "--name-zh", "甲", "--name-en", "A"]
    assert main(["organisations", "add", "bank-a", *made, *store]) == 0
    own = ["--organisation", "bank-a", *store]
    assert main(["edit", "expert", "--set", "route=3", *own]) == 0
    capsys.readouterr()
    assert main(["models", *own]) == 0
    assert "edited by hand" in capsys.readouterr().out
    assert main(["rollback", *own]) == 2
    assert main(["models", "--models", str(tmp_path), *own]) == 2
    assert "--organisation" in capsys.readouterr().err
    assert main(["models", "--organisation", "nobody", *store]) == 2
