"""All pages, put together. A role adds its modules to its own tuple ROUTERS."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.web import analyst, auditor, enterprise, front, manager, sessions, static_files

PARTS: tuple[APIRouter, ...] = (
    front.router,
    sessions.router,
    static_files.router,
    *enterprise.ROUTERS,
    *manager.ROUTERS,
    *analyst.ROUTERS,
    *auditor.ROUTERS,
)
ROUTES = tuple(route for part in PARTS for route in part.routes if isinstance(route, APIRoute))


def paths() -> frozenset[str]:
    """The addresses of the pages, as their routes write them."""
    return frozenset(route.path for route in ROUTES)
