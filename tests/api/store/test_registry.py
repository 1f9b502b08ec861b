"""The registry of an organisation: the same rules as in a folder, on both databases."""

import threading
from collections import Counter
from dataclasses import asdict

import orjson
import pytest
import sqlalchemy as sa
from catalogue_copies import changed
from record import peopled

from api.store.registry import StoreShelf, last_steps
from api.store.store import Store
from api.store.tables import audit_events, registry_files, registry_steps
from recommender.errors import CatalogueMismatch, CorridorError, ModelMismatch, NotFound
from recommender.matching.scoring import Weights
from recommender.matching.similarity import NAMES
from recommender.registry.registry import NothingBefore, Registry, Serving


def weights(points):
    return Weights(dict.fromkeys(NAMES, float(points)), {}, "catalogue-1")


A, B = weights(1).version, weights(2).version


def registry_of(store, bank="bank-a", actor=None):
    return Registry(StoreShelf(store, bank, actor))


@pytest.fixture
def registry(store):
    peopled(store)
    found = registry_of(store)
    for points in (1, 2):
        found.add(weights(points), {"kind": "trained"}, {"card.en.md": "# card"})
    return found


def test_the_rules_are_those_of_a_folder(registry, store, tmp_path):
    folder = Registry(tmp_path / "models")
    catalogue = changed(5_000_000)
    for points in (1, 2):
        folder.add(weights(points), {"kind": "trained"}, {"card.en.md": "# card"})
    seen = []
    for one in (folder, registry):
        one.catalogues.add(catalogue)
        one.promote(A, "li", "first", ("refused_case",))
        one.promote(B, "li", "second")
        one.use(catalogue.version, "li", "third")
        one.rollback("li", "fourth")
        one.rollback("li", "fifth")
        steps = [{**asdict(step), "when": None} for step in one.history()]
        seen.append((steps, one.state, one.versions(), one.manifest(A), one.load(B)))
    assert seen[0] == seen[1]
    assert registry.state == Serving(A, None)
    assert last_steps_of(store) == {"bank-a": 5}
    registry.rollback("li", "")
    with pytest.raises(NothingBefore):
        registry.rollback("li", "")


def last_steps_of(store):
    return store.read(last_steps)


def test_an_organisation_sees_nothing_of_another(registry, store):
    registry.promote(A, "li", "")
    other = registry_of(store, "bank-b")
    assert other.versions() == []
    assert other.state == Serving()
    for ask in (other.load, other.manifest, lambda v: other.promote(v, "li", "")):
        with pytest.raises(NotFound):
            ask(A)


def test_a_model_that_is_there_stays_as_it_is(registry, store):
    before = rows(store, registry_files)
    registry.add(weights(1), {"kind": "edited"}, {"card.en.md": "# other"})
    assert rows(store, registry_files) == before


def rows(store, table):
    return store.read(lambda c: [tuple(row) for row in c.execute(sa.select(table))])


def edit(store, file, before, after):
    at = registry_files.c

    def work(write):
        content = write.execute(sa.select(at.content).where(at.file == file)).scalars().first()
        assert before in content
        values = {"content": content.replace(before, after)}
        write.execute(sa.update(registry_files).where(at.file == file).values(values))

    store.write(work)


@pytest.mark.parametrize(("file", "before", "after"), [
    ("weights.json", "1.0", "9.0"), ("manifest.json", "trained", "edited"),
])  # fmt: skip
def test_a_model_that_was_edited_in_the_database_is_refused(registry, store, file, before, after):
    edit(store, file, before, after)
    for ask in (registry.load, registry.manifest, lambda v: registry.promote(v, "li", "")):
        with pytest.raises(ModelMismatch):
            ask(A)
    assert registry.history() == []


def test_a_model_under_the_name_of_another_is_refused(registry, store):
    at = registry_files.c
    store.write(lambda w: w.execute(sa.delete(registry_files).where(at.version == A)))
    named = sa.update(registry_files).where(at.version == B).values(version=A)
    store.write(lambda w: w.execute(named))
    with pytest.raises(ModelMismatch):
        registry.load(A)


def test_a_catalogue_that_was_edited_in_the_database_is_refused_and_mended(registry, store):
    catalogue = changed(5_000_000)
    assert registry.catalogues.add(catalogue) == "stored"
    assert registry.catalogues.add(catalogue) == "there"
    edit(store, "catalogue.json", "5000000", "6000000")
    with pytest.raises(CatalogueMismatch):
        registry.use(catalogue.version, "li", "")
    assert registry.catalogues.add(catalogue) == "mended"
    assert registry.catalogues.load(catalogue.version).version == catalogue.version


def test_a_step_that_is_no_step_is_named(registry, store):
    row = {"organisation_id": "bank-a", "step": 1, "record": "{}"}
    store.write(lambda w: w.execute(sa.insert(registry_steps), {**row, "at": w.at}))
    with pytest.raises(CorridorError):
        registry.history()


def test_promotions_that_race_are_a_clean_sequence(registry, database_url):
    """Four replicas, each with connections of its own, promote at once."""
    stores = [Store(database_url) for _ in range(4)]
    start = threading.Barrier(4)

    def promote(number, own):
        start.wait()
        for turn in range(5):
            registry_of(own).promote((A, B)[(number + turn) % 2], f"user-{number}", "")

    threads = [threading.Thread(target=promote, args=pair) for pair in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for own in stores:
        own.close()
    steps = registry.history()
    assert len(steps) == 20
    serving = None
    for step in steps:
        assert step.before == serving
        serving = step.model
    assert Counter(step.who for step in steps) == {f"user-{n}": 5 for n in range(4)}


def test_every_write_is_audited_without_names(registry, store):
    registry.promote(A, "li@bank-a", "because")
    registry.rollback("li@bank-a", "")
    query = sa.select(audit_events.c.action, audit_events.c.detail).order_by(audit_events.c.at)
    found = store.read(lambda c: [tuple(row) for row in c.execute(query)])
    actions = [action for action, _ in found]
    assert actions[-4:] == ["model.kept", "model.kept", "model.promoted", "registry.undone"]
    assert orjson.loads(found[-2][1]) == {"kind": "model", "version": A, "despite": []}
    assert "li@" not in "".join(detail for _, detail in found)
