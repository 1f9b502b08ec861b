"""Companies imported in a process of their own, so that answers do not wait for a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from api.errors import InvalidRequest, cut, listed, problem_body
from api.policy import Caller
from api.settings import Settings
from api.store import imports
from api.store.store import Store
from recommender.errors import CorridorError, Problem, UnreadableFile
from recommender.population.company_columns import Facts
from recommender.texts import Language, error_text

Json = dict[str, Any]


def imported(
    settings: Settings,
    caller: Caller,
    path: Path,
    facts: Facts,
    wanted: Json,
    language: Language,
) -> Json:
    """The report, or the refusal as a problem; errors come back worded: they may not travel.

    wanted: the fields of `imports.Wanted`.
    """
    store = Store(settings.store)
    try:
        how, workers = imports.Wanted(**wanted), os.cpu_count() or 1
        report = imports.run(store, caller, path, facts, how, workers=workers)
    except UnreadableFile as error:
        # The name of a temporary file says nothing to whoever sent it.
        nameless = UnreadableFile(**{**error.params, "file": path.suffix.removeprefix(".")})
        said = {"said": error_text(nameless, language)}
        refusal = InvalidRequest([Problem("import_unreadable", params=said)])
        return problem_body(refusal, language)
    except CorridorError as error:
        return problem_body(error, language)
    finally:
        store.close()
    return shown(report, language)


def shown(report: imports.Report, language: Language) -> Json:
    """A report as an answer has it."""
    return {
        "dry_run": report.dry_run,
        "rows": report.rows,
        "created": report.created,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "refused": report.refused,
        "problems": [
            {"row": row, "id": None if name is None else cut(name), **listed(problem, language)}
            for row, name, problem in report.problems
        ],
        "problems_found": report.found,
    }
