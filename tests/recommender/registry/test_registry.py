"""The registry: a model and a catalogue serve, by a record that is replaced in one step."""

import errno
import json
import os
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from catalogue_copies import changed
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import (
    CatalogueMismatch,
    CorridorError,
    ModelMismatch,
    NotFound,
    UnreadableFile,
    Unwritable,
)
from recommender.matching.scoring import Weights, expert_weights
from recommender.matching.similarity import NAMES
from recommender.registry import artifact
from recommender.registry.registry import POINTER, NothingBefore, Registry, Serving
from recommender.texts import LANGUAGES, error_text


def weights(points):
    return Weights(dict.fromkeys(NAMES, float(points)), {}, "catalogue-1")


@pytest.fixture
def registry(tmp_path):
    found = Registry(tmp_path / "models")
    for points in (1, 2, 3):
        found.add(weights(points), {"kind": "trained"}, {"card.en.md": "# card"})
    return found


A, B, C = (weights(points).version for points in (1, 2, 3))


def test_nothing_serves_until_something_is_promoted(registry, tmp_path):
    assert registry.current is None
    assert registry.serving() is None
    assert registry.stamp() is None
    assert registry.versions() == sorted([A, B, C])
    assert Registry(tmp_path / "nowhere").versions() == []
    assert Registry(tmp_path / "nowhere").serving() is None


def test_promotions_and_rollbacks_are_recorded_with_who_when_and_why(registry):
    registry.promote(A, "li", "first", ("refused_case",))
    registry.promote(B, "wang", "better")
    assert registry.serving() == weights(2)
    step = registry.rollback("li", "complaints")
    assert (step.model, step.before, step.who, step.why) == (A, B, "li", "complaints")
    assert registry.current == A
    assert [s.action for s in registry.history()] == ["promote", "promote", "rollback"]
    assert registry.history()[0].despite == ("refused_case",)
    assert all(s.when.startswith("20") for s in registry.history())


def test_rollbacks_go_back_one_by_one_to_the_expert_weights(registry):
    for version in (A, B, C):
        registry.promote(version, "li", "")
    assert [registry.rollback("li", "").model for _ in range(3)] == [B, A, None]
    assert registry.serving() is None
    with pytest.raises(NothingBefore) as caught:
        registry.rollback("li", "")
    assert all(error_text(caught.value, language) for language in LANGUAGES)


def test_a_model_that_is_not_there_is_not_promoted(registry):
    with pytest.raises(NotFound):
        registry.promote("model-none", "li", "")
    with pytest.raises(NotFound):
        registry.load("../models")
    assert registry.history() == []


def test_a_folder_edited_by_hand_is_refused_and_the_current_one_stays(registry):
    registry.promote(A, "li", "")
    path = registry.shelf.folder / B / artifact.WEIGHTS
    path.write_text(path.read_text("utf-8").replace("2.0", "9.0"), "utf-8")
    with pytest.raises(ModelMismatch):
        registry.promote(B, "li", "")
    assert registry.current == A
    assert registry.serving() == weights(1)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"history": [{"who": 1}]}'])
def test_a_broken_pointer_is_told(registry, content):
    registry.promote(A, "li", "")
    (registry.shelf.folder / POINTER).write_text(content, "utf-8")
    with pytest.raises(UnreadableFile):
        registry.serving()


def test_the_same_model_twice_is_one(registry):
    before = (registry.shelf.folder / A / artifact.MANIFEST).stat().st_mtime_ns
    registry.add(weights(1), {"kind": "trained"})
    assert (registry.shelf.folder / A / artifact.MANIFEST).stat().st_mtime_ns == before


def test_a_model_that_was_changed_is_not_taken_for_the_one_just_learned(registry):
    path = registry.shelf.folder / A / artifact.WEIGHTS
    path.write_text(path.read_text("utf-8").replace("1.0", "9.0"), "utf-8")
    with pytest.raises(ModelMismatch) as caught:
        registry.add(weights(1), {"kind": "trained"})
    assert all(A in error_text(caught.value, language) for language in LANGUAGES)


