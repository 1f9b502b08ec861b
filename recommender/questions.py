"""Which question to ask next: what would settle the most, near the top of the lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import log2
from typing import Any

from recommender.answers import Assessment, MatchWriter, open_fields
from recommender.eligibility import UNKNOWN
from recommender.matching import Matcher
from recommender.product import Product
from recommender.texts import Language, show

MOST = 10


def next_questions(
    matcher: Matcher,
    assessment: Assessment,
    writer: MatchWriter,
    products: Sequence[Product],
    language: Language,
) -> list[dict[str, Any]]:
    """At most ten questions, the one that settles most first.

    An open product passes on 1 / log2(1 + rank in its lane), split evenly among the fields that
    keep it open: a field that alone decides a leading product comes first.
    """
    gain: dict[str, float] = defaultdict(float)
    decides: dict[str, set[str]] = defaultdict(set)
    for rank, product in _open(matcher, assessment, products):
        fields = _unknown_fields(matcher, assessment, writer, product)
        for name in fields:
            gain[name] += 1 / log2(1 + rank) / len(fields)
            decides[name].add(product.id)
    ordered = sorted(gain, key=lambda name: (-round(gain[name], 9), name))
    return [
        {
            "fact": name,
            "question": show(writer.question(name), language),
            "decides": sorted(decides[name]),
        }
        for name in ordered[:MOST]
    ]


def _open(
    matcher: Matcher, assessment: Assessment, products: Sequence[Product]
) -> list[tuple[int, Product]]:
    """Conditional products with their rank within the lane, by score or, without one, by id."""
    index = {product.id: j for j, product in enumerate(matcher.products)}
    scores = assessment.scores

    def order(product: Product) -> tuple[int, str]:
        return (0 if scores is None else -int(scores.total[0, index[product.id]]), product.id)

    found: list[tuple[int, Product]] = []
    for lane in dict.fromkeys(product.lane for product in products):
        rest = [p for p in products if p.lane == lane and assessment.fits[p.id] != "ineligible"]
        ranked = enumerate(sorted(rest, key=order), start=1)
        found += [(rank, p) for rank, p in ranked if assessment.fits[p.id] == "conditional"]
    return found


def _unknown_fields(
    matcher: Matcher, assessment: Assessment, writer: MatchWriter, product: Product
) -> list[str]:
    open_rules = [
        rule
        for _, rule, verdict in writer.rules(product.id)
        if rule.hard and verdict == UNKNOWN and matcher.asked_of(rule) == "company"
    ]
    names = [name for rule in open_rules for name in open_fields(assessment.case, rule)]
    return list(dict.fromkeys(names))
