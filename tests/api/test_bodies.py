"""Bodies that cannot be accepted: each status, every problem at once, in the asked language."""

import json

import pytest

from api import examples
from api.parsing import DEPTH

JSON = {"Content-Type": "application/json"}
LIMIT = 1 << 20
OPERATIONS = ("recommendations", "eligibility", "what-if")


def send(client, content, operation="recommendations", **headers):
    return client.post(f"/v1/{operation}", content=content, headers={**JSON, **headers})


def nested(levels):
    return b'{"company": ' + b"[" * levels + b"]" * levels + b"}"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"{'company': {}}", "not_json"),
        (b'{"company": {"staff": NaN}}', "not_json"),
        (b'{"company": {"staff": Infinity}}', "not_json"),
        (b'{"company": {"staff": -Infinity}}', "not_json"),
        (b'{"company": {"staff": 1e999}}', "not_json"),
        (b'{"company": {"staff": ' + b"9" * 5_000 + b"}}", "not_json"),
        (b'{"company": {"name_en": "\xff"}}', "not_utf8"),
        ('{"company": {"name_zh": "重庆"}}'.encode("gb18030"), "not_utf8"),
        ('{"company": {}}'.encode("utf-16"), "not_utf8"),
        (b'{"company": {"name_en": "\\ud800"}}', "not_json"),
        (b'{"company": {}, "company": {}}', "repeated_key"),
        (b'{"company": {"staff": 1, "staff": 2}}', "repeated_key"),
        (nested(DEPTH), "too_deep"),
        (nested(100_000), "not_json"),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_not_json_is_400(client, conforms, content, code, language):
    answer = send(client, content, **{"Accept-Language": language})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert ("。" in answer.json()["detail"]) == (language == "zh")
    conforms(answer.json(), "ErrorBody")


def test_a_place_in_the_body_is_named(client):
    answer = send(client, b'{"company":\n  {"staff": NaN}}', **{"Accept-Language": "en"})
    assert "line 2, column 13" in answer.json()["detail"]


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbf{"company": {}}',
        b'{"company": {"name_en": "a:b, \\"c\\": 1"}}',
        b'{"company": {"name_en": "\\u91cd"}}',
        b' {"company" :\t{}}\r\n',
    ],
)
def test_what_is_json_is_read(client, content):
    assert send(client, content).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON; Charset="UTF-8"', 200),
        ("application/vnd.corridor+json", 200),
        ("application/json; charset=gb18030", 415),
        ("application/x-www-form-urlencoded", 415),
        ("text/json", 415),
        ("text/plain", 415),
        ("", 415),
    ],
)
def test_only_json_in_utf8_is_taken(client, conforms, content_type, status):
    answer = send(client, b'{"company": {}}', **{"Content-Type": content_type})
    assert answer.status_code == status
    if status == 415:
        conforms(answer.json(), "ErrorBody")


def test_a_compressed_body_is_not_taken(client):
    assert send(client, b"x", **{"Content-Encoding": "gzip"}).status_code == 415


def padded(size):
    start, end = b'{"company": {"name_en": "', b'"}}'
    return start + b"x" * (size - len(start) - len(end)) + end


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("size", "status"), [(LIMIT, 422), (LIMIT + 1, 413), (10 * LIMIT, 413)])
def test_a_body_above_one_mebibyte_is_413(client, conforms, operation, size, status):
    answer = send(client, padded(size), operation)
    assert answer.status_code == status
    conforms(answer.json(), "ErrorBody")


