"""Outcomes as lists to learn from: what was shown to a firm in one lane, and what it took.

What cannot teach is left out and counted by reason, never in silence.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.catalogue import Catalogue
from recommender.errors import Problem
from recommender.matching.encoding import Floats, Ints
from recommender.matching.pairs import InvalidProfiles, Pairs, match
from recommender.matching.similarity import NEUTRAL
from recommender.outcomes import InvalidOutcomes, Outcomes
from recommender.outcomes.table import REFUSED, SILENT, TAKEN
from recommender.vocabulary import LANES

Bools = NDArray[np.bool_]
EPOCH = datetime.date(1970, 1, 1)
REASONS = ("withdrawn_product", "unfit", "refused", "unanswered", "single")


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists (E) and the products on them (R rows, those of a list together, in order of day).

    firm (R,): place among the pairs; product, position, propensity, taken (R,). starts (E + 1,):
    where each list begins. day, lane, company (E,): days since 1970, number of the lane, number of
    the firm. first (E,): the firm's first list in its lane. open_lanes: lanes in which it is known
    that nothing was taken. left_out: lists by reason. applied: firm and whether the bank refused,
    for every product that was applied for.
    """

    catalogue: Catalogue
    pairs: Pairs
    firm: Ints
    product: Ints
    position: Ints
    propensity: Floats
    taken: Bools
    starts: Ints
    day: Ints
    lane: Ints
    company: Ints
    first: Bools
    open_lanes: frozenset[int]
    left_out: Mapping[str, int]
    applied: tuple[Ints, Floats]

    def __len__(self) -> int:
        return len(self.day)

    @property
    def sizes(self) -> Ints:
        """Products on each list (E,)."""
        return np.diff(self.starts)

    @property
    def event(self) -> Ints:
        """The list of each row (R,)."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @property
    def chosen(self) -> Ints:
        """The row taken from each list (E,), -1 for none."""
        found = np.full(len(self), -1)
        rows = np.flatnonzero(self.taken)
        found[self.event[rows]] = rows
        return found

    @property
    def open(self) -> Bools:
        """Whether taking nothing was possible and is known (E,)."""
        return np.isin(self.lane, list(self.open_lanes))

    def values(self, rows: Any = slice(None)) -> Floats:
        """Similarities of rows (R, K); an unknown one counts as its neutral value."""
        values = self.pairs.values[self.firm[rows], self.product[rows]]
        return np.where(np.isnan(values), NEUTRAL, values)

    def some(self, kept: Bools) -> Lists:
        """The lists of a mask (E,)."""
        rows, sizes = np.repeat(kept, self.sizes), self.sizes[kept]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        of_rows: list[Any] = [getattr(self, name)[rows] for name in ROWS]
        of_lists: list[Any] = [getattr(self, name)[kept] for name in LISTS]
        rest = (self.open_lanes, self.left_out, self.applied)
        found: list[Any] = [self.catalogue, self.pairs, *of_rows, starts, *of_lists, *rest]
        return Lists(*found)


ROWS = ("firm", "product", "position", "propensity", "taken")
LISTS = ("day", "lane", "company", "first")


def read_lists(
    outcomes: Outcomes,
    catalogue: Catalogue,
    *,
    parameters: Path | None = None,
    use_refusals: bool = False,
    without_withdrawn: bool = False,
    told: Callable[[int], None] = lambda _: None,
    workers: int = 1,
) -> Lists:
    """The lists of outcomes, each firm read once a month against the catalogue.

    use_refusals: a refusal of a bank counts as not taken; else its list is left out.
    without_withdrawn: rows of products the catalogue does not have are left out, and lists from
    which one of them was chosen. Raises InvalidOutcomes with every problem.
    """
    index = {name: j for j, name in enumerate(catalogue.products)}
    rows = outcomes.rows
    known = rows["product"].isin(index.keys()).to_numpy()
    if not (known.all() or without_withdrawn):
        raise InvalidOutcomes(_unknown_products(outcomes, catalogue, ~known))
    gone = _withdrawn(rows, known)
    rows = rows[known].reset_index(drop=True)
    firm, pairs = _pairs(
        outcomes, rows, partial(match, catalogue, parameters, told=told, workers=workers)
    )
    lanes = np.array([LANES.index(p.lane) for p in catalogue.products.values()], dtype=np.int64)
    product = rows["product"].map(index).to_numpy(dtype=np.int64)
    frame = pd.DataFrame(
        {
            "day": rows["day"],
            "event": rows["event"],
            "lane": lanes[product],
            "position": rows["position"],
            "firm": firm,
            "product": product,
            "company": pd.factorize(rows["company"])[0],
            "propensity": rows["propensity"].astype(np.float64),
            "outcome": rows["outcome"],
            "fit": pairs.fits[firm, product] if len(rows) else np.zeros(0, np.int8),
        }
    )
    problems = list(_two_taken(outcomes, rows, frame))
    if problems:
        raise InvalidOutcomes(problems)
    return _listed(frame, catalogue, pairs, gone, use_refusals)


def _withdrawn(rows: pd.DataFrame, known: Bools) -> tuple[int, set[Any]]:
    """How many events showed withdrawn products alone, and those in which one was the choice."""
    away = rows[~known]
    alone = set(away["event"]) - set(rows["event"][known])
    return len(alone), set(away["event"][away["outcome"].isin([TAKEN, REFUSED])])


def _unknown_products(outcomes: Outcomes, catalogue: Catalogue, wrong: Bools) -> Iterator[Problem]:
    for at in np.flatnonzero(wrong)[:1_000].tolist():
        name = outcomes.rows["product"].iloc[at]
        yield outcomes.problem(at, "outcome_product", "product", name, sorted(catalogue.products))


def _pairs(
    outcomes: Outcomes, rows: pd.DataFrame, matched: Callable[..., Pairs]
) -> tuple[Ints, Pairs]:
    """The place of each row among the pairs, and the pairs: a firm on its first day in a month."""
    months = rows["day"].to_numpy().astype("datetime64[D]").astype("datetime64[M]")
    keys = rows["profile"].astype(object) + "|" + pd.Series(months.astype(str), dtype=object)
    codes = pd.factorize(keys)[0]
    first = np.unique(codes, return_index=True)[1]
    wanted = [
        (outcomes.profiles[name], EPOCH + datetime.timedelta(days=int(day)))
        for name, day in zip(rows["profile"].iloc[first], rows["day"].iloc[first], strict=True)
    ]
    try:
        return codes.astype(np.int64), matched(wanted)
    except InvalidProfiles as error:
        found = [_of_firm(rows, int(first[p.row or 0]), p) for p in error.problems]
        raise InvalidOutcomes(found) from None


def _of_firm(rows: pd.DataFrame, at: int, problem: Problem) -> Problem:
    """A problem of a profile with the firm it belongs to."""
    place = f"{rows['company'].iloc[at]}.{problem.field}"
    return Problem(problem.code, place, problem.value, problem.allowed, problem.params)


def _two_taken(outcomes: Outcomes, rows: pd.DataFrame, frame: pd.DataFrame) -> Iterator[Problem]:
    taken = frame[frame["outcome"] == TAKEN]
    for at in taken.index[taken.duplicated(["event", "lane"])].tolist():
        name = rows["event"].iloc[at]
        yield outcomes.problem(at, "outcome_two_taken", "outcome", name)


def _listed(
    frame: pd.DataFrame,
    catalogue: Catalogue,
    pairs: Pairs,
    gone_products: tuple[int, set[Any]],
    use_refusals: bool,
) -> Lists:
    frame = frame.sort_values(["day", "event", "lane", "position"], kind="stable")
    key = frame["event"].astype(str) + "|" + frame["lane"].astype(str)
    frame["list"] = pd.factorize(key)[0]
    ends = frame[frame["outcome"].isin([TAKEN, REFUSED, "withdrawn"])]
    applied = (ends["firm"].to_numpy(), (ends["outcome"] == REFUSED).to_numpy(dtype=np.float64))
    refused, silent = frame["outcome"] == REFUSED, frame["outcome"] == SILENT
    taken, fits = frame["outcome"] == TAKEN, frame["fit"] >= 0
    took = taken.groupby(frame["list"]).transform("any")
    all_away, chosen_away = gone_products
    fitting = fits.groupby(frame["list"]).transform("any")
    reasons = {
        "withdrawn_product": frame["event"].isin(chosen_away) & ~took,
        "unfit": (taken & ~fits).groupby(frame["list"]).transform("any") | ~fitting,
        "refused": refused.groupby(frame["list"]).transform("any") & ~took & (not use_refusals),
        "unanswered": silent.groupby(frame["list"]).transform("any") & ~took,
    }
    gone, left_out = pd.Series(False, index=frame.index), {}
    for reason, mask in reasons.items():
        left_out[reason] = int(frame.loc[mask & ~gone, "list"].nunique())
        gone |= mask
    left_out["withdrawn_product"] += all_away
    frame = frame[~gone & fits & (use_refusals | ~refused)]
    nothing = ~(frame["outcome"] == TAKEN).groupby(frame["list"]).transform("any")
    lanes = frozenset(frame.loc[nothing, "lane"].unique().tolist())
    alone = frame.groupby("list")["list"].transform("size") == 1
    single = alone & ~frame["lane"].isin(lanes)
    left_out["single"] = int(single.sum())
    return _arrays(frame[~single], catalogue, pairs, (lanes, left_out, applied))


def _arrays(
    frame: pd.DataFrame,
    catalogue: Catalogue,
    pairs: Pairs,
    rest: tuple[Any, ...],
) -> Lists:
    firsts = frame.drop_duplicates("list")
    sizes = frame.groupby("list", sort=True).size().to_numpy()
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def column(source: pd.DataFrame, name: str, kind: Any = np.int64) -> Any:
        return source[name].to_numpy(dtype=kind)

    return Lists(
        catalogue,
        pairs,
        column(frame, "firm"),
        column(frame, "product"),
        column(frame, "position"),
        column(frame, "propensity", np.float64),
        (frame["outcome"] == TAKEN).to_numpy(),
        starts,
        column(firsts, "day"),
        column(firsts, "lane"),
        column(firsts, "company"),
        ~firsts.duplicated(["company", "lane"]).to_numpy(),
        *rest,
    )
