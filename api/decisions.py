"""What serves, decided: asked of the registry by routes and pages, and the engine that follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request

from api.identity.caller import caller_of
from api.refusals import ModelRefused
from api.registry_answers import Versions

REASONS = "api.jobs.promotion:reasons"
T = TypeVar("T")


async def asked(request: Request, ask: Callable[[Versions], T]) -> T:
    """What the registry of the caller's organisation says."""
    caller, store = caller_of(request), request.app.state.store
    answer: T = await store.calling(
        lambda: ask(Versions(store, caller.organisation_id, caller.user_id))
    )
    return answer


async def decided(request: Request, decide: Callable[[Versions], T]) -> T:
    """A decision, and the engine that it lets serve, before the answer says so."""
    step = await asked(request, decide)
    engines = request.app.state.engines
    if engines is not None:
        await engines.refresh(caller_of(request).organisation_id)
    return step


async def promoted(
    request: Request, version: str, reason: str, *, despite: bool
) -> tuple[dict[str, Any] | None, Any]:
    """The step that lets a model serve; or None and what is wrong, in both languages.

    Raises ModelRefused where something speaks against it and nobody insists, NotFound and
    ModelMismatch.
    """
    await asked(request, lambda versions: versions.registry.load(version))
    state, own = request.app.state, caller_of(request).organisation_id
    reasons, wrong = await state.checks.run(REASONS, state.settings, own, version)
    if wrong is not None:
        return None, wrong
    if reasons and not despite:
        raise ModelRefused(reasons)
    known = tuple(dict.fromkeys(found.code for found in reasons))
    return await decided(request, lambda v: v.promote(version, reason, known)), None
