"""The process of one job: `python -m api.jobs.worker`, started and attended by `runner`.

The first line of its standard input says what it is to do. The end of that input says that the
server is gone: the process ends at once, and the job is run again by whoever finds it silent.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import orjson

from api.jobs.kinds import KINDS
from api.jobs.work import Made, Meter, Work, told_of
from api.operation import logs
from api.refusals import AlreadyThere, JobLost
from api.settings import Settings
from api.store import jobs
from api.store.store import Store
from api.store.writer import Write
from recommender.errors import CorridorError
from recommender.records import examined

NICE = 10  # where processors are short, jobs wait for answers
BEATS = 5
LONGEST_BEAT = 1.0
LOST = 1
logger = logging.getLogger("corridor.jobs")


def main() -> int:
    """Do the job that standard input names; 0 when it was ended one way or the other."""
    given = orjson.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_server, daemon=True).start()
    os.nice(NICE)
    settings = Settings.model_validate(given["settings"])
    logs.set_up(settings)
    store = Store(settings.store)
    try:
        return _done(settings, store, given["job_id"], given["worker"], Path(given["folder"]))
    except JobLost:
        return LOST
    finally:
        store.close()


def _done(settings: Settings, store: Store, job_id: str, worker: str, folder: Path) -> int:
    job = store.read(lambda c: jobs.held(c, job_id, worker))
    if job is None:
        raise JobLost(id=job_id)
    meter = Meter()
    beating = threading.Thread(target=_beat, args=(settings, store, job_id, worker, meter))
    beating.daemon = True
    beating.start()
    kind = KINDS[job["kind"]]
    form, _ = examined(kind.form, orjson.loads(job["parameters"]))
    own = (job_id, job["organisation_id"], job["user_id"])
    try:
        made = _called(kind.target, Work(settings, store, *own, form, folder, meter))
        _kept(store, job_id, worker, made)
    except JobLost:
        raise
    except Exception as error:
        known = error if isinstance(error, CorridorError) else CorridorError()
        if known is not error:
            logger.exception("job %s", job_id)
        told = {"error": told_of(known, settings)}
        store.write(lambda w: jobs.end(w, job_id, worker, jobs.FAILED, told))
    return 0


def _called(target: str, work: Work) -> Made:
    module, _, function = target.partition(":")
    made: Made = getattr(import_module(module), function)(work)
    return made


def _kept(store: Store, job_id: str, worker: str, made: Made) -> None:
    """End the job and keep what it made, both or neither."""

    def work(write: Write) -> None:
        jobs.end(write, job_id, worker, jobs.DONE, made.result, made.files)
        made.keep(write)

    try:
        store.write(work)
    except AlreadyThere:  # another job kept the same version since this one looked
        store.write(work)


def _beat(settings: Settings, store: Store, job_id: str, worker: str, meter: Meter) -> None:
    """Tell how far the job is, as long as it is this worker's."""
    pause = min(LONGEST_BEAT, settings.job_patience / BEATS)

    def work(write: Write) -> None:
        jobs.beat(write, job_id, worker, meter.share, meter.step)

    while True:
        try:
            store.write(work)
        except JobLost:
            os._exit(LOST)
        except CorridorError as error:
            logger.warning("job %s: %s", job_id, error)
        time.sleep(pause)


def _end_with_server() -> NoReturn:
    # Not the buffered reader: its lock would be held when the interpreter ends.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(LOST)


if __name__ == "__main__":
    sys.exit(main())
