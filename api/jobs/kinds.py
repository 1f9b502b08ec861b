"""The kinds of jobs: what each is told, and the function that does it, named by string."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from api.policy import JobKind
from recommender.errors import InvalidInput, Problem
from recommender.records import Record, examined

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
FileName = Annotated[str, Field(pattern=NAME)]
Version = Annotated[str, Field(min_length=1, max_length=64)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]
Days = Annotated[float, Field(gt=0, le=36_500)]


class CatalogueJob(Record):
    """A catalogue to check and keep. file: YAML, JSON or XLSX."""

    file: FileName


class Learning(Record):
    """How outcomes are read.

    outcomes, companies: files that are uploaded for the job; without them the outcomes of the
    record, of the companies that agreed to learning.
    """

    outcomes: FileName | None = None
    companies: FileName | None = None
    use_refusals: bool = False
    without_withdrawn: bool = False
    half_life: Days | None = None


class TrainJob(Learning):
    """A model to learn. init: the model to start from; None for the expert weights."""

    init: Version | None = None


class EvaluateJob(Learning):
    """A model to measure beside the one that serves."""

    model: Version


class PromoteJob(Record):
    """A model to check and promote. outcomes: to compare it on with the one that serves."""

    model: Version
    reason: Reason
    despite: bool = False
    outcomes: FileName | None = None
    companies: FileName | None = None


class PopulationJob(Record):
    """A population to build from the companies that consented to matching."""


class PlansJob(Record):
    """Plans for every company of the caller's branch. options: those of one plan."""

    options: dict[str, Any] = Field(default_factory=dict)


class Kind(NamedTuple):
    """A kind of job. files: parameters that name files the job waits for."""

    form: type[Record]
    target: str
    files: tuple[str, ...] = ()


KINDS: Mapping[JobKind, Kind] = {
    "catalogue": Kind(CatalogueJob, "api.jobs.catalogues:keep", ("file",)),
    "train": Kind(TrainJob, "api.jobs.training:train", ("outcomes", "companies")),
    "evaluate": Kind(EvaluateJob, "api.jobs.training:evaluate", ("outcomes", "companies")),
    "promote": Kind(PromoteJob, "api.jobs.promotion:promote", ("outcomes", "companies")),
    "population": Kind(PopulationJob, "api.jobs.populations:build"),
    "plans": Kind(PlansJob, "api.jobs.plans:plan"),
}


def parameters_of(kind: JobKind, raw: Mapping[str, Any]) -> Record:
    """The parameters of a job; raises InvalidInput with every problem at once."""
    form, problems = examined(KINDS[kind].form, dict(raw))
    names = [] if form is None else files_of(kind, form)
    problems += [Problem("job_file_twice", n, n) for n in {*names} if names.count(n) > 1]
    if problems or form is None:
        raise InvalidInput(problems)
    return form


def files_of(kind: JobKind, form: Record) -> list[str]:
    """Names of the files that a job waits for."""
    named = (getattr(form, name) for name in KINDS[kind].files)
    return [name for name in named if name is not None]
