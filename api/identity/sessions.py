"""Signing in: a password for a token that lasts a working day; failed tries slow the next."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa

from api.identity import passwords, tokens
from api.policy import Caller, Role
from api.refusals import TooManyFailures, WrongPassword
from api.store import users
from api.store.store import Store
from api.store.writer import Write
from recommender.errors import NotFound

LASTS = datetime.timedelta(hours=12)
FREE_TRIES = 4
LONGEST_WAIT = 900


def start(store: Store, login: str, password: str) -> dict[str, Any]:
    """A new token; raises WrongPassword or TooManyFailures.

    After FREE_TRIES failures each further try waits twice as long as the one before it, at most
    a quarter of an hour; the count is kept in the store, so that every replica waits.
    """
    login = login.strip().lower()
    failures, last = store.read(lambda c: users.failures(c, login))
    wait = _wait(failures, last, store.clock())
    if wait > 0:
        raise TooManyFailures(seconds=wait)
    user = _user(store, login)
    if not passwords.verified(password, user.get("password_hash")) or user["disabled_at"]:
        store.write(lambda write: users.failed(write, login))
        raise WrongPassword
    return _issued(store, login, user["id"])


def demo_login(role: Role) -> str:
    """The login of the demo's user of a role."""
    return f"{role}@demo"


def enter(store: Store, login: str) -> dict[str, Any]:
    """A new token for a login without its password, for the demo alone; raises NotFound."""
    return _issued(store, login, store.read(lambda c: users.by_login(c, login))["id"])


def _issued(store: Store, login: str, user_id: str) -> dict[str, Any]:
    token = tokens.made()

    def issue(write: Write) -> datetime.datetime:
        users.succeeded(write, login)
        return users.add_token(write, user_id, tokens.hashed(token), "write", "session", LASTS)

    return {"token": token, "expires_at": store.write(issue).isoformat()}


def _user(store: Store, login: str) -> dict[str, Any]:
    try:
        return dict(store.read(lambda c: users.by_login(c, login)))
    except NotFound:
        return {"password_hash": None, "disabled_at": None}


def _wait(failures: int, last: datetime.datetime | None, now: datetime.datetime) -> int:
    if last is None or failures < FREE_TRIES:
        return 0
    pause = min(2 ** min(failures - FREE_TRIES, 20), LONGEST_WAIT)
    left = pause - (now - last).total_seconds()
    # A failure in the future is one before a clock was set back: nobody waits for it to come.
    return 0 if left > 2 * pause else max(0, round(left + 0.5))


def described(connection: sa.Connection, caller: Caller) -> dict[str, Any]:
    """The caller in words for itself."""
    user = users.by_id(connection, caller.user_id)
    organisation = users.organisation(connection, caller.organisation_id)
    return {
        "user_id": caller.user_id,
        "login": user["login"],
        "name": user["name"],
        "role": caller.role,
        "scope": caller.scope,
        "organisation": {
            "id": caller.organisation_id,
            "kind": organisation["kind"],
            "name_zh": organisation["name_zh"],
            "name_en": organisation["name_en"],
            "synthetic": organisation["synthetic"],
        },
        "branch_id": caller.branch_id,
        "expires_at": caller.expires_at.isoformat(),
    }
