"""What remains of an upload that is too large, read so that the browser reads the answer."""

from __future__ import annotations

from fastapi import Request

from api.bodies import language_of
from api.errors import TooLarge
from api.web.words import say


async def too_large(request: Request, error: TooLarge) -> str:
    """What a page says of a file that is too large, after the rest of it was let go by."""
    await _drained(request)
    size = error.params["limit"] >> 20
    return say(language_of(request), "The file is larger than %(size)s MB.", size=size)


async def _drained(request: Request) -> None:
    """Read a body on to its end; not for ever."""
    left = 4 * request.app.state.settings.max_upload
    async for chunk in request.stream():
        left -= len(chunk)
        if left < 0:
            return
