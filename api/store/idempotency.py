"""Writes with a key: a call that is repeated gets the first answer again, and writes nothing.

Keys belong to one user. The row of a key is inserted before the work, so that a second call that
comes at the same time, on this replica or another, waits for the first and then finds its answer.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from api.refusals import KeyReused
from api.store.store import Store
from api.store.tables import idempotency_keys
from api.store.writer import Write
from recommender.errors import NotFound

KEPT = datetime.timedelta(hours=48)
Work = Callable[[Write], dict[str, Any]]


class Claim(NamedTuple):
    """A key with the request it stands for. request_hash: see `request_hash`."""

    user_id: str
    key: str
    operation: str
    request_hash: str


class Kept(NamedTuple):
    """An answer, as text. again: it was given before."""

    status: int
    answer: str
    again: bool


def request_hash(operation: str, place: str, asked: Any) -> str:
    """What tells one request from another: operation, address and plain values."""
    whole = orjson.dumps([operation, place, asked], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(whole).hexdigest()


async def kept(store: Store, claim: Claim | None, work: Work, status: int = 201) -> Kept:
    """Do the work once for a key; without a claim each time. Raises KeyReused and what it does.

    A refused call leaves its key unused.
    """
    try:
        return await store.writing(lambda write: once(write, claim, work, status))
    except IntegrityError:
        # Another replica took the key between our look and our insert; its answer is there now.
        if claim is None or await store.reading(lambda c: _found(c, claim)) is None:
            raise
        return await store.writing(lambda write: once(write, claim, work, status))


def once(write: Write, claim: Claim | None, work: Work, status: int = 201) -> Kept:
    """The answer kept under a key, or that of the work, kept with it."""
    if claim is None:
        return Kept(status, orjson.dumps(work(write)).decode(), again=False)
    found = _found(write.connection, claim)
    if found is not None:
        if found["request_hash"] != claim.request_hash:
            raise KeyReused(key=claim.key)
        return Kept(found["status"], found["answer"], again=True)
    _forget_old(write, claim.user_id)
    row = {**claim._asdict(), "status": status, "answer": "", "at": write.at}
    write.execute(sa.insert(idempotency_keys), row)
    answer = orjson.dumps(work(write)).decode()
    own = _owned(claim.user_id, claim.key)
    write.execute(sa.update(idempotency_keys).where(*own).values(answer=answer))
    return Kept(status, answer, again=False)


def answer_of(connection: sa.Connection, user_id: str, key: str) -> dict[str, Any]:
    """What was answered under a key of a user, while it is kept; raises NotFound."""
    query = sa.select(idempotency_keys.c.answer).where(*_owned(user_id, key))
    found = connection.execute(query).scalar_one_or_none()
    if not found:
        raise NotFound(kind="report", id=key)
    answer: dict[str, Any] = orjson.loads(found)
    return answer


def _found(connection: sa.Connection, claim: Claim) -> Any:
    query = sa.select(idempotency_keys).where(*_owned(claim.user_id, claim.key))
    return connection.execute(query).mappings().one_or_none()


def _owned(user_id: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return idempotency_keys.c.user_id == user_id, idempotency_keys.c.key == key


def _forget_old(write: Write, user_id: str) -> None:
    keys = idempotency_keys.c
    old = sa.and_(keys.user_id == user_id, keys.at < write.at - KEPT)
    write.execute(sa.delete(idempotency_keys).where(old))
