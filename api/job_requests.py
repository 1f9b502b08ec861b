"""Jobs as routes and pages ask for them: begin one, give it files, look at it, follow it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import orjson
from fastapi import Request
from sqlalchemy import Connection

from api.bodies import language_of, placed
from api.identity.caller import caller_of
from api.job_answers import described, named_files, row_of
from api.jobs.kinds import parameters_of
from api.policy import JOBS, Caller, JobKind
from api.refusals import NotAllowed
from api.store import jobs as store_jobs
from api.store.writer import Write
from recommender.errors import CorridorError, NotFound

LOOK_SECONDS, BEAT_SECONDS = 0.5, 10.0
EVENTS = "text/event-stream"


async def begun(
    request: Request,
    kind: JobKind,
    parameters: Mapping[str, Any],
    files: Mapping[str, bytes] | None = None,
) -> str:
    """The id of a new job, which has the files it was given and waits for others.

    Raises NotAllowed, and InvalidInput with every problem of the parameters.
    """
    caller = caller_of(request)
    if caller.role not in JOBS[kind]:
        raise NotAllowed(role=caller.role, operation=kind)
    with placed("parameters"):
        given = parameters_of(kind, parameters).model_dump(mode="json")
    needed = named_files(kind, given)

    def add(write: Write) -> str:
        job_id = store_jobs.add(write, caller, kind, given, waits=bool(needed))
        for name, content in (files or {}).items():
            store_jobs.put_file(write, caller, job_id, name, content, needed)
        return job_id

    job_id: str = await request.app.state.store.writing(add)
    request.app.state.wake()
    return job_id


async def cancelled(request: Request, job_id: str) -> None:
    """End a job before its time; raises NotFound and JobEnded."""
    caller = caller_of(request)
    await request.app.state.store.writing(lambda w: store_jobs.cancel(w, caller, job_id))
    request.app.state.wake()


async def given(
    request: Request, job_id: str, name: str, content: Callable[[], Awaitable[bytes]]
) -> None:
    """Give a waiting job a file; raises NotFound, JobEnded and what reading the content raises."""
    caller, store = caller_of(request), request.app.state.store
    row = await store.reading(lambda c: store_jobs.visible(c, caller, job_id))
    needed = named_files(row["kind"], orjson.loads(row["parameters"]))
    if name not in needed:
        raise NotFound(kind="file", id=name)
    body = await content()
    await store.writing(lambda w: store_jobs.put_file(w, caller, job_id, name, body, needed))
    request.app.state.wake()


async def told(request: Request, job_id: str) -> dict[str, Any]:
    """A job as it stands; raises NotFound."""
    caller, language = caller_of(request), language_of(request)
    row = await request.app.state.store.reading(lambda c: row_of(c, caller, job_id))
    return described(row, language)


async def content_of(request: Request, job_id: str, name: str) -> bytes:
    """A file of a job; raises NotFound."""
    caller = caller_of(request)

    def found(connection: Connection) -> bytes:
        store_jobs.visible(connection, caller, job_id)
        return store_jobs.file(connection, job_id, name)

    content: bytes = await request.app.state.store.reading(found)
    return content


async def followed(
    request: Request, job_id: str, who: Callable[[], Awaitable[Caller]]
) -> AsyncIterator[bytes]:
    """Server-sent events until the job ends, the caller leaves, or its session does.

    who: the caller, looked up again before each look at the job.
    """
    state, language, shown = request.app.state, language_of(request), b""
    store, spoken = state.store, time.monotonic()
    while not (state.stopping or await request.is_disconnected()):
        try:
            caller = await who()
            row = await store.reading(lambda c, caller=caller: row_of(c, caller, job_id))
        except CorridorError:
            return
        event = "end" if row["status"] in store_jobs.ENDS else "progress"
        content = _event(event, described(row, language))
        if content != shown:
            yield content
            shown, spoken = content, time.monotonic()
        elif time.monotonic() - spoken >= BEAT_SECONDS:
            yield b": \n\n"
            spoken = time.monotonic()
        if event == "end":
            return
        await asyncio.sleep(LOOK_SECONDS)


def _event(name: str, data: Mapping[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
