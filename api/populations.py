"""Where the populations of organisations stand."""

from __future__ import annotations

from pathlib import Path

from api.settings import Settings

WHOLE = None


def organisation_folder(settings: Settings, organisation_id: str) -> Path:
    """The folder of an organisation's populations, each named by the job that made it."""
    return settings.store_folder / "populations" / organisation_id


def branch_folder(branch_id: str | None) -> str:
    """The name of a branch's population within one; None for the whole organisation."""
    return "whole" if branch_id is None else f"branch-{branch_id}"
