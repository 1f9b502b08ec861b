"""A key makes a write happen once, however often and from wherever it is asked for."""

import asyncio
import datetime
import threading

import orjson
import pytest
import sqlalchemy as sa
from applied import LOAN, PRODUCTS, caller, company, count
from record import peopled

from api.refusals import KeyReused
from api.schemas.applications import ApplicationRequest
from api.store import applications, idempotency
from api.store.idempotency import Claim, request_hash
from api.store.store import Store
from api.store.tables import applications as table
from api.store.tables import idempotency_keys
from recommender.errors import NotFound


@pytest.fixture
def people(store):
    found = peopled(store)
    company(store, found)
    return found


@pytest.fixture
def manager(store, people):
    return caller(store, people)


def claim(who, key="k-1", asked="one"):
    return Claim(who.user_id, key, "start_application", request_hash("start", "/v1/a", asked))


def work(who, company_id="c-1"):
    asked = ApplicationRequest(company_id=company_id, product_id=LOAN)
    return lambda write: {"id": applications.start(write, who, asked, PRODUCTS)}


def kept(store, who, made, key="k-1", asked="one"):
    return asyncio.run(idempotency.kept(store, claim(who, key, asked), made))


def test_the_same_call_gets_the_first_answer(store, manager):
    first, second = (kept(store, manager, work(manager)) for _ in range(2))
    assert (first.again, second.again) == (False, True)
    assert second[:2] == first[:2]
    assert orjson.loads(first.answer)["id"]
    assert count(store, table) == 1


def test_another_request_under_the_key_is_refused(store, manager):
    kept(store, manager, work(manager))
    with pytest.raises(KeyReused):
        kept(store, manager, work(manager), asked="other")
    assert count(store, table) == 1
    assert kept(store, manager, work(manager), key="k-2", asked="other").again is False


def test_keys_of_one_user_say_nothing_to_another(store, people, manager):
    other = caller(store, people, "enterprise")
    kept(store, manager, work(manager))
    assert kept(store, other, work(other), asked="other").again is False
    assert count(store, table) == 2


def test_a_refused_call_leaves_its_key_unused(store, manager):
    with pytest.raises(NotFound):
        kept(store, manager, work(manager, "c-9"))
    assert count(store, idempotency_keys) == 0
    assert kept(store, manager, work(manager)).again is False


def test_old_keys_are_forgotten_when_new_ones_come(store, manager):
    kept(store, manager, work(manager))
    old = store.clock() - idempotency.KEPT - datetime.timedelta(minutes=1)
    store.write(lambda w: w.execute(sa.update(idempotency_keys).values(at=old)))
    kept(store, manager, work(manager), key="k-2")
    assert count(store, idempotency_keys) == 1


def test_sixteen_at_once_on_two_replicas_make_one(store, database_url, manager):
    other, answers, ready = Store(database_url), [], threading.Barrier(16)

    def go(own):
        ready.wait()
        answers.append(kept(own, manager, work(manager)))

    threads = [threading.Thread(target=go, args=(own,)) for own in (store, other) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert len({answer.answer for answer in answers}) == 1
    assert sum(not answer.again for answer in answers) == 1
    assert len(answers) == 16
    assert count(store, table) == 1
