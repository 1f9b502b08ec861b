"""What is shown of a lane and in which order: the same for one answer and for a batch of firms.

Eligible and conditional by score, then near misses, then the rest. Ties (ruling 15): provenance,
fewer missing papers, id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.answers.changes import Change
from recommender.answers.remedies import Remedies, levers, mendable
from recommender.matching.matcher import Case, Matcher
from recommender.vocabulary import PROVENANCES, Lane

NEAR, INELIGIBLE = -1, -2
Grades = NDArray[np.int8]
Ints = NDArray[np.int64]


class Ranking:
    """Near misses and order among the products (m) of a compiled catalogue.

    mendable (rules,): which rules a company can change its answer to.
    """

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self.mendable = mendable(matcher, ("company",))
        self._levers = levers(matcher)
        self._provenance = np.array([PROVENANCES.index(p.quality) for p in matcher.products])

    def remedies(self, case: Case) -> Remedies:
        """What finds the changes that matter to one company."""
        return Remedies(self._matcher, case, self._levers)

    def mark_near_misses(
        self,
        remedies: Remedies,
        verdicts: Any,
        grades: Grades,
        lanes: Sequence[str],
        only: int | None = None,
    ) -> Mapping[str, Sequence[Change]]:
        """Set the grades (m,) of one company: near misses of some lanes, and what does not fit.

        verdicts (rules,). only: the one product to look at. Returns the changes that would make
        each near miss fit, by product id.
        """
        grades[grades < 0] = INELIGIBLE
        failing = self._matcher.failing(verdicts, self.mendable, lanes)
        if only is not None:
            failing = {only: failing[only]} if only in failing else {}
        near = remedies.near_misses(failing)
        grades[[self._matcher.index[name] for name in near]] = NEAR
        return near

    def short_lanes(self, grades: Grades, lanes: Sequence[Lane], limit: int) -> tuple[Lane, ...]:
        """Lanes in which fewer than `limit` products fit one company, so that more is shown."""
        within = self._matcher.offers.lanes
        return tuple(lane for lane in lanes if (grades[within[lane]] >= 0).sum() < limit)

    def order(self, at: Ints, group: Any, total: Any = None, missing: Any = None) -> Ints:
        """The order of some products, best first, along the last axis.

        at (k,): places of the products, in their order by id. group (..., k): 0 for what fits, less
        for the rest. total (..., k): scores; None: by id within each group. missing (..., k): how
        many required papers are missing.
        """
        if total is None:
            found: Ints = np.lexsort((-group,), axis=-1)
            return found
        provenance = np.broadcast_to(self._provenance[at], total.shape)
        return np.lexsort((missing, provenance, -total, -group), axis=-1)
