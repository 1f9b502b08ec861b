"""The record as a command opens it."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator

from api.settings import Settings
from api.store import maintenance
from api.store.store import Store


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
