"""Partitions shared among processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

import pyarrow as pa

from recommender.batch.parts import Record
from recommender.batch.work import record_of, worker
from recommender.errors import CorridorError


class WorkerDied(CorridorError):
    """A process of the run was ended from outside; what is finished is kept."""

    code = "batch_worker_died"


def records(job: str, parts: Sequence[int], workers: int = 1) -> Iterator[Record]:
    """Do partitions of a job (JSON text), and give each record as soon as it is there.

    workers: processes; with one, it is this one. A script that asks for two needs the usual guard
    around its main part. Raises WorkerDied, or what stopped a partition.
    """
    if workers < 2 or len(parts) < 2:
        yield from (_record(job, number) for number in parts)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(parts)), context, _begin, (job,))
    try:
        waiting = [pool.submit(_done, number) for number in parts]
        for future in as_completed(waiting):
            yield record_of(future.result().to_pylist()[0])
    except BrokenProcessPool as error:
        raise WorkerDied from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _record(job: str, number: int) -> Record:
    return record_of(worker(job).done(_batch(number)).to_pylist()[0])


def _batch(number: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([number], pa.int64())], ["part"])


_JOB: list[str] = []


def _begin(job: str) -> None:
    """What a process begins with; it ends when the one that started it does."""
    _JOB[:] = [job]
    parent = multiprocessing.parent_process()
    if parent is not None:
        watch = threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True)
        watch.start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _done(number: int) -> pa.RecordBatch:
    return worker(_JOB[0]).done(_batch(number))
