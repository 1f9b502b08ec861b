"""Partitions shared among the machines of a Spark cluster, through mapInArrow.

Spark carries numbers of partitions, and runs each again where an executor is lost; companies are
read, and files written, by the executors themselves, exactly as the processes of one machine do.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from recommender.batch.parts import Record
from recommender.batch.work import record_of
from recommender.errors import CorridorError

ANYWHERE = "local[*]"
WORK = "work"  # where a cluster on one machine keeps what its executors print
COLUMNS = "part long, record string, error string"
LOOK = 0.2
SUBMITTED = "PYSPARK_GATEWAY_PORT"  # set where spark-submit started this process
_RAISED = re.compile(r"^[\w.]*(?:Error|Exception): .+", re.MULTILINE)


class NoSpark(CorridorError):
    """Spark that is not there or cannot start. params: reason."""

    code = "batch_no_spark"


class SparkFailed(CorridorError):
    """A job that Spark gave up; what is finished is kept. params: reason."""

    code = "batch_spark_failed"


@contextmanager
def session(master: str | None = None) -> Iterator[Any]:
    """A Spark session; one that is there is used and left. Raises NoSpark.

    master: as Spark names it; by default that of the environment, else this machine alone.
    """
    try:
        with _quiet():
            from pyspark.sql import SparkSession
    except ImportError as error:
        raise NoSpark(reason="spark_extra") from error
    there = SparkSession.getActiveSession()
    if there is not None:
        yield there
        return
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise NoSpark(reason="no_java")
    with _environment():
        try:
            with _quiet():
                spark = _configured(SparkSession.builder, master).getOrCreate()
        except Exception as error:
            raise NoSpark(reason=_reason(error)) from error
        spark.sparkContext.setLogLevel("ERROR")
        try:
            yield spark
        finally:
            spark.stop()


@lru_cache(maxsize=1)
def _lent(home: Path) -> TemporaryDirectory[str]:
    """Spark's own folder by links, in one that is gone when this process ends.

    A cluster on this machine writes below the folder of Spark, wherever that stands.
    """
    lent = TemporaryDirectory(prefix="corridor-spark-", ignore_cleanup_errors=True)
    for part in home.iterdir():
        if part.name != WORK:
            (Path(lent.name) / part.name).symlink_to(part)
    return lent


@contextmanager
def _environment() -> Iterator[None]:
    """What Spark looks for in the environment, where nobody has said it.

    The Java that the first session of a process starts serves those after it too, a cluster's
    among them, so that every session is lent a folder.
    """
    import pyspark

    home = Path(pyspark.__file__).parent
    wanted = {
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_HOME": _lent(home).name,
    }
    ours = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Spark says of a newer pandas, which is not used here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _configured(builder: Any, master: str | None) -> Any:
    """A builder with what nobody else decides; spark-submit and its files win over the rest."""
    submitted = SUBMITTED in os.environ and not master
    name = "" if submitted else master or ANYWHERE
    own = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    if name.startswith("local"):
        here = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        own["spark.executorEnv.PYTHONPATH"] = os.pathsep.join(filter(None, here))
        own |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    builder = builder.appName("corridor batch")
    builder = builder.master(name) if name else builder
    for key, value in own.items():
        builder = builder.config(key, value)
    return builder


def records(
    job: str, parts: Sequence[int], spark: Any, told: Callable[[int], None] = lambda _: None
) -> Iterator[Record]:
    """Do partitions of a job (JSON text) on a cluster; the records when all are done.

    told: called with the number done, now and then. Raises SparkFailed, or what stopped a
    partition.
    """
    if not parts:
        return
    numbers, carried = list(parts), spark.sparkContext.broadcast(job)

    def mapped(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        from recommender.batch.work import worker

        for batch in batches:
            wanted = pa.array([numbers[i] for i in batch.column(0).to_pylist()], pa.int64())
            yield worker(carried.value).done(pa.RecordBatch.from_arrays([wanted], ["part"]))

    with _quiet():
        frame = spark.range(0, len(numbers), 1, len(numbers)).mapInArrow(mapped, COLUMNS)
    for line in _collected(spark, frame, told):
        yield record_of(line.asDict())


def _collected(spark: Any, frame: Any, told: Callable[[int], None]) -> list[Any]:
    """The rows of a frame, with a look at how far it is every now and then."""
    found: list[Any] = []
    raised: list[Exception] = []

    def collect() -> None:
        try:
            found.extend(frame.collect())
        except Exception as error:  # noqa: BLE001 - raised again below, in the thread that asked
            raised.append(error)

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(LOOK)
        told(_completed(spark.sparkContext.statusTracker()))
    if raised:
        raise SparkFailed(reason=_reason(raised[0])) from raised[0]
    return found


def _completed(tracker: Any) -> int:
    stages = (tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds())
    return sum(stage.numCompletedTasks for stage in stages if stage is not None)


def _reason(error: Exception) -> str:
    """What went wrong in one line: what Python says in the executor, else the first line."""
    said = _RAISED.search(str(error))
    return (said[0] if said else next(iter(str(error).splitlines()), type(error).__name__))[:300]
