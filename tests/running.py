"""A real `corridor serve` on a record with two banks, and callers that ask it over HTTP.

What is killed here is a process, what is stopped a PostgreSQL, and what is full a file: nothing is
played.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from record import peopled

from api.store import maintenance
from api.store.store import Store

ROOT = Path(__file__).parent.parent
MAIN = "import sys; from api.cli import main; sys.exit(main())"
COMPANY = {
    "synthetic": True,
    "trade": {"directions": ["export"], "stage": "post_shipment", "hs": ["8432"]},
    "need": {"amount": 2_000_000, "currency": "CNY", "tenor_days": 90},
}
OPTIONS = {"language": "en", "as_of": "2026-11-23", "limit": 1, "lanes": ["hedge"]}
PATIENCE = 60


@dataclass(frozen=True)
class Answer:
    """What came back. took: seconds from the first byte sent to the last one read."""

    status: int
    headers: dict
    body: bytes
    took: float

    @property
    def json(self):
        return json.loads(self.body)


class Unanswered(Exception):
    """The connection ended, or nothing came in time: nobody knows what became of the request."""


class Service:
    """A server process on a database with two banks; it can be killed and started again."""

    def __init__(self, url, folder, *arguments, code=MAIN, **env):
        self.url, self.folder, self.port, self.process = url, folder, 0, None
        self._command = [sys.executable, "-c", code, "serve", "--language", "en", *arguments]
        self._env = env
        store = Store(url)
        maintenance.ready(store.database)
        self.people = peopled(store)
        store.close()

    @contextlib.contextmanager
    def store(self):
        """The record, opened beside the server."""
        found = Store(self.url)
        try:
            yield found
        finally:
            found.close()

    @property
    def log(self):
        """What the server has written besides its answers."""
        return (self.folder / "serve.log").read_text("utf-8")

    def start(self):
        """Start it on the port it had, and wait until it says that it listens."""
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self._command, "--port", str(self.port)],
                env=environment(CORRIDOR_STORE=self.url, **self._env),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        said = self.process.stdout.readline()
        if "http://" not in said:
            raise RuntimeError(f"the server did not start: {said}{self.log}")
        self.port = int(said.rpartition(":")[2])
        return self

    def kill(self):
        """End it as a loss of power would."""
        self.process.kill()
        self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()

    def stop(self):
        """Exit code after it was asked to end."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()
        return code

    def header(self, role="manager", bank="bank-a"):
        return {**self.people.header(role, bank), "Accept-Language": "en"}

    def ask(self, method, path, body=None, *, role="manager", bank="bank-a", **headers):
        """One answer, over a connection of its own."""
        with Caller(self, role, bank) as caller:
            return caller.ask(method, path, body, **headers)

    def recommended(self, **more):
        return self.ask(
            "POST", "/v1/recommendations", {"company": COMPANY, "options": OPTIONS, **more}
        )


class Caller:
    """One user on one connection, which is made anew after it broke."""

    def __init__(self, service, role="manager", bank="bank-a", timeout=PATIENCE):
        self._service, self._header = service, service.header(role, bank)
        self._timeout, self._connection = timeout, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._close()

    def ask(self, method, path, body=None, **headers):
        """The answer to a request; raises Unanswered."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        start = time.monotonic()
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(
                    "127.0.0.1", self._service.port, timeout=self._timeout
                )
            given = {"Content-Type": "application/json", **self._header, **named}
            self._connection.request(method, path, content, given)
            answer = self._connection.getresponse()
            read = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._close()
            raise Unanswered(repr(error)) from error
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, read, time.monotonic() - start)

    def _close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def environment(**more):
    """The environment without settings of whoever runs the tests; with identity."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CORRIDOR_")}
    return {**kept, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT), **more}


def corridor(*arguments, **env):
    """The command as a process of its own, to its end."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, *map(str, arguments)],
        env=environment(**env),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@contextlib.contextmanager
def running(url, folder, *arguments, **more):
    """A service that is running, and stopped at the end whatever happened to it."""
    folder.mkdir(parents=True, exist_ok=True)
    service = Service(url, folder, *arguments, **more)
    try:
        yield service.start()
    finally:
        if service.process is not None and service.process.poll() is None:
            service.process.kill()
            service.process.wait(timeout=PATIENCE)
        if service.process is not None:
            service.process.stdout.close()


@contextlib.contextmanager
def beside(works):
    """Works in threads of their own, each called again and again until the end of the block.

    What one of them raises is raised here.
    """
    done, failures = threading.Event(), []

    def on(work):
        try:
            while not done.is_set():
                work()
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            failures.append(error)

    threads = [threading.Thread(target=on, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        done.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def until(found, seconds=PATIENCE, pause=0.05):
    """Wait until `found` says something true, and what it says; fails when it takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        said = found()
        if said:
            return said
        time.sleep(pause)
    raise AssertionError(f"not within {seconds} s")


def connected(port):
    """A bare connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
