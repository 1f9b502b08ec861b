"""Errors at the door: which status each has, and how one looks as problem+json (RFC 9457)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import orjson

from api.refusals import (
    AlreadyThere,
    ConditionNeeded,
    Conflict,
    Erased,
    ForeignForm,
    Merged,
    NotAllowed,
    NotAuthenticated,
    Stale,
    StaleForm,
    TooManyFailures,
    TooManyRequests,
    UnreadableUpload,
)
from recommender.errors import (
    CatalogueMismatch,
    CorridorError,
    InvalidInput,
    ModelMismatch,
    NotFound,
    Problem,
)
from recommender.population.column_files import DamagedPopulation
from recommender.population.population import PopulationMismatch
from recommender.texts import Label, Language, error_text, label, problem_text, text

MEDIA_TYPE = "application/problem+json"
ECHO = 200


class BadBody(CorridorError):
    """A body that is not JSON as the standard defines it. params: line, column."""

    code = "not_json"


class BadEncoding(CorridorError):
    """A body that is not UTF-8. params: byte."""

    code = "not_utf8"


class TooDeep(CorridorError):
    """Records within records within records, deeper than any profile. params: limit."""

    code = "too_deep"


class RepeatedKey(CorridorError):
    """A record that names a field twice; JSON does not say which one counts. params: name."""

    code = "repeated_key"


class TooLarge(CorridorError):
    """A body above the limit; it was not read to its end. params: limit."""

    code = "too_large"


class WrongMediaType(CorridorError):
    """A body that does not say that it is JSON in UTF-8. params: given."""

    code = "wrong_media_type"


class WrongImportType(WrongMediaType):
    """A body that is not of a kind that companies are imported from. params: given."""

    code = "wrong_import_type"


class InvalidRequest(InvalidInput):
    """A readable request with problems in its profile, its options or elsewhere."""

    code = "invalid_request"


class NoRoute(CorridorError):
    """An address that does not exist. params: path."""

    code = "no_route"


class WrongMethod(CorridorError):
    """A method that an address does not have. params: method, path."""

    code = "wrong_method"


class NotReady(CorridorError):
    """The service has nothing to answer from. params: missing, labels of what is not there.

    retry_after: seconds after which it is worth asking again.
    """

    code = "not_ready"
    retry_after = 30


class Overloaded(NotReady):
    """As many requests wait for an answer as may."""

    code = "overloaded"
    retry_after = 1


class RequestTooSlow(CorridorError):
    """A request that did not arrive in time. params: seconds."""

    code = "request_too_slow"


class HeadersTooLarge(CorridorError):
    """A head of a request above the limit."""

    code = "headers_too_large"


class BadHttp(CorridorError):
    """A request that is not HTTP."""

    code = "bad_http"


class NoPopulation(NotReady):
    """The organisation has no population on this host, or none for the caller's branch."""

    code = "no_population"


class PlanBusy(NotReady):
    """Plans are made elsewhere, and that place is full or has failed."""

    code = "plan_busy"


class ImportBusy(NotReady):
    """Imports are made elsewhere, and that place is full or has failed."""

    code = "import_busy"


class FileMissing(CorridorError):
    """A file that is not there."""

    code = "file_missing"


class FileIsFolder(CorridorError):
    """A folder where a file is needed."""

    code = "file_is_folder"


class FileRefused(CorridorError):
    """A file that the system does not open. params: reason."""

    code = "file_refused"


class FileKind(CorridorError):
    """A file whose name does not say that it is YAML or JSON."""

    code = "file_kind"


class FileNotText(CorridorError):
    """A file with control characters. params: byte."""

    code = "file_not_text"


class FileSyntax(CorridorError):
    """A file that is not YAML. params: reason."""

    code = "file_syntax"


class PortTaken(CorridorError):
    """An address that another program listens on. params: host, port, other."""

    code = "port_taken"


class CannotListen(CorridorError):
    """An address that cannot be listened on. params: host, port, reason."""

    code = "cannot_listen"


