"""Companies imported in a process of their own, so that answers do not wait for a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.errors import InvalidRequest, cut, listed, problem_body
from api.policy import Caller
from api.settings import Settings
from api.store import imports, outcome_imports
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
    how, workers = imports.Wanted(**wanted), os.cpu_count() or 1
    return _reported(
        settings,
        path,
        language,
        lambda store: imports.run(store, caller, path, facts, how, workers=workers),
    )


def outcomes_imported(
    settings: Settings, caller: Caller, path: Path, wanted: Json, language: Language
) -> Json:
    """The report on a file of outcomes, or the refusal. wanted: `dry_run`."""
    found = _reported(
        settings,
        path,
        language,
        lambda store: outcome_imports.run(store, caller, path, dry_run=wanted["dry_run"]),
    )
    return found if "status" in found else outcomes_shown(found)


def outcomes_shown(report: Json) -> Json:
    """A report without what outcomes do not have: they are kept and never changed."""
    problems = [{k: v for k, v in one.items() if k != "id"} for one in report["problems"]]
    kept = {name: value for name, value in report.items() if name != "changed"}
    return {**kept, "problems": problems}


def _reported(
    settings: Settings, path: Path, language: Language, work: Callable[[Store], imports.Report]
) -> Json:
    store = Store(settings.store)
    try:
        report = work(store)
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
