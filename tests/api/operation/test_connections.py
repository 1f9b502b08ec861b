"""Slow clients, large heads and what is no HTTP, against a real server."""

import contextlib
import http.client
import json
import socket
import time

import pytest

TOKEN = "a-token-of-this-test"  # noqa: S105 - of this test alone
HEAD = b"POST /v1/recommendations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def hasty(start):
    """A server with little patience."""
    return start(
        CORRIDOR_PATIENCE="1",
        CORRIDOR_MIN_SPEED="1000",
        CORRIDOR_MAX_HEADERS="4096",
        CORRIDOR_METRICS_TOKEN=TOKEN,
    )


def connected(served):
    return socket.create_connection(("127.0.0.1", served.port), timeout=15)


def answer_of(connection):
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer, json.loads(answer.read())


def dripped(connection, sent, pause):
    """Send one byte after the other until the other end has enough."""
    connection.setblocking(False)
    for byte in sent:
        try:
            connection.send(bytes([byte]))
            time.sleep(pause)
            if connection.recv(1, socket.MSG_PEEK) is not None:
                break
        except BlockingIOError:
            continue
    connection.settimeout(5)


@pytest.mark.parametrize("before", [b"", HEAD + b"Content-Length: 1000\r\n\r\n"])
def test_a_byte_now_and_then_is_cut_off_with_408(hasty, before):
    with connected(hasty) as connection:
        connection.sendall(before)
        begun = time.monotonic()
        dripped(connection, HEAD * 10, 0.1)
        answer, body = answer_of(connection)
        assert time.monotonic() - begun < 10
        assert (answer.status, body["code"]) == (408, "request_too_slow")
        assert answer.headers["Connection"] == "close"
        assert body["request_id"] == answer.headers["Request-Id"]
        assert connection.recv(1) == b""


def test_who_says_nothing_is_cut_off_without_a_word(hasty):
    with connected(hasty) as connection:
        assert connection.recv(100) == b""


def test_a_large_body_has_more_time(hasty):
    """Ten kilobytes in two and a half seconds are four times as fast as has to be."""
    body = json.dumps({"company": {}}).encode() + b" " * 10_000
    with connected(hasty) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 2000):
            connection.sendall(body[start : start + 2000])
            time.sleep(0.5)
        answer, _ = answer_of(connection)
        assert answer.status == 200


def test_a_connection_that_is_kept_alive_is_not_cut_off_between_requests(hasty):
    client = http.client.HTTPConnection("127.0.0.1", hasty.port, timeout=10)
    for _ in range(2):
        client.request("GET", "/healthz")
        assert client.getresponse().read() == b'{"status":"ok"}'
        time.sleep(2)
    client.close()


def test_a_slow_reader_is_cut_off(hasty):
    """A megabyte of answers that nobody takes."""
    wanted = HEAD + b'Content-Length: 15\r\n\r\n{"company": {}}'
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", hasty.port))
    connection.settimeout(0.5)
    with connection:
        with contextlib.suppress(TimeoutError, ConnectionError):
            for _ in range(400):
                connection.sendall(wanted)
        time.sleep(4)
        assert ended(connection)


def ended(connection):
    """Whether the other end is gone, once what it had sent is read."""
    try:
        while connection.recv(1 << 20):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.mark.parametrize("pause", [0, 0.3])
def test_a_head_above_the_limit_is_refused(hasty, pause):
    with connected(hasty) as connection:
        connection.sendall(HEAD + b"X: " + b"x" * 5000)
        time.sleep(pause)
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"x" * 5000 + b"\r\n\r\n")
        answer, body = answer_of(connection)
    assert (answer.status, body["code"]) == (431, "headers_too_large")


def test_what_is_no_http_is_told_so(hasty):
    with connected(hasty) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        answer, body = answer_of(connection)
    assert (answer.status, body["code"]) == (400, "bad_http")


def test_clients_that_were_cut_off_are_counted(hasty):
    with connected(hasty) as connection:
        assert connection.recv(100) == b""
    client = http.client.HTTPConnection("127.0.0.1", hasty.port, timeout=10)
    client.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    text = client.getresponse().read().decode()
    client.close()
    (line,) = [row for row in text.splitlines() if row.startswith("corridor_slow_clients_total")]
    assert float(line.split()[1]) >= 1
