"""The operations on jobs."""

from __future__ import annotations

from typing import Any

from api.descriptions.operation import REFUSALS, Operation, Parameter
from api.refusals import JobEnded
from api.schemas.jobs import JobAnswer, JobEvents, JobFileContent, JobRequest, JobsAnswer
from recommender import Engine
from recommender.errors import NotFound
from recommender.texts import Language

ID = "0f7c6a52-3f0e-4c1d-9a54-1c2b3d4e5f60"
JOB = Parameter("job_id", "path", ID, required=True)
FILE = Parameter("name", "path", "outcomes.csv", required=True)
NO_JOB = NotFound(kind="job", id=ID)
ENDED = JobEnded(id=ID, status="done")


def _job(_engine: Engine, language: Language) -> Any:
    return {
        "id": ID,
        "kind": "train",
        "status": "running",
        "parameters": {"outcomes": "outcomes.csv"},
        "missing": [],
        "step": "学习权重" if language == "zh" else "learning the weights",
        "progress": 0.4,
        "attempts": 1,
        "result": None,
        "error": None,
        "files": [{"name": "outcomes.csv", "bytes": 48_211}],
        "asked_by": "analyst@example.com",
        "created_at": "2026-11-24T01:00:00+00:00",
        "started_at": "2026-11-24T01:00:01+00:00",
        "ended_at": None,
    }


def _jobs(engine: Engine, language: Language) -> Any:
    return {"jobs": [_job(engine, language)]}


def _events(engine: Engine, language: Language) -> Any:
    return {"event": "progress", "data": _job(engine, language)}


def _asked(_language: Language) -> Any:
    return {"kind": "train", "parameters": {"outcomes": "outcomes.csv"}}


OPERATIONS = (
    Operation("start_job", "jobs", JobAnswer, _job, JobRequest, REFUSALS, _asked, status=201),
    Operation("jobs", "jobs", JobsAnswer, _jobs),
    Operation("job", "jobs", JobAnswer, _job, errors=(NO_JOB,), parameters=(JOB,)),
    Operation(
        "job_events",
        "jobs",
        JobEvents,
        _events,
        errors=(NO_JOB,),
        parameters=(JOB,),
        media_type="text/event-stream",
    ),
    Operation("cancel_job", "jobs", JobAnswer, _job, errors=(NO_JOB, ENDED), parameters=(JOB,)),
    Operation(
        "put_job_file",
        "jobs",
        JobAnswer,
        _job,
        errors=(REFUSALS[1], NO_JOB, ENDED),
        parameters=(JOB, FILE),
    ),
    Operation(
        "job_file",
        "jobs",
        JobFileContent,
        lambda _e, _l: "…",
        errors=(NO_JOB,),
        parameters=(JOB, FILE),
        media_type="application/octet-stream",
    ),
)
