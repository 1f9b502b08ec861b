"""Jobs: work for another process, asked for by a user and done for one organisation.

A job is claimed by an update that only one replica can win, and everything its worker writes names
that claim: a worker that was given up for dead and comes back can change nothing any more. What a
job made is kept in the transaction that says that it is done.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import sqlalchemy as sa

from api.policy import JOBS, Caller
from api.refusals import JobEnded, JobLost
from api.store.audit import Event
from api.store.references import SYSTEM, reference
from api.store.tables import job_files, jobs
from api.store.writer import Write
from recommender.errors import NotFound

Row = Mapping[Any, Any]
WAITING, QUEUED, RUNNING = "waiting", "queued", "running"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
OPEN, ENDS = (WAITING, QUEUED, RUNNING), (DONE, FAILED, CANCELLED)
ATTEMPTS = 3
at = jobs.c


def seen(caller: Caller) -> sa.ColumnElement[bool]:
    """Which jobs a caller sees: managers their own, others those of the kinds of their role.

    Auditors and admins see every job of their organisation.
    """
    own = at.organisation_id == caller.organisation_id
    if caller.role in ("auditor", "admin"):
        return own
    if caller.role == "manager":
        return own & (at.user_id == caller.user_id)
    return own & at.kind.in_(sorted(kind for kind, roles in JOBS.items() if caller.role in roles))


def visible(connection: sa.Connection, caller: Caller, job_id: str) -> Row:
    """A job; raises NotFound, also for one that is there but not for this caller."""
    query = sa.select(jobs).where(at.id == job_id, seen(caller))
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise NotFound(kind="job", id=job_id)
    return found


def listed(connection: sa.Connection, caller: Caller, most: int) -> list[Row]:
    """The last jobs that a caller sees, newest first."""
    query = sa.select(jobs).where(seen(caller)).order_by(at.created_at.desc(), at.id).limit(most)
    return list(connection.execute(query).mappings())


def counts(connection: sa.Connection) -> dict[str, int]:
    """How many jobs there are by status, none left out."""
    rows = connection.execute(sa.select(at.status, sa.func.count()).group_by(at.status))
    return dict.fromkeys((*OPEN, *ENDS), 0) | {row[0]: row[1] for row in rows}


def add(write: Write, caller: Caller, kind: str, parameters: Row, *, waits: bool) -> str:
    """A new job; its id. waits: for files, before it can be run."""
    job_id = str(uuid.uuid4())
    row = {
        "id": job_id,
        "organisation_id": caller.organisation_id,
        "kind": kind,
        "status": WAITING if waits else QUEUED,
        "parameters": orjson.dumps(dict(parameters), option=orjson.OPT_SORT_KEYS).decode(),
        "progress": 0.0,
        "attempts": 0,
        "cancel": False,
        "user_id": caller.user_id,
        "created_at": write.at,
    }
    write.execute(sa.insert(jobs), row)
    _audit(write, row, "job.asked", caller.user_id)
    return job_id


def put_file(
    write: Write, caller: Caller, job_id: str, name: str, content: bytes, needed: Iterable[str]
) -> None:
    """Give a waiting job a file; the last of those that are needed lets it run.

    Raises NotFound and JobEnded (it does not wait any more).
    """
    job = visible(write.connection, caller, job_id)
    if job["status"] != WAITING:
        raise JobEnded(id=job_id, status=job["status"])
    named = (job_files.c.job_id == job_id, job_files.c.name == name)
    write.execute(sa.delete(job_files).where(*named))
    write.execute(sa.insert(job_files), {"job_id": job_id, "name": name, "content": content})
    if set(needed) <= set(file_sizes(write.connection, job_id)):
        write.execute(sa.update(jobs).where(at.id == job_id).values(status=QUEUED))


def file_sizes(connection: sa.Connection, job_id: str) -> dict[str, int]:
    """Bytes of each file of a job, by name."""
    return sizes_of(connection, [job_id]).get(job_id, {})


def sizes_of(connection: sa.Connection, job_ids: list[str]) -> dict[str, dict[str, int]]:
    """Bytes of each file by name, by job; jobs without any are left out."""
    files = job_files.c
    query = sa.select(files.job_id, files.name, sa.func.length(files.content))
    found: dict[str, dict[str, int]] = {}
    named = query.where(files.job_id.in_(job_ids)).order_by(files.job_id, files.name)
    for job_id, name, size in connection.execute(named):
        found.setdefault(job_id, {})[name] = int(size)
    return found


def file(connection: sa.Connection, job_id: str, name: str) -> bytes:
    """A file of a job; raises NotFound."""
    files = job_files.c
    query = sa.select(files.content).where(files.job_id == job_id, files.name == name)
    found: bytes | None = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound(kind="file", id=name)
    return bytes(found)


def cancel(write: Write, caller: Caller, job_id: str) -> None:
    """End a job that does not run yet, or ask its worker to end; raises NotFound and JobEnded."""
    job = visible(write.connection, caller, job_id)
    if job["status"] in ENDS:
        raise JobEnded(id=job_id, status=job["status"])
    not_begun = {"status": CANCELLED, "ended_at": write.at}
    values = {"cancel": True, **({} if job["status"] == RUNNING else not_begun)}
    same = (at.id == job_id, at.status == job["status"])
    if write.execute(sa.update(jobs).where(*same).values(values)).rowcount != 1:
        raise JobEnded(id=job_id, status=RUNNING)
    _audit(write, job, "job.cancelled", caller.user_id)


def due(connection: sa.Connection, now: datetime.datetime, patience: datetime.timedelta) -> bool:
    """Whether there is a job to claim: queued, or silent for `patience`."""
    query = sa.select(at.id).where((at.status == QUEUED) | _silent(now, patience)).limit(1)
    return connection.execute(query).first() is not None


def _silent(now: datetime.datetime, patience: datetime.timedelta) -> sa.ColumnElement[bool]:
    """Jobs whose worker was not heard of; one heard of in the future, before a clock was set back.

    Clocks of replicas differ by less than the patience.
    """
    unheard = (at.seen_at < now - patience) | (at.seen_at > now + patience)
    return (at.status == RUNNING) & unheard


def claim(write: Write, worker: str, patience: datetime.timedelta) -> Row | None:
    """The next job to run, as it is before, now run by `worker`; None where there is none.

    First those whose worker was not heard of for `patience`: they are run again, or fail when that
    was the last attempt.
    """
    silent = sa.select(jobs).where(_silent(write.at, patience))
    for job in write.execute(silent.order_by(at.created_at, at.id)).mappings().all():
        if _over(write, job) or not _taken(write, job, worker):
            continue
        return dict(job)
    queued = sa.select(jobs).where(at.status == QUEUED).order_by(at.created_at, at.id).limit(8)
    for job in write.execute(queued).mappings().all():
        if _taken(write, job, worker):
            return dict(job)
    return None


def _taken(write: Write, job: Row, worker: str) -> bool:
    same = [at.id == job["id"], at.status == job["status"], at.attempts == job["attempts"]]
    if job["status"] == RUNNING:
        same.append(at.seen_at == job["seen_at"])
    values = {
        "status": RUNNING,
        "worker": worker,
        "attempts": job["attempts"] + 1,
        "started_at": write.at,
        "seen_at": write.at,
        "progress": 0.0,
        "message": None,
    }
    return write.execute(sa.update(jobs).where(*same).values(values)).rowcount == 1


def _over(write: Write, job: Row) -> bool:
    """End a job whose worker is gone where it was to be cancelled, or had its last attempt."""
    if not job["cancel"] and job["attempts"] < ATTEMPTS:
        return False
    held = (at.id == job["id"], at.status == RUNNING, at.worker == job["worker"])
    values = {"status": CANCELLED if job["cancel"] else FAILED, "ended_at": write.at}
    if write.execute(sa.update(jobs).where(*held).values(values)).rowcount == 1:
        _audit(write, job, f"job.{values['status']}", None)
    return True


def lost(write: Write, job_id: str, worker: str) -> None:
    """The worker ended without a word: let the job be run again, or end it."""
    job = held(write.connection, job_id, worker)
    if job is not None and not _over(write, job):
        _back(write, job_id, worker, job["attempts"])


def released(write: Write, runner: str) -> None:
    """A server stops: let its jobs be run again, as if they had not been begun.

    runner: what the names of its workers begin with.
    """
    own = (at.status == RUNNING, at.worker.startswith(f"{runner}."))
    for job in write.execute(sa.select(jobs).where(*own)).mappings().all():
        if not job["cancel"] or not _over(write, job):
            _back(write, job["id"], job["worker"], job["attempts"] - 1)


def _back(write: Write, job_id: str, worker: str, attempts: int) -> None:
    mine = (at.id == job_id, at.status == RUNNING, at.worker == worker)
    values = {"status": QUEUED, "worker": None, "attempts": attempts}
    write.execute(sa.update(jobs).where(*mine).values(values))


def held(connection: sa.Connection, job_id: str, worker: str) -> Row | None:
    """A job that a worker runs; None where it does not run it any more."""
    mine = (at.id == job_id, at.status == RUNNING, at.worker == worker)
    return connection.execute(sa.select(jobs).where(*mine)).mappings().one_or_none()


def beat(write: Write, job_id: str, worker: str, progress: float, message: str | None) -> None:
    """Say that a worker lives and how far it is; raises JobLost."""
    mine = (at.id == job_id, at.status == RUNNING, at.worker == worker)
    values = {"seen_at": write.at, "progress": progress, "message": message}
    if write.execute(sa.update(jobs).where(*mine).values(values)).rowcount != 1:
        raise JobLost(id=job_id)


def end(
    write: Write,
    job_id: str,
    worker: str,
    status: str,
    result: Row | None = None,
    files: Mapping[str, bytes] | None = None,
) -> None:
    """End a job with what came of it; raises JobLost where it is not this worker's any more."""
    job = held(write.connection, job_id, worker)
    mine = [at.id == job_id, at.status == RUNNING, at.worker == worker]
    if status == DONE:
        mine.append(at.cancel.is_(False))
    values = {
        "status": status,
        "ended_at": write.at,
        "seen_at": write.at,
        "message": None,
        "result": None if result is None else orjson.dumps(dict(result)).decode(),
        **({"progress": 1.0} if status == DONE else {}),
    }
    if job is None or write.execute(sa.update(jobs).where(*mine).values(values)).rowcount != 1:
        raise JobLost(id=job_id)
    rows = [{"job_id": job_id, "name": n, "content": c} for n, c in (files or {}).items()]
    if rows:
        made = (job_files.c.job_id == job_id, job_files.c.name.in_(list(files or {})))
        write.execute(sa.delete(job_files).where(*made))
        write.execute(sa.insert(job_files), rows)
    _audit(write, job, f"job.{status}", None)


