"""Making and changing a population: build, update, remove, compact; all or nothing.

What is new is written beside what is there, and one rename lets it count. A process that is killed
leaves files that no manifest names, or a hidden folder; the next change or build clears them away.
"""

from __future__ import annotations

import csv
import datetime
import fcntl
import glob
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from recommender import __about__
from recommender.engine import Engine
from recommender.errors import InvalidInput, Problem, Unwritable
from recommender.population.batches import Packed, Rejected, batches, packed
from recommender.population.column_files import BlockWriter
from recommender.population.company_files import Read
from recommender.population.lookups import made_ready
from recommender.population.patterns import pieces_of
from recommender.population.population import (
    FORMAT,
    MANIFEST,
    SEGMENTS,
    Population,
    Segment,
    manifest_text,
    named_rows,
    versions_of,
)
from recommender.population.segment_writer import SEGMENT, SegmentWriter, Taken, next_names
from recommender.texts import LANGUAGES, brief, problem_text
from recommender.workbooks import csv_cell

LOCK = ".lock"
REPORT = "rejected.csv"
REPORT_HEAD = ("row", "id", "code", "field", "value", "message_zh", "message_en")
KEPT_PROBLEMS = 1_000


class NothingPacked(InvalidInput):
    """A file without a single company that can be read; the first problems are named."""

    code = "nothing_packed"


@dataclass
class Summary:
    """What was done. rejected: rows; problems: of them, as many as are kept for an error."""

    rows: int = 0
    packed: int = 0
    synthetic: int = 0
    rejected: int = 0
    replaced: int = 0
    removed: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class How:
    """How rows are worked on.

    told: called with the rows done. workers, parameters: of `recommender.population.batches`.
    segment: companies in one segment. report: a file for what is rejected, instead of
    `rejected.csv` in the population.
    """

    told: Callable[[int], None] = lambda _: None
    workers: int = 1
    parameters: Path | None = None
    segment: int = SEGMENT
    report: Path | None = None


def build(
    engine: Engine,
    rows: Iterable[Read],
    out: Path,
    as_of: datetime.date,
    how: How | None = None,
) -> Summary:
    """Pack companies into a new folder; it appears whole under its name, or not at all.

    Raises Unwritable where something stands already or cannot be written, and NothingPacked when
    rows were given and none is good.
    """
    how = how or How()
    if os.path.lexists(out):
        raise Unwritable(reason="exists_already", file=str(out))
    with _writing(out):
        _forget_killed(out)
        made, lock = _begun(out)
        try:
            summary, entries = _pack(engine, rows, made, as_of, Taken(()), how)
            if summary.rejected and not summary.packed:
                raise NothingPacked(summary.problems)
            _write_manifest(made, _manifest(engine, as_of, entries, generation=1, removed=None))
            made.chmod(0o777 & ~_mask())
            made.rename(out)
            made_ready()
        finally:
            shutil.rmtree(made, ignore_errors=True)
            lock.close()
    return summary


def _begun(out: Path) -> tuple[Path, Any]:
    """A hidden folder beside where a population is going to stand, locked while it is built.

    It has its name once it is locked, so that nobody takes it for one that was left.
    """
    new = Path(tempfile.mkdtemp(prefix=f".new.{out.name}.", dir=out.parent))
    lock = (new / LOCK).open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    made = new.rename(new.with_name(new.name.removeprefix(".new")))
    return made, lock


def _forget_killed(out: Path) -> None:
    """Clear away what builds that were killed left beside a population."""
    for left in out.parent.glob(f".{glob.escape(out.name)}.*"):
        if not re.fullmatch(r"[a-z0-9_]{8}", left.name.removeprefix(f".{out.name}.")):
            continue
        with suppress(OSError), (left / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)


