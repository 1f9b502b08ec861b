"""Ids of requests, the line that each leaves, and what never stands in it."""

import logging

import pytest
from record import serving
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import Settings


@pytest.fixture
def local():
    with TestClient(
        create_app(Settings(identity="off")),
        raise_server_exceptions=False,
        client=("127.0.0.1", 1),
    ) as found:
        yield found


def requests(caplog):
    return [r.fields for r in caplog.records if r.name == "corridor.requests"]


@pytest.mark.parametrize("name", ["Request-Id", "X-Request-Id"])
def test_a_well_formed_id_is_kept(local, name):
    answer = local.get("/healthz", headers={name: "proxy-0123.abc"})
    assert answer.headers.get_list("Request-Id") == ["proxy-0123.abc"]


@pytest.mark.parametrize("given", ["", "short", "a" * 65, "white space 1", "a\tb-12345", "é" * 9])
def test_another_is_replaced(local, given):
    answer = local.get("/healthz", headers={"Request-Id": given.encode("utf-8")})
    assert answer.headers["Request-Id"] not in ("", given)


def test_ids_are_new_each_time_and_stand_in_errors(local):
    found = [local.get("/v1/gone") for _ in range(2)]
    ids = [answer.json()["request_id"] for answer in found]
    assert ids == [answer.headers["Request-Id"] for answer in found]
    assert len(set(ids)) == 2


def test_a_failure_of_ours_has_its_id_too(local, caplog):
    def broken(*_):
        raise RuntimeError("no")

    local.app.state.engine = None
    local.app.state.look = broken
    answer = local.post("/v1/recommendations", json={"company": {}})
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["Request-Id"]
    assert requests(caplog)[-1]["status"] == 500


def test_one_line_a_request_without_body_query_or_token(tmp_path, caplog):
    caplog.set_level(logging.INFO, "corridor.requests")
    with serving(f"sqlite:///{tmp_path / 'a.db'}") as service:
        service.ask("POST", "/v1/recommendations", {"company": {"name_zh": "秘密公司"}})
        service.ask("GET", "/v1/companies/91990000MA0000017Y?hush=query")
    first, second = requests(caplog)
    assert (first["operation"], first["status"], first["method"]) == ("recommend", 200, "POST")
    assert first["organisation"] == "bank-a"
    assert first["user"] == service.people.ids["bank-a", "manager"]
    assert first["ms"] > 0
    assert first["bytes"] > 1000
    assert (second["path"], second["status"]) == ("/v1/companies/[uscc]", 422)
    said = repr([vars(record) for record in caplog.records])
    for secret in ("秘密公司", "hush", "91990000MA0000017Y", *service.people.tokens.values()):
        assert secret not in said


def test_probes_are_quiet_while_all_is_well(local, caplog):
    caplog.set_level(logging.INFO, "corridor.requests")
    for path in ("/healthz", "/readyz", "/metrics"):
        assert local.get(path).status_code == 200
    assert requests(caplog) == []
    local.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert [line["status"] for line in requests(caplog)] == [401]


@pytest.mark.parametrize(
    ("trusted", "given", "seen"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.0/8,10.0.0.0/8", "198.51.100.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9", "127.0.0.1"),
        ("", "203.0.113.9", "127.0.0.1"),
    ],
)
def test_an_address_is_believed_from_a_trusted_proxy_alone(caplog, trusted, given, seen):
    caplog.set_level(logging.INFO, "corridor.requests")
    environ = {"CORRIDOR_IDENTITY": "off", "CORRIDOR_TRUSTED_PROXIES": trusted}
    app = create_app(Settings.read(environ))
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        client.get("/v1/notice", headers={"X-Forwarded-For": given})
    assert requests(caplog)[-1]["address"] == seen
