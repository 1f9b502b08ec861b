"""The audit log of a running service is sealed while anything happens, and when it stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from api.store import seals
from api.store.store import Store
from recommender.errors import CorridorError

SECONDS = 60.0
logger = logging.getLogger("corridor")


@asynccontextmanager
async def sealed_on(store: Store | None, file: Path | None) -> AsyncIterator[None]:
    """Seal every minute inside, and once more at the end; None: there is nothing to seal."""
    if store is None:
        yield
        return
    sealer = seals.Sealer(store, seals.place(store.database, file))
    sealing = asyncio.create_task(_seal_on(sealer))
    try:
        yield
    finally:
        sealing.cancel()
        with suppress(asyncio.CancelledError):
            await sealing
        await asyncio.to_thread(_seal, sealer)


async def _seal_on(sealer: seals.Sealer) -> None:
    while True:
        await asyncio.sleep(SECONDS)
        await asyncio.to_thread(_seal, sealer)


def _seal(sealer: seals.Sealer) -> None:
    """Seal; what cannot be sealed now is sealed with the next."""
    try:
        sealer.seal()
    except CorridorError as error:
        logger.error("the audit log was not sealed: %s", error)
    except Exception:
        logger.exception("the audit log was not sealed")
