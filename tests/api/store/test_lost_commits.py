"""A commit whose acknowledgement is lost on the way: kept or not, the record goes on.

A relay stands between the store and a real PostgreSQL. It hands the COMMIT on, lets the database
do it, and hangs up before the answer comes back.
"""

import contextlib
import socket
import threading

import pytest
import sqlalchemy as sa
from record import BANKS, peopled

from api.store import users
from api.store.database import StoreUnavailable
from api.store.store import Store
from api.store.tables import organisations
from api.store.verification import verified

COMMIT = b"COMMIT\x00"


class Relay:
    """Hands bytes to and fro between a port and a socket of PostgreSQL."""

    def __init__(self, target):
        self._target, self.lose, self._open = str(target), 0, []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            losing = threading.Event()
            self._open += [client, server]
            for pair in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._hand, args=(*pair, losing), daemon=True).start()

    def _hand(self, source, target, asks, losing):
        try:
            while data := source.recv(1 << 16):
                if asks and self.lose and COMMIT in data:
                    self.lose -= 1
                    losing.set()
                    target.sendall(data)
                elif asks or not losing.is_set():
                    target.sendall(data)
                else:
                    break  # the database has answered, so that it is done; nobody hears of it
        except OSError:
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listening.close()
        for end in self._open:
            end.close()


@pytest.fixture
def relayed(postgresql):
    url = postgresql.made()
    relay = Relay(postgresql.socket())
    through = sa.make_url(url).set(host="127.0.0.1", port=relay.port, query={})
    store = Store(through.render_as_string(hide_password=False))
    yield store, relay
    store.close()
    relay.close()


def bank(number):
    names = {"name_zh": "行", "name_en": "Bank"}
    row = {"id": f"bank-{number}", "kind": "bank", **names, "synthetic": True}
    return lambda write: users.add_organisation(write, row)


def test_after_a_lost_acknowledgement_writes_go_on_and_the_log_is_whole(relayed):
    store, relay = relayed
    peopled(store)
    for number in range(3):
        relay.lose = 1
        with pytest.raises(StoreUnavailable):
            store.write(bank(f"lost-{number}"))
        store.write(bank(f"after-{number}"))
    there = store.read(lambda c: set(c.execute(sa.select(organisations.c.id)).scalars()))
    named = {f"bank-{kind}-{number}" for kind in ("lost", "after") for number in range(3)}
    assert there == {*BANKS, *named}  # a lost acknowledgement is no lost write
    found = store.read(verified)
    assert found.whole, found.findings
