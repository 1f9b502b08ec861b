"""Who is let pass: a good token, a role that may, a scope that is enough."""

import pytest
from record import add_user, serving

from api.policy import POLICY, PUBLIC, ROLES
from api.store import users


@pytest.fixture
def service(database_url):
    with serving(database_url) as found:
        yield found


def test_without_a_token_nothing_but_the_front_door_is_open(service):
    assert service.client.get("/healthz").status_code == 200
    assert service.client.get("/readyz").status_code == 200
    answer = service.client.get("/v1/products")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("given", ["Bearer", "Bearer cm_forged", "Basic bTp4", "cm_forged"])
def test_a_token_that_is_none_is_refused(service, given):
    answer = service.client.get("/v1/products", headers={"Authorization": given})
    assert answer.status_code == 401


@pytest.mark.parametrize("role", ROLES)
def test_everybody_learns_who_they_are(service, role):
    found = service.ask("GET", "/v1/me", role=role).json()
    assert (found["role"], found["organisation"]["id"]) == (role, "bank-a")


def test_a_disabled_user_is_turned_away(service):
    user_id = add_user(service.store, service.people, "bank-a", "manager", "leaver")
    service.store.write(lambda write: users.disable(write, user_id))
    assert service.ask("GET", "/v1/me", role="leaver").status_code == 401


def test_signing_out_ends_the_token(service):
    assert service.ask("DELETE", "/v1/sessions").status_code == 204
    assert service.ask("GET", "/v1/me").status_code == 401


def test_every_operation_is_in_the_table(service):
    named = {route.operation_id for route in service.client.app.state.operations}
    assert named <= set(POLICY) | PUBLIC
