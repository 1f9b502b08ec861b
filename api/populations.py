"""Where the populations of organisations stand, and what a caller is shown of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from api.policy import Caller
from api.settings import Settings
from api.store.jobs import last_done
from api.store.visible_companies import still_seen

WHOLE = None
KIND = "population"


def organisation_folder(settings: Settings, organisation_id: str) -> Path:
    """The folder of an organisation's populations, each named by the job that made it."""
    return settings.store_folder / "populations" / organisation_id


def branch_folder(branch_id: str | None) -> str:
    """The name of a branch's population within one; None for the whole organisation."""
    return "whole" if branch_id is None else f"branch-{branch_id}"


def current_folder(
    connection: sa.Connection, settings: Settings, organisation_id: str, branch_id: str | None
) -> Path | None:
    """The population that counts now; None where none was built, or not on this host."""
    job_id = last_done(connection, organisation_id, KIND)
    if job_id is None:
        return None
    folder = organisation_folder(settings, organisation_id) / job_id / branch_folder(branch_id)
    return folder if folder.is_dir() else None


def only_seen(connection: sa.Connection, caller: Caller, body: bytes) -> bytes:
    """A list without companies that were erased, moved or withdrew their consent since."""
    page: dict[str, Any] = orjson.loads(body)
    ids = [prospect["company"]["id"] for prospect in page["prospects"]]
    seen = still_seen(connection, caller, ids)
    if seen.issuperset(ids):
        return body
    kept = [p for p in page["prospects"] if p["company"]["id"] in seen]
    return orjson.dumps({**page, "prospects": kept})
