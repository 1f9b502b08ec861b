"""`/`: the start page for strangers, and for everybody else the home of their role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.policy import Role
from api.web import access, pages
from api.web.analyst import home as analyst
from api.web.auditor import home as auditor
from api.web.enterprise import home as enterprise
from api.web.manager import home as manager

router = APIRouter(include_in_schema=False)


async def _of_admin(request: Request) -> Response:
    return await pages.shown(request, "home.html")


HOMES: Mapping[Role, Callable[[Request], Awaitable[Response]]] = {
    "enterprise": enterprise.home,
    "manager": manager.home,
    "analyst": analyst.home,
    "auditor": auditor.home,
    "admin": _of_admin,
}


@router.get("/")
async def front(request: Request) -> Response:
    """The first page."""
    caller = await access.visitor(request)
    if caller is None:
        return await pages.shown(request, "start.html")
    return await HOMES[caller.role](request)
