"""The auditor's home: what was shown last."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import Request
from starlette.responses import Response

from api.identity.caller import caller_of, permit
from api.store import runs
from api.store.registry import logins
from api.store.runs import Wanted
from api.web import pages
from api.web.auditor.runs import names_of

NEWEST = 10


async def home(request: Request) -> Response:
    """The newest runs."""
    caller = caller_of(request)
    permit(caller, "runs")

    def asked(connection: sa.Connection) -> dict[str, Any]:
        found = runs.listed(connection, caller, Wanted(), NEWEST)
        own = logins(connection, caller.organisation_id)
        return {"runs": found, "names": names_of(connection, caller, found), "logins": own}

    found = await request.app.state.store.reading(asked)
    return await pages.shown(request, "auditor/home.html", **found)
