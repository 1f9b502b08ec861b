"""Jobs as answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson
import sqlalchemy as sa

from api.jobs.kinds import KINDS
from api.jobs.work import body_of
from api.policy import Caller, JobKind
from api.refusals import JobAbandoned
from api.store import jobs
from api.store.registry import logins
from recommender.texts import Language, text

Json = dict[str, Any]
TIMES = ("created_at", "started_at", "ended_at")


def row_of(connection: sa.Connection, caller: Caller, job_id: str) -> Json:
    """A job with its files and who asked for it; raises NotFound."""
    return _joined(connection, caller, [jobs.visible(connection, caller, job_id)])[0]


def rows_of(connection: sa.Connection, caller: Caller, most: int) -> list[Json]:
    """The last jobs that a caller sees, with their files and who asked for them."""
    return _joined(connection, caller, jobs.listed(connection, caller, most))


def _joined(connection: sa.Connection, caller: Caller, rows: Sequence[jobs.Row]) -> list[Json]:
    names = logins(connection, caller.organisation_id)
    sizes = jobs.sizes_of(connection, [row["id"] for row in rows])
    return [
        {**row, "sizes": sizes.get(row["id"], {}), "asked_by": names[row["user_id"]]}
        for row in rows
    ]


def named_files(kind: str, parameters: Mapping[str, Any]) -> list[str]:
    """Names of the files that a job with these parameters waits for."""
    named = (parameters.get(name) for name in KINDS[cast("JobKind", kind)].files)
    return [name for name in named if name is not None]


def described(row: Mapping[str, Any], language: Language) -> Json:
    """A job as the answer has it."""
    parameters, sizes = orjson.loads(row["parameters"]), row["sizes"]
    needed = named_files(row["kind"], parameters)
    waits = row["status"] == jobs.WAITING
    result = None if row["result"] is None else orjson.loads(row["result"])
    step = row["message"]
    return {
        "id": row["id"],
        "kind": row["kind"],
        "status": row["status"],
        "parameters": parameters,
        "missing": [name for name in needed if name not in sizes] if waits else [],
        "step": None if step is None else text(f"jobs.step.{step}", language),
        "progress": round(row["progress"], 3),
        "attempts": row["attempts"],
        "result": result if row["status"] == jobs.DONE else None,
        "error": _error(row, result, language),
        "files": [{"name": name, "bytes": size} for name, size in sizes.items()],
        "asked_by": row["asked_by"],
        **{name: None if row[name] is None else row[name].isoformat() for name in TIMES},
    }


def _error(row: Mapping[str, Any], result: Json | None, language: Language) -> Json | None:
    if row["status"] != jobs.FAILED:
        return None
    if result is None:
        return body_of(JobAbandoned(attempts=row["attempts"]), language)
    found: Json = result["error"][language]
    return found
