"""A run as plain JSON: named by what its bytes follow from, refused where it would differ."""

import datetime
import json

import pytest
from batch_runs import ASKED, DAY, FIRMS, MODEL, as_parquet, rows_of
from catalogue_copies import changed

from recommender.batch import jobs
from recommender.batch.inputs import read_input
from recommender.batch.jobs import Asked, Job, Model, OtherVersions
from recommender.batch.places import place
from recommender.matching.scoring import Weights


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    path = as_parquet(rows_of(FIRMS), tmp_path_factory.mktemp("in") / "firms.parquet")
    return read_input(place(str(path), "--in"), 10)


def job(given, model=MODEL, asked=ASKED, source="in", out="out"):
    return Job.of(model, asked, given, source, out)


def test_a_run_is_plain_json_and_comes_back_whole(given):
    made = job(given)
    assert Job.parse(made.text()) == made
    assert json.loads(made.text())["catalogue"] == made.catalogue
    model = Job.parse(made.text()).model()
    assert model.versions() == MODEL.versions()


def test_where_it_is_does_not_name_a_run_but_all_else_does(given):
    name = job(given).run_id
    assert job(given, source="elsewhere", out="elsewhere").run_id == name
    weights = Weights({**MODEL.weights.weights, "route": 0.0})
    others = [
        job(given, asked=Asked(DAY, 9, 10)),
        job(given, asked=Asked(DAY + datetime.timedelta(1), 10, 10)),
        job(given, asked=Asked(DAY, 10, 11)),
        job(given, model=Model(changed(ceiling=5_000_000), MODEL.weights)),
        job(given, model=Model(MODEL.catalogue, weights)),
    ]
    assert len({name, *(other.run_id for other in others)}) == 6


def test_every_row_gets_all_versions(given):
    said = job(given).said
    assert said == {**MODEL.versions(), "run_id": job(given).run_id, "as_of": str(DAY)}


def test_a_process_with_another_engine_refuses_with_the_difference(given, monkeypatch):
    made = job(given)
    monkeypatch.setattr(jobs.__about__, "__version__", "9.9.9")
    with pytest.raises(OtherVersions) as caught:
        made.model()
    (problem,) = caught.value.problems
    assert (problem.field, problem.value) == ("engine_version", "9.9.9")