def update(engine: Engine, folder: Path, rows: Iterable[Read], how: How | None = None) -> Summary:
    """Add companies, and put new profiles in the place of those whose id is there already.

    Raises PopulationMismatch, Unwritable or NothingPacked; the population is then as it was.
    """
    how = how or How()
    with _changing(folder) as population:
        population.check(engine)
        summary, entries = _pack(engine, rows, folder, population.as_of, Taken(()), how)
        if summary.rejected and not summary.packed:
            raise NothingPacked(summary.problems)
        if entries:
            names = [s.id(row) for s in _segments(folder, entries) for row in range(s.rows)]
            gone, _ = named_rows(population, names)
            summary.replaced = len(gone)
            _commit(population, [*population.manifest["segments"], *entries], gone)
    return summary


def remove(folder: Path, ids: Sequence[str]) -> tuple[int, list[str]]:
    """Take companies out by their ids; how many, and the ids that are not there."""
    with _changing(folder) as population:
        gone, unknown = named_rows(population, ids)
        if gone:
            _commit(population, population.manifest["segments"], gone)
    return len(gone), unknown


def compact(engine: Engine, folder: Path, how: How | None = None) -> Summary:
    """Pack anew what is there, without the rows that were removed or replaced."""
    how = how or How()
    with _changing(folder) as population:
        rows = stored_rows(population)
        summary, entries = _pack(engine, rows, folder, population.as_of, Taken(()), how)
        generation = population.manifest["generation"] + 1
        found = _manifest(engine, population.as_of, entries, generation=generation, removed=None)
        _write_manifest(folder, found)
        summary.removed = int(population.removed.sum())
        _clear(folder, found)
    return summary


def stored_rows(population: Population) -> Iterator[Read]:
    """The companies of a population as rows to be packed again."""
    for segment in population.segments:
        for row in range(segment.rows):
            if not population.removed[segment.first + row]:
                profile, relation = segment.profile(row)
                yield Read(segment.first + row + 1, profile, relation, [])


def _pack(
    engine: Engine,
    rows: Iterable[Read],
    folder: Path,
    as_of: datetime.date,
    taken: Taken,
    how: How,
) -> tuple[Summary, list[dict[str, Any]]]:
    """Write segments below a folder; gives their entries for a manifest."""
    summary, entries = Summary(), list[dict[str, Any]]()
    names, pieces = next_names(folder / SEGMENTS), pieces_of(engine.matcher.layout)
    writer: SegmentWriter | None = None
    with _report(how.report or folder / REPORT) as report:
        for group, found in batches(
            engine, rows, as_of, workers=how.workers, parameters=how.parameters
        ):
            answer = _once(engine, group, found, as_of, taken)
            _told(answer, summary, report)
            if answer.batch is not None:
                writer = writer or SegmentWriter(folder / SEGMENTS / next(names), pieces)
                writer.add(answer.batch)
                taken.note(answer.batch.ids)
                if writer.rows >= how.segment:
                    entries.append(_closed(engine, writer, folder, taken, summary))
                    writer = None
            how.told(summary.rows)
    if writer is not None:
        entries.append(_closed(engine, writer, folder, taken, summary))
    return summary, entries


def _closed(
    engine: Engine, writer: SegmentWriter, folder: Path, taken: Taken, summary: Summary
) -> dict[str, Any]:
    entry = writer.close(len(engine.matcher.ids))
    summary.synthetic += writer.synthetic
    taken.closed(Segment(folder, entry, 0))
    return entry


def _once(
    engine: Engine, reads: Sequence[Read], found: Packed, as_of: datetime.date, taken: Taken
) -> Packed:
    """The batch without the ids that stand further up already; those are told."""
    if found.batch is None:
        return found
    seen: set[str] = set()
    twice: dict[int, str] = {}
    for number, name in zip(found.numbers, found.batch.ids, strict=True):
        if name in seen or taken.has(name):
            twice[number] = name
        seen.add(name)
    if not twice:
        return found
    rest = packed(engine, [read for read in reads if read.number not in twice], as_of)
    more = [
        Rejected(number, name, Problem("company_twice", "id", name))
        for number, name in twice.items()
    ]
    rejected = sorted([*rest.rejected, *more], key=lambda line: line.number)
    return Packed(found.rows, rest.numbers, rest.batch, rejected)


