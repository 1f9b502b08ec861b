"""`corridor serve` as a real process: what it prints, what it takes, how it ends."""

import http.client
import json
import shlex
import signal
import socket
import urllib.request
from contextlib import closing

import pytest

from api import examples
from api.commands.serve import bound

MIB = 1 << 20
JSON = {"Content-Type": "application/json"}


def get(served, path):
    with urllib.request.urlopen(f"{served.address}{path}", timeout=10) as answer:  # noqa: S310 - our own address
        return answer.status, answer.read()


def test_it_says_where_it_is_and_where_the_documentation_is(served):
    assert served.said[0] == f"Serving on http://127.0.0.1:{served.port}"
    assert served.said[1] == f"Interactive documentation: {served.address}/docs"
    assert get(served, "/docs")[0] == 200
    assert get(served, "/readyz")[0] == 200


def test_its_curl_line_works_as_pasted(served):
    words = shlex.split(served.said[3])
    assert words[:2] == ["curl", "-s"]
    name, _, value = words[words.index("-H") + 1].partition(": ")
    request = urllib.request.Request(  # noqa: S310 - our own address
        words[2], words[words.index("-d") + 1].encode(), {name: value}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
        assert answer.status == 200
        assert json.load(answer)["lanes"]


def test_two_processes_give_the_same_bytes(served, client):
    body = json.dumps({"company": dict(examples.EXPORTER), "options": dict(examples.OPTIONS)})
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)) as connection:
        connection.request("POST", "/v1/recommendations", body, JSON)
        answer = connection.getresponse()
        assert answer.headers["Run-Id"]
        assert answer.headers["Server"] is None
        here = client.post("/v1/recommendations", content=body, headers=JSON)
        assert answer.read() == here.content


@pytest.mark.parametrize(
    ("framing", "sent"),
    [
        (f"Content-Length: {10 * MIB}", b""),
        ("Transfer-Encoding: chunked", b"%x\r\n" % (MIB + 1) + b" " * (MIB + 1) + b"\r\n"),
    ],
)
def test_a_large_body_is_refused_before_it_has_arrived(served, framing, sent):
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        head = "POST /v1/recommendations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}{framing}\r\n\r\n".encode() + sent)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 413
        assert json.load(answer)["code"] == "too_large"


def test_answers_do_not_wait_for_more_to_send():
    with bound("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_a_caller_who_leaves_does_no_harm(served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        head = "POST /v1/recommendations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    assert get(served, "/healthz")[0] == 200


@pytest.mark.parametrize(("language", "said"), [("zh", "已被占用"), ("en", "is taken")])
def test_a_taken_port_is_said_and_ends_with_2(served, run, language, said):
    code, out, err = run("serve", "--port", served.port, "--language", language)
    assert (code, out) == (2, "")
    assert str(served.port) in err
    assert said in err


@pytest.mark.parametrize("given", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_on_a_signal(start, given):
    process = start()
    assert get(process, "/healthz")[0] == 200
    assert process.stop(given) == 0
    assert process.process.stdout.read() == ""
    with pytest.raises(OSError, match=r".*"):
        get(process, "/healthz")


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        (["--port", "http"], {}, "--port: http is not a whole number."),
        (["--port", "65536"], {}, "--port: 65536 has to be at most 65,535."),
        ([], {"CORRIDOR_PORT": "x"}, "CORRIDOR_PORT: x is not a whole number."),
        (
            ["--port", "0", "--host", "no.such.host.invalid"],
            {"CORRIDOR_IDENTITY": "on"},
            "Cannot listen",
        ),
        (["--port", "0", "--host", "203.0.113.1"], {"CORRIDOR_IDENTITY": "on"}, "Cannot listen"),
    ],
)
def test_what_keeps_it_from_listening_is_said_and_ends_with_2(
    run, monkeypatch, arguments, env, said
):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    code, out, err = run("serve", *arguments, "--language", "en")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert said in err


def test_a_missing_catalogue_is_said_and_ends_with_2(corridor):
    done = corridor("serve", "--port", "0", "--catalogue", "gone.yaml", "--language", "en")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"gone.yaml" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_broken_catalogue_is_listed_and_not_served(corridor, tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("products: [{id: a, colour: red}]\nfacts: [{id: f}]\n")
    done = corridor("serve", "--port", "0", "--catalogue", path, "--language", "en")
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (2, b"")
    assert any("products[a].colour" in line for line in lines)
    assert any("facts[f].type" in line for line in lines)
    assert "Traceback" not in done.stderr.decode()
