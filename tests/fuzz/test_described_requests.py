"""Requests made from the OpenAPI document, valid and not, as every role: no failure, no surprise.

A real server is asked. Every answer has a status that the document names for the operation, and a
body that its schema describes to the last field. Ids are those of things that are there as often
as made-up ones, so that more is met than 404.
"""

import contextlib
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cache

import jsonschema
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from running import COMPANY, OPTIONS, Service, running

from api.policy import ROLES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own use of other libraries
    import schemathesis
    from schemathesis.generation import GenerationMode

SEED = 20261124
# Calls of each operation and kind of request; what is slow or cheap alike.
FORMS = [
    pytest.param(4, id="short"),
    pytest.param(120, id="long", marks=pytest.mark.soak),
]
CALLERS = (*ROLES, None)
PROBLEM = "application/problem+json"
DESTROYED = {"erase_company", "merge_companies"}
# Its token ends: whoever asks next would be nobody.
LAST = "end_session"


@dataclass
class Target:
    """A running service, the document it publishes, and things that are there."""

    service: Service
    document: dict
    operations: dict
    known: dict

    def validator(self, reference):
        return _validator(self, reference)


@cache
def _validator(target, reference):
    components = closed(target.document["components"])
    schema = {"$ref": reference, "components": components}
    return jsonschema.Draft202012Validator(schema)


Target.__hash__ = object.__hash__


