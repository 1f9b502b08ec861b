"""What keeps one client, or one database, from holding up the service for ever.

The limits themselves are settings of the service; here only that there are some.
"""

import os
import signal
import socket
import time

import psutil
import pytest
from databases import PostgreSQL
from running import COMPANY, OPTIONS, Caller, connected, running, until

HEAD = b"POST /v1/recommendations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LONGEST = 60  # seconds that the service may wait for what does not come


@pytest.mark.soak
@pytest.mark.parametrize("ended", ["head", "body"])
def test_a_client_that_sends_a_byte_a_second_is_let_go(sqlite_url, tmp_path, ended):
    with running(sqlite_url, tmp_path / "service") as service:
        with connected(service.port) as connection:
            token = service.header()["Authorization"].encode()
            whole = b"Authorization: " + token + b"\r\nContent-Length: 1000\r\n\r\n"
            connection.sendall(HEAD if ended == "head" else HEAD + whole)
            connection.settimeout(1)
            start, said = time.monotonic(), None
            while said is None and time.monotonic() - start < LONGEST + 10:
                try:
                    connection.sendall(b"x")
                    said = connection.recv(1000)
                except TimeoutError:
                    continue
                except OSError:
                    said = b""
        assert said is not None, f"it still waits after {LONGEST} s"
        assert said == b"" or said.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 400 "))
        assert service.recommended().status == 200


@pytest.mark.soak
def test_a_postgresql_that_is_frozen_is_said_within_seconds(tmp_path):
    """Its connections are open and nothing comes: as after a switch or a disk has died."""
    with PostgreSQL() as server, running(server.made(), tmp_path / "service") as service:
        assert service.recommended().status == 200
        postmaster = psutil.Process(server.server.get_pid())
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            with Caller(service, timeout=10) as caller:
                body = {"company": COMPANY, "options": OPTIONS}
                answer = caller.ask("POST", "/v1/recommendations", body)
                assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
        finally:
            for process in processes:
                os.kill(process.pid, signal.SIGCONT)
        until(lambda: service.recommended().status == 200, 30)


@pytest.mark.soak
def test_many_idle_connections_leave_room_for_whoever_asks(sqlite_url, tmp_path):
    with running(sqlite_url, tmp_path / "service") as service:
        idle: list[socket.socket] = []
        try:
            idle += [connected(service.port) for _ in range(500)]
            assert service.recommended().status == 200
        finally:
            for connection in idle:
                connection.close()
