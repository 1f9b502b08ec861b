"""Jobs: work that takes longer than a request."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, RootModel

from api.policy import JobKind
from api.schemas.requests import ErrorBody
from recommender.records import Record

Status = Literal["waiting", "queued", "running", "done", "failed", "cancelled"]


class JobRequest(Record):
    """A job to be done."""

    kind: JobKind = Field(description="What is to be done.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="What it is told.")


class JobFile(BaseModel):
    """A file of a job."""

    name: str = Field(description="Name.")
    bytes: int = Field(description="Length.")


class JobAnswer(BaseModel):
    """A job."""

    id: str = Field(description="Id.")
    kind: JobKind = Field(description="What is to be done.")
    status: Status = Field(description="waiting (for files), queued, running, or how it ended.")
    parameters: dict[str, Any] = Field(description="What it was told.")
    missing: list[str] = Field(description="Files it waits for.")
    step: str | None = Field(description="What it is at, in words.")
    progress: float = Field(description="Share of that step that is done, in [0, 1].")
    attempts: int = Field(description="How often it was begun.")
    result: dict[str, Any] | None = Field(description="What came of it.")
    error: ErrorBody | None = Field(description="Why it failed.")
    files: list[JobFile] = Field(description="Files given to it and made by it.")
    asked_by: str = Field(description="Login of who asked for it.")
    created_at: str = Field(description="When it was asked for.")
    started_at: str | None = Field(description="When it was begun last.")
    ended_at: str | None = Field(description="When it ended.")


class JobsAnswer(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobAnswer] = Field(description="At most the last hundred.")


class JobEvents(BaseModel):
    """One event of a stream: `progress` with the job, or `end` with the job as it ended."""

    event: Literal["progress", "end"] = Field(description="Kind.")
    data: JobAnswer = Field(description="The job.")


class JobFileContent(RootModel[str]):
    """The bytes of a file, as they were given or made."""
