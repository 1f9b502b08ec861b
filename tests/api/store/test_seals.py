"""Seals: when one is made, what it says, and its copy in the file."""

import datetime
import resource
import threading

import pytest
import sqlalchemy as sa

from api.store import seals
from api.store.audit import Event
from api.store.store import Store
from api.store.tables import audit_seals
from api.store.verification import verified
from recommender.errors import UnreadableFile, Unwritable

ROUNDS, REPLICAS = 6, 4


def happened(store):
    store.write(lambda write: write.audit(Event("bank-a", "system", "thing.done", None, {})))


def test_only_what_is_new_is_sealed(store, tmp_path):
    file = tmp_path / "folder" / "seals.jsonl"
    sealer = seals.Sealer(store, file)
    assert sealer.seal() is None
    assert not file.exists()
    happened(store)
    happened(store)
    first = sealer.seal()
    assert first["sequence"] == 1
    assert sealer.seal() is None
    happened(store)
    second = sealer.seal()
    assert second["previous"] == first["hash"]
    assert seals.read(file) == [first, second]
    assert file.stat().st_mode & 0o777 == 0o600


def test_replicas_that_seal_at_once_make_one_chain_of_seals(store, database_url, tmp_path):
    file, failed = tmp_path / "seals.jsonl", []
    together = threading.Barrier(REPLICAS)

    def replica():
        own = Store(database_url)
        sealer = seals.Sealer(own, file)
        try:
            for _ in range(ROUNDS):
                happened(own)
                together.wait(30)
                sealer.seal()
        except Exception as error:  # noqa: BLE001 - told below, in the thread of the test
            failed.append(error)
        finally:
            own.close()

    replicas = [threading.Thread(target=replica) for _ in range(REPLICAS)]
    for one in replicas:
        one.start()
    for one in replicas:
        one.join()
    assert failed == []
    copies = seals.read(file)
    assert [seal["sequence"] for seal in copies] == list(range(1, len(copies) + 1))
    found = store.read(lambda c: verified(c, copies))
    assert found.whole, found.findings
    assert found.unsealed == 0


def test_two_processes_seal_one_after_the_other(store, tmp_path):
    file = tmp_path / "seals.jsonl"
    sealers = [seals.Sealer(store, file) for _ in range(2)]
    for number in range(4):
        happened(store)
        assert sealers[number % 2].seal()["sequence"] == number + 1
    assert len(seals.read(file)) == 4
    assert store.read(lambda c: verified(c, seals.read(file))).whole


def test_a_copy_that_failed_is_made_up_for(store, tmp_path):
    file = tmp_path / "seals.jsonl"
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    happened(store)
    with pytest.raises(Unwritable):
        seals.Sealer(store, blocked / "seals.jsonl").seal()
    happened(store)
    seals.Sealer(store, file).seal()
    assert [seal["sequence"] for seal in seals.read(file)] == [1, 2]


def test_a_file_that_is_none_is_refused(store, tmp_path):
    file = tmp_path / "seals.jsonl"
    for text in ("{", '{"sequence": 1}', "[]"):
        file.write_text(f"{text}\n")
        with pytest.raises(UnreadableFile):
            seals.read(file)


def test_a_seal_has_the_time_of_its_write(store):
    happened(store)
    moment = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
    store.clock = store._writer._clock = lambda: moment
    assert seals.Sealer(store, None).seal()["at"] == "2026-11-23T00:00:00.000000+00:00"
    assert store.read(lambda c: c.execute(sa.select(audit_seals.c.sequence)).scalars().all()) == [1]


def test_a_line_that_was_cut_off_is_written_again(store, tmp_path):
    """A file is not always whole after a loss of power."""
    file = tmp_path / "seals.jsonl"
    sealer = seals.Sealer(store, file)
    happened(store)
    first = sealer.seal()
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:40])
    assert seals.read(file) == [first]
    happened(store)
    second = sealer.seal()
    assert seals.read(file) == [first, second]
    assert file.read_bytes().startswith(whole)


def test_a_disk_without_room_for_a_whole_line_gets_none(store, tmp_path):
    file = tmp_path / "seals.jsonl"
    happened(store)
    sealer = seals.Sealer(store, file)
    first = sealer.seal()
    happened(store)
    store.write(sealer._sealed)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = file.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, before[1]))
    try:
        with pytest.raises(Unwritable):
            seals.Sealer(store, file).seal()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert file.stat().st_size == size
    assert seals.read(file) == [first]
    seals.Sealer(store, file).seal()
    assert [seal["sequence"] for seal in seals.read(file)] == [1, 2]
