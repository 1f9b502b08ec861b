"""Operations on jobs: ask, watch, cancel, and the files that go in and come out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from api.bodies import file_of, language_of, placed, record_of, written
from api.identity.caller import bearer, caller_of
from api.job_answers import described, named_files, row_of, rows_of
from api.jobs.kinds import parameters_of
from api.policy import JOBS
from api.refusals import NotAllowed
from api.schemas.jobs import JobRequest
from api.store import jobs as store_jobs
from recommender.errors import CorridorError, NotFound

MOST = 100
LOOK_SECONDS, BEAT_SECONDS = 0.5, 10.0
router = APIRouter()


@router.post("/v1/jobs", operation_id="start_job", status_code=201)
async def start(request: Request) -> Response:
    """Ask for a job."""
    caller, asked = caller_of(request), await record_of(request, JobRequest)
    if caller.role not in JOBS[asked.kind]:
        raise NotAllowed(role=caller.role, operation=asked.kind)
    with placed("parameters"):
        given = parameters_of(asked.kind, asked.parameters).model_dump(mode="json")
    waits = bool(named_files(asked.kind, given))
    job_id = await request.app.state.store.writing(
        lambda write: store_jobs.add(write, caller, asked.kind, given, waits=waits)
    )
    return await _told(request, job_id, 201)


@router.get("/v1/jobs", operation_id="jobs")
async def jobs(request: Request) -> Response:
    """The jobs that the caller sees."""
    caller, language = caller_of(request), language_of(request)
    found = await request.app.state.store.reading(lambda c: rows_of(c, caller, MOST))
    return written({"jobs": [described(row, language) for row in found]})


@router.get("/v1/jobs/{job_id}", operation_id="job")
async def job(request: Request, job_id: str) -> Response:
    """One job."""
    return await _told(request, job_id)


@router.post("/v1/jobs/{job_id}/cancel", operation_id="cancel_job")
async def cancel(request: Request, job_id: str) -> Response:
    """End a job before its time."""
    caller = caller_of(request)
    await request.app.state.store.writing(lambda w: store_jobs.cancel(w, caller, job_id))
    return await _told(request, job_id)


@router.put("/v1/jobs/{job_id}/files/{name}", operation_id="put_job_file")
async def put_file(request: Request, job_id: str, name: str) -> Response:
    """Give a job a file it waits for."""
    caller, store = caller_of(request), request.app.state.store
    row = await store.reading(lambda c: store_jobs.visible(c, caller, job_id))
    needed = named_files(row["kind"], orjson.loads(row["parameters"]))
    if name not in needed:
        raise NotFound(kind="file", id=name)
    body = await file_of(request, name)
    await store.writing(lambda w: store_jobs.put_file(w, caller, job_id, name, body, needed))
    return await _told(request, job_id)


@router.get("/v1/jobs/{job_id}/files/{name}", operation_id="job_file")
async def get_file(request: Request, job_id: str, name: str) -> Response:
    """A file of a job."""
    caller = caller_of(request)

    def found(connection: Any) -> bytes:
        store_jobs.visible(connection, caller, job_id)
        return store_jobs.file(connection, job_id, name)

    content = await request.app.state.store.reading(found)
    # Whatever was uploaded is a file to keep, never a page of this service.
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type="application/octet-stream")


@router.get("/v1/jobs/{job_id}/events", operation_id="job_events")
async def events(request: Request, job_id: str) -> Response:
    """The progress of a job as server-sent events; each connection begins with how it stands."""
    caller = caller_of(request)
    await request.app.state.store.reading(lambda c: store_jobs.visible(c, caller, job_id))
    headers = {"Cache-Control": "no-store"}
    stream = _stream(request, job_id)
    return StreamingResponse(stream, headers=headers, media_type="text/event-stream")


async def _stream(request: Request, job_id: str) -> AsyncIterator[bytes]:
    """Events until the job ends, the caller leaves, or its token does."""
    state, language, shown = request.app.state, language_of(request), b""
    spoken = time.monotonic()
    while not (state.stopping or await request.is_disconnected()):
        try:
            caller = await state.callers.of(bearer(request))
            row = await state.store.reading(lambda c, who=caller: row_of(c, who, job_id))
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


async def _told(request: Request, job_id: str, status: int = 200) -> Response:
    """The job as it stands; whatever changed may let the runner begin something."""
    request.app.state.wake()
    caller, language = caller_of(request), language_of(request)
    row = await request.app.state.store.reading(lambda c: row_of(c, caller, job_id))
    return written(described(row, language), status)
