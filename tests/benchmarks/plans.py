"""Plans against taking the best-ranked product, then the next, on made-up companies.

Both keep to the same rules and limits. Cover is of the need, hedges are counted where something is
left to hedge; intervals are those of the mean over companies, 95 %, by 1,000 resamples.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count as count_from
from itertools import islice
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from recommender import Catalogue, Company, Engine
from recommender.errors import InvalidProfile
from recommender.planning import Planner, PlanOptions
from recommender.planning.compose import Composer
from recommender.planning.search import search
from recommender.simulation import company as made_up
from tests.benchmarks.timing import significant
from tests.plan_peers import greedy

CASE, SEED, AS_OF = "P", 11, "2026-11-23"
UNKNOWN = 0.2
Line = dict[str, Any]


def run(*, small: bool) -> Iterator[Line]:
    """Lines of the benchmark."""
    planner = Planner(Engine(Catalogue.load()))
    rows = list(islice(measured(planner, 1), 8 if small else 2_000))
    yield from covers(rows, "needs as stated")
    yield from hedges(rows)
    more = list(islice(measured(planner, 5), 8 if small else 2_000))
    yield from covers(more, "needs five times as large")
    yield from times(planner, 4 if small else 200)


def companies() -> Iterator[Company]:
    """Made-up companies with a need, without end."""
    for number in count_from(0):
        company = Company.parse(made_up(SEED, number, UNKNOWN))
        if company.need is not None and company.need.amount:
            yield company


def asking(company: Company, times: int) -> Company:
    """The company with a need so many times as large."""
    need = company.need
    if need is None or need.amount is None:
        return company
    larger = need.model_copy(update={"amount": need.amount * times})
    return company.model_copy(update={"need": larger})


def measured(planner: Planner, larger: int) -> Iterator[Line]:
    """One row for each company: what plan and greedy cover, and what was proven."""
    options = PlanOptions.parse({"as_of": AS_OF})
    for company in companies():
        try:
            _, situation = planner.situation(asking(company, larger), options)
        except InvalidProfile:
            continue
        if not situation.wants:
            continue
        start = perf_counter()
        plan = Composer(search(situation, planner.settings), "most_covered").plan()
        took = perf_counter() - start
        need = float(situation.need)
        ratios = [p for p in plan.positions if p.position and p.spot.before]
        yield {
            "plan": float(plan.total_covered) / need,
            "greedy": float(greedy(situation)) / need,
            "existing": float(sum(d.amount for d in plan.drawn)) / need,
            "proven": plan.proven,
            "lines": len(plan.lines),
            "candidates": len(situation.candidates),
            "positions": len(ratios),
            "inside": sum(bool(p.within) for p in ratios),
            "before": sum(_inside_before(p, situation) for p in ratios),
            "seconds": took,
        }


def _inside_before(position: Any, situation: Any) -> bool:
    held = (position.spot.sold - position.spot.bought) * (1 if position.spot.before > 0 else -1)
    low, high = situation.target or (0, 0)
    return bool(low <= held / abs(position.spot.before) <= high)


def interval(values: np.ndarray) -> list[float]:
    """The 95 % interval of a mean."""
    draws = np.random.default_rng(1).integers(0, len(values), (1000, len(values)))
    return [round(float(x), 4) for x in np.quantile(values[draws].mean(axis=1), (0.025, 0.975))]


def covers(rows: list[Line], needs: str) -> Iterator[Line]:
    """Mean share of need covered and share fully covered."""
    plan, other = (np.array([row[name] for row in rows]) for name in ("plan", "greedy"))
    usable = np.array([row["candidates"] > 0 for row in rows])
    groups = {"all": np.ones(len(rows), dtype=bool), "some line fits": usable}
    groups["greedy leaves some open"] = usable & (other < 0.9999)
    for name, some in groups.items():
        if not some.any():
            continue
        every = name != "greedy leaves some open"
        for what, a, b in (
            ("share of need covered", plan[some], other[some]),
            ("fully covered", plan[some] > 0.99999, other[some] > 0.99999),
        ):
            if what == "fully covered" and not every:
                continue  # greedy covers none of these
            gain = a.astype(float) - b.astype(float)
            yield {
                "case": CASE,
                "what": what,
                "needs": needs,
                "companies": int(some.sum()),
                "group": name,
                "ratio": significant((float(a.mean()) + 1e-9) / (float(b.mean()) + 1e-9)),
                "against": "greedy",
                "plan": round(float(a.mean()), 4),
                "greedy": round(float(b.mean()), 4),
                "gain": round(float(gain.mean()), 4),
                "interval": interval(gain),
            }
    yield {
        "case": CASE,
        "what": "proven optimal",
        "ratio": significant(float(np.mean([row["proven"] for row in rows])) + 1e-9),
        "against": "all plans",
        "needs": needs,
        "companies": len(rows),
        "never_below_greedy": bool((plan >= other - 1e-6).all()),
        "lines": round(float(np.mean([row["lines"] for row in rows])), 3),
        "p50_ms": significant(1e3 * median(row["seconds"] for row in rows)),
        "p95_ms": significant(1e3 * float(np.quantile([row["seconds"] for row in rows], 0.95))),
    }


def hedges(rows: list[Line]) -> Iterator[Line]:
    """Share of documented positions inside the band, with the plan and as they stood."""
    count = sum(row["positions"] for row in rows)
    if count:
        inside, before = (sum(row[name] for row in rows) for name in ("inside", "before"))
        yield {
            "case": CASE,
            "what": "positions inside the band",
            "ratio": significant((inside + 1e-9) / (before + 1e-9)) if before else 1.0 + inside,
            "against": "as they stood",
            "positions": count,
            "plan": round(inside / count, 4),
            "before": round(before / count, 4),
        }


def times(planner: Planner, count: int) -> Iterator[Line]:
    """A whole answer with checks, sensitivity and words; against a recommendation."""
    works = {
        "one plan": lambda c: planner.plan(c, as_of=AS_OF, plans=1),
        "three plans": lambda c: planner.plan(c, as_of=AS_OF),
        "recommendation": lambda c: planner.engine.recommend(c, as_of=AS_OF),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for company in islice(companies(), count):
        for name, work in works.items():
            start = perf_counter()
            try:
                work(company)
            except InvalidProfile:
                break
            taken[name].append(1e3 * (perf_counter() - start))
    base = median(taken["recommendation"])
    for name in ("one plan", "three plans"):
        yield {
            "case": CASE,
            "what": name,
            "ratio": significant(median(taken[name]) / base),
            "against": "recommendation",
            "products": len(planner.engine.catalogue.products),
            "p50_ms": significant(median(taken[name])),
            "p95_ms": significant(float(np.quantile(taken[name], 0.95))),
            "max_ms": significant(max(taken[name])),
        }
