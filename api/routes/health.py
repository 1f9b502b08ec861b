"""Whether the process runs, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import language_of, readiness, written

router = APIRouter()


@router.get("/healthz", operation_id="health")
async def health() -> Response:
    """The process runs."""
    return written({"status": "ok"})


@router.get("/readyz", operation_id="ready")
async def ready(request: Request) -> Response:
    """The service can answer, or what it lacks."""
    state = readiness(request, language_of(request))
    return written(state, 503 if "missing" in state else 200)
