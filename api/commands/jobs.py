"""`corridor jobs`: what runs or ran for an organisation, one job with its problem, ending one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping

import orjson

from api.commands.stores import caller_of, opened
from api.job_answers import described, row_of, rows_of
from api.store import jobs
from recommender.texts import Language, label, show, text

MOST = 100
COLUMNS = ("id", "kind", "status", "progress", "asked_by", "created_at")


def list_jobs(arguments: argparse.Namespace, language: Language) -> int:
    """The last jobs that the user sees, newest first."""
    with opened(arguments) as store:
        caller = caller_of(store, arguments, "jobs")
        rows = store.read(lambda c: rows_of(c, caller, MOST))
    found = [described(row, language) for row in rows]
    if arguments.json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
        return 0
    from rich.table import Table

    from api.commands.console import console_on

    table = Table(*(show(label(f"cli.column.{name}"), language) for name in COLUMNS))
    for job in found:
        table.add_row(*(str(job[name]) for name in COLUMNS))
    console_on(sys.stdout).print(table)
    return 0


def show_job(arguments: argparse.Namespace, language: Language) -> int:
    """One job with its parameters, its files and what came of it, as JSON on standard output."""
    with opened(arguments) as store:
        caller = caller_of(store, arguments, "job")
        row = store.read(lambda c: row_of(c, caller, arguments.id))
    found = orjson.dumps(described(row, language), option=orjson.OPT_INDENT_2)
    sys.stdout.write(found.decode() + "\n")
    return 0


def cancel_job(arguments: argparse.Namespace, language: Language) -> int:
    """A job ends before its time: at once, or when the worker that runs it hears of it."""
    with opened(arguments) as store:
        caller = caller_of(store, arguments, "cancel_job")
        store.write(lambda write: jobs.cancel(write, caller, arguments.id))
    sys.stdout.write(text("cli.record.job_cancelled", language, id=arguments.id) + "\n")
    return 0


ACTIONS: Mapping[str, Callable[[argparse.Namespace, Language], int]] = {
    "jobs_list": list_jobs,
    "jobs_show": show_job,
    "jobs_cancel": cancel_job,
}
