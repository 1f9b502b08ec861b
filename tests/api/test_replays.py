"""The same bytes again, or the first difference and why."""

import copy
import json

import orjson
import pytest
from golden_run import FORMAT, PLACE, made

from api.engine_versions import earlier_engine
from api.replays import answered, compared, first_difference
from api.settings import Settings
from recommender import Catalogue, Engine, __version__
from recommender.catalogue.files import as_json
from recommender.registry.registry import Registry


@pytest.fixture(scope="module")
def engine():
    return Engine(Catalogue.load())


@pytest.fixture
def golden():
    return json.loads(PLACE.read_text("utf-8"))


def again(engine, run):
    settings = Settings()
    return as_of(settings, Registry(settings.models), engine, run)


def as_of(settings, registry, engine, run):
    then = earlier_engine(settings, registry, run, engine)
    request = orjson.loads(run["request"])
    return compared(run, answered(then, run["operation"], request))


def test_the_golden_run_replays_to_the_last_byte(engine, golden):
    """Another engine version: `python tests/golden_run.py`, and say in the CHANGELOG what moved."""
    assert golden["format"] == FORMAT
    assert golden["engine_version"] == __version__
    found = again(engine, golden)
    assert found["difference"] is None
    assert found["identical"]
    assert found["differing"] == []


def test_the_golden_run_is_what_would_be_kept_now(golden):
    assert made() == golden


def test_one_other_byte_is_found(engine, golden):
    answer = orjson.loads(golden["answer"])
    match = answer["lanes"][0]["matches"][0]
    was, match["score"] = match["score"], match["score"] + 1e-6
    found = again(engine, {**golden, "answer": orjson.dumps(answer).decode()})
    assert not found["identical"]
    assert found["difference"]["path"] == "lanes[0].matches[0].score"
    assert found["difference"]["now"] == was


def test_another_order_of_fields_is_another_text(engine, golden):
    answer = dict(reversed(orjson.loads(golden["answer"]).items()))
    found = again(engine, {**golden, "answer": orjson.dumps(answer).decode()})
    assert not found["identical"]
    assert found["difference"]["path"] == ""


def test_a_version_that_is_gone_is_named(engine, golden):
    answer = golden["answer"].replace(golden["catalogue_version"], "000000000000")
    found = again(engine, {**golden, "catalogue_version": "000000000000", "answer": answer})
    assert not found["identical"]
    assert found["differing"] == ["catalogue_version"]
    assert found["difference"]["path"] == "catalogue_version"
    assert found["difference"]["now"] == golden["catalogue_version"]


def test_a_profile_that_is_refused_by_now_differs_as_a_whole(engine, golden):
    request = orjson.loads(golden["request"])
    request["company"]["staff"] = -1
    found = again(engine, {**golden, "request": orjson.dumps(request).decode()})
    assert not found["identical"]
    assert found["difference"] is not None


@pytest.mark.parametrize(
    ("shown", "now", "path"),
    [
        ({"a": 1}, {"a": 1.0}, "a"),
        ({"a": None}, {"a": 0}, "a"),
        ({"a": [1]}, {"a": [1, 2]}, "a[1]"),
        ({"a": [1, 2]}, {"a": [1]}, "a[1]"),
        ({"a": 1}, {"a": 1, "b": 2}, "b"),
        ({"a": {"b": [{"c": "x"}]}}, {"a": {"b": [{"c": "y"}]}}, "a.b[0].c"),
        ([], {}, ""),
    ],
)
def test_the_first_difference_is_named_by_its_place(shown, now, path):
    assert first_difference(shown, now)["path"] == path
    assert first_difference(shown, shown) is None


def test_a_catalogue_of_the_registry_is_used_again(engine, golden, tmp_path):
    """The one that served then is in the registry, and another serves now."""
    settings = Settings(models=tmp_path)
    document = copy.deepcopy(engine.catalogue.document())
    document["products"][0]["summary"]["en"] = "Another sentence."
    (tmp_path / "other.json").write_text(as_json(document), "utf-8")
    other = Catalogue.load(tmp_path / "other.json")
    Registry(tmp_path).catalogues.add(other)
    request = orjson.loads(golden["request"])
    then = Engine(other)
    answer = answered(then, "recommend", request)
    run = {**golden, "catalogue_version": other.version, "answer": answer.decode()}
    found = as_of(settings, Registry(tmp_path), engine, run)
    assert found["identical"], found
    assert found["versions"]["now"]["catalogue_version"] == other.version
    assert engine.catalogue.version != other.version


def versions_of(engine):
    return {"catalogue_version": engine.catalogue.version, "model_version": engine.model_version}
