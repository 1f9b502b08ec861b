"""Applications: starting one, moving it, the board, and one with its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import engine_of, query_of, record_of, written
from api.identity.caller import caller_of
from api.keyed import created, id_in
from api.schemas.applications import ApplicationRequest, BoardQuery, StepRequest
from api.store import application_views as views
from api.store import applications
from api.store.conditions import Condition
from api.store.writer import Write

router = APIRouter()


@router.post("/v1/applications", operation_id="start_application", status_code=201)
async def start(request: Request) -> Response:
    """A product applied for."""
    asked, caller = await record_of(request, ApplicationRequest), caller_of(request)
    catalogue = engine_of(request).catalogue.products

    def work(write: Write) -> dict[str, Any]:
        made = applications.start(write, caller, asked, catalogue)
        return views.described(write.connection, caller, made, catalogue)

    return await created(request, asked, work, _headers)


@router.post("/v1/applications/{application_id}/steps", operation_id="step_application")
async def step(request: Request) -> Response:
    """A step, or another owner or day."""
    asked, caller = await record_of(request, StepRequest), caller_of(request)
    wanted, condition = id_in(request, "application"), Condition.of(request.headers)
    catalogue = engine_of(request).catalogue.products

    def work(write: Write) -> dict[str, Any]:
        applications.step(write, caller, wanted, condition, asked, catalogue)
        return views.described(write.connection, caller, wanted, catalogue)

    return _tagged(await request.app.state.store.writing(work))


@router.get("/v1/applications", operation_id="applications")
async def board(request: Request) -> Response:
    """A part of the board."""
    asked, caller = query_of(request, BoardQuery), caller_of(request)
    catalogue = engine_of(request).catalogue.products
    store = request.app.state.store
    return written(await store.reading(lambda c: views.board(c, caller, asked, catalogue)))


@router.get("/v1/applications/counts", operation_id="application_counts")
async def counts(request: Request) -> Response:
    """Counts by product and status."""
    caller = caller_of(request)
    return written(await request.app.state.store.reading(lambda c: views.counts(c, caller)))


@router.get("/v1/applications/{application_id}", operation_id="application")
async def one(request: Request) -> Response:
    """An application with its history."""
    wanted, caller = id_in(request, "application"), caller_of(request)
    catalogue = engine_of(request).catalogue.products
    store = request.app.state.store
    return _tagged(await store.reading(lambda c: views.described(c, caller, wanted, catalogue)))


def _tagged(answer: Mapping[str, Any]) -> Response:
    response = written(answer)
    response.headers["ETag"] = applications.etag(answer["version"])
    return response


def _headers(answer: Mapping[str, Any]) -> dict[str, str]:
    place = f"/v1/applications/{answer['id']}"
    return {"ETag": applications.etag(answer["version"]), "Location": place}
