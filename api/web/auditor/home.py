"""The auditor's home: what was shown last."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from api.identity.caller import caller_of, permit
from api.store import runs
from api.store.runs import Wanted
from api.web import pages

NEWEST = 10


async def home(request: Request) -> Response:
    """The newest runs."""
    caller = caller_of(request)
    permit(caller, "runs")
    wanted = Wanted(None, None, None, None, None, None, None)
    found = await request.app.state.store.reading(lambda c: runs.listed(c, caller, wanted, NEWEST))
    return await pages.shown(request, "auditor/home.html", runs=found)
