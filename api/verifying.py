"""Whether the audit log is whole, asked by a caller: for the route and for the page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.identity.caller import caller_of
from api.store import seals, verification
from recommender.texts import Language, text


async def verified(request: Request) -> verification.Checked:
    """Every chain and every seal checked, and the copies in the file of the seals too."""
    state, own = request.app.state, caller_of(request).organisation_id
    file = seals.place(state.store.database, state.settings.seals)
    copies = None
    if file is not None:
        copies = await run_in_threadpool(seals.read, file) if file.exists() else []
    checked: verification.Checked = await state.store.calling(
        lambda: state.store.read(lambda c: verification.verified(c, copies, own))
    )
    return checked


def shown(found: verification.Checked, language: Language) -> dict[str, Any]:
    """What a check found as JSON, each finding with its sentence."""
    findings = [
        {**asdict(one), "message": text(f"audit.{one.kind}", language, **asdict(one))}
        for one in found.findings
    ]
    return {"whole": found.whole, **asdict(found), "findings": findings}
