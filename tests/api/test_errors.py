"""Errors at the door: statuses, form, and nothing from the inside."""

import datetime
import json
import logging
from decimal import Decimal

import pytest
from starlette.testclient import TestClient

from api import errors
from api.app import create_app
from api.security import HEADERS
from recommender import errors as inner
from recommender.texts import LANGUAGES, Label, table


def family(base):
    return {base, *(found for child in base.__subclasses__() for found in family(child))}


@pytest.mark.parametrize("kind", sorted(family(inner.CorridorError), key=lambda k: k.__name__))
def test_every_error_has_a_sentence_in_both_languages(kind):
    assert f"error.{kind.code}" in table()


def test_the_table_of_statuses_goes_from_special_to_general():
    kinds = [kind for kind, _ in errors.STATUSES]
    for place, kind in enumerate(kinds):
        assert not any(issubclass(later, kind) for later in kinds[place + 1 :])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (inner.InvalidProfile([]), 422),
        (inner.InvalidOptions([]), 422),
        (inner.NotFound(kind="product", id="x"), 404),
        (inner.ModelMismatch(), 409),
        (inner.UnreadableFile(file="x", reason="y"), 500),
    ],
)
def test_errors_of_the_engine_have_their_status(error, status):
    for language in LANGUAGES:
        assert errors.problem_body(error, language)["status"] == status


def test_a_failure_tells_nothing_of_its_cause():
    body = errors.problem_body(inner.UnreadableFile(file="/etc/x", reason="secret"), "en")
    assert body["code"] == "internal"
    assert "secret" not in json.dumps(body)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (Decimal("1.5"), 1.5),
        (Decimal("NaN"), "NaN"),
        (float("inf"), "inf"),
        (1 << 80, str(1 << 80)),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        ({1: {2}}, {"1": [2]}),
        (object, "<class 'object'>"),
        (Label("中", "en"), "中"),
    ],
)
def test_any_value_can_be_echoed(value, shown):
    assert errors.echoed(value) == shown


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nope", 404, "no_route"),
        ("GET", "/v1/products/", 404, "no_route"),
        ("GET", "/docs/nope.js", 404, "no_route"),
        ("GET", "/docs/../settings.py", 404, "no_route"),
        ("GET", "/v1/recommendations", 405, "wrong_method"),
        ("DELETE", "/v1/products", 405, "wrong_method"),
        ("PUT", "/v1/products/x", 405, "wrong_method"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_addresses_and_methods_that_do_not_exist(
    client, conforms, method, path, status, code, language
):
    answer = client.request(method, path, headers={"Accept-Language": language})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == errors.MEDIA_TYPE
    assert ("。" in answer.json()["detail"]) == (language == "zh")
    assert (status == 405) == ("Allow" in answer.headers)
    conforms(answer.json(), "ErrorBody")


@pytest.fixture
def failing():
    """The application with one more address, which fails."""
    app = create_app()

    async def fail():
        raise RuntimeError("the password is 1234")

    async def refuse():
        raise inner.ModelMismatch(folder="/srv/models/7")

    app.add_api_route("/fail", fail)
    app.add_api_route("/refuse", refuse)
    with TestClient(app, raise_server_exceptions=False) as session:
        yield session


@pytest.mark.parametrize("path", ["/fail", "/refuse"])
def test_a_failure_is_500_without_internals_and_logged(failing, conforms, caplog, path):
    with caplog.at_level(logging.ERROR):
        answer = failing.get(path, headers={"Accept-Language": "en"})
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    for inside in ("1234", "RuntimeError", "Traceback", "models"):
        assert inside not in answer.text
    assert all(answer.headers.get_list(name) == [value] for name, value in HEADERS.items())
    conforms(answer.json(), "ErrorBody")


@pytest.mark.parametrize("path", ["/healthz", "/v1/facts", "/nope", "/openapi.json", "/docs"])
def test_every_answer_carries_the_headers(client, path):
    answer = client.get(path)
    for name, value in HEADERS.items():
        given = answer.headers.get_list(name)
        assert len(given) == 1
        if (name, path) != ("Content-Security-Policy", "/docs"):
            assert given == [value]
