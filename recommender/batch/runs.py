"""A run from start to end: begun once, resumed as often as it was stopped, ended with a manifest.

A folder belongs to one run. What its bytes follow from is written first; another input, catalogue,
model, day or engine is refused with the difference. The manifest is written last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from recommender.batch.inputs import read_input
from recommender.batch.jobs import Asked, Job, Model
from recommender.batch.parts import FOLDERS, RECORDS, Record, file_name
from recommender.batch.places import Place, place
from recommender.errors import InvalidInput, Problem, UnreadableFile, Unwritable
from recommender.matching.scoring import canonical_json

STARTED, MANIFEST = "_run.json", "manifest.json"
Told = Callable[[int], None]
Share = Callable[[str, Sequence[int], Told], Iterator[Record]]


class OtherRun(InvalidInput):
    """A folder that holds another run; each problem is one difference. params: out."""

    code = "batch_other_run"


def run(
    source: str,
    out: str,
    model: Model,
    asked: Asked,
    share: Share,
    *,
    shared: bool = False,
    begin: Callable[[int], Told] = lambda _: lambda _: None,
) -> dict[str, Any]:
    """All companies of an input against all products; what the manifest says.

    share: does partitions of a job (JSON text) and gives their records: `local.records` or
    `spark.records`. shared: also storage that the machines of a cluster reach. begin: called with
    the number of partitions; gives what is called with the number done. A run that was stopped goes
    on where it was, and one that is complete is verified.
    """
    places = place(source, "--in", shared=shared), place(out, "--out", shared=shared)
    given = read_input(places[0], asked.partition_rows)
    names = [found.path if found.local else found.name for found in places]
    job = Job.of(model, asked, given, *names)
    with locked(places[1]):
        start(places[1], job)
        told = begin(len(job.parts))
        records = []
        for record in share(job.text(), range(len(job.parts)), told):
            records.append(record)
            told(len(records))
        return end(places[1], job, records)


def start(out: Place, job: Job) -> None:
    """Begin a run in a folder, or take up the one that is there.

    Raises OtherRun, and Unwritable where the folder holds anything else or cannot be written to.
    """
    content = out.read(STARTED)
    if content is not None:
        _check(out, content, job)
        for folder in (".", *FOLDERS, RECORDS):
            out.sweep(folder)
        return
    with out.writing(out.path):
        others = out.names()
    if others:
        raise Unwritable(file=out.path, reason="batch_taken", names=others[:5])
    out.write(canonical_json({"run_id": job.run_id, **job.identity}).encode(), STARTED)


def _check(out: Place, content: bytes, job: Job) -> None:
    try:
        there = json.loads(content)
        found = {name: there[name] for name in ("run_id", *job.identity)}
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(file=out.below(STARTED), reason="batch_record") from error
    if found["run_id"] == job.run_id:
        return
    raise OtherRun(
        [
            Problem("batch_differs", name, _short(value), _short(found[name]))
            for name, value in job.identity.items()
            if value != found[name]
        ],
        out=out.name,
    )


def _short(value: Any) -> Any:
    """Files of an input by name, rows and the beginning of their hash."""
    if isinstance(value, list):
        return [f"{one['file']} ({one['rows']}, {one['sha256'][:12]})" for one in value]
    return value


@contextmanager
def locked(out: Place) -> Iterator[None]:
    """One run at a time in a folder of this machine, where the system can lock files.

    Raises Unwritable.
    """
    if not out.local:
        yield
        return
    try:
        import fcntl
    except ImportError:
        yield
        return
    with out.writing(out.path):
        out.fs.create_dir(out.path, recursive=True)
        handle = open(out.below(".lock"), "wb")  # noqa: PTH123, SIM115 - held open on purpose
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Unwritable(file=out.path, reason="batch_running") from error
        yield


def end(out: Place, job: Job, records: Iterable[Record]) -> dict[str, Any]:
    """Write the manifest, once every partition is done; what it says.

    Raises Unwritable where files that were written cannot be seen from here: each machine of a
    cluster then wrote to a disk of its own.
    """
    expected = {file_name(part.number) for part in job.parts}
    for folder in FOLDERS:
        unseen = sorted(expected - set(out.names(folder)))
        if unseen:
            raise Unwritable(file=out.below(folder), reason="batch_unseen", names=unseen[:5])
    found = summary(job, sorted(records, key=lambda record: int(record["part"])))
    out.write(canonical_json(found).encode(), MANIFEST)
    return found


def summary(job: Job, records: Iterable[Record]) -> dict[str, Any]:
    """What a run did, in numbers; nothing of who did it and how long it took."""
    told = list(records)
    counts: dict[str, dict[str, int]] = {}
    reasons: dict[str, int] = {}
    for record in told:
        _add(reasons, record["reasons"])
        for lane, by_fit in record["counts"].items():
            _add(counts.setdefault(lane, {}), by_fit)
    totals = {name: sum(r[name] for r in told) for name in ("companies", "rejected", "rows")}
    return {
        "run_id": job.run_id,
        **job.identity,
        **totals,
        "counts": counts,
        "reasons": reasons,
        "partitions": [{"part": r["part"], "sha256": r["sha256"]} for r in told],
    }


def _add(totals: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        totals[name] = totals.get(name, 0) + count
