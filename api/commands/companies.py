"""`corridor companies`: import a file, export one company, erase one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from api.commands.stores import caller_of, complain_of_rows, opened
from api.loading import load_engine
from api.settings import Settings
from api.store import company_export, erasure, imports, owners
from api.store.conditions import Condition
from api.workers.imports import shown
from recommender.texts import Language, text


def import_companies(arguments: argparse.Namespace, language: Language) -> int:
    """Good rows are kept; bad ones are lines on standard error."""
    settings = Settings.read(os.environ)
    facts = dict(load_engine(settings).catalogue.facts)
    wanted = imports.Wanted(arguments.branch, arguments.note, bool(arguments.dry_run))
    with opened(arguments) as store:
        caller = caller_of(store, arguments, "import_companies")
        path, workers = Path(arguments.file), os.cpu_count() or 1
        report = imports.run(store, caller, path, facts, wanted, workers=workers)
    if arguments.json:
        sys.stdout.write(orjson.dumps(shown(report, language)).decode() + "\n")
        return 0
    complain_of_rows(arguments.file, report, language)
    counts = ("rows", "created", "changed", "unchanged", "refused")
    said = {name: getattr(report, name) for name in counts}
    sys.stdout.write(text("cli.record.companies_imported", language, **said) + "\n")
    return 0


def export_company(arguments: argparse.Namespace, language: Language) -> int:  # noqa: ARG001 - as every command
    """Everything on record about a company, as JSON on standard output."""
    with opened(arguments) as store:
        caller = caller_of(store, arguments, "export_company")
        found = store.read(lambda c: company_export.exported(c, caller, arguments.id))
    sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    return 0


def erase_company(arguments: argparse.Namespace, language: Language) -> int:
    """A company goes, on request."""
    with opened(arguments) as store:
        caller = caller_of(store, arguments, "erase_company")
        store.write(lambda write: erasure.erase(write, caller, arguments.id, Condition()))
    sys.stdout.write(text("cli.record.company_erased", language, id=arguments.id) + "\n")
    return 0


def set_owner(arguments: argparse.Namespace, language: Language) -> int:
    """A company belongs to a user of an enterprise, or to nobody."""
    login, company_id = arguments.user, arguments.id
    with opened(arguments) as store:
        caller = caller_of(store, arguments, "set_company_owner")
        store.write(lambda write: owners.set_owner(write, caller, company_id, login))
    key = "company_owner_taken" if login is None else "company_owner_set"
    said = {"id": company_id} if login is None else {"id": company_id, "login": login}
    sys.stdout.write(text(f"cli.record.{key}", language, **said) + "\n")
    return 0


ACTIONS: Mapping[str, Callable[[argparse.Namespace, Language], int]] = {
    "companies_import": import_companies,
    "companies_export": export_company,
    "companies_erase": erase_company,
    "companies_owner": set_owner,
}
