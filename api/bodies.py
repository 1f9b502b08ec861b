"""Bodies in and out: JSON read by hand with a limit, answers written once.

Reading finds everything that is wrong with a request before it refuses it: the profile, the
options, the changes and fields that do not exist come back together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import anyio
import orjson
from fastapi import Request
from starlette.responses import Response

from api.errors import InvalidRequest, NotReady, TooLarge, WrongMediaType
from api.identity.caller import caller_of
from api.language import preferred
from api.parsing import parsed
from api.schemas.prospects import ProspectsRequest
from api.store import companies
from recommender import Company, Engine
from recommender.errors import CorridorError, InvalidInput, NotFound, Problem
from recommender.options import Options
from recommender.prospects.options import ProspectOptions
from recommender.records import Record, RecordType, examined, unreadable
from recommender.texts import LANGUAGES, Label, Language, label

FILE_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
LONGEST_NAME = 200
MOST_UNKNOWN = 1_000


@dataclass(frozen=True)
class Stated:
    """A request as it can be asked again: plain values in the order given, defaults resolved.

    company_id: of the record where company_version is stated, else as the profile names itself.
    """

    request: Mapping[str, Any]
    company_id: str | None = None
    company_version: int | None = None
    product_id: str | None = None


@dataclass(frozen=True)
class Asked:
    """A request that can be answered. changes: the `set` of a what-if, else empty."""

    engine: Engine
    company: Company
    options: Any
    changes: Mapping[str, Any]
    stated: Stated


def language_of(request: Request) -> Language:
    """The language of the request: its option where it was read, else its header."""
    stated: Language | None = getattr(request.state, "language", None)
    return stated or preferred(request.headers.get("accept-language"))


def engine_of(request: Request) -> Engine:
    """The engine that answers the caller, with the promoted model; raises NotReady without one.

    With identity it is that of the caller's organisation, else that of the application.
    """
    request.app.state.look()
    engine: Engine | None = getattr(request.state, "engine", request.app.state.engine)
    if engine is None:
        raise NotReady(missing=[n for n, _ in _missing(request)] or [label("api.part.model")])
    return engine


def _missing(request: Request) -> list[tuple[Label, CorridorError]]:
    found: list[tuple[Label, CorridorError]] = request.app.state.missing
    return found


async def asked(
    request: Request, form: type[Record], options_of: Callable[[Any], Any] | None = None
) -> Asked:
    """A request read and checked; raises InvalidRequest with every problem at once.

    options_of: reads the options; by default those of a recommendation.
    """
    engine = engine_of(request)
    body = parsed(await _received(request, request.app.state.settings.max_body))
    request.state.language = _stated_language(body)
    if not isinstance(body, dict):
        raise InvalidRequest([Problem("not_record", value=body)])
    problems = list(_unknown_fields(body, form))
    body, version = await _with_company(request, body, problems)
    body = _dated(body)
    later: list[Problem] = []
    options = _part("options", options_of or engine.options, body, later)
    company = None
    if version is not None or "company_id" not in body:
        read = partial(engine.read, as_of=None if options is None else options.day)
        company = _part("company", read, body, problems)
    problems += later
    changes = _part("set", _changes, body, problems) if "set" in form.model_fields else {}
    if problems and company is not None and changes:
        _part("set", lambda _: engine.what_if(company, changes), body, problems)
    if problems or company is None or options is None or changes is None:
        raise InvalidRequest(problems)
    spoken = options.model_copy(update={"language": language_of(request)})
    again = {"company": body["company"], "options": _resolved(spoken, body["options"])}
    again |= {"set": changes} if "set" in body else {}
    stated = Stated(again, body.get("company_id", company.id), version)
    return Asked(engine, company, spoken, changes, stated)


def stated_by(
    profile: Any, options: Any, given: Mapping[str, Any], row: Mapping[Any, Any]
) -> Stated:
    """A request about a company of the record. given: its options as plain values."""
    again = {"company": profile, "options": _resolved(options, given)}
    return Stated(again, row["id"], row["version"])


async def _with_company(
    request: Request, body: dict[str, Any], problems: list[Problem]
) -> tuple[dict[str, Any], int | None]:
    """The body with the profile of the record that it names, and its version.

    Raises NotFound, also for one that the caller does not see, and Erased.
    """
    name = body.get("company_id")
    if "company_id" not in body:
        return body, None
    if request.app.state.settings.identity == "off":
        problems.append(Problem("company_not_kept", "company_id", name))
    elif "company" in body:
        problems.append(Problem("company_and_id", "company_id", name))
    elif not isinstance(name, str) or not name:
        problems.append(Problem("not_text", "company_id", name))
    elif unreadable(name):
        problems.append(Problem("text_control", "company_id", name))
    else:
        row = await company_of(request, name)
        return {**body, "company": orjson.loads(row["profile"])}, row["version"]
    return body, None


async def company_of(request: Request, company_id: str) -> Mapping[Any, Any]:
    """A company of the record with its profile; raises NotFound and Erased.

    Analysts see companies de-identified, and so none by its id.
    """
    caller = caller_of(request)
    if caller.role == "analyst":
        raise NotFound(kind="company", id=company_id)
    found: Mapping[Any, Any] = await request.app.state.store.reading(
        lambda c: companies.visible(c, caller, company_id)
    )
    return found


def _dated(body: dict[str, Any]) -> dict[str, Any]:
    """The body with the day of its answer stated, so that it can be asked again on another."""
    options = body.get("options")
    if options is None:
        options = {}
    if isinstance(options, dict) and options.get("as_of") is None:
        options = {**options, "as_of": Options().day.isoformat()}
    return {**body, "options": options}


def _resolved(options: Record, given: Mapping[str, Any]) -> dict[str, Any]:
    """Options as plain values with every default; numbers stay as they were given."""
    spoken = getattr(options, "language", None)
    return {**_defaults(type(options)), **given, "language": spoken}


@lru_cache(maxsize=8)
def _defaults(form: type[Record]) -> dict[str, Any]:
    return {name: field.default for name, field in form.model_fields.items()}


async def prospects_asked(request: Request, product_id: str) -> tuple[ProspectOptions, Stated]:
    """The options of a list of prospects; raises InvalidRequest with every problem at once."""
    engine_of(request)
    body = parsed(await _received(request, request.app.state.settings.max_body))
    request.state.language = _stated_language(body)
    if not isinstance(body, dict):
        raise InvalidRequest([Problem("not_record", value=body)])
    problems = list(_unknown_fields(body, ProspectsRequest))
    options = _part("options", ProspectOptions.parse, {"options": None, **body}, problems)
    if problems:
        raise InvalidRequest(problems)
    spoken: ProspectOptions = options.model_copy(update={"language": language_of(request)})
    return spoken, stated_list(product_id, spoken, body.get("options") or {})


def stated_list(product_id: str, options: ProspectOptions, given: Mapping[str, Any]) -> Stated:
    """A request for a list of prospects. given: its options as plain values."""
    again = {"product_id": product_id, "options": _resolved(options, given)}
    return Stated(again, product_id=product_id)


async def record_of(
    request: Request,
    form: type[RecordType],
    also: Callable[[RecordType], Iterable[Problem]] = lambda _: (),
) -> RecordType:
    """A body as one record; raises InvalidRequest with every problem at once.

    also: finds what is wrong with a record that can be read, beside what its model finds.
    """
    return record_in(await value_of(request), form, also)


async def value_of(request: Request) -> Any:
    """A body as plain values."""
    return parsed(await _received(request, request.app.state.settings.max_body))


def record_in(
    body: Any,
    form: type[RecordType],
    also: Callable[[RecordType], Iterable[Problem]] = lambda _: (),
) -> RecordType:
    """Plain values as one record; see `record_of`."""
    if not isinstance(body, dict):
        raise InvalidRequest([Problem("not_record", value=body)])
    record, problems = examined(form, body)
    if record is not None:
        problems += also(record)
    if problems or record is None:
        raise InvalidRequest(problems)
    return record


def query_of(request: Request, form: type[RecordType]) -> RecordType:
    """The parameters of a query as one record; raises InvalidRequest with every problem at once."""
    given = dict(request.query_params)
    record, problems = examined(form, given)
    problems += [
        Problem("text_control", name, value) for name, value in given.items() if unreadable(value)
    ]
    if problems or record is None:
        raise InvalidRequest(problems)
    return record


@contextmanager
def placed(name: str) -> Iterator[None]:
    """Problems raised inside lie within one part of the request: `set.need.amount`."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidRequest(_within(name, problem) for problem in error.problems) from None


