"""`corridor outcomes`: a file into the record, and the table to learn from out of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from api.commands.stores import caller_of, complain_of_rows, opened
from api.store import outcome_imports, outcomes, users
from api.workers.imports import outcomes_shown, shown
from recommender.texts import Language, text


def export(arguments: argparse.Namespace, language: Language) -> int:
    """The outcome table of an organisation as a file; `corridor train --outcomes` reads it."""
    from recommender.outcomes.files import write_outcomes
    from recommender.outcomes.table import frame_of

    own = arguments.organisation
    with opened(arguments) as store:
        store.read(lambda c: users.organisation(c, own))
        rows = store.read(lambda c: outcomes.learning_table(c, own))
    write_outcomes(frame_of(rows), Path(arguments.out), force=arguments.force)
    events = len({row["event"] for row in rows})
    said = {"events": events, "rows": len(rows), "file": arguments.out}
    sys.stdout.write(text("cli.record.outcomes_exported", language, **said) + "\n")
    return 0


def import_outcomes(arguments: argparse.Namespace, language: Language) -> int:
    """Good rows are kept; bad ones are lines on standard error."""
    with opened(arguments) as store:
        caller = caller_of(store, arguments, "import_outcomes")
        path, dry_run = Path(arguments.file), bool(arguments.dry_run)
        report = outcome_imports.run(store, caller, path, dry_run=dry_run)
    if arguments.json:
        found = outcomes_shown(shown(report, language))
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
        return 0
    complain_of_rows(arguments.file, report, language)
    counts = ("rows", "created", "unchanged", "refused")
    said = {name: getattr(report, name) for name in counts}
    sys.stdout.write(text("cli.record.outcomes_imported", language, **said) + "\n")
    return 0


ACTIONS: Mapping[str, Callable[[argparse.Namespace, Language], int]] = {
    "outcomes_export": export,
    "outcomes_import": import_outcomes,
}
