"""Logs: one JSON object a line, or text for a terminal; masked, and with the id of the request.

A record may carry `fields`, a mapping that becomes part of the line. Bodies are never logged.
"""

from __future__ import annotations

import datetime
import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import IO, Any

import orjson

from api.operation.masking import masked
from api.settings import Settings

# Set for the task of a request, so that whatever is logged on the way names it.
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


class _Handler(logging.StreamHandler[IO[str]]):
    """Writes lines; a reader who is gone, or a full disk, must not fail the request."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Drop the line where it cannot be written; complain about what cannot be formatted."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "at": _moment(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(record.getMessage()),
        }
        request_id = REQUEST_ID.get()
        if request_id is not None:
            line["request_id"] = request_id
        line.update(_fields(record))
        if record.exc_info:
            line["exception"] = masked(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


class Text(logging.Formatter):
    """A record as one line to be read, with a traceback below it where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        at = _moment(record).astimezone().strftime("%H:%M:%S")
        fields = {name: value for name, value in _fields(record).items() if value is not None}
        parts = [at, record.levelname.ljust(7), masked(record.getMessage())]
        parts += [f"{name}={value}" for name, value in fields.items()]
        request_id = REQUEST_ID.get()
        if request_id is not None:
            parts.append(f"request_id={request_id}")
        line = " ".join(parts).replace("\n", "\\n")
        if record.exc_info:
            line += "\n" + masked(self.formatException(record.exc_info))
        return line


def set_up(settings: Settings, stream: IO[str] | None = None) -> None:
    """Send every log of this process to standard error, in the form of the settings."""
    stream = stream or sys.stderr
    text = settings.log_format == "text" or (settings.log_format == "auto" and stream.isatty())
    handler = _Handler(stream)
    handler.setFormatter(Text() if text else JsonLines())
    root = logging.getLogger()
    for other in list(root.handlers):
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("corridor").setLevel(settings.log_level.upper())


def _moment(record: logging.LogRecord) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(record.created, datetime.UTC)


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(record, "fields", {})
    return found
