"""Jobs: what runs, what waits, what came of it, and progress as it happens."""

from __future__ import annotations

import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from api import job_requests
from api.bodies import language_of
from api.identity.caller import caller_of
from api.job_answers import described, rows_of
from api.policy import JOBS
from api.refusals import JobEnded
from api.store import jobs as store_jobs
from api.web import access, pages
from api.web.forms import received
from recommender.texts import text

MOST = 100
# The steps of a job by its kind, in their order; texts/record_jobs.yaml has them in words.
STEPS = {
    "catalogue": ("reading",),
    "train": ("matching", "fitting", "evaluating"),
    "evaluate": ("matching", "evaluating"),
    "promote": ("checking",),
    "population": ("packing",),
    "plans": ("planning",),
}
router = APIRouter(include_in_schema=False)
Json = dict[str, Any]


@router.get("/jobs", dependencies=[access.needs("jobs")])
async def jobs(request: Request) -> Response:
    """The newest jobs."""
    caller, language = caller_of(request), language_of(request)
    rows = await request.app.state.store.reading(lambda c: rows_of(c, caller, MOST))
    found = [described(row, language) for row in rows]
    return await pages.shown(request, "analyst/jobs.html", jobs=found, most=MOST)


@router.get("/jobs/{job_id}", dependencies=[access.needs("job")])
async def job(request: Request, job_id: str) -> Response:
    """One job, with its steps while it runs and its result afterwards."""
    return await _page(request, job_id)


@router.post("/jobs/{job_id}/cancel", dependencies=[access.needs("cancel_job")])
async def cancel(request: Request, job_id: str) -> Response:
    """End a job; one that has ended meanwhile is shown as it ended."""
    await received(request)
    try:
        await job_requests.cancelled(request, job_id)
    except JobEnded:
        return await _page(request, job_id, 409)
    return RedirectResponse(f"/jobs/{job_id}", 303)


@router.get("/jobs/{job_id}/files/{name}", dependencies=[access.needs("job_file")])
async def file(request: Request, job_id: str, name: str) -> Response:
    """A file of a job, to keep."""
    content = await job_requests.content_of(request, job_id, name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type="application/octet-stream")


@router.get("/jobs/{job_id}/events", dependencies=[access.needs("job_events")])
async def events(request: Request, job_id: str) -> Response:
    """Progress as server-sent events, while the session lasts."""
    await job_requests.told(request, job_id)
    callers = request.app.state.callers
    stream = job_requests.followed(request, job_id, lambda: callers.of(access.token(request)))
    return StreamingResponse(stream, media_type=job_requests.EVENTS)


async def _page(request: Request, job_id: str, status: int = 200) -> Response:
    caller, language = caller_of(request), language_of(request)
    rows = await request.app.state.store.reading(lambda c: rows_of(c, caller, MOST))
    found = await job_requests.told(request, job_id)
    steps = [text(f"jobs.step.{name}", language) for name in STEPS[found["kind"]]]
    at = steps.index(found["step"]) if found["step"] in steps else -1
    open_ = found["status"] in store_jobs.OPEN
    context = {
        "job": found,
        "steps": steps,
        "at": at,
        "open": open_,
        "usual": _usual(found["kind"], job_id, rows),
        "may": caller.role in JOBS[found["kind"]] and caller.scope == "write" and open_,
        "may_again": caller.role in JOBS[found["kind"]] and caller.scope == "write",
        "seconds": _seconds(found["started_at"], found["ended_at"]),
    }
    return await pages.shown(request, "analyst/job.html", status, **context)


def _usual(kind: str, job_id: str, rows: list[Any]) -> int | None:
    """Seconds that the last job of a kind took; None where none was done."""
    done = (r for r in rows if r["kind"] == kind and r["status"] == store_jobs.DONE)
    last = next((r for r in done if r["id"] != job_id), None)
    return None if last is None else int((last["ended_at"] - last["started_at"]).total_seconds())


def _seconds(began: str | None, ended: str | None) -> int | None:
    """How long a job ran, or has run until now."""
    if began is None:
        return None
    until = datetime.datetime.now(datetime.UTC)
    if ended is not None:
        until = datetime.datetime.fromisoformat(ended)
    return max(int((until - datetime.datetime.fromisoformat(began)).total_seconds()), 0)
