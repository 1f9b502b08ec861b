"""Whether the service can answer, part by part; asked anew every time, so that it recovers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.settings import Settings
from api.store import maintenance
from api.store.database import StoreOutdated
from api.store.store import Store
from recommender.errors import CorridorError
from recommender.texts import Label, Language, error_text, label, show, text

MIB = 1 << 20
# What is missing: the label of the part, and what is wrong with it in both languages.
Missing = tuple[Label, Label]


def said(error: CorridorError) -> Label:
    """An error in both languages."""
    return Label(zh=error_text(error, "zh"), en=error_text(error, "en"))


async def missing_parts(settings: Settings, store: Store | None) -> list[Missing]:
    """What is missing beside the engine: database, its version, its writer, disk space."""
    found = [] if store is None else await _store(store)
    return [*found, *_disk(settings)]


async def _store(store: Store) -> list[Missing]:
    part = label("api.part.store")
    try:
        version = await store.reading(maintenance.version)
    except CorridorError as error:
        return [(part, said(error))]
    if version != maintenance.REVISION:
        return [(part, said(StoreOutdated(found=version or "-", needed=maintenance.REVISION)))]
    return [] if store.writes else [(label("api.part.writer"), label("api.store.closed"))]


def _disk(settings: Settings) -> Iterator[Missing]:
    free = free_disk(settings)
    if free is not None and free < settings.min_disk:
        params = {"free": f"{free / MIB:,.0f}", "least": f"{settings.min_disk / MIB:,.0f}"}
        key = "api.disk_full"
        yield label("api.part.disk"), Label(text(key, "zh", **params), text(key, "en", **params))


def free_disk(settings: Settings) -> int | None:
    """Bytes that are free where the service writes; None without identity, and where unknown."""
    if settings.identity == "off":
        return None
    place = settings.store_folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return _free(place)


def _free(place: Path) -> int | None:
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return None


def told(missing: list[Missing], language: Language) -> dict[str, Any]:
    """What is missing as /readyz says it."""
    pairs = ((show(part, language), show(what, language)) for part, what in missing)
    return {"missing": [": ".join(pair) for pair in pairs]}
