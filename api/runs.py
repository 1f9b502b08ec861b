"""Answers are kept as runs before they are given: the one place where that happens."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request
from sqlalchemy.exc import DBAPIError
from starlette.responses import Response

from api.bodies import Stated
from api.identity.caller import caller_of
from api.store import runs
from api.store.database import StoreUnavailable
from api.store.store import Store
from recommender.texts import label

JSON = "application/json"


async def given(
    request: Request,
    operation: str,
    stated: Stated,
    body: bytes,
    head: Mapping[str, Any] | None = None,
) -> Response:
    """An answer with its run id in the header `Run-Id`, kept under it where there is identity.

    body: the answer as it goes out; head: the part of it that names the versions, read from it
    where it is not given. Raises StoreUnavailable when it could not be kept, Erased, NotFound.
    """
    run_id = await kept(request, operation, stated, body, head)
    return Response(body, headers={"Run-Id": run_id}, media_type=JSON)


async def kept(
    request: Request,
    operation: str,
    stated: Stated,
    body: bytes,
    head: Mapping[str, Any] | None = None,
) -> str:
    """The id of a run that is kept from now on, or of one that nobody keeps without identity."""
    run_id = str(uuid.uuid4())
    if request.app.state.settings.identity == "off":
        return run_id
    said = orjson.loads(body) if head is None else head
    run = runs.Run(
        run_id,
        operation,
        orjson.dumps(stated.request).decode(),
        body.decode(),
        {name: said.get(name) for name in (*runs.VERSIONS, "population_version")},
        stated.company_id,
        stated.company_version,
        stated.product_id,
    )
    store, caller = request.app.state.store, caller_of(request)
    await _written(store, lambda write: runs.keep(write, caller, run))
    return run_id


async def _written(store: Store, work: Any) -> None:
    """Written for certain: an answer that cannot be kept is not given, whatever the reason."""
    try:
        await store.writing(work)
    except DBAPIError as error:
        raise StoreUnavailable(reason=label("api.store.refused")) from error