def full(*_args, **_kw):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_nothing_behind_and_the_current_model_untouched(registry, monkeypatch):
    registry.promote(A, "li", "")
    before = sorted(p.name for p in registry.shelf.folder.iterdir())
    monkeypatch.setattr(artifact, "save", full)
    with pytest.raises(Unwritable) as caught:
        registry.add(expert_weights(), {})
    assert "space" in error_text(caught.value, "en")
    assert sorted(p.name for p in registry.shelf.folder.iterdir()) == before
    monkeypatch.undo()
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(Unwritable):
        registry.promote(B, "li", "")
    monkeypatch.undo()
    assert registry.current == A


def test_readers_see_one_state_or_the_other(registry):
    registry.promote(A, "li", "")
    seen, wrong, done = set(), [], threading.Event()

    def read():
        while not done.is_set():
            try:
                seen.add(registry.serving().version)
            except CorridorError as error:
                wrong.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(60):
        registry.promote((A, B)[turn % 2], "li", "")
    done.set()
    reader.join()
    assert wrong == []
    assert seen <= {A, B}


def test_every_promotion_changes_the_stamp(registry):
    stamps = set()
    for version in (A, B, A, B):
        registry.promote(version, "li", "")
        stamps.add(registry.stamp())
    assert len(stamps) == 4


def test_two_promotions_at_once_are_both_recorded(registry):
    threads = [
        threading.Thread(target=registry.promote, args=(version, "li", ""))
        for version in (A, B, C) * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registry.history()) == 12
    pointer = json.loads((registry.shelf.folder / POINTER).read_text("utf-8"))
    assert pointer["current"] == registry.history()[-1].model


