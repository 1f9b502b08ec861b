"""Plans against taking the best-ranked product, then the next, on made-up companies.

Both keep to the same rules and limits, and both hedge. Gains are paired, company by company;
intervals are those of the mean gain over companies, 95 %, by 1,000 resamples. The relaxation lets
every choice be a fraction: no way of planning with the same lines covers more than it does.
"""

from __future__ import annotations

from collections import Counter
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
from recommender.planning.model import Model
from recommender.planning.programme import quiet, solve
from recommender.planning.search import search
from recommender.planning.situation import Situation
from recommender.simulation import company as made_up
from tests.benchmarks.timing import significant
from tests.plan_peers import greedy, inside

CASE, SEED, AS_OF = "P", 11, "2026-11-23"
UNKNOWN = 0.2
WITHIN_CNY = 1.0
Line = dict[str, Any]


def run(*, small: bool) -> Iterator[Line]:
    """Lines of the benchmark."""
    planner = Planner(Engine(Catalogue.load()))
    for larger, needs in ((1, "needs as stated"), (5, "needs five times as large")):
        skipped: Counter[str] = Counter()
        with quiet():
            rows = list(islice(measured(planner, larger, skipped), 8 if small else 2_000))
        yield from covers(rows, needs)
        yield from bounds(rows, needs)
        yield from proofs(rows, needs, skipped)
        if larger == 1:
            yield from hedges(rows)
    with quiet():
        taken = list(times(planner, 4 if small else 200))
    yield from taken


def companies(skipped: Counter[str]) -> Iterator[Company]:
    """Made-up companies with a need, without end; those without one are counted."""
    for number in count_from(0):
        company = Company.parse(made_up(SEED, number, UNKNOWN))
        if company.need is not None and company.need.amount:
            yield company
        else:
            skipped["no need stated"] += 1


def asking(company: Company, times: int) -> Company:
    """The company with a need so many times as large."""
    need = company.need
    if need is None or need.amount is None:
        return company
    larger = need.model_copy(update={"amount": need.amount * times})
    return company.model_copy(update={"need": larger})


def measured(planner: Planner, larger: int, skipped: Counter[str]) -> Iterator[Line]:
    """One row for each company: what plan and greedy cover and hedge, and what was proven."""
    options = PlanOptions.parse({"as_of": AS_OF})
    for company in companies(skipped):
        try:
            _, situation = planner.situation(asking(company, larger), options)
        except InvalidProfile:
            skipped["facts contradict the profile"] += 1
            continue
        if not situation.wants:
            skipped["need without a currency or a rate"] += 1
            continue
        start = perf_counter()
        plan = Composer(search(situation, planner.settings), "most_covered").plan()
        took = perf_counter() - start
        need, other = float(situation.need), greedy(situation)
        mine = [p for p in plan.positions if p.position and p.spot.before]
        theirs = [q for q, p in enumerate(other.positions) if p and situation.spots[q].before]
        ends = [inside(situation, q, other.positions[q], other.hedges.get(q, 0)) for q in theirs]
        yield {
            "need": need,
            "plan": float(plan.total_covered) / need,
            "greedy": float(other.covered) / need,
            "relaxed": 1 - relaxed(situation, planner.settings.limits.nodes) / need,
            "optimum": 1 - float(plan.bound) / need,
            "proven": plan.proven,
            "plan lines": len(plan.lines),
            "greedy lines": other.lines,
            "candidates": len(situation.candidates),
            "plan positions": len(mine),
            "greedy positions": len(theirs),
            "plan inside": sum(bool(p.within) for p in mine),
            "greedy inside": sum(ends),
            "before": sum(inside(situation, q, situation.spots[q].before, 0) for q in theirs),
            "plan hedges": len(plan.hedges),
            "greedy hedges": len(other.hedges),
            "seconds": took,
        }


def relaxed(situation: Situation, nodes: int) -> float:
    """The least need left open when every choice may be a fraction, CNY: a bound for any plan."""
    model = Model(situation)
    model.p.whole = [False] * len(model.p.whole)
    return max(0.0, solve(model.p, model.uncovered(), nodes).objective) * float(model.unit)


def interval(values: np.ndarray, weights: np.ndarray | None = None) -> list[float]:
    """The 95 % interval of a mean over companies, or of a ratio of sums."""
    draws = np.random.default_rng(1).integers(0, len(values), (1000, len(values)))
    if weights is None:
        means = values[draws].mean(axis=1)
    else:
        means = values[draws].sum(axis=1) / np.maximum(weights[draws].sum(axis=1), 1)
    return [round(float(x), 4) for x in np.quantile(means, (0.025, 0.975))]


def compared(what: str, plan: np.ndarray, other: np.ndarray, **more: Any) -> Line:
    """One measure of plan and greedy on the same companies, with the interval of the gain."""
    a, b = plan.astype(float), other.astype(float)
    return {
        "case": CASE,
        "what": what,
        "ratio": significant((float(a.mean()) + 1e-9) / (float(b.mean()) + 1e-9)),
        "against": "greedy",
        "plan": round(float(a.mean()), 4),
        "greedy": round(float(b.mean()), 4),
        "gain": [round(float((a - b).mean()), 4), *interval(a - b)],
        **more,
    }


