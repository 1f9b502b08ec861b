"""Plans as plain dicts in one language: every amount with its formula, every condition in words."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from recommender.answers.change_texts import ChangeWriter
from recommender.answers.matches import Assessment
from recommender.answers.sheets import number
from recommender.company.figures import ZERO
from recommender.engine import Engine
from recommender.plan_options import PlanOptions
from recommender.planning.line_words import LineWriter
from recommender.planning.papers import papers_by_date
from recommender.planning.plans import Plan, Position
from recommender.planning.reasons import notes_of, why_open
from recommender.planning.sensitivity import MATERIAL, Fall, Way
from recommender.planning.situation import Situation
from recommender.texts import Label, Language, Money, Percent, show, text

Json = dict[str, Any]
FIGURES = ("need", "margins", "gross", "repaid", "net_new", "existing", "covered", "uncovered")


class PlanWriter:
    """Words the plans of one situation."""

    def __init__(
        self, engine: Engine, assessment: Assessment, situation: Situation, options: PlanOptions
    ) -> None:
        self._engine, self._a, self._s, self._options = engine, assessment, situation, options
        self._language: Language = options.language or "zh"
        self._lines = LineWriter(engine, assessment, situation, self._language)
        self._company = assessment.case.company
        need = self._company.need
        self._changes = ChangeWriter(
            engine.catalogue, need.currency if need else None, self._language
        )

    def _say(self, key: str, **params: Any) -> str:
        return text(f"plan.{key}", self._language, **params)

    def _money(self, amount: Decimal, currency: str = "CNY") -> Money:
        return Money(amount, currency)

    def _name(self, product_id: str) -> Label:
        return self._engine.catalogue.products[product_id].name

    # --- the whole -------------------------------------------------------------------------------

    def answer(self, plans: Sequence[Json]) -> Json:
        """Situation, plans and what has to be said of all of them."""
        said = notes_of(self._s, self._a, self._options)
        notes = [self._say(key, **params) for key, params in said]
        if self._s.wants:
            notes.append(self._say("note.weights"))
        return {
            "notices": [self._say("notice"), *notes],
            "situation": {
                "needs": [self._want(k) for k in range(len(self._s.wants))],
                "need_cny": number(self._s.need),
                "hedge_target": self._target(),
                "rates": [
                    {
                        "currency": c,
                        "cny_per_unit": float(r.cny_per_unit),
                        "date": r.date.isoformat(),
                        "source": r.source.title,
                    }
                    for c, r in sorted(self._s.rates.items())
                    if c in self._currencies()
                ],
            },
            "plans": list(plans),
            "nothing": None if any(_does(p) for p in plans) else self._say("nothing"),
        }

    def _currencies(self) -> set[str]:
        used = {want.currency for want in self._s.wants} | {s.currency for s in self._s.spots}
        return (used | {line.currency for line in self._s.candidates}) - {"CNY"}

    def _want(self, k: int) -> Json:
        want = self._s.wants[k]
        ends = None if want.days is None else want.start + datetime.timedelta(days=want.days)
        return {
            "amount": number(want.own),
            "currency": want.currency,
            "cny": number(want.amount),
            "start": want.start.isoformat(),
            "tenor_days": want.days,
            "end": ends.isoformat() if ends else None,
        }

    def _target(self) -> Json | None:
        if self._s.target is None:
            return None
        own = self._options.hedge_target is not None
        found = None if own else self._engine.parameters.value("hedge_target", self._s.day)
        source = found.source.title if found else self._say("target_asked")
        return {
            "low": float(self._s.target[0]),
            "high": float(self._s.target[1]),
            "source": source,
            "text": self._say(
                "target",
                low=Percent(float(self._s.target[0])),
                high=Percent(float(self._s.target[1])),
                source=source,
            ),
        }

    # --- one plan --------------------------------------------------------------------------------

    def plan(self, plan: Plan, name: str, falls: Sequence[Fall], ways: Sequence[Way]) -> Json:
        """One plan."""
        money = self._figures(plan)
        lines = [self._lines.line(line) for line in plan.lines]
        return {
            "name": name,
            "angle": plan.angle,
            "title": self._say(f"angle.{plan.angle}"),
            "summary": self._summary(plan, money),
            "proven_optimal": plan.proven,
            "optimality": self._say("proven" if plan.proven else "not_proven", nodes=plan.nodes),
            "nodes": plan.nodes,
            "least_uncovered_cny": number(plan.bound),
            "lines": lines,
            "existing": [self._lines.existing(d) for d in plan.drawn],
            "hedges": [self._lines.hedge(plan, h) for h in plan.hedges],
            "arranged": [self._lines.arranged(plan, a) for a in plan.arranged],
            "money": {key: number(value) for key, value in money.items()},
            "collateral_gap": self._gap(plan),
            "funding_gap": self._funding_gap(money),
            "cover_over_time": list(self._over_time(plan)),
            "positions": [self._lines.position(p) for p in plan.positions if _moves(p)],
            "papers": papers_by_date(self._engine, self._company, plan, self._language),
            "why_open": [
                self._say(f"open.{code}", **params) for code, params in why_open(self._s, plan)
            ],
            "ways_to_close": [self._way(way) for way in ways],
            "hangs_on": [self._fall(fall) for fall in falls],
            "also": list(self._complements(plan)),
        }

    def _figures(self, plan: Plan) -> dict[str, Decimal]:
        existing = sum((d.amount for d in plan.drawn), ZERO)
        gross = sum((line.amount for line in plan.lines), ZERO)
        low = sum((line.low for line in plan.lines), ZERO) + existing
        margins = sum(plan.margins.values(), ZERO)
        covered = plan.total_covered
        return {
            "need": self._s.need,
            "margins": margins,
            "margins_without_money": plan.margin_open,
            "gross": gross,
            "repaid": gross - plan.net_new,
            "net_new": plan.net_new,
            "existing": existing,
            "covered": covered,
            "covered_low": max(ZERO, min(covered, low - (gross - plan.net_new) - margins)),
            "uncovered": self._s.need - covered,
        }

    def _summary(self, plan: Plan, money: dict[str, Decimal]) -> str:
        conditional = sum(line.conditional for line in plan.lines)
        count = len(plan.lines) + len(plan.drawn)
        if not self._s.wants:
            said = [self._say("summary.hedge_only", count=len(plan.hedges))]
        else:
            share = float(money["covered"] / money["need"])
            key = "closed" if money["uncovered"] <= MATERIAL else "open"
            said = [
                self._say(
                    f"summary.{key}",
                    covered=self._money(money["covered"]),
                    need=self._money(money["need"]),
                    open=self._money(money["uncovered"]),
                    share=Percent(share),
                    count=count,
                )
            ]
        if conditional:
            said.append(self._say("summary.conditional", count=conditional))
        said.append(self._say("summary.decides"))
        return ("" if self._language == "zh" else " ").join(said)

    def _gap(self, plan: Plan) -> Json:
        d = self._a.case.derived
        return {
            "before": number(d.collateral_gap.number),
            "after": number(plan.gap),
            "formula": self._say("gap_formula"),
            "missing": list(d.collateral_gap.missing),
        }

    def _funding_gap(self, money: dict[str, Decimal]) -> Json:
        gap = max(ZERO, money["need"] + money["margins"] - money["net_new"] - money["existing"])
        return {
            "value": number(gap),
            "formula": text("derived.formula.funding_gap", self._language),
            "terms": [
                {"name": name, "label": self._say(f"figure.{name}"), "value": number(money[name])}
                for name in ("need", "margins", "net_new", "existing")
            ],
        }

    def _over_time(self, plan: Plan) -> Iterator[Json]:
        """Need and cover between the days on which either changes."""
        spans = []
        for k, want in enumerate(self._s.wants):
            end = want.start + datetime.timedelta(days=want.days if want.days is not None else 1)
            spans.append((want.start, end, want.amount, plan.covered[k]))
        days = sorted({day for start, end, *_ in spans for day in (start, end)})
        for first, last in pairwise(days):
            here = [s for s in spans if s[0] <= first and last <= s[1]]
            if here:
                need = sum((s[2] for s in here), ZERO)
                covered = sum((s[3] for s in here), ZERO)
                yield {
                    "from": first.isoformat(),
                    "to": last.isoformat(),
                    "need": number(need),
                    "covered": number(covered),
                    "uncovered": number(need - covered),
                }

    def _way(self, way: Way) -> Json:
        done = "closes" if way.closes else "helps"
        if way.kind == "limit":
            said = self._say(
                f"way.limit_{done}",
                amount=self._money(way.amount or ZERO, way.currency or ""),
                covered=self._money(way.covered),
            )
            sets: Json = {way.place: number(way.amount)}
        else:
            shown: Json = {"text": "", "set": {}}
            if way.change is not None:
                shown = self._changes.change(way.change)
            said = self._say(
                f"way.change_{done}",
                change=shown["text"].rstrip("。."),
                name=self._name(way.product or ""),
                covered=self._money(way.covered),
            )
            sets = shown["set"]
        return {
            "kind": way.kind,
            "by": way.by,
            "covered_cny": number(way.covered),
            "closes": way.closes,
            "set": sets,
            "text": said,
        }

    def _fall(self, fall: Fall) -> Json:
        item = self._lines.named(fall.place)
        return {
            "place": fall.place,
            "label": show(item, self._language),
            "covered_cny": number(fall.covered),
            "lost_cny": number(fall.lost),
            "text": self._say("without", item=item, covered=self._money(fall.covered)),
        }

    def _complements(self, plan: Plan) -> Iterator[Json]:
        """Products that go with the lines and fit, and are no part of the plan."""
        used = {line.candidate.product.id for line in plan.lines}
        used |= {h.hedge.product.id for h in plan.hedges}
        used |= {a.helper.product.id for a in plan.arranged}
        seen: set[str] = set()
        for name in sorted({line.candidate.product.id for line in plan.lines}):
            for relation in self._engine.catalogue.products[name].relations:
                for other in relation.any_of if relation.kind == "complements" else ():
                    fits = self._a.fit(other) in ("eligible", "conditional")
                    product = self._engine.catalogue.products[other]
                    if fits and other not in used | seen and not product.funded:
                        seen.add(other)
                        when = show(relation.when.label, self._language) if relation.when else None
                        yield {
                            "product_id": other,
                            "name": show(product.name, self._language),
                            "when": when,
                        }


def _does(plan: Json) -> bool:
    """Whether a plan does anything, or shows that nothing is left to do."""
    busy = any(plan[part] for part in ("lines", "existing", "hedges", "arranged"))
    return bool(busy or not plan["money"]["need"])


def _moves(p: Position) -> bool:
    return bool(p.spot.before or p.debt or p.paid or p.spot.bought or p.spot.sold)
