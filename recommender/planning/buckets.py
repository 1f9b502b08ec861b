"""Buckets of days to settlement: where a debt falls due, and through which a line lives."""

from __future__ import annotations

from recommender.vocabulary import BUCKET_DAYS


def bucket_on(days: int) -> str:
    """The bucket of a number of days.

    >>> bucket_on(112)
    '3-6m'
    """
    return next(name for name, (_, last) in BUCKET_DAYS.items() if days <= last)


def window_of(ahead: int, days: int | None) -> tuple[str, ...]:
    """Buckets that a line lives through: what comes in before it starts cannot repay it.

    ahead: days until it starts; days: its tenor, None when not known.

    >>> window_of(98, 75)
    ('3-6m',)
    """
    return tuple(
        name
        for name, (first, last) in BUCKET_DAYS.items()
        if last >= ahead and (days is None or first <= ahead + days)
    )
