"""Whether the database answers: asked all the time, over a connection of its own.

A database that refuses is noticed by whoever asks it. One that says nothing, because its machine is
gone or it hangs, would let every caller wait as long as the system does. The pulse notices it
within SILENT seconds, and the store turns away whoever waits and whoever comes. Time in which this
process itself does not run is no silence of the database.
"""

from __future__ import annotations

import threading
import time

from api.store.database import Database, StoreUnavailable
from recommender.errors import CorridorError
from recommender.texts import Label, label

PAUSE = 0.5
SILENT = 1.5
MOST_COUNTED = 0.25  # of the seconds between two looks


class Pulse:
    """The state of one database. A thread asks, `look` counts; `trouble` never waits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._since: float | None = None
        self._seen: float | None = None
        self._silence = 0.0
        self._reason: Label | str | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._ask_on, name="pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; does not wait for an answer."""
        self._ended.set()

    def look(self, passed: float) -> None:
        """Count how long the database owes an answer. passed: seconds since the last look."""
        since = self._since
        if since is None or since != self._seen:
            self._seen, self._silence = since, 0.0
        else:
            self._silence += min(passed, MOST_COUNTED)

    @property
    def trouble(self) -> Label | str | None:
        """Why the database cannot be used; None while it answers, or nobody looks."""
        return label("api.store.silent") if self._silence > SILENT else self._reason

    def _ask_on(self) -> None:
        alone = Database(self._database.url.render_as_string(hide_password=False))
        try:
            while not self._ended.is_set():
                self._since = time.monotonic()
                self._reason = _answer(alone)
                self._since = None
                self._ended.wait(PAUSE)
        finally:
            alone.close()


def _answer(database: Database) -> Label | str | None:
    try:
        database.asked()
    except StoreUnavailable as error:
        reason: Label | str = error.params["reason"]
        return reason
    except CorridorError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, the database cannot be used
        return type(error).__name__
    return None
