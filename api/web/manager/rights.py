"""What a page offers: only what its caller may do."""

from __future__ import annotations

from api.identity.caller import permit
from api.policy import Caller
from api.refusals import NotAllowed


def may(caller: Caller, operation: str) -> bool:
    """Whether a caller may use an operation of the API."""
    try:
        permit(caller, operation)
    except NotAllowed:
        return False
    return True
