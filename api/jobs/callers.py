"""On whose behalf a job looks at companies."""

from __future__ import annotations

from api.jobs.work import Work
from api.policy import Caller
from api.store import users


def caller_of(work: Work) -> Caller:
    """The user who asked for a job, with the role and branch of today; raises NotFound."""
    user = work.store.read(lambda c: users.by_id(c, work.user_id))
    return Caller(
        user_id=user["id"],
        organisation_id=user["organisation_id"],
        branch_id=user["branch_id"],
        role=user["role"],
        scope="read",
        token_id="",
        expires_at=work.store.clock(),
    )
