"""What a bank knows of its relation to a company, beside the company's own profile."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from recommender.records import Day, Name, Record, YesNo, described, short_enough
from recommender.vocabulary import Lane


class Relationship(Record):
    """Who looks after a company, and what was said. None means not known, as in a profile.

    consent_to_contact: not known is not consent. A day that is not known does not say that nobody
    called. lanes_held: an empty list says that the company holds nothing here.
    """

    manager: Name | None = described(
        "Who looks after the company.", zh="客户经理", en="Manager", unit="name"
    )
    group: Name | None = described(
        "Group of companies it belongs to.", zh="所属集团", en="Group", unit="name"
    )
    last_contacted: Day | None = described(
        "Day of the last contact.", zh="最近联系日期", en="Last contacted", unit="date"
    )
    last_declined: Day | None = described(
        "Day it last declined an offer.", zh="最近拒绝日期", en="Last declined", unit="date"
    )
    consent_to_contact: YesNo | None = described(
        "May be contacted; beside `consents.contact`, a no in either counts.",
        zh="同意联系",
        en="Consent to contact",
        unit="yes/no",
    )
    lanes_held: tuple[Lane, ...] | None = described(
        "Lanes of products it holds already.",
        zh="已持有产品类别",
        en="Lanes held",
        unit="code",
        max_length=20,
    )

    _short = field_validator("lanes_held", mode="before")(classmethod(short_enough))


def consent(own: bool | None, recorded: bool | None) -> bool | None:
    """Whether a company may be contacted, by its profile and by the bank's record.

    >>> consent(True, None), consent(True, False), consent(None, None)
    (True, False, None)
    """
    said: set[Any] = {own, recorded}
    return False if False in said else True if True in said else None
