"""The catalogue, the questions, the notice and the health of the service."""

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import Settings


def test_products_and_facts_come_in_the_asked_language(client):
    for part, key in (("products", "summary"), ("facts", "label")):
        zh, en = (
            client.get(f"/v1/{part}", headers={"Accept-Language": language}).json()[part]
            for language in ("zh", "en")
        )
        assert [row["id"] for row in zh] == [row["id"] for row in en]
        assert all(a[key] != b[key] for a, b in zip(zh, en, strict=True))


def test_every_listed_product_can_be_asked_for(client, conforms):
    for product in client.get("/v1/products").json()["products"]:
        found = client.get(f"/v1/products/{product['id']}")
        assert found.json() == product
        conforms(found.json(), "ProductAnswer")


def test_a_product_that_does_not_exist_is_not_found(client, conforms):
    answer = client.get("/v1/products/no-such", headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no product with the id no-such."
    conforms(answer.json(), "ErrorBody")


def test_health_and_readiness(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.yaml", None, "file: "),
        ("empty.yaml", "products: []", "catalogue: "),
    ],
)
def test_without_a_catalogue_it_runs_and_says_what_is_missing(tmp_path, name, content, said):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    app = create_app(Settings(identity="off", catalogue=path))
    with TestClient(app, headers={"Accept-Language": "en"}) as client:
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["missing"][0].startswith(said)
        answer = client.post("/v1/recommendations", json={"company": {}})
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["code"] == "not_ready"
        assert client.get("/openapi.json").status_code == 200
