"""Writes together: each kept or refused by itself, and acknowledged after the commit."""

import asyncio
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from api.refusals import AlreadyThere
from api.store import users
from api.store.database import StoreUnavailable
from api.store.tables import audit_events, organisations


def bank(number):
    names = {"name_zh": "行", "name_en": "Bank"}
    return {"id": f"bank-{number}", "kind": "bank", **names, "synthetic": True}


def adding(number):
    return lambda write: users.add_organisation(write, bank(number))


def ids(store):
    query = sa.select(organisations.c.id).order_by(organisations.c.id)
    return store.read(lambda c: c.execute(query).scalars().all())


def test_a_write_is_there_once_it_is_acknowledged(store):
    store.write(adding(1))
    assert ids(store) == ["bank-1"]


def test_one_refused_write_takes_nothing_of_the_others_with_it(store):
    held = threading.Event()
    first = store._writer.submit(lambda _: held.wait(5))
    futures = [store._writer.submit(adding(n)) for n in (1, 2, 1, 3)]
    held.set()
    assert first.result()
    assert futures[0].result() is None
    with pytest.raises(AlreadyThere):
        futures[2].result()
    assert futures[3].result() is None
    assert ids(store) == ["bank-1", "bank-2", "bank-3"]
    events = store.read(lambda c: c.execute(sa.select(audit_events.c.sequence)).scalars().all())
    assert sorted(events) == [1, 2, 3]


def test_what_fails_halfway_leaves_nothing(store):
    def half(write):
        users.add_organisation(write, bank(1))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        store.write(half)
    assert ids(store) == []


def test_many_threads_lose_nothing(store):
    def some(start):
        for number in range(start, start + 10):
            store.write(adding(number))

    threads = [threading.Thread(target=some, args=(100 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids(store)) == 80


def test_a_row_that_the_database_refuses_fails_alone(store):
    """Rows of many writes go in one statement; one that is wrong must not fail the others."""
    held = threading.Event()
    first = store._writer.submit(lambda _: held.wait(5))
    futures = [
        store._writer.submit(lambda w, n=n: w.add(organisations, {**bank(n), "created_at": w.at}))
        for n in (1, 2, 1, 3)
    ]
    held.set()
    assert first.result()
    with pytest.raises(IntegrityError):
        futures[2].result()
    assert [f.exception() for f in (futures[0], futures[1], futures[3])] == [None, None, None]
    assert ids(store) == ["bank-1", "bank-2", "bank-3"]


def test_what_was_seen_is_asked_again_once_something_changed(store):
    asked = []

    def count(connection):
        asked.append(connection.execute(sa.select(sa.func.count()).select_from(organisations)))
        return asked[-1].scalar_one()

    def look(write):
        found = [write.seen("banks", count), write.seen("banks", count)]
        users.add_organisation(write, bank(1))
        return [*found, write.seen("banks", count)]

    assert store.write(look) == [0, 0, 1]
    assert len(asked) == 2


def test_what_requests_ask_for_in_one_turn_goes_into_one_commit(store):
    async def asked():
        outcomes = (store.writing(adding(n)) for n in (1, 2, 1, 3))
        return await asyncio.gather(*outcomes, return_exceptions=True)

    first, second, third, fourth = asyncio.run(asked())
    assert (first, second, fourth) == (None, None, None)
    assert isinstance(third, AlreadyThere)
    assert ids(store) == ["bank-1", "bank-2", "bank-3"]
    moments = store.read(lambda c: c.execute(sa.select(audit_events.c.at)).scalars().all())
    assert len(moments) == 3
    assert len(set(moments)) == 1


def test_a_caller_who_leaves_does_not_undo_what_it_asked_for(store):
    async def left():
        task = asyncio.create_task(store.writing(adding(1)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.writing(adding(2))

    asyncio.run(left())
    assert ids(store) == ["bank-1", "bank-2"]


def test_a_closed_store_refuses_each_request(store):
    store.close()

    async def asked():
        return await asyncio.gather(
            *(store.writing(adding(n)) for n in (1, 2)), return_exceptions=True
        )

    assert [type(error) for error in asyncio.run(asked())] == [StoreUnavailable] * 2
