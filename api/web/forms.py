"""Forms as they come in: read once with a limit, only from our own pages, and made once."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from api.bodies import received_bytes
from api.errors import BadBody, TooLarge, WrongMediaType
from api.identity.caller import caller_of
from api.refusals import ForeignForm, StaleForm
from api.store.idempotency import Claim, request_hash
from api.web.access import forgery_token, token
from recommender.errors import InvalidInput
from recommender.texts import Language, problem_text

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MOST_FIELDS, MOST_FILES = 5_000, 20
FORGERY, ONCE = "_form", "_once"
Pairs = tuple[tuple[str, str], ...]
Uploads = tuple[tuple[str, UploadFile], ...]


@dataclass(frozen=True)
class Form:
    """Fields in the order of the page, without those that only guard it, and uploaded files.

    files: the last of each field; uploads: all of them, with the names of their fields.
    """

    pairs: Pairs = ()
    once: str = ""
    files: Mapping[str, UploadFile] = field(default_factory=dict)
    uploads: Uploads = ()

    def one(self, name: str) -> str:
        """The last value of a field, without spaces around it; empty where there is none."""
        return next((value.strip() for key, value in reversed(self.pairs) if key == name), "")

    def many(self, name: str) -> list[str]:
        """Every value of a field that is not empty."""
        return [value.strip() for key, value in self.pairs if key == name and value.strip()]

    def names(self) -> Iterator[str]:
        """The names of the fields, each once."""
        yield from dict.fromkeys(key for key, _ in self.pairs)


async def received(request: Request) -> Form:
    """The form of a request of a session.

    Raises ForeignForm for one of another site, StaleForm for one of another session, TooLarge,
    BadBody and WrongMediaType.
    """
    form = await open_form(request)
    given = next((v for k, v in request.state.form if k == FORGERY), "")
    if not hmac.compare_digest(given.encode(), forgery_token(token(request)).encode()):
        raise StaleForm
    return form


async def open_form(request: Request) -> Form:
    """A form that needs no session, from one of our own pages."""
    refuse_foreign(request)
    pairs, uploads = await _read(request)
    request.state.form = pairs
    once = next((v for k, v in pairs if k == ONCE), "")
    kept = tuple((k, v) for k, v in pairs if k not in (FORGERY, ONCE))
    return Form(kept, once[:200], dict(uploads), uploads)


def refuse_foreign(request: Request) -> None:
    """Raise ForeignForm where the browser says that another site sent this."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not own or site not in ("same-origin", "none"):
        raise ForeignForm


def claim(request: Request, form: Form, operation: str) -> Claim | None:
    """What lets a form be made once however often it is sent; None for one without its key."""
    if not form.once:
        return None
    plain = [[key, value] for key, value in form.pairs]
    hashed = request_hash(f"page.{operation}", request.url.path, plain)
    return Claim(caller_of(request).user_id, f"page:{form.once}", f"page.{operation}", hashed)


def new_key() -> str:
    """A key for one sending of one form."""
    return secrets.token_urlsafe(18)


def carried(pairs: Pairs) -> str:
    """Fields as one text, to be kept by a page that stands between a form and its answer."""
    return urlencode([pair for pair in pairs if pair[0] != FORGERY])


def carried_back(text: str) -> Pairs:
    """The fields of `carried`."""
    return _pairs(text.encode())


def beside(
    error: InvalidInput, language: Language, names: Mapping[str, str] = MappingProxyType({})
) -> dict[str, list[str]]:
    """Sentences by field, as a page shows them; "" holds those of no field.

    names: of the fields in words, for the sentences. `profile.` before a field is taken off.
    """
    found: dict[str, list[str]] = {}
    for problem in error.problems:
        name = problem.field.removeprefix("profile.")
        told = replace(problem, field=names.get(name, name))
        found.setdefault(name, []).append(problem_text(told, language))
    return found


async def _read(request: Request) -> tuple[Pairs, Uploads]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    settings = request.app.state.settings
    if kind == URLENCODED or not kind:
        return _pairs(await received_bytes(request, settings.max_body)), ()
    if kind != MULTIPART:
        raise WrongMediaType(given=kind[:100])
    return await _parts(request, settings.max_upload)


async def _parts(request: Request, limit: int) -> tuple[Pairs, Uploads]:
    async def limited() -> AsyncGenerator[bytes, None]:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise _TooMuch("limit")
            yield chunk

    try:
        found: FormData = await MultiPartParser(
            request.headers, limited(), max_files=MOST_FILES, max_fields=MOST_FIELDS
        ).parse()
    except _TooMuch:
        raise TooLarge(limit=limit) from None
    except MultiPartException:
        raise BadBody(line=1, column=1) from None
    items = found.multi_items()
    texts = tuple((key, value) for key, value in items if isinstance(value, str))
    files = [(key, value) for key, value in items if isinstance(value, UploadFile)]
    kept = [(key, await _in_memory(file)) for key, file in files]
    return texts, tuple((key, file) for key, file in kept if file.filename)


class _TooMuch(MultiPartException):
    """A body above the limit, told to the parser so that it closes what it wrote."""


async def _in_memory(file: UploadFile) -> UploadFile:
    """The same file without the temporary one behind it, which nobody has to close then."""
    content = await file.read()
    await file.close()
    return UploadFile(BytesIO(content), size=len(content), filename=file.filename)


def _pairs(body: bytes) -> Pairs:
    try:
        found = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except (UnicodeDecodeError, ValueError):
        raise BadBody(line=1, column=1) from None
    return tuple(found)
