"""Jobs in the store: claimed once, run again when their worker is silent, ended once."""

import datetime
import threading

import pytest
from record import peopled

from api.policy import Caller
from api.refusals import JobEnded, JobLost
from api.store import jobs
from api.store.store import Store
from recommender.errors import NotFound

START = datetime.datetime(2026, 11, 23, 8, tzinfo=datetime.UTC)
PATIENCE = datetime.timedelta(seconds=10)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def later(self, seconds):
        self.now += datetime.timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def record(store, database_url, clock):
    """A store with a clock of its own, and its people."""
    people = peopled(store)
    own = Store(database_url, clock)
    yield own, people
    own.close()


def caller(people, role="analyst", bank="bank-a"):
    user_id = people.ids[bank, role]
    return Caller(user_id, bank, None, role, "write", "token", START)


def asked(store, people, kind="train", role="analyst", *, waits=False):
    who = caller(people, role)
    return store.write(lambda w: jobs.add(w, who, kind, {}, waits=waits))


def claimed(store, worker):
    found = store.write(lambda w: jobs.claim(w, worker, PATIENCE))
    return None if found is None else found["id"]


def seen(store, people, job_id, role="admin"):
    return store.read(lambda c: jobs.visible(c, caller(people, role), job_id))


def test_jobs_are_claimed_in_their_order_and_each_once(record, clock):
    store, people = record
    first = asked(store, people)
    clock.later(1)
    second = asked(store, people, "evaluate")
    assert [claimed(store, f"w{n}") for n in range(3)] == [first, second, None]


def test_replicas_that_claim_at_once_never_get_the_same_job(record, database_url):
    store, people = record
    wanted = {asked(store, people) for _ in range(12)}
    replicas = [Store(database_url) for _ in range(4)]
    found, start = [], threading.Barrier(4)

    def claim(number, own):
        start.wait()
        found.extend(claimed(own, f"w{number}.{turn}") for turn in range(8))

    threads = [threading.Thread(target=claim, args=pair) for pair in enumerate(replicas)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for own in replicas:
        own.close()
    taken = [job_id for job_id in found if job_id is not None]
    assert len(taken) == 12
    assert set(taken) == wanted


def test_a_job_whose_worker_is_silent_is_run_again_three_times_at_most(record, clock):
    store, people = record
    job_id = asked(store, people)
    for attempt in (1, 2, 3):
        assert claimed(store, f"w{attempt}") == job_id
        clock.later(5)
        assert claimed(store, "other") is None
        clock.later(6)
    assert claimed(store, "w4") is None
    job = seen(store, people, job_id)
    assert (job["status"], job["attempts"]) == (jobs.FAILED, 3)
    assert job["ended_at"] is not None


def test_a_heartbeat_keeps_a_job(record, clock):
    store, people = record
    job_id = asked(store, people)
    claimed(store, "w1")
    for _ in range(4):
        clock.later(8)
        store.write(lambda w: jobs.beat(w, job_id, "w1", 0.5, "matching"))
        assert claimed(store, "w2") is None
    assert seen(store, people, job_id)["progress"] == 0.5


def test_a_worker_that_was_given_up_can_change_nothing_any_more(record, clock):
    store, people = record
    job_id = asked(store, people)
    claimed(store, "w1")
    clock.later(11)
    assert claimed(store, "w2") == job_id
    for work in (
        lambda w: jobs.beat(w, job_id, "w1", 1.0, None),
        lambda w: jobs.end(w, job_id, "w1", jobs.DONE, {"from": "w1"}),
    ):
        with pytest.raises(JobLost):
            store.write(work)
    store.write(lambda w: jobs.lost(w, job_id, "w1"))
    store.write(lambda w: jobs.end(w, job_id, "w2", jobs.DONE, {"from": "w2"}, {"a": b"1"}))
    assert seen(store, people, job_id)["result"] == '{"from":"w2"}'
    with pytest.raises(JobLost):
        store.write(lambda w: jobs.end(w, job_id, "w2", jobs.DONE, {}))


def test_a_worker_that_ended_without_a_word_is_replaced_at_once(record):
    store, people = record
    job_id = asked(store, people)
    for attempt in (1, 2, 3):
        assert claimed(store, f"w{attempt}") == job_id
        store.write(lambda w, a=attempt: jobs.lost(w, job_id, f"w{a}"))
    assert seen(store, people, job_id)["status"] == jobs.FAILED


def test_a_server_that_stops_costs_no_attempt(record):
    store, people = record
    job_id = asked(store, people)
    for turn in range(5):
        assert claimed(store, f"runner.{turn}") == job_id
        store.write(lambda w: jobs.released(w, "runner"))
    assert seen(store, people, job_id)["status"] == jobs.QUEUED
    store.write(lambda w: jobs.released(w, "another"))


def test_what_waits_is_cancelled_at_once_and_what_runs_is_asked_to_end(record):
    store, people = record
    who = caller(people)
    waiting, queued, running = (
        asked(store, people, waits=True), asked(store, people, "evaluate"), None
    )  # fmt: skip
    store.write(lambda w: jobs.cancel(w, who, waiting))
    store.write(lambda w: jobs.cancel(w, who, queued))
    assert claimed(store, "w") is None
    running = asked(store, people)
    claimed(store, "w")
    store.write(lambda w: jobs.cancel(w, who, running))
    assert seen(store, people, running)["status"] == jobs.RUNNING
    with pytest.raises(JobLost):
        store.write(lambda w: jobs.end(w, running, "w", jobs.DONE, {}))
    store.write(lambda w: jobs.lost(w, running, "w"))
    assert seen(store, people, running)["status"] == jobs.CANCELLED
    for job_id in (waiting, queued, running):
        with pytest.raises(JobEnded):
            store.write(lambda w, j=job_id: jobs.cancel(w, who, j))


def test_the_last_file_lets_a_job_run(record):
    store, people = record
    who, job_id = caller(people), asked(store, people, waits=True)

    def put(name, content):
        needed = ["a.csv", "b.csv"]
        store.write(lambda w: jobs.put_file(w, who, job_id, name, content, needed))

    put("a.csv", b"1")
    put("a.csv", b"12")
    assert claimed(store, "w") is None
    put("b.csv", b"3")
    with pytest.raises(JobEnded):
        put("b.csv", b"4")
    assert store.read(lambda c: jobs.file_sizes(c, job_id)) == {"a.csv": 2, "b.csv": 1}
    assert claimed(store, "w") == job_id


def test_who_sees_which_jobs(record):
    store, people = record
    mine = asked(store, people, "plans", "manager")
    trained = asked(store, people)
    shown = {
        role: {j["id"] for j in store.read(lambda c, r=role: jobs.listed(c, caller(people, r), 9))}
        for role in ("manager", "analyst", "auditor", "admin")
    }
    assert shown == {
        "manager": {mine}, "analyst": {trained},
        "auditor": {mine, trained}, "admin": {mine, trained},
    }  # fmt: skip
    foreign = caller(people, "admin", "bank-b")
    assert store.read(lambda c: jobs.listed(c, foreign, 9)) == []
    for job_id in (mine, trained):
        with pytest.raises(NotFound):
            store.read(lambda c, j=job_id: jobs.visible(c, foreign, j))
