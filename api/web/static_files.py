"""Style sheet and scripts, under an address that changes with their content.

One hash stands for all of them, so that modules may name each other by relative addresses.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from api.errors import NoRoute

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"
router = APIRouter(include_in_schema=False)


@lru_cache(maxsize=1)
def version() -> str:
    """A hash of everything that is served from here."""
    whole = hashlib.sha256()
    for path in sorted(FOLDER.iterdir()):
        whole.update(path.name.encode() + path.read_bytes())
    return whole.hexdigest()[:12]


def address(name: str) -> str:
    """Where a file is served."""
    return f"/static/{version()}/{name}"


@router.get("/static/{stamp}/{name}", name="static")
async def file(stamp: str, name: str) -> Response:
    """A file; kept for good by browsers, as another content has another address."""
    place = FOLDER / Path(name).name
    if stamp != version() or place.suffix not in TYPES or not place.is_file():
        raise NoRoute(path=f"/static/{stamp}/{name}"[:100])
    return FileResponse(place, media_type=TYPES[place.suffix], headers={"Cache-Control": FOREVER})
