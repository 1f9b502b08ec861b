"""How a product stands as a part of a plan, which tests its amounts, tenors and positions itself.

A need above the ceiling blocks a single match but not a line (ruling 2 of the architecture).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from recommender import codes
from recommender.answers.matches import Assessment
from recommender.catalogue.product import Product
from recommender.company.headroom import NEEDS, RESTS_ON
from recommender.company.profile import Collateral
from recommender.matching.eligibility import YES
from recommender.matching.matcher import Matcher
from recommender.planning import lending
from recommender.planning.settings import Settings
from recommender.planning.situation import Cover, Standing
from recommender.rules import Rule

OWN_TESTS = (
    "amount_below_minimum",
    "amount_above_ceiling",
    "tenor_too_long",
    "open_position",
    "collateral_gap",
    "currency",
)


def tested_by_plans(rule: Rule) -> bool:
    """Whether a plan tests by itself what a rule asks of the whole need."""
    room = rule.f in NEEDS and rule.op == "at_most" and rule.v_field in RESTS_ON
    return room or (rule.origin == "gate" and rule.code in OWN_TESTS)


class Standings:
    """Products of one assessment as parts of a plan."""

    def __init__(self, matcher: Matcher, assessment: Assessment, settings: Settings) -> None:
        self._matcher, self._a, self._set = matcher, assessment, settings
        self._company = assessment.case.company
        kinds = [lending.product_of(f.kind, settings) for f in self._company.facilities or ()]
        self._facilities = {kind for kind in kinds if kind}
        self._held = {paper.type for paper in self._company.documents or ()}

    @cached_property
    def _grades(self) -> list[int]:
        verdicts = self._a.verdicts.copy()
        for i, rule in enumerate(self._matcher.rules):
            if tested_by_plans(rule):
                verdicts[i] = YES
        found: list[int] = self._matcher.fits(verdicts[np.newaxis])[0].tolist()
        return found

    def of(self, product: Product) -> Standing | None:
        """eligible, conditional, or None for what does not fit."""
        grade = self._grades[self._matcher.index[product.id]]
        return None if grade < 0 else ("eligible" if grade else "conditional")

    def is_true(self, fact: str) -> bool:
        """Whether a fact is known to hold."""
        stated = self._a.case.facts.get(fact)
        return stated is not None and stated.value is True

    def at_stage(
        self, product: Product, covers: tuple[Cover, ...] | None
    ) -> tuple[bool, tuple[Cover, ...]]:
        """Whether a product is inside its stages, and the covers that are.

        A secured line stands where its items do; any other where the trade does or an item that
        says so (a letter of credit does not). A stage that is not known is not outside.
        """
        if product.stages is None:
            return True, covers or ()
        stage = self._company.trade.stage if self._company.trade else None
        if covers is None:
            items = [i for i, c in enumerate(self._company.collateral or ()) if not _is_credit(c)]
            every = {s for i in items for s in self._stages(i)}
            inside = stage is None or not {*every, stage}.isdisjoint(product.stages)
            return inside, ()
        kept = tuple(
            cover
            for cover in covers
            if stage in product.stages
            or stage is None
            or not set(self._stages(int(cover.place[11:-1]))).isdisjoint(product.stages)
        )
        return bool(kept) or not covers, kept

    def _stages(self, index: int) -> tuple[str, ...]:
        kind = (self._company.collateral or ())[index].type
        family = codes.collateral_type(kind).family
        return self._set.stages.get(kind) or self._set.stages.get(family) or ()

    def line(
        self, product: Product, days: int | None, inside: bool
    ) -> tuple[Standing, tuple[str, ...]]:
        """How a line stands, and codes of what the plan itself leaves open."""
        stage = self._company.trade.stage if self._company.trade else None
        reasons = []
        if product.stages is not None and stage is None and inside:
            reasons.append("stage_unknown")
        if days is None:
            reasons.append("tenor_unknown")
        standing = self.of(product) or "conditional"
        return ("conditional" if reasons else standing), tuple(reasons)

    def prerequisites(self, product: Product, usable: set[str]) -> tuple[tuple[str, ...], ...]:
        """Prerequisites that nothing shows to be in place, each as its alternatives.

        usable: products that fit; an alternative that does not is still named.
        """
        found = []
        for relation in product.relations:
            if relation.kind == "prerequisite" and not any(map(self._in_place, relation.any_of)):
                ready = tuple(name for name in relation.any_of if name in usable)
                found.append(ready or relation.any_of)
        return tuple(found)

    def _in_place(self, product_id: str) -> bool:
        shown = self._set.evidence.get(product_id)
        if shown is None or product_id in self._facilities:
            return shown is not None or product_id in self._facilities
        return not self._held.isdisjoint(shown.documents) or any(map(self.is_true, shown.facts))


def _is_credit(item: Collateral) -> bool:
    return codes.collateral_type(item.type).family == "documentary_credit"
