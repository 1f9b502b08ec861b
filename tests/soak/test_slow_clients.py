"""Clients that send a byte now and then: they cost nobody an answer, and leave nothing behind."""

import time

import psutil
from running import Caller, connected, running, until

HEAD = b"POST /v1/recommendations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = HEAD + b"Content-Length: 100000\r\nAuthorization: Bearer "
COUNT = 100


def test_slow_clients_hold_up_nobody_and_leave_nothing_behind(sqlite_url, tmp_path):
    with running(sqlite_url, tmp_path / "service") as service:
        assert service.recommended().status == 200
        process = psutil.Process(service.process.pid)
        before = process.num_fds()
        token = service.header()["Authorization"].removeprefix("Bearer ").encode()
        slow = [connected(service.port) for _ in range(COUNT)]
        for number, connection in enumerate(slow):
            # Half of them never end their head, the others never end their body.
            connection.sendall(HEAD if number % 2 else BODY + token + b"\r\n\r\n{")
        for _ in range(5):
            for connection in slow:
                connection.sendall(b" " if connection else b"")
            with Caller(service, timeout=5) as caller:
                assert caller.ask("GET", "/v1/me").status == 200
            assert service.recommended().status == 200
            time.sleep(0.2)
        for connection in slow:
            connection.close()
        until(lambda: process.num_fds() <= before + 5, 10)
        assert "Traceback" not in service.log
        assert service.stop() == 0