def _told(answer: Packed, summary: Summary, report: Any) -> None:
    summary.rows += answer.rows
    summary.packed += len(answer.numbers)
    summary.rejected += answer.rows - len(answer.numbers)
    for number, name, problem in answer.rejected:
        if len(summary.problems) < KEPT_PROBLEMS:
            summary.problems.append(
                Problem(
                    problem.code, problem.field, problem.value, problem.allowed, problem.params,
                    row=number,
                )
            )  # fmt: skip
        value = "" if problem.value is None else brief(problem.value)
        said = (problem_text(problem, language) for language in LANGUAGES)
        line = (number, name, problem.code, problem.field, value, *said)
        report.writerow([csv_cell(cell) for cell in line])


@contextmanager
def _report(place: Path) -> Iterator[Any]:
    """A writer of rejected rows, for Excel too; the file is there at the end only."""
    handle, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(REPORT_HEAD)
            yield writer
        part.chmod(0o666 & ~_mask())
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def _manifest(
    engine: Engine,
    as_of: datetime.date,
    entries: Sequence[dict[str, Any]],
    *,
    generation: int,
    removed: Any,
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "generation": generation,
        "as_of": as_of.isoformat(),
        "engine_version": __about__.__version__,
        **versions_of(engine),
        "rows": sum(entry["rows"] for entry in entries),
        "synthetic": sum(entry["synthetic"] for entry in entries),
        "segments": list(entries),
        "removed": removed,
    }


def _segments(folder: Path, entries: Sequence[dict[str, Any]]) -> list[Segment]:
    return [Segment(folder, entry, 0) for entry in entries]


def _commit(population: Population, entries: Sequence[Any], gone: Sequence[int]) -> None:
    """Let segments and removals count."""
    folder, old = population.folder, population.manifest
    rows = sum(entry["rows"] for entry in entries)
    marks = np.zeros(rows, dtype=np.bool_)
    marks[: population.rows] = population.removed
    marks[list(gone)] = True
    generation = old["generation"] + 1
    manifest = {**old, "generation": generation, "rows": rows, "segments": list(entries)}
    manifest["synthetic"] = sum(entry["synthetic"] for entry in entries)
    name = f"removed-{generation}"
    (folder / f"{name}.bin").unlink(missing_ok=True)
    writer = BlockWriter(folder)
    writer.append(name, np.packbits(marks, bitorder="little").tobytes())
    writer.finish(name)
    removed = writer.manifest()
    removed["columns"]["removed"] = removed["columns"].pop(name)
    _write_manifest(folder, {**manifest, "removed": removed})
    _clear(folder, manifest | {"removed": removed})


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Replace the manifest in one step; what it names is on disk by then."""
    part = folder / f".{MANIFEST}.new"
    with part.open("wb") as file:
        file.write(manifest_text(manifest))
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / MANIFEST)


def _clear(folder: Path, manifest: dict[str, Any]) -> None:
    """Remove segments and bitmaps that the manifest does not name."""
    named = {entry["name"] for entry in manifest["segments"]}
    for path in (folder / SEGMENTS).glob("[0-9]*"):
        if path.name not in named:
            shutil.rmtree(path, ignore_errors=True)
    kept = {f"{block}.bin" for block in (manifest["removed"] or {"blocks": {}})["blocks"]}
    for path in folder.glob("removed-*.bin"):
        if path.name not in kept:
            path.unlink(missing_ok=True)
    for path in folder.glob(f".{REPORT}.*"):
        path.unlink(missing_ok=True)


@contextmanager
def _changing(folder: Path) -> Iterator[Population]:
    """The population of a folder, for one process alone; without what a killed one left."""
    population = Population.open(folder)
    with _writing(folder), (folder / LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unwritable(reason="population_busy", file=str(folder)) from None
        population = Population.open(folder)
        _clear(folder, dict(population.manifest))
        yield population


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unwritable(reason=error.strerror or str(error), file=str(place)) from error


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
