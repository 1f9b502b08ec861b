"""A record with two banks and one user per role in each, and the service on it."""

import contextlib
import datetime
from dataclasses import dataclass

from starlette.testclient import TestClient

from api.app import create_app
from api.identity import tokens
from api.policy import ROLES
from api.settings import Settings
from api.store import maintenance, users
from api.store.store import Store

BANKS = ("bank-a", "bank-b")
BRANCHES = ("north", "south")
LASTS = datetime.timedelta(days=1)


@dataclass
class People:
    """Tokens and user ids by (organisation, role); managers and enterprises sit in `north`."""

    tokens: dict
    ids: dict

    def header(self, role, bank="bank-a"):
        return {"Authorization": f"Bearer {self.tokens[bank, role]}"}


def peopled(store):
    """Two banks with two branches; a user per role in each. No passwords: hashing them is slow."""
    people = People({}, {})
    for bank in BANKS:
        names = {"name_zh": f"示例银行 {bank}", "name_en": f"Example {bank}"}
        row = {"id": bank, "kind": "bank", **names, "synthetic": True}
        store.write(lambda write, row=row: users.add_organisation(write, row))
        for branch in BRANCHES:
            row = {"organisation_id": bank, "id": branch, **names}
            store.write(lambda write, row=row: users.add_branch(write, row))
        for role in ROLES:
            add_user(store, people, bank, role)
    return people


def add_user(store, people, bank, role, name=None, branch="north", scope="write"):
    """One more user with a token; `name` is the key under which it is found."""
    name = name or role
    person = {"organisation_id": bank, "role": role, "login": f"{name}@{bank}", "name": name}
    branch = branch if role in ("manager", "enterprise") else None
    row = {**person, "branch_id": branch, "password_hash": None}
    user_id = store.write(lambda write: users.add_user(write, row))
    token = tokens.made()
    store.write(lambda w: users.add_token(w, user_id, tokens.hashed(token), scope, "test", LASTS))
    people.tokens[bank, name], people.ids[bank, name] = token, user_id
    return user_id


class Service:
    """The application on a record, asked by its people."""

    def __init__(self, client, people, store):
        self.client, self.people, self.store = client, people, store

    def ask(self, method, path, body=None, *, role="manager", bank="bank-a", **headers):
        """An answer to one request of one user."""
        given = {**self.people.header(role, bank), "Accept-Language": "en", **headers}
        return self.client.request(method, path, json=body, headers=given)


@contextlib.contextmanager
def serving(url, **settings):
    """The service on a database with two banks."""
    store = Store(url)
    maintenance.ready(store.database)
    people = peopled(store)
    app = create_app(Settings(store=url, **settings))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Service(client, people, store)
    store.close()
