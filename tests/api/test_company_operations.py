"""The three operations on a profile, through the real application."""

import uuid

import pytest

from api import examples

OPERATIONS = ("recommendations", "eligibility", "what-if")
MORE = ({}, {"include_ineligible": True}, {"personalised": False})
ANSWERS = {
    "recommendations": "RecommendationAnswer",
    "eligibility": "EligibilityAnswer",
    "what-if": "WhatIfAnswer",
}


def ask(client, operation, body, **headers):
    if operation == "what-if":
        body = {"set": dict(examples.CHANGES), **body}
    return client.post(f"/v1/{operation}", json=body, headers=headers)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("company", [{}, examples.SMALL, examples.EXPORTER], ids=len)
@pytest.mark.parametrize("more", MORE, ids=str)
def test_answers_are_as_described(client, conforms, operation, company, language, more):
    options = {"as_of": "2026-11-23", "language": language, **more}
    answer = ask(client, operation, {"company": dict(company), "options": options})
    assert answer.status_code == 200, answer.text
    conforms(answer.json(), ANSWERS[operation])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_same_request_gets_the_same_bytes_and_another_run(client, request_body, operation):
    first, second = (ask(client, operation, request_body) for _ in range(2))
    assert first.content == second.content
    assert first.headers["Run-Id"] != second.headers["Run-Id"]
    assert str(uuid.UUID(first.headers["Run-Id"])) == first.headers["Run-Id"]
    assert first.headers["Run-Id"] not in first.text


def test_the_options_may_be_left_out_or_null(client):
    for body in ({"company": {}}, {"company": {}, "options": None}, {"company": {}, "options": {}}):
        assert ask(client, "recommendations", body).status_code == 200


@pytest.mark.parametrize(
    ("option", "header", "spoken"),
    [
        (None, None, "zh"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "zh-TW;q=0.3, en;q=0.2", "zh"),
        (None, "fr", "zh"),
        ("en", "zh", "en"),
        ("zh", "en", "zh"),
    ],
)
def test_the_option_decides_the_language_then_the_header(client, option, header, spoken):
    body = {"company": {}, "options": {"language": option}}
    headers = {} if header is None else {"Accept-Language": header}
    answer = ask(client, "recommendations", body, **headers).json()
    assert answer["language"] == spoken
    texts = "".join(answer["notices"])
    assert ("，" in texts) == (spoken == "zh")


def test_lanes_and_limit_are_kept(client, request_body):
    request_body["options"] |= {"lanes": ["hedge", "financing"], "limit": 2}
    lanes = ask(client, "recommendations", request_body).json()["lanes"]
    assert {lane["lane"] for lane in lanes} == {"hedge", "financing"}
    assert max(len(lane["matches"]) for lane in lanes) == 2


def test_eligibility_answers_every_rule_of_every_product(client):
    products = client.get("/v1/products").json()["products"]
    answer = ask(client, "eligibility", {"company": {}}).json()
    assert [p["product_id"] for p in answer["products"]] == [p["id"] for p in products]
    assert [len(p["rules"]) for p in answer["products"]] == [len(p["rules"]) for p in products]


def test_what_if_shows_what_moved(client, request_body):
    request_body["set"] = {"need.amount": 900_000}
    answer = ask(client, "what-if", request_body).json()
    assert answer["before"]["derived"]["need"] == 2_000_000
    assert answer["after"]["derived"]["need"] == 900_000
    assert answer["moved"]
    assert ask(client, "what-if", {**request_body, "set": {}}).json()["moved"] == []


def test_a_rate_given_with_the_request_is_used(client, request_body):
    request_body["options"]["rates"] = {"USD": {"rate": 7, "date": "2026-11-20"}}
    answer = ask(client, "recommendations", request_body).json()
    assert answer["derived"]["cny"]["collateral[0].value"] == 1_750_000


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_contradiction_is_told_with_its_place_and_beside_everything_else(client, operation):
    company = {"trade": {"stage": "post_shipment"}, "facts": {"goods_shipped": False}}
    answer = ask(client, operation, {"company": company, "options": {"limit": 0}})
    assert answer.status_code == 422
    places = {problem["field"] for problem in answer.json()["errors"]}
    assert places == {"company.facts.goods_shipped", "options.limit"}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_of_the_wrong_kind_is_told_and_does_no_harm(client, operation):
    company = {"facts": {"buyer_overdue_days": "abc", "lc_expiry": "2026-02-30"}}
    answer = ask(client, operation, {"company": company})
    assert answer.status_code == 422
    places = {problem["field"] for problem in answer.json()["errors"]}
    assert places == {"company.facts.buyer_overdue_days", "company.facts.lc_expiry"}
