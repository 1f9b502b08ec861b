"""Operations on the catalogue."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.bodies import engine_of, language_of, written

router = APIRouter()


@router.get("/v1/products", operation_id="products")
async def products(request: Request) -> Response:
    """The catalogue."""
    return written(engine_of(request).products(language_of(request)))


@router.get("/v1/products/{product_id}", operation_id="product")
async def product(request: Request, product_id: str) -> Response:
    """One product."""
    return written(engine_of(request).product(product_id, language_of(request)))


@router.get("/v1/facts", operation_id="facts")
async def facts(request: Request) -> Response:
    """The dictionary of questions."""
    return written(engine_of(request).facts(language_of(request)))


@router.get("/v1/notice", operation_id="notice")
async def notice(request: Request) -> Response:
    """How the ranking works."""
    return written(engine_of(request).notice())
