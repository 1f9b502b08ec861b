"""`corridor batch`: all companies against all products, on this machine or a cluster."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from api.commands.flags import whole
from api.commands.progress import progress
from api.loading import load_engine
from api.settings import Settings
from recommender.errors import InvalidOptions, Problem, UnreadableFile
from recommender.options import Options
from recommender.texts import Language, text
from recommender.vocabulary import LANES

MOST_WORKERS, MOST_ROWS = 256, 1_000_000
FITS = ("eligible", "conditional", "near_miss")
FLAGS = {"limit": "--top", "as_of": "--as-of"}


def batch(arguments: argparse.Namespace, language: Language) -> int:
    """Run or resume; raises InvalidOptions with every problem of the flags."""
    problems: list[Problem] = []
    workers = whole("--workers", arguments.workers, problems, 1, MOST_WORKERS)
    rows = whole("--partition", arguments.partition, problems, 1, MOST_ROWS)
    top = whole("--top", arguments.top, problems, 1, 1_000)
    if arguments.master and arguments.engine != "spark":
        problems.append(Problem("batch_master", "--master", arguments.master))
    options = _options(top, arguments.as_of, problems)
    if problems or options is None:
        raise InvalidOptions(problems)
    found = _run(arguments, options, workers, rows, language)
    for line in said(found, arguments.out, language):
        sys.stdout.write(line + "\n")
    return 0


def _options(top: int, as_of: str | None, problems: list[Problem]) -> Options | None:
    try:
        return Options.parse({"limit": top, **({"as_of": as_of} if as_of else {})})
    except InvalidOptions as error:
        problems += [replace(p, field=FLAGS.get(p.field, p.field)) for p in error.problems]
        return None


def _run(
    arguments: argparse.Namespace, options: Options, workers: int, rows: int, language: Language
) -> dict[str, Any]:
    try:
        from recommender.batch import local, runs, spark
        from recommender.batch.jobs import Asked, Model
    except ImportError as error:
        raise UnreadableFile(file=arguments.source, reason="parquet_extra") from error

    settings = Settings.read(os.environ, catalogue=arguments.catalogue, models=arguments.models)
    engine = load_engine(settings)
    model = Model(engine.catalogue, engine.weights, settings.parameters)
    asked = Asked(options.day, options.limit, rows)
    places = (arguments.source, arguments.out)

    def here(job: str, parts: Sequence[int], _: Any) -> Iterator[Any]:
        return local.records(job, parts, workers)

    with progress(language) as begin:

        def bar(total: int) -> Any:
            return begin("partitions", total)

        if arguments.engine == "local":
            return runs.run(*places, model, asked, here, begin=bar)
        with spark.session(arguments.master) as cluster:

            def there(job: str, parts: Sequence[int], told: Any) -> Iterator[Any]:
                return spark.records(job, parts, cluster, told)

            return runs.run(*places, model, asked, there, shared=True, begin=bar)


def said(found: Mapping[str, Any], out: str, language: Language) -> Iterator[str]:
    """What a manifest says, for people: totals, a line for each lane, and what was rejected."""
    numbers = {name: f"{found[name]:,}" for name in ("companies", "rejected", "rows")}
    yield text("batch.done", language, out=out, run=found["run_id"], **numbers)
    for lane in LANES:
        counts = found["counts"].get(lane, {})
        parts = [
            text("batch.fit", language, fit=text(f"fit.{fit}", language), count=f"{counts[fit]:,}")
            for fit in FITS
            if fit in counts
        ]
        if parts:
            name = text(f"lane.{lane}", language)
            yield text("batch.lane", language, lane=name, counts=parts)
    if found["rejected"]:
        reasons = sorted(found["reasons"].items(), key=lambda reason: (-reason[1], reason[0]))
        listed = [text("batch.reason", language, code=c, count=f"{n:,}") for c, n in reasons]
        yield text("batch.rejected", language, reasons=listed, out=out)
