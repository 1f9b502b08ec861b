"""Bearer tokens of an OpenID Connect provider, checked against the keys it publishes.

A token says who somebody is and nothing else: what they may do is what the user has that an
administrator linked to the pair (issuer, subject). Nobody is made a user by a token.
"""

from __future__ import annotations

import asyncio
import datetime
import http.client
import logging
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from api.errors import NotReady
from api.refusals import NotAuthenticated
from api.settings import LOOPBACK, Settings

DISCOVERY = "/.well-known/openid-configuration"
FRESH = 300.0  # seconds for which keys are used without asking again
STALE = 24 * 3600.0  # seconds for which known keys are used while the issuer does not answer
PAUSE = 10.0  # least seconds between two questions, whatever tokens come
PATIENCE = 2.0
MOST_BYTES = 1 << 20
# Whatever else than keys may be there: nothing, another protocol, a page, other JSON.
UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    http.client.HTTPException,
)
logger = logging.getLogger("corridor.identity")


class IssuerUnavailable(NotReady):
    """The identity provider does not answer, and its keys are not known. params: reason."""

    code = "issuer_unavailable"
    retry_after = 10


class Subject(NamedTuple):
    """Whom a token is about, and until when it is good."""

    issuer: str
    subject: str
    expires_at: datetime.datetime


def fetched(url: str) -> Any:
    """The JSON at an address; raises OSError or ValueError."""
    opener = urllib.request.build_opener(_Stay)
    with opener.open(url, timeout=PATIENCE) as answer:
        content: bytes = answer.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    return orjson.loads(content)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Keys come from where the issuer said, and from nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


class Issuer:
    """One identity provider. To be used from one event loop.

    fetch: reads JSON from an address; clock: seconds, for tests that need others.
    """

    def __init__(
        self,
        settings: Settings,
        fetch: Callable[[str], Any] = fetched,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare it; nothing is asked yet. Raises IssuerUnavailable without PyJWT."""
        try:
            import jwt
        except ImportError as error:
            raise IssuerUnavailable(reason=f"{error}; pip: [oidc]") from None
        self._jwt = jwt
        self._issuer, self._audience = str(settings.oidc_issuer), str(settings.oidc_audience)
        self._algorithms = settings.oidc_algorithms
        self._leeway = datetime.timedelta(seconds=settings.oidc_leeway)
        self._fetch, self._clock = fetch, clock
        self._keys: Mapping[str | None, Any] = {}
        self._at = self._tried = -STALE
        self._reason = "-"
        self._asking: asyncio.Task[None] | None = None

    async def subject(self, token: str) -> Subject:
        """Whom a token is about; raises NotAuthenticated and IssuerUnavailable."""
        jwt = self._jwt
        try:
            head = jwt.get_unverified_header(token)
            if head.get("alg") not in self._algorithms:
                raise jwt.InvalidAlgorithmError("algorithm")
            key = await self._key(head.get("kid"), head["alg"])
            claims = jwt.decode(
                token,
                key,
                algorithms=[head["alg"]],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            until = datetime.datetime.fromtimestamp(claims["exp"], datetime.UTC) + self._leeway
        except (jwt.PyJWTError, OverflowError, OSError, ValueError, TypeError) as error:
            logger.info("a token was refused: %s", type(error).__name__)
            raise NotAuthenticated from None
        return Subject(self._issuer, claims["sub"], until)

    async def _key(self, kid: str | None, algorithm: str) -> Any:
        """The key that a token names; raises IssuerUnavailable and InvalidKeyError."""
        found = self._found(kid)
        age = self._clock() - self._at
        if found is None or age > STALE:
            await self._refresh()
            found = self._found(kid)
        elif age > FRESH:
            self._begin()  # beside the request: what is known is good enough for this one
        if found is None and not self._keys:
            raise IssuerUnavailable(reason=self._reason)
        if found is None or found.get("alg", algorithm) != algorithm:
            raise self._jwt.InvalidKeyError("key")
        return self._jwt.PyJWK(found, algorithm)

    def _found(self, kid: str | None) -> Any:
        """The key of an id; the only one there is, where the token names none."""
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid) if isinstance(kid, str) else None

    async def _refresh(self) -> None:
        task = self._begin()
        if task is not None:
            await asyncio.shield(task)

    def _begin(self) -> asyncio.Task[None] | None:
        """Ask for the keys once for all who wait; None where they were asked for just now."""
        if self._asking is None and self._clock() - self._tried >= PAUSE:
            self._asking = asyncio.create_task(self._ask())
        return self._asking

    async def _ask(self) -> None:
        try:
            self._keys = await asyncio.to_thread(self.published)
            self._at = self._clock()
        except UNREADABLE as error:
            self._reason = str(error)[:200] or type(error).__name__
            logger.warning("the keys of %s cannot be read: %s", self._issuer, self._reason)
            if self._clock() - self._at > STALE:
                self._keys = {}
        finally:
            self._tried = self._clock()
            self._asking = None

    def published(self) -> Mapping[str | None, Any]:
        """The keys that the provider publishes now; raises what UNREADABLE names."""
        about = self._fetch(self._issuer.rstrip("/") + DISCOVERY)
        if about["issuer"] != self._issuer:
            raise ValueError(f"issuer: {about['issuer']}")
        place = str(about["jwks_uri"])
        if not _safe(place):
            raise ValueError(f"jwks_uri: {place}")
        keys = self._fetch(place)["keys"]
        signing = [key for key in keys if key.get("use", "sig") == "sig" and key["kty"] != "oct"]
        if not signing:
            raise ValueError("keys: []")
        return {key.get("kid"): key for key in signing}


def _safe(place: str) -> bool:
    """Whether what comes from an address can be trusted: encrypted, or from this machine."""
    found = urlsplit(place)
    return found.scheme == "https" or (found.scheme == "http" and found.hostname in LOOPBACK)