def test_two_trainings_that_end_at_once_leave_one_whole_model(registry, monkeypatch):
    """Both find no such model, both write it, and the second finds the first in its place."""
    together, save = threading.Barrier(2), artifact.save

    def slowly(*arguments):
        save(*arguments)
        together.wait(timeout=20)

    monkeypatch.setattr(artifact, "save", slowly)
    places, model = [], weights(9)
    threads = [
        threading.Thread(target=lambda: places.append(registry.add(model, {}, {"card.md": "#"})))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert places == [registry.shelf.folder / model.version] * 2
    assert registry.load(model.version) == model
    assert not list(registry.shelf.folder.glob(".part-*"))


@given(st.lists(st.sampled_from(["a", "b", "c", "back"]), max_size=8))
def test_a_rollback_serves_what_served_before_the_promotion(moves):
    """Against a stack of models, which is what the record stands for."""
    stack = [None]
    with TemporaryDirectory() as folder:
        registry = Registry(Path(folder))
        versions = {name: weights(points) for points, name in enumerate("abc", start=1)}
        for model in versions.values():
            registry.add(model, {})
        for count, move in enumerate(moves):
            if move == "back" and len(stack) > 1:
                stack.pop()
                registry.rollback("li", "")
            elif move == "back":
                with pytest.raises(NothingBefore):
                    registry.rollback("li", "")
            elif versions[move].version != stack[-1]:
                stack.append(versions[move].version)
                registry.promote(stack[-1], "li", str(count))
            assert registry.current == stack[-1]
        actions = [step.action for step in registry.history()]
        assert actions.count("promote") - actions.count("rollback") == len(stack) - 1


def test_a_rollback_to_a_model_that_was_changed_is_refused(registry):
    registry.promote(A, "li", "")
    registry.promote(B, "li", "")
    (registry.shelf.folder / A / artifact.WEIGHTS).write_text("{}", "utf-8")
    with pytest.raises(ModelMismatch):
        registry.rollback("li", "")
    assert registry.current == B
    assert len(registry.history()) == 2


# --- catalogues ----------------------------------------------------------------------------------

RAISED, LOWERED = changed(ceiling=5_000_000), changed(ceiling=2_000_000)
X, Y = RAISED.version, LOWERED.version


@pytest.fixture
def both(registry):
    for catalogue in (RAISED, LOWERED):
        registry.catalogues.add(catalogue)
    return registry


def test_the_packaged_catalogue_serves_until_another_one_is_taken_into_use(both):
    assert both.state == Serving(None, None)
    assert both.versions() == sorted([A, B, C])
    both.use(X, "li", "new ceilings")
    assert both.state == Serving(None, X)
    step = both.history()[-1]
    assert (step.action, step.kind, step.chosen, step.before) == ("use", "catalogue", X, None)
    assert (step.who, step.why, step.when[:2]) == ("li", "new ceilings", "20")
    both.use(None, "li", "")
    assert both.state == Serving(None, None)


def test_each_kind_leaves_the_other_as_it_is(both):
    both.promote(A, "li", "")
    both.use(X, "li", "")
    both.promote(B, "li", "")
    assert both.state == Serving(B, X)
    both.use(None, "li", "")
    assert both.state == Serving(B, None)
    assert both.serving() == weights(2)


def test_rollbacks_undo_both_kinds_in_the_order_in_which_they_were_decided(both):
    seen = [both.state]
    for decide, version in (
        (both.promote, A), (both.use, X), (both.promote, B), (both.use, Y), (both.use, None)
    ):  # fmt: skip
        decide(version, "li", "")
        seen.append(both.state)
    for before in reversed(seen[:-1]):
        step = both.rollback("wang", "back")
        assert both.state == before == Serving(step.model, step.catalogue)
    with pytest.raises(NothingBefore):
        both.rollback("wang", "")
    assert [s.kind for s in both.history()[5:]] == [
        "catalogue", "catalogue", "model", "catalogue", "model"
    ]  # fmt: skip


def test_a_change_after_a_rollback_is_undone_to_where_the_rollback_led(both):
    both.use(X, "li", "")
    both.promote(A, "li", "")
    both.rollback("li", "")
    both.use(Y, "li", "")
    assert both.rollback("li", "").chosen == X
    assert both.rollback("li", "").chosen is None
    assert both.state == Serving(None, None)


def test_a_model_promoted_again_after_another_is_undone_to_the_end(both):
    for version in (A, B, A):
        both.promote(version, "li", "")
    assert [both.rollback("li", "").model for _ in range(3)] == [B, A, None]


def test_deciding_for_what_serves_already_is_recorded_and_not_undone(both):
    both.use(X, "li", "")
    before = both.stamp()
    both.use(X, "li", "once more")
    assert both.stamp() != before
    assert len(both.history()) == 2
    assert both.rollback("li", "").chosen is None


def test_a_version_that_was_not_imported_is_not_used(both):
    both.use(X, "li", "")
    for name in ("none", A, "../models", POINTER):
        with pytest.raises(NotFound):
            both.use(name, "li", "")
    assert both.state == Serving(None, X)


def damage(registry, version):
    place = registry.catalogues.place(version)
    content = place.read_text("utf-8")
    place.write_text(content.replace("2000000", "2000001"), "utf-8")


def test_a_damaged_catalogue_is_neither_used_nor_gone_back_to(both):
    both.use(Y, "li", "")
    both.use(X, "li", "")
    damage(both, Y)
    with pytest.raises(CatalogueMismatch):
        both.use(Y, "li", "")
    with pytest.raises(CatalogueMismatch):
        both.rollback("li", "")
    assert both.state == Serving(None, X)
    assert len(both.history()) == 2


def test_a_full_disk_leaves_model_and_catalogue_as_they_are(both, monkeypatch):
    both.promote(A, "li", "")
    both.use(X, "li", "")
    monkeypatch.setattr(os, "replace", full)
    for decide in (lambda: both.use(Y, "li", ""), lambda: both.rollback("li", "")):
        with pytest.raises(Unwritable):
            decide()
    monkeypatch.undo()
    assert both.state == Serving(A, X)


def test_decisions_of_both_kinds_at_once_are_all_recorded_and_none_is_lost(both):
    decisions = [(both.promote, A), (both.use, X), (both.promote, B), (both.use, Y)] * 4
    threads = [threading.Thread(target=d, args=(v, "li", "")) for d, v in decisions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = both.history()
    assert len(history) == 16
    now = Serving()
    for step in history:
        assert step.before == getattr(now, step.kind)
        other = "model" if step.kind == "catalogue" else "catalogue"
        assert getattr(step, other) == getattr(now, other)
        now = Serving(step.model, step.catalogue)
    assert now == both.state


def test_a_record_from_before_catalogues_is_read(both):
    both.promote(A, "li", "")
    raw = json.loads((both.shelf.folder / POINTER).read_text("utf-8"))
    for step in raw["history"]:
        del step["kind"], step["catalogue"]
    (both.shelf.folder / POINTER).write_text(json.dumps({**raw, "catalogue": 1}), "utf-8")
    assert both.state == Serving(A, None)
    assert both.rollback("li", "").model is None
