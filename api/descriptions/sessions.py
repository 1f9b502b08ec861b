"""The operations on sessions."""

from __future__ import annotations

from typing import Any

from api.descriptions.operation import REFUSALS, Operation
from api.refusals import TooManyFailures, WrongPassword
from api.schemas.sessions import MeAnswer, SessionAnswer, SessionRequest
from recommender import Engine
from recommender.texts import Language

UNTIL = "2026-11-24T01:00:00+00:00"


def _started(_engine: Engine, _language: Language) -> Any:
    return {"token": "cm_3q2-7wAB", "expires_at": UNTIL}


def _me(_engine: Engine, _language: Language) -> Any:
    return {
        "user_id": "5d1c7ed4-6a4e-4b6c-9a7c-0f5a3f4c2b1e",
        "login": "manager@example.com",
        "name": "王敏",
        "role": "manager",
        "scope": "write",
        "organisation": {
            "id": "bank-a",
            "kind": "bank",
            "name_zh": "示例银行甲",
            "name_en": "Example Bank A",
            "synthetic": True,
        },
        "branch_id": "liangjiang",
        "expires_at": UNTIL,
    }


OPERATIONS = (
    Operation(
        "start_session",
        "identity",
        SessionAnswer,
        _started,
        SessionRequest,
        (*REFUSALS, WrongPassword(), TooManyFailures(seconds=8)),
        lambda _: {"login": "manager@example.com", "password": "correct horse battery"},
        status=201,
    ),
    Operation("end_session", "identity", None, lambda _e, _l: None, status=204),
    Operation("me", "identity", MeAnswer, _me),
)
