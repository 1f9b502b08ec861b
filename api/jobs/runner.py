"""Runs the jobs of the store in processes of their own, so many at once, and attends to them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import os
import shutil
import signal
import sys
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from api.settings import Settings
from api.store import jobs
from api.store.store import Store
from api.store.writer import Write
from recommender.errors import CorridorError

LOOK_SECONDS = 1.0
WORKER = "api.jobs.worker"
logger = logging.getLogger("corridor.jobs")


class Runner:
    """The jobs of one server. To be used from one event loop."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._patience = datetime.timedelta(seconds=settings.job_patience)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._workers: dict[str, str] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._woken = asyncio.Event()
        self._stopping = False
        self._id, self._count = uuid.uuid4().hex, 0

    def wake(self) -> None:
        """Look at once: there may be something to do."""
        self._woken.set()

    async def run(self) -> None:
        """Look for jobs until cancelled; a database that does not answer is asked again."""
        fails = False
        while True:
            try:
                await self._look()
                fails = False
            except CorridorError as error:
                if not fails:  # told once, not every second until it is back
                    logger.error("jobs cannot be looked for: %s", error)
                fails = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_SECONDS)
            self._woken.clear()

    async def stop(self) -> None:
        """End every process; its job is run again as if it had not been begun."""
        self._stopping = True
        for job_id in list(self._processes):
            self._kill(job_id)
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        if self._count:
            await self._tell(partial(jobs.released, runner=self._id))

    async def _look(self) -> None:
        for job_id, worker in list(self._workers.items()):
            job = await self._store.reading(partial(jobs.held, job_id=job_id, worker=worker))
            if job is None or job["cancel"]:
                self._kill(job_id)
        while len(self._running) < self._settings.jobs and await self._begun():
            pass

    async def _begun(self) -> bool:
        """Begin the next job; whether there was one."""
        wanted = partial(jobs.due, now=self._store.clock(), patience=self._patience)
        if not await self._store.reading(wanted):
            return False
        self._count += 1
        worker = f"{self._id}.{self._count}"
        claim = partial(jobs.claim, worker=worker, patience=self._patience)
        job = await self._store.writing(claim)
        if job is None:
            return False
        self._workers[job["id"]] = worker
        task = asyncio.create_task(self._attend(job, worker))
        self._running[job["id"]] = task
        task.add_done_callback(lambda _: self._ended(job["id"]))
        return True

    def _ended(self, job_id: str) -> None:
        self._running.pop(job_id, None)
        self._workers.pop(job_id, None)
        self.wake()

    def _kill(self, job_id: str) -> None:
        """End a process with all that it started."""
        process = self._processes.get(job_id)
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    async def _attend(self, job: Mapping[Any, Any], worker: str) -> None:
        """Run one job to its end, whatever that is, and clear up after it."""
        job_id, place = job["id"], work_folder(self._settings)
        try:
            if job["worker"] is not None:  # of a server that was killed
                shutil.rmtree(place / job["worker"], ignore_errors=True)
            (place / worker).mkdir(parents=True, mode=0o700)
            await self._process(job_id, worker, place / worker)
        except OSError:
            logger.exception("job %s cannot be started", job_id)
        finally:
            shutil.rmtree(place / worker, ignore_errors=True)
            if not self._stopping:
                await self._tell(partial(jobs.lost, job_id=job_id, worker=worker))

    async def _tell(self, work: Callable[[Write], None]) -> None:
        try:
            await self._store.writing(work)
        except CorridorError as error:
            logger.error("jobs are left to who finds them silent: %s", error)

    async def _process(self, job_id: str, worker: str, folder: Path) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", WORKER,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        self._processes[job_id] = process
        settings = self._settings.model_dump(mode="json")
        told = {"job_id": job_id, "worker": worker, "folder": str(folder), "settings": settings}
        try:
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    process.stdin.write(orjson.dumps(told) + b"\n")
                    await process.stdin.drain()
            if self._stopping:
                self._kill(job_id)
            await process.wait()
        finally:
            self._kill(job_id)
            del self._processes[job_id]
            if process.stdin is not None:
                process.stdin.close()


def work_folder(settings: Settings) -> Path:
    """Where jobs of this server have their folders while they run."""
    return settings.store_folder / "jobs"
