"""Overrides of a company: added, shown, withdrawn."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import engine_of, record_of, written
from api.identity.caller import caller_of
from api.keyed import created, id_in
from api.schemas.overrides import OverrideRequest
from api.store import overrides

router = APIRouter()


@router.post("/v1/companies/{company_id}/overrides", operation_id="add_override", status_code=201)
async def add(request: Request) -> Response:
    """A manager's own word on a product."""
    asked, caller = await record_of(request, OverrideRequest), caller_of(request)
    company, catalogue = id_in(request, "company"), engine_of(request).catalogue.products
    return await created(
        request, asked, lambda write: overrides.add(write, caller, company, asked, catalogue)
    )


@router.get("/v1/companies/{company_id}/overrides", operation_id="overrides")
async def listed(request: Request) -> Response:
    """What stands for a company."""
    company, caller = id_in(request, "company"), caller_of(request)
    store = request.app.state.store
    return written(await store.reading(lambda c: overrides.listed(c, caller, company)))


@router.delete(
    "/v1/companies/{company_id}/overrides/{override_id}",
    operation_id="withdraw_override",
    status_code=204,
)
async def withdraw(request: Request) -> Response:
    """An override taken back."""
    company, override = id_in(request, "company"), id_in(request, "override")
    caller = caller_of(request)
    await request.app.state.store.writing(
        lambda write: overrides.withdraw(write, caller, company, override)
    )
    return Response(status_code=204)