def test_a_body_without_a_length_is_not_read_to_its_end(client):
    read = []

    def chunks():
        for number in range(100):
            read.append(number)
            yield b" " * (LIMIT // 4)

    assert send(client, chunks()).status_code == 413


def problems(answer):
    assert answer.status_code == 422, answer.text
    return {entry["field"]: entry for entry in answer.json()["errors"]}


def test_every_problem_of_every_part_comes_at_once(client, conforms):
    body = {
        "company": {
            "needs": {},
            "need": {"amount": -5, "currency": "CNYY", "tenor_days": 0},
            "trade": {"hs": ["8432", "9999999999"], "directions": ["sideways"]},
            "facts": {"no_such_fact": True},
            "documents": [{"type": "NO_SUCH_PAPER"}],
        },
        "options": {"limit": 0, "lanes": ["loans"], "as_of": "tomorrow", "language": "fr"},
        "optoins": {},
        "set": 7,
    }
    answer = send(client, json.dumps(body), "what-if", **{"Accept-Language": "en"})
    found = problems(answer)
    assert {
        "optoins",
        "set",
        "company.needs",
        "company.need.amount",
        "company.need.currency",
        "company.need.tenor_days",
        "company.trade.hs[1]",
        "company.trade.directions[0]",
        "company.facts.no_such_fact",
        "company.documents[0].type",
        "options.limit",
        "options.lanes[0]",
        "options.as_of",
        "options.language",
    } <= set(found)
    conforms(answer.json(), "ErrorBody")
    assert str(len(found)) in answer.json()["detail"]


def test_a_problem_names_place_value_and_what_is_allowed(client):
    body = {"company": {"trade": {"directions": ["sideways"]}}, "options": {"language": "en"}}
    entry = problems(send(client, json.dumps(body)))["company.trade.directions[0]"]
    assert entry["value"] == "sideways"
    assert entry["allowed"] == ["export", "import", "logistics", "infrastructure"]
    for part in ("company.trade.directions[0]", "sideways", "export", "infrastructure"):
        assert part in entry["message"]


@pytest.mark.parametrize(("language", "word"), [("zh", "不得小于"), ("en", "at least")])
def test_a_problem_is_told_in_the_language_of_the_options(client, language, word):
    body = {"company": {"staff": -1}, "options": {"language": language}}
    other = {"zh": "en", "en": "zh"}[language]
    answer = send(client, json.dumps(body), **{"Accept-Language": other})
    assert word in problems(answer)["company.staff"]["message"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], ""),
        (None, ""),
        ("x", ""),
        ({}, "company"),
        ({"company": None}, "company"),
        ({"company": []}, "company"),
        ({"company": {}, "options": []}, "options"),
        ({"company": {}, "options": "x"}, "options"),
    ],
)
def test_a_body_of_another_form_is_422(client, body, field):
    assert field in problems(send(client, json.dumps(body)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (None, "set"),
        ([], "set"),
        ({"need.amount": -1}, "set.need.amount"),
        ({"no_such_field": 1}, "set.no_such_field"),
        ({"has_eci_policy": "x"}, "set.facts.has_eci_policy"),
        ({"": 1}, "set"),
        ({"need." * 9_000 + "amount": 1}, None),
    ],
)
def test_a_wrong_change_is_placed_in_set(client, changes, field):
    body = {"company": dict(examples.EXPORTER), "set": changes}
    found = problems(send(client, json.dumps(body), "what-if"))
    assert field is None or field in found


def test_a_missing_change_is_named(client):
    assert "set" in problems(send(client, b'{"company": {}}', "what-if"))


def test_long_values_come_back_short(client):
    body = {
        "company": {
            "x" * 500_000: 1,
            "id": "y" * 100_000,
            "need": ["z" * 100_000],
            "staff": {"a": list(range(10_000))},
        }
    }
    answer = send(client, json.dumps(body))
    assert len(problems(answer)) == 4
    assert len(answer.content) < 10_000


def test_many_problems_are_counted_and_the_first_hundred_listed(client):
    body = {"company": {"collateral": [{"type": "?"}] * 300}, "options": {"language": "en"}}
    answer = send(client, json.dumps(body)).json()
    assert len(answer["errors"]) == 100
    assert answer["detail"] == "Problems in the request: 300. The first 100 are listed."


def test_a_flood_of_unknown_fields_is_cut_off(client):
    body = {f"unknown_{number}": 1 for number in range(20_000)} | {"company": {}}
    assert "1,000" in send(client, json.dumps(body)).json()["detail"]


def test_an_unknown_query_is_ignored(client):
    assert client.post("/v1/recommendations?x=1", json={"company": {}}).status_code == 200
