"""Stored catalogues: a version is what was imported, or it is refused."""

import errno
import json
import os

import pytest
from catalogue_copies import changed

from recommender import Catalogue
from recommender.errors import (
    CatalogueMismatch,
    InvalidCatalogue,
    NotFound,
    UnreadableFile,
    Unwritable,
)
from recommender.registry.catalogues import CatalogueVersions
from recommender.texts import LANGUAGES, error_text

CATALOGUE = changed(ceiling=5_000_000)
VERSION = CATALOGUE.version
NAME = {"zh": "春季", "en": "Spring"}


@pytest.fixture
def stored(tmp_path):
    found = CatalogueVersions(tmp_path / "models" / "catalogues")
    assert found.add(CATALOGUE, {"name": NAME}) == "stored"
    return found


def test_a_stored_catalogue_comes_back_as_it_was(stored):
    assert stored.versions() == [VERSION]
    assert stored.load(VERSION).version == VERSION
    assert stored.load(VERSION).document() == CATALOGUE.document()
    assert json.loads(stored.place(VERSION).read_text("utf-8"))["name"] == NAME


def test_nothing_is_stored_in_a_folder_that_is_not_there(tmp_path):
    assert CatalogueVersions(tmp_path / "none").versions() == []


def test_storing_it_again_writes_nothing(stored):
    before = stored.place(VERSION).stat().st_mtime_ns
    assert stored.add(CATALOGUE) == "there"
    assert stored.place(VERSION).stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["none", "../current", "", ".", f"{VERSION}.json"])
def test_what_was_not_stored_is_not_found(stored, name):
    (stored.shelf.folder.parent / "current.json").write_text("{}", "utf-8")
    with pytest.raises(NotFound) as caught:
        stored.load(name)
    assert caught.value.params == {"kind": "catalogue", "id": name}


def edited(content):
    return content.replace("5000000", "6000000")


def invalid(content):
    return content.replace('"financing"', '"loans"')


def cut_off(content):
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (edited, CatalogueMismatch),
        (invalid, InvalidCatalogue),
        (cut_off, UnreadableFile),
        (lambda _: "", UnreadableFile),
        (lambda _: "{}", InvalidCatalogue),
    ],
)
def test_a_damaged_file_is_refused_and_importing_it_again_mends_it(stored, change, error):
    place = stored.place(VERSION)
    content = place.read_text("utf-8")
    assert change(content) != content
    place.write_text(change(content), "utf-8")
    with pytest.raises(error) as caught:
        stored.load(VERSION)
    assert all(error_text(caught.value, language) for language in LANGUAGES)
    assert stored.add(CATALOGUE) == "mended"
    assert stored.load(VERSION).version == VERSION


def test_a_catalogue_under_another_name_is_refused(stored):
    (stored.shelf.folder / "0123456789ab.json").write_bytes(stored.place(VERSION).read_bytes())
    with pytest.raises(CatalogueMismatch) as caught:
        stored.load("0123456789ab")
    assert VERSION in error_text(caught.value, "en")


def full(*_args, **_kw):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["replace", "fdopen"])
def test_a_full_disk_leaves_nothing_behind(stored, monkeypatch, step):
    before = sorted(stored.shelf.folder.iterdir())
    monkeypatch.setattr(os, step, full)
    with pytest.raises(Unwritable) as caught:
        stored.add(Catalogue.load())
    monkeypatch.undo()
    assert "space" in error_text(caught.value, "en")
    assert sorted(stored.shelf.folder.iterdir()) == before
    assert stored.load(VERSION).version == VERSION


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "models").write_text("a file", "utf-8")
    with pytest.raises(Unwritable):
        CatalogueVersions(tmp_path / "models" / "catalogues").add(CATALOGUE)


def test_what_is_half_written_is_no_version(stored):
    (stored.shelf.folder / ".0123456789ab.json.abc").write_text("{", "utf-8")
    (stored.shelf.folder / ".part.json").write_text("{", "utf-8")
    assert stored.versions() == [VERSION]