def _audit(write: Write, job: Row, action: str, actor: str | None) -> None:
    own = job["organisation_id"]
    done_by = SYSTEM if actor is None else reference(write, own, "user", actor)
    write.audit(Event(own, done_by, action, None, {"job": job["id"], "kind": job["kind"]}))


def last_done(connection: sa.Connection, organisation_id: str, kind: str) -> str | None:
    """The job of a kind that was done last; None where there is none."""
    done = (at.organisation_id == organisation_id, at.kind == kind, at.status == DONE)
    query = sa.select(at.id).where(*done).order_by(at.ended_at.desc(), at.id).limit(1)
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def refused(
    write: Write,
    caller: Caller,
    kind: str,
    parameters: Row,
    result: Row,
    files: Mapping[str, bytes],
) -> str:
    """A job that failed as soon as it was asked for; its id. result: its error; files: of it."""
    job_id = add(write, caller, kind, parameters, waits=False)
    told = orjson.dumps(dict(result)).decode()
    ended = {"status": FAILED, "result": told, "started_at": write.at, "ended_at": write.at}
    write.execute(sa.update(jobs).where(at.id == job_id).values(**ended))
    rows = [{"job_id": job_id, "name": n, "content": c} for n, c in files.items()]
    write.execute(sa.insert(job_files), rows)
    _audit(write, {"id": job_id, **_owned(caller, kind)}, "job.failed", None)
    return job_id


def _owned(caller: Caller, kind: str) -> Row:
    return {"organisation_id": caller.organisation_id, "kind": kind}


def last_with(
    connection: sa.Connection, caller: Caller, kind: str, name: str, value: str | None
) -> Row | None:
    """The last job of a kind that was done with a value among its parameters; None without one."""
    query = sa.select(jobs).where(seen(caller), at.kind == kind, at.status == DONE)
    newest = query.order_by(at.ended_at.desc(), at.id)
    rows = connection.execute(newest).mappings()
    return next((row for row in rows if orjson.loads(row["parameters"]).get(name) == value), None)
