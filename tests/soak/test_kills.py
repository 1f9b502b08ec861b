"""The server is killed again and again while clients write: nothing acknowledged is lost or twice.

A client that is not answered cannot know what became of its request. It asks again: with the same
Idempotency-Key where the call takes one, by the id of the company where it names one.
"""

import itertools
import random
import threading
import time

import pytest
import sqlalchemy as sa
from running import COMPANY, OPTIONS, Caller, Unanswered, running, until

from api.store import checks
from api.store.tables import companies, company_versions, idempotency_keys, review_requests, runs

SEEDED = random.Random(8)  # noqa: S311 - when to kill, the same in every run
FORMS = [
    pytest.param(2, 4, id="short"),
    pytest.param(20, 16, id="long", marks=pytest.mark.soak),
]


class Client(threading.Thread):
    """Writes without a pause until it is told to end, and remembers what was acknowledged."""

    def __init__(self, service, number, done):
        super().__init__(name=f"client-{number}")
        self._service, self._number, self._done = service, number, done
        self.companies, self.questions, self.runs = {}, {}, {}
        self.failure, self.asked_again = None, 0

    @property
    def acknowledged(self):
        return len(self.companies) + len(self.questions) + len(self.runs)

    def run(self):
        try:
            with Caller(self._service, timeout=20) as caller:
                for count in itertools.count():
                    if self._done.is_set():
                        return
                    self._write(caller, f"{self._number}-{count}")
        except BaseException as error:  # noqa: BLE001 - the test says what it was
            self.failure = error

    def _write(self, caller, name):
        said = {"profile": COMPANY, "consents": {"matching": {"note": name}}}
        kept = self._certain(caller, "PUT", f"/v1/companies/c-{name}", said)
        if kept is not None:
            # 428: it was written, and the answer was lost.
            assert kept.status in (200, 201, 428), kept.body
            self.companies[f"c-{name}"] = kept.status
        path, key = "/v1/companies/c-shared/reviews", {"Idempotency-Key": f"key-{name}"}
        asked = self._certain(caller, "POST", path, {"question": f"q-{name}"}, **key)
        if asked is not None:
            assert asked.status == 201, asked.body
            self.questions[f"q-{name}"] = asked.json["id"]
        try:
            body = {"company_id": "c-shared", "options": OPTIONS}
            shown = caller.ask("POST", "/v1/recommendations", body)
        except Unanswered:
            return
        assert shown.status == 200, shown.body
        self.runs[shown.headers["run-id"]] = shown.body

    def _certain(self, caller, *asked, **headers):
        """The answer, after asking as often as it takes; None where it is told to end before."""
        while True:
            try:
                return caller.ask(*asked, **headers)
            except Unanswered:
                self.asked_again += 1
                if self._done.is_set():
                    return None
                time.sleep(0.05)


@pytest.mark.parametrize(("kills", "count"), FORMS)
def test_every_acknowledged_write_survives_and_none_is_there_twice(
    database_url, tmp_path, kills, count
):
    with running(database_url, tmp_path / "service") as service:
        said = {"profile": COMPANY, "consents": {"matching": {"note": "shared"}}}
        assert service.ask("PUT", "/v1/companies/c-shared", said).status == 201
        done = threading.Event()
        clients = [Client(service, number, done) for number in range(count)]
        for client in clients:
            client.start()
        for _ in range(kills):
            before = [client.acknowledged for client in clients]
            until(lambda was=before: _each_wrote_more(clients, was))
            time.sleep(SEEDED.uniform(0, 0.2))
            service.kill()
            service.start()
        before = [client.acknowledged for client in clients]
        until(lambda: _each_wrote_more(clients, before))
        done.set()
        for client in clients:
            client.join()
        assert [client.failure for client in clients] == [None] * count
        assert sum(client.asked_again for client in clients) > 0  # a kill hit somebody in writing
        _replays(service, clients)
        _once_only(service, clients)
        assert service.stop() == 0
        with service.store() as store:
            _all_there_once(store, clients)
            found = checks.checked(store.database)
        assert found.sound, found


def _each_wrote_more(clients, before):
    failed = [client.failure for client in clients if client.failure is not None]
    if failed:
        raise failed[0]
    return all(c.acknowledged >= was + 3 for c, was in zip(clients, before, strict=True))


def _all_there_once(store, clients):
    kept = store.read(
        lambda c: dict(c.execute(sa.select(companies.c.id, companies.c.version)).all())
    )
    written = {name for client in clients for name in client.companies}
    assert written <= kept.keys()
    # A write that was kept twice would have made a second version, or a second row of one.
    assert set(kept.values()) == {1}
    versions = sa.select(sa.func.count()).select_from(company_versions)
    assert store.read(lambda c: c.execute(versions).scalar_one()) == len(kept)
    questions = store.read(
        lambda c: c.execute(sa.select(review_requests.c.question, review_requests.c.id)).all()
    )
    asked = {text: review for client in clients for text, review in client.questions.items()}
    assert len(questions) == len({text for text, _ in questions})
    assert asked.items() <= dict(questions).items()
    keys = sa.select(sa.func.count()).select_from(idempotency_keys)
    assert store.read(lambda c: c.execute(keys).scalar_one()) == len(questions)
    shown = store.read(lambda c: dict(c.execute(sa.select(runs.c.id, runs.c.answer)).all()))
    for client in clients:
        for run_id, body in client.runs.items():
            assert shown[run_id].encode() == body


def _replays(service, clients):
    """One run of each client, the first and the last in turn, is computed again to the byte."""
    for number, client in enumerate(clients):
        run_id = list(client.runs)[-(number % 2)]
        answer = service.ask("POST", f"/v1/runs/{run_id}/replay", {})
        assert answer.status == 200, answer.body
        assert answer.json["identical"] is True


def _once_only(service, clients):
    """Whoever asks again with a key it used before a kill is told what it was told then."""
    for client in clients:
        for text in (next(iter(client.questions)), list(client.questions)[-1]):
            key = {"Idempotency-Key": text.replace("q-", "key-")}
            again = service.ask("POST", "/v1/companies/c-shared/reviews", {"question": text}, **key)
            assert (again.status, again.json["id"]) == (201, client.questions[text])


def test_a_killed_server_takes_its_workers_along(sqlite_url, tmp_path):
    import psutil

    with running(sqlite_url, tmp_path / "service") as service:
        body = {"company": COMPANY, "options": {"language": "en", "as_of": "2026-11-23"}}
        assert service.ask("POST", "/v1/plans", body).status == 200
        workers = psutil.Process(service.process.pid).children(recursive=True)
        assert workers
        service.kill()
        _, alive = psutil.wait_procs(workers, timeout=10)
        assert alive == []
