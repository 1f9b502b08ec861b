"""Requests made to harm: in texts, ids, headers, numbers and depth. Refused or kept as they are.

On PostgreSQL, which keeps no zero byte and no number that is too large for its column.
"""

import json
import socket
import urllib.parse

import pytest
from record import serving
from running import COMPANY, OPTIONS, running

STRINGS = {
    "sql": "'; DROP TABLE companies; --",
    "sql_like": "%' OR '1'='1",
    "html": "<script>alert(1)</script>",
    "template": "{{7*7}}${7*7}#{7*7}",
    "format": "{0.__class__}%s%n",
    "shell": "$(id) `id` | id; id",
    "formula": '=HYPERLINK("http://x.invalid","x")',
    "path": "../../../../etc/passwd",
    "quoted_path": "..%2f..%2fetc%2fpasswd",
    "windows_path": "..\\..\\windows\\win.ini",
    "line_break": "a\r\nX-Injected: 1",
    "homoglyph": "Сhongqing Еxport",  # noqa: RUF001 - the C and the E are Cyrillic
    "full_width": "ｂａｎｋ－ａ",  # noqa: RUF001 - full-width letters
    "emoji": "🏦" * 20,
    "combining": "e" + "\u0301" * 150,
    "joiner": "a\u200db\u200cc",
    "not_assigned": "\U000e0fff\ufffe",
}
UNREADABLE = {
    "zero": "a\x00b",
    "bell": "a\x07b",
    "right_to_left": "Bank \u202egnp.exe",
    "isolate": "a\u2066b\u2069c",
    "delete": "a\x7fb",
}
IDS = [
    "..", "../x", "%2e%2e%2fx", "%00", "a%00b", "%0d%0aX: y", "a'b", 'a"b', "*", "a b",
    "x" * 5_000, "%ff%fe", "%e2%80%ae", "c-1%2f..", "-1", "NaN", "null", "0x0",
    "${jndi:x}", "con", ";id",
]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(request, tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'record' / 'corridor.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").made()
    with serving(url, jobs=0) as found:
        kept(found, "c-1")
        yield found


def kept(service, name, **profile):
    said = {"profile": {**COMPANY, **profile}, "consents": {"matching": {"note": "A-1"}}}
    return service.ask("PUT", f"/v1/companies/{name}", said)


def refused(answer, *statuses):
    assert answer.status_code in statuses, answer.text[:2000]
    assert answer.json()["code"]
    assert "Traceback" not in answer.text
    return answer.json()


def texts(service, text, name):
    """A text in every place of the record that takes one."""
    yield "name", kept(service, name, name_en=text)
    yield "zone", kept(service, f"{name}-z", special_zone=text)
    ask = "/v1/companies/c-1"
    yield "note", service.ask("POST", f"{ask}/contacts", {"note": text})
    yield "question", service.ask("POST", f"{ask}/reviews", {"question": text})
    reason = {"product_id": "cor-ilstc-loan", "decision": "recommend", "reason": text}
    yield "reason", service.ask("POST", f"{ask}/overrides", reason)
    yield "consent", service.ask("PUT", f"{ask}/consents/contact", {"note": text})
    given = {"name_en": text}
    body = {"company": {**COMPANY, **given}, "options": OPTIONS}
    yield "asked", service.ask("POST", "/v1/recommendations", body)


@pytest.mark.parametrize("name", STRINGS)
def test_a_text_is_kept_as_it_is_and_does_nothing(service, name):
    text = STRINGS[name]
    for number, (place, answer) in enumerate(texts(service, text, f"t-{name}")):
        assert answer.status_code in (200, 201, 409), (place, answer.text[:500])
        if place == "name":
            assert answer.json()["profile"]["name_en"] == text
        if place in ("note", "question", "reason") and answer.status_code == 201:
            field = {"note": "note", "question": "question", "reason": "reason"}[place]
            assert answer.json()[field] == text
        assert number < 10
    read = service.ask("GET", f"/v1/companies/t-{name}")
    assert read.json()["profile"]["name_en"] == text
    found = service.ask("GET", "/v1/companies?" + urllib.parse.urlencode({"text": text}))
    assert f"t-{name}" in [company["id"] for company in found.json()["companies"]]
    assert service.ask("GET", "/v1/companies/c-1").status_code == 200
    export = service.ask("GET", f"/v1/companies/t-{name}/export")
    assert export.status_code == 200


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_text_that_nobody_can_read_is_refused_by_its_place(service, name):
    for place, answer in texts(service, UNREADABLE[name], f"u-{name}"):
        told = refused(answer, 422)
        assert told["errors"], place
    quoted = urllib.parse.urlencode({"text": UNREADABLE[name]})
    refused(service.ask("GET", f"/v1/companies?{quoted}"), 422)
    login = {"login": UNREADABLE[name], "password": "x" * 12}
    refused(service.ask("POST", "/v1/sessions", login), 422)


@pytest.mark.parametrize("given", IDS)
def test_an_id_leads_nowhere_else(service, given):
    for path in (
        "/v1/companies/{}", "/v1/companies/{}/export", "/v1/runs/{}", "/v1/products/{}",
        "/v1/applications/{}", "/v1/reviews/{}", "/v1/jobs/{}", "/v1/jobs/{}/files/x",
        "/v1/companies/{}/overrides", "/v1/companies/{}/contacts",
    ):  # fmt: skip
        refused(service.ask("GET", path.format(given)), 404, 405, 422)
    for path in ("/v1/models/{}", "/v1/catalogues/{}/diff?against=packaged"):
        refused(service.ask("GET", path.format(given), role="analyst"), 404, 405, 422)
    body = {"company_id": urllib.parse.unquote(given, errors="replace"), "options": {}}
    refused(service.ask("POST", "/v1/recommendations", body), 404, 422)


QUERIES = """
companies?limit=99999999999999999999
companies?limit=-1
companies?limit=1e3
companies?cursor=%00
companies?cursor=AAAA
companies?cursor=WyJcdTAwMDAiXQ
companies?branch_id=%00
companies?uscc=%00
companies/c-1?version=9223372036854775808
companies/c-1?version=2147483648
runs?company_id=%00
runs?since=0001-01-01
runs?until=9999-12-31
runs?cursor=WyIyMDI2LTExLTIzIiwiXHUwMDAwIl0
facilities?maturing_before=9999-12-31
facilities?maturing_before=0001-01-01
applications?offset=9223372036854775808
applications?offset=9999999
reviews?offset=-1
applications?due_before=9999-12-31
outcomes?product=%00
""".split()


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_answered_or_refused(service, query):
    answer = service.ask("GET", f"/v1/{query}")
    if answer.status_code != 200:
        refused(answer, 400, 404, 422)


@pytest.mark.parametrize(
    "number", ["1" + "0" * 400, "1e400", "-1e400", "1e-400", "0." + "1" * 5_000, "9" * 17, "-0"]
)
def test_a_number_is_taken_or_refused(service, number):
    raw = json.dumps({"company": {"need": {"amount": 0}}, "options": {}})
    raw = raw.replace('"amount": 0', f'"amount": {number}')
    header = {**service.people.header("manager"), "Content-Type": "application/json"}
    answer = service.client.post("/v1/recommendations", content=raw, headers=header)
    if answer.status_code != 200:
        refused(answer, 400, 422)


@pytest.mark.parametrize("depth", [100, 5_000, 200_000])
@pytest.mark.parametrize("form", ["[", '{"a":'])
def test_depth_is_refused_at_once(service, depth, form):
    header = {**service.people.header("manager"), "Content-Type": "application/json"}
    for path in ("/v1/recommendations", "/v1/plans", "/v1/outcomes", "/v1/jobs"):
        answer = service.client.post(path, content=form * depth, headers=header)
        refused(answer, 400, 413, 422)
        whole = form * depth + ("1" if form != "[" else "") + ("]" if form == "[" else "}") * depth
        refused(service.client.post(path, content=whole, headers=header), 400, 413, 422, 403)


HEADERS = {
    "two lengths": "Content-Length: 5\r\nContent-Length: 6\r\n",
    "length and chunks": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "negative length": "Content-Length: -1\r\n",
    "length of words": "Content-Length: five\r\n",
    "zero in a value": "X: a\x00b\r\n",
    "break in a name": "X\n: a\r\n",
    "space in a name": "X Y: a\r\n",
    "folded": "X: a\r\n b\r\n",
    "long value": "X: " + "a" * 200_000 + "\r\n",
    "many": "".join(f"X-{n}: a\r\n" for n in range(5_000)),
    "two tokens": "Authorization: Bearer x\r\nAuthorization: Bearer y\r\n",
    "token of bytes": "Authorization: Bearer \xff\xfe\r\n",
    "another host": "Host: evil.invalid\r\n",
    "forwarded": "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n",
    "another method": "X-HTTP-Method-Override: DELETE\r\n",
    "language of bytes": "Accept-Language: \xff;q=\xff\r\n",
    "languages": "Accept-Language: " + "en;q=0.1," * 5_000 + "\r\n",
    "tag": 'If-None-Match: "' + "x" * 10_000 + '"\r\n',
    "upgrade": "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("headers")
    with running(f"sqlite:///{folder / 'record' / 'corridor.db'}", folder) as found:
        yield found
        assert "Traceback" not in found.log, found.log[-3000:]


@pytest.mark.parametrize("name", HEADERS)
def test_headers_are_refused_or_of_no_effect(served, name):
    """Nobody is let in, nothing is thrown, and the next caller on a new connection is answered."""
    head = f"GET /v1/me HTTP/1.1\r\nHost: x\r\n{HEADERS[name]}Connection: close\r\n\r\nhello"
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(head.encode("latin-1"))
        said = b""
        try:
            while part := connection.recv(1 << 16):
                said += part
        except ConnectionResetError:
            pass
    # Without a body for an answer the server may also hang up, as HTTP lets it.
    assert said[:13] in (b"HTTP/1.1 400 ", b"HTTP/1.1 401 ", b"HTTP/1.1 431 ", b""), said[:200]
    assert served.ask("GET", "/v1/me").status == 200
