"""Where input and output are: what is allowed, and files that are there whole or not at all."""

import pytest

from recommender.batch.places import place
from recommender.errors import InvalidOptions, UnreadableFile, Unwritable
from recommender.texts import LANGUAGES, problem_text


@pytest.mark.parametrize("form", ["{}", "file://{}", "FILE://{}"])
def test_paths_and_file_uris_are_the_same_place(tmp_path, form):
    found = place(form.format(tmp_path), "--in")
    assert found.path == str(tmp_path)
    assert found.local


def test_a_relative_path_is_below_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert place("out", "--out").path == str(tmp_path / "out")


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("ftp://host/firms.parquet", "batch_scheme"),
        ("jdbc://host/firms", "batch_scheme"),
        ("s3://bank/firms.parquet", "batch_scheme_spark"),
        ("hdfs://name/firms.parquet", "batch_scheme_spark"),
        ("file://host/firms.parquet", "batch_file_uri"),
    ],
)
def test_other_schemes_are_refused_with_what_is_allowed(uri, code):
    with pytest.raises(InvalidOptions) as caught:
        place(uri, "--in")
    (problem,) = caught.value.problems
    assert (problem.code, problem.field, problem.value) == (code, "--in", uri)
    for language in LANGUAGES:
        assert "file://" in problem_text(problem, language)


def test_what_a_cluster_shares_is_opened_for_a_cluster_alone():
    found = place("gs://anonymous@bank/firms", "--in", shared=True)
    assert not found.local
    assert found.path == "bank/firms"


def test_a_uri_that_makes_no_sense_is_refused_for_a_cluster_too():
    with pytest.raises(UnreadableFile):
        place("s3://bank/firms?colour=red", "--in", shared=True)


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    out = place(str(tmp_path / "out"), "--out")
    assert out.read("a", "b.json") is out.hash("a", "b.json") is None
    out.write(b"one", "a", "b.json")
    out.write(b"two", "a", "b.json")
    assert out.read("a", "b.json") == b"two"
    assert [path.name for path in (tmp_path / "out" / "a").iterdir()] == ["b.json"]


def test_what_was_begun_is_swept_and_nothing_else(tmp_path):
    out = place(str(tmp_path), "--out")
    left = [".part-00001.parquet.0123456789abcdef0123456789abcdef", ".lock", "manifest.json"]
    for name in left:
        (tmp_path / name).touch()
    out.sweep(".")
    assert sorted(path.name for path in tmp_path.iterdir()) == left[1:]


def test_a_place_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unwritable) as caught:
        place(str(tmp_path / "file" / "out"), "--out").write(b"x", "a")
    assert str(tmp_path / "file") in caught.value.params["file"]
