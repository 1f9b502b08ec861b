"""What remains of an upload that is too large, read so that the browser reads the answer."""

from __future__ import annotations

from fastapi import Request


async def drained(request: Request) -> None:
    """Read a body on to its end; not for ever."""
    left = 4 * request.app.state.settings.max_upload
    async for chunk in request.stream():
        left -= len(chunk)
        if left < 0:
            return
