"""A model folder: the same weights in and out, the same bytes, and refused once it was touched."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import CorridorError, InvalidInput, ModelMismatch, UnreadableFile
from recommender.matching.scoring import Weights, digest, expert_weights
from recommender.matching.similarity import NAMES
from recommender.registry import artifact
from recommender.texts import LANGUAGES, error_text

FILES = ("manifest.json", "weights.json")


@pytest.fixture
def folder(tmp_path):
    weights = {name: 0.1 + 0.2 * i for i, name in enumerate(NAMES)}
    artifact.save(Weights(weights, {"loan": -0.3}, "catalogue-1"), tmp_path / "model", {"seed": 7})
    return tmp_path / "model"


def edited(folder, name, **values):
    """Change values in a file by hand."""
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **values}), "utf-8")


def resealed(folder, body):
    """Weights of any form with the hash that belongs to them."""
    (folder / "weights.json").write_text(json.dumps(body), "utf-8")
    edited(folder, "manifest.json", weights_sha256=digest(body))
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    del manifest["manifest_sha256"]
    edited(folder, "manifest.json", manifest_sha256=digest(manifest))


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.floats(0, 1e300), min_size=len(NAMES), max_size=len(NAMES)),
    st.dictionaries(st.text(max_size=20), FINITE, max_size=4),
    st.none() | st.text(min_size=1, max_size=12),
)
def test_weights_come_back_to_the_last_digit(tmp_path_factory, values, baselines, trained_on):
    weights = Weights(dict(zip(NAMES, values, strict=True)), baselines, trained_on)
    place = tmp_path_factory.mktemp("models") / "model"
    artifact.save(weights, place)
    loaded = artifact.load(place)
    assert loaded.array.tobytes() == weights.array.tobytes()
    assert loaded == weights
    assert loaded.version == weights.version


def test_the_same_weights_are_the_same_bytes(tmp_path):
    weights = expert_weights()
    turned = Weights(dict(reversed(weights.weights.items())), weights.baselines, None)
    for name, one in (("one", weights), ("two", turned)):
        artifact.save(one, tmp_path / name, {"seed": 1, "metrics": {"b": 2.5, "a": 1}})
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(FILES)


def test_the_manifest_names_what_the_model_fits(folder):
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["features"] == list(NAMES)
    assert manifest["catalogue_version"] == "catalogue-1"
    assert manifest["version"] == artifact.load(folder).version
    assert manifest["seed"] == 7


def test_what_is_added_to_the_manifest_cannot_replace_what_it_says(tmp_path):
    artifact.save(expert_weights(), tmp_path / "m", {"features": ["x"], "format": 0})
    assert artifact.load(tmp_path / "m") == expert_weights()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("weights.json", {"weights": dict.fromkeys(NAMES, 1.0)}),
        ("weights.json", {"baselines": {}}),
        ("weights.json", {"trained_on": None}),
        ("manifest.json", {"weights_sha256": "0" * 12}),
        ("manifest.json", {"weights_sha256": None}),
        ("manifest.json", {"features": [*NAMES[:-1], "luck"]}),
        ("manifest.json", {"features": list(reversed(NAMES))}),
        ("manifest.json", {"features": list(NAMES[:-1])}),
        ("manifest.json", {"format": 2}),
        ("manifest.json", {"format": "1"}),
        ("manifest.json", {"seed": 8}),
        ("manifest.json", {"metrics": {"ndcg_at_5": 0.99}}),
    ],
)
def test_a_folder_edited_by_hand_is_refused(folder, name, values):
    edited(folder, name, **values)
    with pytest.raises(ModelMismatch) as caught:
        artifact.load(folder)
    assert caught.value.params["model"] == "model"
    assert all(error_text(caught.value, language) for language in LANGUAGES)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "text", ["", "{", '{"weights": {"fx": 1', "[]", "null", "\x00", '{"a": 1, "a": 2}']
)
def test_a_file_that_is_cut_or_no_object_is_refused(folder, name, text):
    (folder / name).write_text(text, "utf-8")
    with pytest.raises(UnreadableFile) as caught:
        artifact.load(folder)
    assert name in str(caught.value.params["file"])


@pytest.mark.parametrize("name", FILES)
def test_every_cut_of_a_file_is_refused(folder, name):
    whole = (folder / name).read_bytes()
    for length in range(0, len(whole) - 2, 7):
        (folder / name).write_bytes(whole[:length])
        with pytest.raises(CorridorError):
            artifact.load(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(UnreadableFile) as caught:
        artifact.load(folder)
    assert name in str(caught.value.params["file"])


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(UnreadableFile):
        artifact.load(tmp_path / "nowhere")


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_weights_that_are_no_numbers_are_refused(folder, token):
    path = folder / "weights.json"
    path.write_text(path.read_text("utf-8").replace("0.1", token, 1), "utf-8")
    with pytest.raises(UnreadableFile):
        artifact.load(folder)


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("weights", {**dict.fromkeys(NAMES, 1.0), "fx": -1}, r"weights\.fx"),
        ("weights", {**dict.fromkeys(NAMES, 1.0), "fx": "1"}, r"weights\.fx"),
        ("weights", {**dict.fromkeys(NAMES, 1.0), "fx": True}, r"weights\.fx"),
        ("weights", [1.0], "weights"),
        ("baselines", None, "baselines"),
        ("trained_on", 7, "trained_on"),
        ("luck", 1, "luck"),
    ],
)
def test_wrong_weights_are_refused_even_with_the_right_hash(folder, name, value, place):
    body = json.loads((folder / "weights.json").read_text("utf-8"))
    resealed(folder, {**body, name: value})
    with pytest.raises(InvalidInput, match=place):
        artifact.load(folder)


def test_an_existing_folder_is_left_alone(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(FileExistsError):
        artifact.save(expert_weights(), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a model file was executed",))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "content", [pickle.dumps(Bomb()), b"!!python/object/apply:os.abort []", b"__import__('os')"]
)
def test_nothing_in_a_folder_is_executed(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(UnreadableFile):
        artifact.load(folder)


def test_other_files_in_the_folder_are_not_looked_at(folder):
    before = artifact.load(folder)
    (folder / "weights.pkl").write_bytes(pickle.dumps(Bomb()))
    (folder / "__init__.py").write_text("raise SystemExit", "utf-8")
    assert artifact.load(folder) == before