def _part(name: str, read: Any, body: Mapping[str, Any], problems: list[Problem]) -> Any:
    """One part of a body as `read` makes it; None after adding its problems."""
    if name not in body:
        problems.append(Problem("missing", name))
        return None
    try:
        with placed(name):
            return read(body[name])
    except InvalidRequest as error:
        problems += error.problems
        return None


def _within(name: str, problem: Problem) -> Problem:
    if problem.field == name or problem.field.startswith(f"{name}."):
        return problem
    joint = "" if not problem.field or problem.field.startswith("[") else "."
    return replace(problem, field=f"{name}{joint}{problem.field}")


def _changes(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput([Problem("not_record", value=value)])
    odd = [name for name in value if not 0 < len(name) <= LONGEST_NAME]
    if odd:
        raise InvalidInput([Problem("unknown_change", name, name) for name in odd])
    return value


def _unknown_fields(body: Mapping[str, Any], form: type[Record]) -> Iterator[Problem]:
    allowed = sorted(form.model_fields)
    unknown = (name for name in body if name not in form.model_fields)
    for name in islice(unknown, MOST_UNKNOWN):
        guess = get_close_matches(name[:100], allowed, 1)
        code = "field_did_you_mean" if guess else "unknown_field"
        yield Problem(code, name, name, guess or allowed)


def _stated_language(body: Any) -> Language | None:
    options = body.get("options") if isinstance(body, dict) else None
    wish = options.get("language") if isinstance(options, dict) else None
    return next((language for language in LANGUAGES if language == wish), None)


async def file_of(request: Request, name: str) -> bytes:
    """A body that is a file; raises InvalidRequest for a name that is none, and TooLarge."""
    if not re.fullmatch(FILE_NAME, name):
        raise InvalidRequest([Problem("file_name", "name", name, FILE_NAME)])
    return await received_bytes(request, request.app.state.settings.max_upload)


def queried(request: Request, *names: str) -> list[str]:
    """Parameters of the query, each given once; raises InvalidRequest with every problem."""
    given = {name: request.query_params.getlist(name) for name in names}
    problems = [Problem("missing", name) for name, values in given.items() if not values]
    problems += [
        Problem("query_twice", name, values) for name, values in given.items() if len(values) > 1
    ]
    problems += [
        Problem("unknown_field", name, name, list(names))
        for name in request.query_params
        if name not in names
    ]
    if problems:
        raise InvalidRequest(problems)
    return [values[0] for values in given.values()]


async def _received(request: Request, limit: int) -> bytes:
    """The bytes of a JSON body; raises WrongMediaType and TooLarge."""
    _check_media_type(request)
    return await received_bytes(request, limit)


async def received_bytes(request: Request, limit: int) -> bytes:
    """The bytes of a body; stops reading as soon as they exceed the limit."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise TooLarge(limit=limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(limit=limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _check_media_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    kind, *parameters = [part.strip().lower() for part in given.split(";")]
    charset = [part.partition("=")[2].strip('" ') for part in parameters if "charset" in part]
    is_json = kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
    packed = request.headers.get("content-encoding", "identity").lower() != "identity"
    if not is_json or packed or any(name not in ("utf-8", "utf8") for name in charset):
        raise WrongMediaType(given=(given or "-")[:100])


async def received_file(request: Request, limit: int, path: Path) -> None:
    """Write a body to a file, whatever its type; raises TooLarge once it exceeds the limit."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise TooLarge(limit=limit)
    size = 0
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise TooLarge(limit=limit)
            await file.write(chunk)


def written(answer: Mapping[str, Any], status: int = 200) -> Response:
    """An answer as JSON."""
    return Response(orjson.dumps(answer), status, media_type="application/json")
