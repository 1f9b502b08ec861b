"""What the routes of the record read besides bodies: keys of writes, queries and ids in paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from api.errors import InvalidRequest
from api.identity.caller import caller_of
from api.store import idempotency
from api.store.idempotency import Claim, Work
from recommender.errors import NotFound, Problem

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


async def created(
    request: Request,
    asked: Any,
    work: Work,
    more: Callable[[Mapping[str, Any]], Mapping[str, str]] = lambda _: {},
) -> Response:
    """201 with what a write made; under an Idempotency-Key it is made once.

    asked: the request as a record or as plain values, which a repeated call has to equal. more:
    further headers, from the answer. The header Idempotent-Replayed marks an answer that was given
    before.
    """
    store, claim = request.app.state.store, claim_of(request, asked)
    kept = await idempotency.kept(store, claim, work)
    again = {"Idempotent-Replayed": "true"} if kept.again else {}
    headers = {**more(orjson.loads(kept.answer)), **again}
    return Response(kept.answer, kept.status, headers, media_type="application/json")


def claim_of(request: Request, asked: Any) -> Claim | None:
    """The key of a request, None without one; raises InvalidRequest for one that is none."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise InvalidRequest([Problem("not_a_key", HEADER, key[:200])])
    operation = str(request.scope["route"].operation_id)
    plain = asked.model_dump(mode="json") if isinstance(asked, BaseModel) else asked
    hashed = idempotency.request_hash(operation, request.url.path, plain)
    return Claim(caller_of(request).user_id, key, operation, hashed)


def id_in(request: Request, kind: str) -> str:
    """The id of a thing of a kind in the address; NotFound for what can be no id."""
    given = str(request.path_params[f"{kind}_id"])
    if not _ID.fullmatch(given):
        raise NotFound(kind=kind, id=given)
    return given
