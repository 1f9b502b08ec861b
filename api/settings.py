"""The settings of the doors: one typed place, filled from flags and CORRIDOR_* variables.

A flag wins over the environment, the environment over the default. Only `Settings.read` looks at
them, so that nothing else depends on where a value came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from recommender.errors import InvalidInput, Problem
from recommender.records import Record, examined

PREFIX = "CORRIDOR_"
MIB = 1 << 20
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class InvalidSettings(InvalidInput):
    """Settings that cannot be used; each problem names its flag or variable."""

    code = "invalid_settings"


class Settings(Record):
    """How the service runs.

    host, port: where it listens; port 0 takes any free one. catalogue: file, folder or version
    that was imported, which wins over the registry; None for what the registry says. parameters:
    folder of dated parameters, None for the packaged ones. models: the registry, which says what
    model and catalogue serve; without one the expert weights and the packaged catalogue do.
    population: folder of packed companies to list prospects from, None for no such operation.
    identity: off answers anybody and keeps nothing, on this machine only. store: URL of the
    database that keeps organisations, companies and runs; unused without identity. seals: file to
    which seals of the audit log are copied; by default seals.jsonl beside an SQLite database, and
    none for PostgreSQL.
    jobs: how many jobs run here at once, 0 for none. job_patience: seconds after which a job whose
    worker was not heard of is run again. cases: folder of cases that a model has to meet before it
    serves; None for those of a checkout. max_upload: bytes of a file that is uploaded.
    max_body: bytes of a request body. max_import: bytes of a file of companies. problems_shown:
    problems listed in one answer (all are counted).
    """

    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    catalogue: Path | None = None
    parameters: Path | None = None
    models: Path = Path("models")
    population: Path | None = None
    identity: Literal["on", "off"] = "on"
    store: Annotated[str, Field(min_length=1, max_length=1000)] = "sqlite:///.corridor/corridor.db"
    jobs: Annotated[int, Field(ge=0, le=64)] = 1
    job_patience: Annotated[float, Field(ge=1, le=3600)] = 15.0
    cases: Path | None = None
    max_upload: Annotated[int, Field(ge=1024, le=1024 * MIB)] = 64 * MIB
    seals: Path | None = None
    max_body: Annotated[int, Field(ge=1024, le=64 * MIB)] = MIB
    max_import: Annotated[int, Field(ge=1024, le=4096 * MIB)] = 512 * MIB
    problems_shown: Annotated[int, Field(ge=1, le=10_000)] = 100

    @property
    def store_folder(self) -> Path:
        """Folder of files that belong to the record: beside an SQLite file, else `.corridor`."""
        kind, _, place = self.store.partition(":///")
        return Path(place).parent if kind.startswith("sqlite") and place else Path(".corridor")

    @classmethod
    def read(cls, environ: Mapping[str, str], **flags: Any) -> Self:
        """Settings from flags (None: not given) and the environment; raises InvalidSettings."""
        variables = {name: f"{PREFIX}{name.upper()}" for name in cls.model_fields}
        found = {name: environ[key] for name, key in variables.items() if environ.get(key)}
        given = {name: value for name, value in flags.items() if value is not None}
        settings, problems = examined(cls, found | given)
        if settings is not None and settings.identity == "off" and settings.host not in LOOPBACK:
            problems.append(Problem("identity_off", "identity", "off", list(LOOPBACK)))
        if problems or settings is None:
            named = {name: f"--{name}" if name in given else key for name, key in variables.items()}
            raise InvalidSettings(_named(problem, named) for problem in problems)
        return settings


def _named(problem: Problem, names: Mapping[str, str]) -> Problem:
    return replace(problem, field=names.get(problem.field, problem.field))
