"""The filters of a list of prospects, as masks over packed companies."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.matching.encoding import Layout
from recommender.population.columnar import merged
from recommender.population.packing import HS_DIGITS, NO, PLACE_DIGITS, YES, span
from recommender.population.segment_rows import Rows
from recommender.prospects.options import ProspectOptions
from recommender.vocabulary import LANES

Bools = NDArray[np.bool_]
Filter = tuple[str, Callable[[Rows], Bools]]


def filters(
    options: ProspectOptions, layout: Layout, as_of: datetime.date, lane: str
) -> tuple[Filter, ...]:
    """What is asked for, in a fixed order, each as a function of rows to a mask of those kept."""
    return tuple(_asked(options, layout, as_of.toordinal(), 1 << LANES.index(lane)))


def _asked(options: ProspectOptions, layout: Layout, day: int, lane: int) -> Iterator[Filter]:
    if options.consent:
        yield "consent", lambda rows: rows.column("consent") == YES
    if options.region is not None:
        low, high = span(options.region, PLACE_DIGITS)
        yield "region", lambda rows: _within(rows.column("province"), low, high)
    if options.size is not None:
        yield "size", _has(layout, "size_class", options.size)
    if options.hs is not None:
        yield "hs", _trades(*span(options.hs, HS_DIGITS))
    if options.route is not None:
        yield "route", _has(layout, "trade.routes", options.route)
    if options.lane_held is not None:
        only = options.lane_held == "only"
        yield "lane_held", lambda rows: ((rows.column("lanes") & lane) != 0) == only
    if options.not_contacted_days is not None:
        yield "not_contacted_days", _long_ago("contacted", day - options.not_contacted_days)
    if options.not_declined_days is not None:
        yield "not_declined_days", _long_ago("declined", day - options.not_declined_days)
    if options.first_loan is not None:
        wanted = YES if options.first_loan else NO
        yield "first_loan", lambda rows: rows.column("first_loan") == wanted


def _within(values: Any, low: int, high: int) -> Bools:
    found: Bools = (values >= low) & (values <= high)
    return found


def _has(layout: Layout, field: str, codes: Sequence[str]) -> Callable[[Rows], Bools]:
    """Companies that certainly have one of some codes."""
    masks = merged(layout.codes[field].bits[code] for code in codes)
    return lambda rows: rows.counted(masks) > 0


def _trades(low: int, high: int) -> Callable[[Rows], Bools]:
    def mask(rows: Rows) -> Bools:
        owner, place = rows.items("hs")
        found = np.zeros(len(rows), dtype=np.bool_)
        found[owner[_within(rows.at("hs", place), low, high)]] = True
        return found

    return mask


def _long_ago(column: str, last: int) -> Callable[[Rows], Bools]:
    """Not known to be after a day; 0 is a day that is not known."""
    return lambda rows: rows.column(column) <= max(last, 0)
