"""`corridor outcomes`: the table to learn from, out of the record."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from api.commands.stores import opened
from api.store import outcomes, users
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


ACTIONS: Mapping[str, Callable[[argparse.Namespace, Language], int]] = {"outcomes_export": export}