STATUSES: tuple[tuple[type[CorridorError], int], ...] = (
    (BadHttp, 400),
    (BadBody, 400),
    (BadEncoding, 400),
    (TooDeep, 400),
    (RepeatedKey, 400),
    (NotAuthenticated, 401),
    (NotAllowed, 403),
    (ForeignForm, 403),
    (StaleForm, 403),
    (NotFound, 404),
    (NoRoute, 404),
    (WrongMethod, 405),
    (RequestTooSlow, 408),
    (TooLarge, 413),
    (WrongMediaType, 415),
    (PopulationMismatch, 409),
    (Conflict, 409),
    (ModelMismatch, 409),
    (CatalogueMismatch, 409),
    (Erased, 410),
    (Merged, 410),
    (Stale, 412),
    (ConditionNeeded, 428),
    (TooManyFailures, 429),
    (TooManyRequests, 429),
    (HeadersTooLarge, 431),
    (InvalidInput, 422),
    (UnreadableUpload, 422),
    (NotReady, 503),
    (DamagedPopulation, 503),
    (CorridorError, 500),
)


def status_of(error: CorridorError) -> int:
    """The HTTP status of an error: the first line of the table that fits."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def retry_after(error: CorridorError) -> str | None:
    """The header `Retry-After` of an error: seconds, None where waiting does not help."""
    if isinstance(error, NotReady):
        return str(error.retry_after)
    waits = isinstance(error, (TooManyFailures, TooManyRequests))
    return str(error.params["seconds"]) if waits else None


def problem_body(error: CorridorError, language: Language, shown: int = 100) -> dict[str, Any]:
    """An error as problem+json; the first `shown` problems are listed, all are counted."""
    status = status_of(error)
    told = CorridorError() if status == 500 else named(error)
    problems = told.problems if isinstance(told, InvalidInput) else ()
    detail = [error_text(told, language)]
    if len(problems) > shown:
        detail.append(text("api.first_shown", language, shown=shown))
    return {
        "type": f"urn:problem-type:corridor-match:{told.code}",
        "title": text(f"api.title.{status}", language),
        "status": status,
        "code": told.code,
        "detail": ("" if language == "zh" else " ").join(detail),
        "errors": [{**listed(p, language), **cell_of(p)} for p in problems[:shown]],
    }


def named(error: CorridorError) -> CorridorError:
    """The kind of a thing that was not found, is gone or there already, in words."""
    if isinstance(error, (NotFound, Erased, AlreadyThere)):
        kind = label(f"api.kind.{error.params['kind']}")
        return type(error)(kind=kind, id=cut(str(error.params["id"])))
    return error


def listed(problem: Problem, language: Language) -> dict[str, Any]:
    """One problem as an entry of `errors`; what was given comes back short."""
    if problem.code == "not_one_of" and isinstance(problem.allowed, str):
        # pydantic words its choices as an English sentence: 'zh' or 'en'
        problem = replace(problem, allowed=re.findall(r"'([^']*)'", problem.allowed))
    problem = replace(problem, field=cut(problem.field))
    return {
        "field": problem.field,
        "value": echoed(problem.value),
        "allowed": plain(problem.allowed, language),
        "message": problem_text(problem, language),
    }


def cell_of(problem: Problem) -> dict[str, Any]:
    """Where a problem of an uploaded file stands: file, sheet, row and column as far as known.

    >>> cell_of(Problem("missing", file="folder/a.xlsx", sheet="products", row=3, column="B"))
    {'file': 'a.xlsx', 'sheet': 'products', 'row': 3, 'column': 'B'}
    """
    file = None if problem.file is None else PurePath(problem.file).name
    place = {"file": file, "sheet": problem.sheet, "row": problem.row, "column": problem.column}
    return {name: value for name, value in place.items() if value is not None}


def echoed(value: Any) -> Any:
    """A given value as JSON, cut when it is long.

    >>> echoed("x" * 300) == "x" * 200 + "..."
    True
    >>> echoed({"a": [1, 2]})
    {'a': [1, 2]}
    """
    value = plain(value)
    if isinstance(value, (Mapping, list)):
        written = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
        return value if len(written) <= ECHO else cut(written)
    return cut(value) if isinstance(value, str) else value


def cut(value: str) -> str:
    """A text of at most ECHO characters, with a mark where it was cut."""
    return value if len(value) <= ECHO else value[:ECHO] + "..."


def plain(value: Any, language: Language = "zh") -> Any:
    """A value as JSON has it; labels in the asked language, anything strange as text."""
    if isinstance(value, Label):
        return value.zh if language == "zh" else value.en
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item, language) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return [plain(item, language) for item in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 1 << 63 else str(value)
    return value if value is None or isinstance(value, (bool, str)) else cut(str(value))