def closed(schema):
    """A schema that also refuses fields it does not describe."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if "properties" in found and "anyOf" not in found:
        found.setdefault("additionalProperties", False)
    return found


# PostgreSQL refuses more: texts with a zero byte, numbers that are too large for a column.
@pytest.fixture(
    scope="module",
    params=["postgresql", pytest.param("sqlite", marks=pytest.mark.soak)],
)
def target(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    url = f"sqlite:///{folder / 'record' / 'corridor.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").made()
    with running(url, folder, CORRIDOR_JOBS="0") as service:
        known = _known(service)
        document = service.ask("GET", "/openapi.json").json
        schema = schemathesis.openapi.from_dict(document)
        found = [result.ok() for result in schema.get_all_operations()]
        operations = {one.definition.raw["operationId"]: one for one in found}
        yield Target(service, document, operations, known)
        assert "Traceback" not in service.log, service.log[-5000:]
        assert service.stop() == 0


def _known(service):
    """A thing of each kind that an address can name."""
    said = {"profile": COMPANY, "consents": {"matching": {"note": "A-1"}}}
    for name in ("c-1", "c-2", "c-gone"):
        assert service.ask("PUT", f"/v1/companies/{name}", said).status == 201
    run = service.ask("POST", "/v1/recommendations", {"company_id": "c-1", "options": OPTIONS})
    product = run.json["lanes"][0]["matches"][0]["product_id"]
    asked = {"company_id": "c-1", "product_id": product}
    application = service.ask("POST", "/v1/applications", asked)
    assert application.status == 201, application.body
    review = service.ask("POST", "/v1/companies/c-1/reviews", {"question": "why?"})
    reason = {"product_id": product, "decision": "recommend", "reason": "because"}
    override = service.ask("POST", "/v1/companies/c-1/overrides", reason)
    job = service.ask("POST", "/v1/jobs", {"kind": "population"}, role="admin")
    service.ask("POST", f"/v1/jobs/{job.json['id']}/cancel", role="admin")
    return {
        "company_id": "c-1",
        "product_id": product,
        "run_id": run.headers["run-id"],
        "application_id": application.json["id"],
        "review_id": review.json["id"],
        "override_id": override.json["id"],
        "job_id": job.json["id"],
        "purpose": "contact",
        "version": "packaged",
        "name": "outcomes.csv",
    }


def names(document):
    return [e["operationId"] for methods in document["paths"].values() for e in methods.values()]


def cases(target, name):
    """Valid and invalid requests, on things that are there and on others."""
    operation = target.operations[name]
    places = [p["name"] for p in operation.definition.raw["parameters"] if p["in"] == "path"]
    known = {place: target.known[place] for place in places}
    if name in DESTROYED:
        known["company_id"] = "c-gone"
    given_ids = {"path_parameters": known} if places else {}
    valid, wrong = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    kinds = [operation.as_strategy(generation_mode=valid, **given_ids)]
    negatable = operation.definition.raw.get("requestBody") or [
        p for p in operation.definition.raw["parameters"] if p["in"] != "path" or not known
    ]
    if negatable:
        kinds.append(operation.as_strategy(generation_mode=wrong, **given_ids))
    if places:
        kinds.append(operation.as_strategy(generation_mode=valid))
    return kinds


def called(target, session, case, role, bank="bank-a"):
    headers = {} if role is None else target.service.people.header(role, bank)
    address = f"http://127.0.0.1:{target.service.port}"
    return case.call(base_url=address, headers=headers, session=session, timeout=60)


def judged(target, name, answer):
    """Raise where an answer is not one that the document describes."""
    entry = target.operations[name].definition.raw["responses"]
    asked = f"{answer.request.method} {answer.request.url} {answer.request.body!r:.2000}"
    said = f"{asked}\n{answer.status_code} {answer.content[:2000]!r}"
    # There is no population, and that is said; nothing else may be missing.
    lacks = name == "prospects" and answer.status_code == 503
    assert answer.status_code < 500 or (lacks and answer.json()["code"] == "not_ready"), said
    assert str(answer.status_code) in entry, said
    content = entry[str(answer.status_code)].get("content")
    if content is None:
        assert answer.content == b"", said
        return
    media_type = answer.headers["content-type"][0].partition(";")[0]
    assert media_type in content, said
    if media_type not in ("application/json", PROBLEM):
        return
    validator = target.validator(content[media_type]["schema"]["$ref"])
    wrong = [f"{e.json_path}: {e.message[:300]}" for e in validator.iter_errors(answer.json())]
    assert wrong == [], said


def asked(target, session, name, strategy, count, number):
    """Statuses of the answers to as many requests, and what is wrong with any, once each."""
    seen, wrong = Counter(), {}

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @seed(SEED + number)
    @given(case=strategy, role=st.sampled_from(CALLERS))
    def ask(case, role):
        answer = called(target, session, case, role)
        seen[name, answer.status_code] += 1
        try:
            judged(target, name, answer)
        except AssertionError as error:
            wrong.setdefault((name, answer.status_code), str(error))

    with contextlib.suppress(Unsatisfiable):  # what is free text alone cannot be wrong
        ask()
    return seen, wrong


@pytest.mark.parametrize("count", FORMS)
def test_every_answer_is_described_and_none_is_a_failure(target, count):
    seen, wrong = Counter(), {}
    with requests.Session() as session:
        for number, name in enumerate(names(target.document)):
            if name == LAST:
                continue
            for kind, strategy in enumerate(cases(target, name)):
                more, found = asked(target, session, name, strategy, count, 10 * number + kind)
                seen += more
                wrong |= found
    assert not wrong, "\n\n".join(f"{place}: {said}" for place, said in sorted(wrong.items()))
    assert seen.total() >= (500 if count == 4 else 20_000)
    # Much of what was asked was answered, and every way to refuse was met.
    assert len({name for name, status in seen if status < 300}) > 30
    assert {status for _, status in seen} >= {200, 201, 400, 401, 403, 404, 409, 422}


def test_an_undescribed_answer_would_be_noticed(target):
    """The judge is no rubber stamp: it refuses a status, a field and a type that are not there."""

    class Given:
        class request:  # noqa: N801 - as the answers of requests have it
            method, url, body = "GET", "/v1/me", None

        status_code, headers = 200, {"content-type": ["application/json"]}
        content = b"{}"

        @staticmethod
        def json():
            return {}

    for change in ({}, {"status_code": 418}, {"headers": {"content-type": ["text/html"]}}):
        one = type("One", (Given,), change)()
        with pytest.raises(AssertionError):
            judged(target, "me", one)


def test_signing_out_is_answered_as_described(target):
    entry = target.operations["end_session"].definition.raw["responses"]
    answer = target.service.ask("DELETE", "/v1/sessions", role="analyst", bank="bank-b")
    assert str(answer.status) in entry
    assert answer.status == 204
    assert target.service.ask("GET", "/v1/me", role="analyst", bank="bank-b").status == 401
