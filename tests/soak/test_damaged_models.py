"""A damaged model: refused by name at the start, and never half used."""

import json

import pytest
import sqlalchemy as sa
from running import corridor, running

from api.cli import main
from api.store.registry import registry_of
from api.store.tables import registry_files
from recommender import Catalogue
from recommender.matching.scoring import Weights, expert_weights
from recommender.matching.similarity import NAMES
from recommender.registry.artifact import MANIFEST, WEIGHTS
from recommender.registry.registry import POINTER, Registry

VERSION = Catalogue.load().version
LEARNED = Weights({**dict.fromkeys(NAMES, 0.5), "route": 4.0}, {"exp-packing": 1.5}, VERSION)


@pytest.fixture
def registry(tmp_path):
    found = Registry(tmp_path / "models")
    found.add(LEARNED, {"kind": "trained"})
    found.promote(LEARNED.version, "li", "")
    return found


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path):
    """One digit of a weight is another: still JSON, no longer what was kept."""
    path.write_text(path.read_text("utf-8").replace("4.0", "5.0", 1), "utf-8")


DAMAGES = {
    "weights cut off": (f"{LEARNED.version}/{WEIGHTS}", cut),
    "a digit of a weight": (f"{LEARNED.version}/{WEIGHTS}", flipped),
    "weights gone": (f"{LEARNED.version}/{WEIGHTS}", lambda path: path.unlink()),
    "weights of zeros": (f"{LEARNED.version}/{WEIGHTS}", lambda path: path.write_bytes(bytes(99))),
    "manifest cut off": (f"{LEARNED.version}/{MANIFEST}", cut),
    "manifest gone": (f"{LEARNED.version}/{MANIFEST}", lambda path: path.unlink()),
    "pointer cut off": (POINTER, cut),
    "pointer of another kind": (POINTER, lambda path: path.write_text("[]", "utf-8")),
}


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_damaged_folder_of_models_is_named_at_the_start(
    registry, name, language, capsys, monkeypatch
):
    place, damage = DAMAGES[name]
    damage(registry.shelf.folder / place)
    monkeypatch.setenv("CORRIDOR_MODELS", str(registry.shelf.folder))
    monkeypatch.setenv("CORRIDOR_IDENTITY", "off")
    assert main(["serve", "--port", "0", "--language", language]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert POINTER in line or LEARNED.version in line


def test_the_process_ends_before_it_listens(registry):
    cut(registry.shelf.folder / LEARNED.version / WEIGHTS)
    told = {"CORRIDOR_MODELS": str(registry.shelf.folder), "CORRIDOR_IDENTITY": "off"}
    done = corridor("serve", "--port", "0", "--language", "en", **told)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_a_damaged_model_of_the_record_stops_its_own_organisation_alone(sqlite_url, tmp_path):
    with running(sqlite_url, tmp_path / "service") as service:
        before = service.recommended()
        with service.store() as store:
            own = registry_of(store, "bank-a", service.people.ids["bank-a", "admin"])
            own.add(LEARNED, {"kind": "trained"})
            own.promote(LEARNED.version, "li", "")
        assert service.stop() == 0
        with service.store() as store:
            _damage(store)
        service.start()
        refused = service.recommended()
        assert (refused.status, refused.json["code"]) == (503, "not_ready")
        other = service.ask(
            "POST", "/v1/recommendations", {"company": {}, "options": {}}, bank="bank-b"
        )
        assert other.status == 200
        undone = service.ask("POST", "/v1/models/rollback", {"reason": "damaged"}, role="analyst")
        assert undone.status == 200, undone.body
        after = service.recommended()
        assert (after.status, after.json["model_version"]) == (200, expert_weights().version)
        assert after.body == before.body


def _damage(store):
    """Change a weight in the database itself, as a bad disk or a bad hand would."""
    mine = registry_files.c.file == WEIGHTS
    content = store.read(
        lambda c: c.execute(sa.select(registry_files.c.content).where(mine)).scalar_one()
    )
    weights = json.loads(content)
    weights["weights"]["route"] = 99.0
    changed = sa.update(registry_files).where(mine).values(content=json.dumps(weights))
    store.write(lambda write: write.execute(changed))
