"""Operations on models and catalogues: which there are, and which of them serve."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import decisions
from api.bodies import file_of, language_of, queried, record_of, written
from api.errors import MEDIA_TYPE
from api.identity.caller import caller_of
from api.registry_answers import Versions
from api.schemas.registry import DecisionRequest, PromotionRequest

UPLOAD = "api.jobs.catalogues:upload"
DIFFERENCE = "api.jobs.catalogues:difference"
router = APIRouter()


@router.get("/v1/models", operation_id="models")
async def models(request: Request) -> Response:
    """Models and decisions."""
    return written(await decisions.asked(request, Versions.models))


@router.get("/v1/models/compare", operation_id="compare_models")
async def compare(request: Request) -> Response:
    """Two models side by side."""
    a, b = queried(request, "a", "b")
    return written(await decisions.asked(request, lambda versions: versions.compared(a, b)))


@router.post("/v1/models/rollback", operation_id="roll_back")
async def roll_back(request: Request) -> Response:
    """Undo the last decision."""
    asked = await record_of(request, DecisionRequest)
    return written(
        await decisions.decided(request, lambda versions: versions.roll_back(asked.reason))
    )


@router.get("/v1/models/{version}", operation_id="model")
async def model(request: Request, version: str) -> Response:
    """One model."""
    return written(await decisions.asked(request, lambda versions: versions.model(version)))


@router.post("/v1/models/{version}/promote", operation_id="promote_model")
async def promote(request: Request, version: str) -> Response:
    """Let a model serve, unless something speaks against it and nobody insists."""
    asked = await record_of(request, PromotionRequest)
    step, wrong = await decisions.promoted(request, version, asked.reason, despite=asked.despite)
    return _refused(request, wrong) if step is None else written(step)


@router.get("/v1/catalogues", operation_id="catalogues")
async def catalogues(request: Request) -> Response:
    """Catalogues and decisions."""
    return written(await decisions.asked(request, Versions.catalogues))


@router.post("/v1/catalogues", operation_id="add_catalogue", status_code=201)
async def add(request: Request) -> Response:
    """Check and keep a catalogue."""
    (name,) = queried(request, "name")
    state = request.app.state
    body = await file_of(request, name)
    counts, content = await state.checks.run(UPLOAD, state.settings, name, body)
    if counts is None:
        return _refused(request, content)
    kept = await decisions.asked(request, lambda versions: versions.kept(counts, content))
    return written(kept, 201)


@router.get("/v1/catalogues/{version}/diff", operation_id="compare_catalogues")
async def diff(request: Request, version: str) -> Response:
    """What changed against another catalogue."""
    (against,) = queried(request, "against")
    state, own = request.app.state, caller_of(request).organisation_id
    pair = (against, version)
    found, wrong = await state.checks.run(
        DIFFERENCE, state.settings, own, pair, language_of(request)
    )
    return _refused(request, wrong) if found is None else written(found)


@router.post("/v1/catalogues/{version}/use", operation_id="use_catalogue")
async def use(request: Request, version: str) -> Response:
    """Let a catalogue serve."""
    asked = await record_of(request, DecisionRequest)
    return written(
        await decisions.decided(request, lambda versions: versions.use(version, asked.reason))
    )


def _refused(request: Request, bodies: Any) -> Response:
    body = bodies[language_of(request)]
    answer = written(body, body["status"])
    answer.headers["content-type"] = MEDIA_TYPE
    return answer
