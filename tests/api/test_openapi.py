"""The published description: complete, true, and with examples that work."""

import jsonschema
import pytest

from api.openapi import OPERATIONS

IDS = [operation.id for operation in OPERATIONS]


def operations(document):
    return {
        entry["operationId"]: (method, path, entry)
        for path, methods in document["paths"].items()
        for method, entry in methods.items()
    }


@pytest.fixture(scope="module")
def described(document):
    return operations(document)


def send(client, described, name, body=None):
    method, path, entry = described[name]
    for parameter in entry["parameters"]:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
    return client.request(method, path, json=body, headers={"Accept-Language": "en"})


def test_it_names_every_operation_of_the_contract(document):
    found = operations(document).values()
    assert {f"{method.upper()} {path}" for method, path, _ in found} == {
        "POST /v1/recommendations",
        "POST /v1/eligibility",
        "POST /v1/what-if",
        "POST /v1/plans",
        "GET /v1/products",
        "GET /v1/products/{product_id}",
        "GET /v1/facts",
        "GET /v1/notice",
        "GET /healthz",
        "GET /readyz",
    }


def test_every_schema_is_one(document):
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(document):
    def references(node):
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"].rpartition("/")[2]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    assert set(references(document)) <= set(document["components"]["schemas"])


@pytest.mark.parametrize("name", IDS)
def test_every_operation_has_examples_of_every_answer(described, conforms, name):
    for status, response in described[name][2]["responses"].items():
        for media_type, content in response["content"].items():
            assert media_type == (
                "application/problem+json"
                if status >= "400" and name != "ready"
                else "application/json"
            )
            conforms(content["example"], content["schema"]["$ref"].rpartition("/")[2])


@pytest.mark.parametrize("name", IDS)
def test_the_example_request_gets_an_answer_as_described(client, described, conforms, name):
    entry = described[name][2]
    asked = entry.get("requestBody", {}).get("content", {}).get("application/json")
    if asked is not None:
        conforms(asked["example"], asked["schema"]["$ref"].rpartition("/")[2])
    answer = send(client, described, name, asked and asked["example"])
    assert answer.status_code == 200
    shown = entry["responses"]["200"]["content"]["application/json"]
    conforms(answer.json(), shown["schema"]["$ref"].rpartition("/")[2])
    # Two examples are shortened; that of plans is a file, with a test of its own.
    if name not in ("products", "facts", "plans"):
        assert answer.json() == shown["example"]


def test_a_posted_operation_needs_a_body_and_names_its_run(described):
    for name in ("recommend", "eligibility", "what_if", "plans"):
        entry = described[name][2]
        assert entry["requestBody"]["required"]
        assert "Run-Id" in entry["responses"]["200"]["headers"]


def test_it_speaks_both_languages(client, document):
    chinese = client.get("/openapi.json", headers={"Accept-Language": "zh-CN"}).json()
    for name, (_, _, entry) in operations(chinese).items():
        assert entry["summary"] != operations(document)[name][2]["summary"]
    example = chinese["paths"]["/v1/recommendations"]["post"]["responses"]["200"]
    assert example["content"]["application/json"]["example"]["language"] == "zh"
