"""What the document says of applications, outcomes, overrides and reviews is true to the models."""

import jsonschema
import pytest
from applied import conforms
from record import serving

from api.descriptions import applications, outcomes, overrides, reviews
from api.errors import status_of
from recommender import Engine

OWN = [o for part in (applications, outcomes, overrides, reviews) for o in part.OPERATIONS]
IDS = [operation.id for operation in OWN]


@pytest.fixture(scope="module")
def engine():
    from applied import CATALOGUE

    return Engine(CATALOGUE)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    with serving(f"sqlite:///{tmp_path_factory.mktemp('record') / 'corridor.db'}") as service:
        paths = {}
        for language in ("en", "zh"):
            headers = {"Accept-Language": language}
            found = service.client.get("/openapi.json", headers=headers).json()
            for path, methods in found["paths"].items():
                for entry in methods.values():
                    paths.setdefault(entry["operationId"], []).append((path, entry))
        paths["schemas"] = found["components"]["schemas"]
        yield paths


@pytest.mark.parametrize("operation", OWN, ids=IDS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_examples_are_what_the_models_say(engine, operation, language):
    if operation.answer is not None:
        conforms(operation.example(engine, language), operation.answer)
    if operation.asked is not None:
        conforms(operation.asked(language), operation.request)
        operation.request.model_validate(operation.asked(language))


@pytest.mark.parametrize("operation", OWN, ids=IDS)
def test_every_operation_is_published_with_its_parameters_and_refusals(published, operation):
    (path, english), (_, chinese) = published[operation.id]
    named = {p["name"] for p in english["parameters"] if p["in"] == "path"}
    assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    assert english["summary"] != chinese["summary"]
    statuses = {str(status_of(error)) for error in operation.errors}
    told = statuses | {str(status) for status in (operation.status, *operation.also)}
    assert told | {"401", "403", "503"} <= set(english["responses"])
    # Whatever comes with a parameter, a key or a company is described for all operations alike.
    assert set(english["responses"]) - told <= {"401", "403", "404", "409", "410", "422", "503"}


def test_every_schema_is_one(published):
    for schema in published["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
