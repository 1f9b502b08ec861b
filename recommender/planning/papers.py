"""Papers a plan still needs, in the order of time in which they have to be there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from recommender.company.profile import Company
from recommender.engine import Engine
from recommender.planning.plans import Plan
from recommender.texts import Language, show, text

SLOWEST = ("bank", "third_party", "company")


def papers_by_date(
    engine: Engine, company: Company, plan: Plan, language: Language
) -> list[dict[str, Any]]:
    """Each missing paper once: the day of the first line that needs it, then the slowest to get.

    Papers that the company has not said anything about count as missing, and say so.
    """
    held = {paper.type for paper in company.documents or ()}
    first: dict[str, tuple[Any, list[str]]] = {}
    for day, product in _users(plan):
        for paper in product.documents:
            if paper not in held:
                known = first.setdefault(paper, (day, []))
                if product.id not in known[1]:
                    known[1].append(product.id)
                first[paper] = (min(known[0], day), known[1])
    documents = engine.catalogue.documents
    order = {name: i for i, name in enumerate(SLOWEST)}
    names = sorted(first, key=lambda n: (first[n][0], order[documents[n].obtained_from], n))
    return [
        {
            "by": first[name][0].isoformat(),
            "id": name,
            "label": show(documents[name].label.label, language),
            "obtained_from": documents[name].obtained_from,
            "obtained_from_text": text(f"plan.from.{documents[name].obtained_from}", language),
            "for": sorted(first[name][1]),
        }
        for name in names
    ]


def _users(plan: Plan) -> Iterator[tuple[Any, Any]]:
    starts = [line.start for line in plan.lines]
    for line in plan.lines:
        yield line.start, line.candidate.product
    day = min(starts) if starts else None
    for hedged in plan.hedges:
        yield day or plan.day, hedged.hedge.product
    for arranged in plan.arranged:
        yield day or plan.day, arranged.helper.product
