"""The record as a command opens it, the user who works on it, and what is wrong with a file."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator

from api.commands.complaints import complain
from api.policy import POLICY, Caller
from api.refusals import NotAllowed
from api.settings import Settings
from api.store import imports, maintenance, users
from api.store.store import Store
from recommender.errors import InvalidInput, NotFound, Problem
from recommender.texts import Language


@contextlib.contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[Store]:
    """The store of the settings with tables of this version; raises StoreOutdated and others."""
    settings = Settings.read(os.environ, store=arguments.store)
    store = Store(settings.store)
    try:
        maintenance.ready(store.database)
        yield store
    finally:
        store.close()


def caller_of(store: Store, arguments: argparse.Namespace, operation: str) -> Caller:
    """The user who does it, with the rights it has over HTTP; raises NotFound or NotAllowed."""
    login = arguments.by.strip().lower()
    user = store.read(lambda c: users.by_login(c, login))
    if user["organisation_id"] != arguments.organisation or user["disabled_at"] is not None:
        raise NotFound(kind="user", id=login)
    if user["role"] not in POLICY[operation].roles:
        raise NotAllowed(role=user["role"], operation=operation)
    whose = (user["id"], user["organisation_id"], user["branch_id"], user["role"])
    return Caller(*whose, "write", "", store.clock())


def complain_of_rows(file: str, report: imports.Report, language: Language) -> None:
    """Problems of a file, one a line on standard error."""
    if report.problems:
        placed = (
            Problem(p.code, p.field, p.value, p.allowed, p.params, file, row)
            for row, _, p in report.problems
        )
        complain([(file, InvalidInput(placed))], language)
