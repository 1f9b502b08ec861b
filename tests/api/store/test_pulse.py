"""A database that refuses, says nothing, or comes back: no caller waits for it."""

import asyncio
import os
import signal
import threading
import time

import psutil
import pytest
from databases import PostgreSQL
from record import peopled

from api.store import pulse as pulses
from api.store import users
from api.store.database import StoreUnavailable
from api.store.store import Store
from api.store.writer import Write

LONGEST = 8.0  # it is below two seconds unless the machine is busy with other work


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL of this module alone, as it is stopped and frozen here."""
    with PostgreSQL() as found:
        yield found


class Frozen:
    """The server stands still inside: its sockets are there, and nobody answers."""

    def __init__(self, server):
        self.pid = server.server.get_pid()

    def __enter__(self):
        server = psutil.Process(self.pid)
        self.stopped = [server.pid, *(child.pid for child in server.children())]
        for pid in self.stopped:
            os.kill(pid, signal.SIGSTOP)

    def __exit__(self, *_):
        for pid in self.stopped:
            os.kill(pid, signal.SIGCONT)


def branch(name):
    row = {"organisation_id": "bank-a", "id": name, "name_zh": name, "name_en": name}
    return lambda write: users.add_branch(write, row)


async def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


def timed(work):
    async def run():
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(work, 20)
        return time.monotonic() - begun

    return run()


def test_a_silent_database_lets_nobody_wait_and_is_used_again(server):
    url = server.made()
    store = Store(url)
    peopled(store)

    async def run():
        watching = asyncio.create_task(store.watch())
        await store.reading(users.organisations_listed)
        with Frozen(server):
            waiting = [timed(store.writing(branch(f"w{n}"))) for n in range(20)]
            waiting += [timed(store.reading(users.organisations_listed)) for _ in range(20)]
            assert max(await asyncio.gather(*waiting)) < LONGEST
            assert await timed(store.reading(users.organisations_listed)) < LONGEST
        await until(lambda: store.trouble is None)
        await store.writing(branch("after"))
        found = await store.reading(users.organisations_listed)
        watching.cancel()
        return found

    (found, _) = asyncio.run(run())
    kept = set(found["branches"].split(", "))
    assert "after" in kept
    # The one transaction that had begun may be kept; the rest was never begun.
    assert len([name for name in kept if name.startswith("w")]) <= 20
    store.close()


def test_what_waited_behind_a_silent_database_is_not_done_later(server):
    store = Store(server.made())
    peopled(store)

    async def run():
        watching = asyncio.create_task(store.watch())
        await store.reading(users.organisations_listed)
        with Frozen(server):
            first = timed(store.writing(branch("first")))
            await asyncio.sleep(0.3)
            second = timed(store.writing(branch("second")))
            await asyncio.gather(first, second)
        await until(lambda: store.trouble is None)
        await store.writing(branch("third"))
        (found, _) = await store.reading(users.organisations_listed)
        watching.cancel()
        return found["branches"].split(", ")

    kept = asyncio.run(run())
    assert "third" in kept
    store.close()


def test_closing_does_not_wait_for_a_silent_database(server):
    store = Store(server.made())
    peopled(store)
    pool = store.database.engine.pool

    async def run():
        watching = asyncio.create_task(store.watch())
        await store.reading(users.organisations_listed)
        with Frozen(server):
            await timed(store.writing(branch("lost")))
            begun = time.monotonic()
            await asyncio.to_thread(store.close)
            assert time.monotonic() - begun < 5 + LONGEST
        watching.cancel()

    asyncio.run(run())
    # What was left behind ends once the database goes on.
    store._writer._thread.join(20)
    store._readers.shutdown(wait=True)
    pool.dispose()


def test_a_database_that_is_gone_is_noticed_and_found_again(tmp_path):
    file = tmp_path / "corridor.db"
    store = Store(f"sqlite:///{file}")
    from api.store import maintenance

    maintenance.ready(store.database)

    async def run():
        watching = asyncio.create_task(store.watch())
        await store.reading(users.organisations_listed)
        await asyncio.sleep(2 * pulses.PAUSE)  # its own connection is open by then
        file.rename(tmp_path / "away.db")
        await until(lambda: store.trouble is not None)
        assert await timed(store.reading(users.organisations_listed)) < LONGEST
        (tmp_path / "away.db").rename(file)
        await until(lambda: store.trouble is None)
        await store.reading(users.organisations_listed)
        watching.cancel()

    asyncio.run(run())
    store.close()


def test_a_long_question_is_no_silence(store, monkeypatch):
    monkeypatch.setattr(pulses, "SILENT", 0.5)

    async def run():
        watching = asyncio.create_task(store.watch())
        found = await store.reading(lambda _: time.sleep(1.5) or "answer")
        watching.cancel()
        return found

    assert asyncio.run(run()) == "answer"


def test_a_caller_who_leaves_does_not_undo_its_write(store):
    people = peopled(store)
    held = threading.Event()

    async def run():
        def slowly(write: Write):
            held.wait(5)
            branch("kept")(write)

        writing = asyncio.create_task(store.writing(slowly))
        await asyncio.sleep(0.1)
        writing.cancel()
        held.set()
        await store.writing(lambda _: None)
        return await store.reading(users.organisations_listed)

    found = {row["id"]: row["branches"] for row in asyncio.run(run())}
    assert "kept" in found["bank-a"]
    assert people


def test_a_lost_acknowledgement_does_not_stop_the_writer(store, monkeypatch):
    """The database commits and the answer is lost: what comes next begins another chain."""
    import sqlalchemy as sa

    from api.store.verification import verified

    peopled(store)
    dialect = store.database.engine.dialect
    commit, lost = dialect.do_commit, []

    def once(connection):
        commit(connection)
        if not lost:
            lost.append(True)
            raise sa.exc.OperationalError("COMMIT", {}, Exception("connection lost"))

    monkeypatch.setattr(dialect, "do_commit", once)
    with pytest.raises((StoreUnavailable, sa.exc.OperationalError)):
        store.write(branch("unsure"))
    for number in range(3):
        store.write(branch(f"sure-{number}"))
    found = store.read(verified)
    assert found.whole, found.findings
    assert found.chains >= 2
    (row, _) = store.read(users.organisations_listed)
    assert {"unsure", "sure-0", "sure-1", "sure-2"} <= set(row["branches"].split(", "))


def test_time_in_which_this_process_stands_still_is_no_silence():
    pulse = pulses.Pulse(None)
    pulse._since = 1.0
    for _ in range(3):
        pulse.look(60.0)
    assert pulse.trouble is None
    for _ in range(8):
        pulse.look(60.0)
    assert pulse.trouble is not None
    pulse._since = 2.0
    pulse.look(0.1)
    assert pulse.trouble is None
