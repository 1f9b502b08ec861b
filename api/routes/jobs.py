"""Operations on jobs: ask, watch, cancel, and the files that go in and come out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from api import job_requests
from api.bodies import file_of, language_of, record_of, written
from api.identity.caller import bearer, caller_of
from api.job_answers import described, rows_of
from api.schemas.jobs import JobRequest
from api.store import jobs as store_jobs

MOST = 100
router = APIRouter()


@router.post("/v1/jobs", operation_id="start_job", status_code=201)
async def start(request: Request) -> Response:
    """Ask for a job."""
    asked = await record_of(request, JobRequest)
    job_id = await job_requests.begun(request, asked.kind, asked.parameters)
    return written(await job_requests.told(request, job_id), 201)


@router.get("/v1/jobs", operation_id="jobs")
async def jobs(request: Request) -> Response:
    """The jobs that the caller sees."""
    caller, language = caller_of(request), language_of(request)
    found = await request.app.state.store.reading(lambda c: rows_of(c, caller, MOST))
    return written({"jobs": [described(row, language) for row in found]})


@router.get("/v1/jobs/{job_id}", operation_id="job")
async def job(request: Request, job_id: str) -> Response:
    """One job."""
    return written(await job_requests.told(request, job_id))


@router.post("/v1/jobs/{job_id}/cancel", operation_id="cancel_job")
async def cancel(request: Request, job_id: str) -> Response:
    """End a job before its time."""
    await job_requests.cancelled(request, job_id)
    return written(await job_requests.told(request, job_id))


@router.put("/v1/jobs/{job_id}/files/{name}", operation_id="put_job_file")
async def put_file(request: Request, job_id: str, name: str) -> Response:
    """Give a job a file it waits for."""
    await job_requests.given(request, job_id, name, lambda: file_of(request, name))
    return written(await job_requests.told(request, job_id))


@router.get("/v1/jobs/{job_id}/files/{name}", operation_id="job_file")
async def get_file(request: Request, job_id: str, name: str) -> Response:
    """A file of a job."""
    content = await job_requests.content_of(request, job_id, name)
    # Whatever was uploaded is a file to keep, never a page of this service.
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type="application/octet-stream")


@router.get("/v1/jobs/{job_id}/events", operation_id="job_events")
async def events(request: Request, job_id: str) -> Response:
    """The progress of a job as server-sent events; each connection begins with how it stands."""
    caller = caller_of(request)
    await request.app.state.store.reading(lambda c: store_jobs.visible(c, caller, job_id))
    state = request.app.state
    stream = job_requests.followed(request, job_id, lambda: state.callers.of(bearer(request)))
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(stream, headers=headers, media_type=job_requests.EVENTS)