def column(rows: list[Line], name: str) -> np.ndarray:
    """One figure of every row."""
    return np.array([row[name] for row in rows])


def covers(rows: list[Line], needs: str) -> Iterator[Line]:
    """Mean share of need covered, share fully covered, lines per plan."""
    plan, other = column(rows, "plan"), column(rows, "greedy")
    groups = {
        "all": np.ones(len(rows), dtype=bool),
        "some line fits": column(rows, "candidates") > 0,
        "greedy leaves some open": (column(rows, "candidates") > 0) & (other < 0.9999),
    }
    for name, some in groups.items():
        if not some.any():
            continue
        more = {"needs": needs, "group": name, "companies": int(some.sum())}
        yield compared("share of need covered", plan[some], other[some], **more)
        if name != "greedy leaves some open":  # greedy covers none of these
            full = (plan[some] > 0.99999, other[some] > 0.99999)
            yield compared("fully covered", *full, **more)
        lines = (column(rows, f"{who} lines")[some] for who in ("plan", "greedy"))
        yield compared("lines per plan", *lines, **more)


def bounds(rows: list[Line], needs: str) -> Iterator[Line]:
    """How far both are from what the same lines can cover at best: the room there is to gain."""
    need = column(rows, "need")
    for name in ("optimum", "relaxed"):
        top = column(rows, name)
        mine, theirs = (np.maximum(0, top - column(rows, who)) for who in ("plan", "greedy"))
        yield {
            "case": CASE,
            "what": f"distance to the {'proven optimum' if name == 'optimum' else 'relaxation'}",
            "ratio": significant((float(mine.mean()) + 1e-9) / (float(theirs.mean()) + 1e-9)),
            "against": "greedy",
            "needs": needs,
            "companies": len(rows),
            "plan": round(float(mine.mean()), 4),
            "greedy": round(float(theirs.mean()), 4),
            "interval": interval(theirs),
            "plan_at_it": round(float((mine * need <= WITHIN_CNY).mean()), 4),
            "greedy_at_it": round(float((theirs * need <= WITHIN_CNY).mean()), 4),
            "greedy_at_it_interval": interval((theirs * need <= WITHIN_CNY).astype(float)),
            "eight_points_possible": bool(theirs.mean() >= 0.08),
        }


def proofs(rows: list[Line], needs: str, skipped: Counter[str]) -> Iterator[Line]:
    """What was proven, how long it took, and which companies could not be planned for."""
    plan, other, seconds = (column(rows, name) for name in ("plan", "greedy", "seconds"))
    yield {
        "case": CASE,
        "what": "proven optimal",
        "ratio": significant(float(column(rows, "proven").mean()) + 1e-9),
        "against": "all plans",
        "needs": needs,
        "companies": len(rows),
        "skipped": dict(sorted(skipped.items())),
        "never_below_greedy": bool((plan >= other - 1e-6).all()),
        "p50_ms": significant(1e3 * float(np.median(seconds))),
        "p95_ms": significant(1e3 * float(np.quantile(seconds, 0.95))),
    }


def hedges(rows: list[Line]) -> Iterator[Line]:
    """Share of documented positions inside the band: plan, greedy, and as they stood."""
    some = [row for row in rows if row["plan positions"] or row["greedy positions"]]
    if not some:
        return
    shares = {}
    for who in ("plan", "greedy"):
        hit, count = (column(some, f"{who} {name}") for name in ("inside", "positions"))
        shares[who] = (hit, count)
    (a, n), (b, m) = shares["plan"], shares["greedy"]
    gain = a / np.maximum(n, 1) - b / np.maximum(m, 1)
    before = column(some, "before").sum() / max(1, m.sum())
    yield {
        "case": CASE,
        "what": "positions inside the band",
        "ratio": significant((a.sum() / n.sum() + 1e-9) / (b.sum() / m.sum() + 1e-9)),
        "against": "greedy",
        "companies": len(some),
        "plan": round(float(a.sum() / n.sum()), 4),
        "plan_interval": interval(a, n),
        "greedy": round(float(b.sum() / m.sum()), 4),
        "greedy_interval": interval(b, m),
        "before": round(float(before), 4),
        "positions": {"plan": int(n.sum()), "greedy": int(m.sum())},
        "gain": [round(float(gain.mean()), 4), *interval(gain)],
    }
    per = (column(some, f"{who} hedges") for who in ("plan", "greedy"))
    yield compared("hedges per plan", *per, companies=len(some))


def times(planner: Planner, count: int) -> Iterator[Line]:
    """A whole answer with checks, sensitivity and words; against a recommendation."""
    works = {
        "one plan": lambda c: planner.plan(c, as_of=AS_OF, plans=1),
        "three plans": lambda c: planner.plan(c, as_of=AS_OF),
        "recommendation": lambda c: planner.engine.recommend(c, as_of=AS_OF),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for company in islice(companies(Counter()), count):
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
