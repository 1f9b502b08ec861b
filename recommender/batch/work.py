"""One partition of a run, from the input to its files: what every process does, wherever it is."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pyarrow as pa

from recommender.batch.inputs import read_part
from recommender.batch.jobs import Job
from recommender.batch.partition import Partition
from recommender.batch.parts import Record, finished, write_part
from recommender.batch.places import place
from recommender.batch.schema import DONE
from recommender.errors import CorridorError, InvalidInput, Problem
from recommender.matching.matcher import Matcher
from recommender.parameters import Parameters


class Failed(InvalidInput):
    """A partition that could not be done, with what the process said."""

    code = "batch_failed"


class Worker:
    """Does partitions of one run; its engine is built once, when the first one is not done yet."""

    def __init__(self, text: str) -> None:
        self._job = Job.parse(text)
        self._source = place(self._job.source, "--in", shared=True)
        self._out = place(self._job.out, "--out", shared=True)
        self._partition: Partition | None = None

    def done(self, parts: pa.RecordBatch) -> pa.RecordBatch:
        """Numbers of partitions (one column) to DONE; what went wrong is told, not raised."""
        rows = [self._told(number) for number in parts.column(0).to_pylist()]
        return pa.RecordBatch.from_pylist(rows, DONE)

    def _told(self, number: int) -> dict[str, Any]:
        try:
            record = json.dumps(self.record(number), sort_keys=True)
            return {"part": number, "record": record, "error": None}
        except CorridorError as error:
            return {"part": number, "record": None, "error": _plain(error)}

    def record(self, number: int) -> Record:
        """Do a partition, unless it is done and whole; its record."""
        job = self._job
        there = finished(self._out, job.run_id, number)
        if there is not None:
            return there
        part = job.parts[number]
        answered = self._ready().answered(read_part(self._source, part))
        return write_part(self._out, number, answered, part.file, job.said)

    def _ready(self) -> Partition:
        if self._partition is None:
            model, identity = self._job.model(), self._job.identity
            matcher = Matcher(model.catalogue, Parameters.load(model.parameters))
            day = datetime.date.fromisoformat(identity["as_of"])
            self._partition = Partition(matcher, model.weights, day, identity["top"])
        return self._partition


_WORKERS: dict[str, Worker] = {}


def worker(text: str) -> Worker:
    """The worker of a run in this process; one run at a time is kept."""
    if text not in _WORKERS:
        made = Worker(text)
        _WORKERS.clear()
        _WORKERS[text] = made
    return _WORKERS[text]


def _plain(error: CorridorError) -> str:
    problems = [
        {"code": p.code, "field": p.field, "value": str(p.value), "allowed": str(p.allowed)}
        for p in getattr(error, "problems", ())
    ]
    params = {name: str(value) for name, value in error.params.items()}
    return json.dumps({"code": error.code, "params": params, "problems": problems})


def record_of(line: dict[str, Any]) -> Record:
    """The record in a row of DONE; raises what stopped the partition."""
    if line["error"] is None:
        record: Record = json.loads(line["record"])
        return record
    told = json.loads(line["error"])
    kinds = {kind.code: kind for kind in _kinds(CorridorError)}
    kind = kinds.get(told["code"], Failed)
    if issubclass(kind, InvalidInput):
        raise kind([Problem(**problem) for problem in told["problems"]])
    raise kind(**told["params"])


def _kinds(kind: type[CorridorError]) -> list[type[CorridorError]]:
    return [kind, *(found for below in kind.__subclasses__() for found in _kinds(below))]
