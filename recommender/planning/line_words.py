"""The lines of a plan in words: money drawn, hedges, positions, what is arranged with them."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from recommender import codes
from recommender.answers.matches import Assessment
from recommender.answers.sheets import number
from recommender.catalogue.product import Product
from recommender.company.figures import ZERO, Figure, combined, given
from recommender.engine import Engine
from recommender.matching.amounts import Indication, ceilings
from recommender.planning.lending import own_figure, stated_share
from recommender.planning.plans import Arranged, Drawn, Hedged, Line, Plan, Position
from recommender.planning.situation import Cover, Situation
from recommender.texts import Label, Language, Money, Percent, label, show, text

Json = dict[str, Any]


class LineWriter:
    """Words the parts of one plan."""

    def __init__(
        self, engine: Engine, assessment: Assessment, situation: Situation, language: Language
    ) -> None:
        self._engine, self._a, self._s, self._language = engine, assessment, situation, language
        self._matches = engine.writer(assessment, language)
        self._basis = engine.basis(assessment.case)
        self._company = assessment.case.company

    def _say(self, key: str, **params: Any) -> str:
        return text(f"plan.{key}", self._language, **params)

    def _money(self, amount: Decimal, currency: str = "CNY") -> Money:
        return Money(amount, currency)

    def _name(self, product_id: str) -> Label:
        return self._engine.catalogue.products[product_id].name

    # --- lines -----------------------------------------------------------------------------------

    def line(self, line: Line) -> Json:
        """Money drawn, with its formula, security, conditions and papers."""
        c, product = line.candidate, line.candidate.product
        indication = self._indication(line)
        match = self._matches.match(product, 1, indication)
        rate = self._s.rates[c.currency].cny_per_unit
        low = (line.low / rate).quantize(Decimal("0.01")) if line.low != line.amount else line.own
        ends = None if c.days is None else line.start + datetime.timedelta(days=c.days)
        amount = {**self._matches.amount(indication), "low": number(low), "high": number(line.own)}
        return {
            "product_id": product.id,
            "name_zh": product.name_zh,
            "name_en": product.name_en,
            "lane": product.lane,
            "provider": match["provider"],
            "fit": "conditional" if line.conditional else c.standing,
            "fit_text": text(
                f"fit.{'conditional' if line.conditional else c.standing}", self._language
            ),
            "need": c.need,
            "amount": amount,
            "cny": number(line.amount),
            "converted": c.converts,
            "net_new_cny": number(line.net),
            "repays": [
                {
                    "product_id": r.product,
                    "name": show(self._name(r.product), self._language),
                    "cny": number(r.amount),
                    "text": self._say(
                        "repays", name=self._name(r.product), amount=self._money(r.amount)
                    ),
                }
                for r in line.repaid
            ],
            "start": line.start.isoformat(),
            "tenor_days": c.days,
            "end": ends.isoformat() if ends else None,
            "secured_by": [self._cover(cover, product) for cover in line.covers],
            "conditions": self._conditions(line, match),
            "subject_to": match["subject_to"],
            "cautions": match["cautions"],
            "unknowns": match["unknowns"],
            "documents_missing": match["documents_missing"],
            "legal_note": match["legal_note"],
            "reason": self._reason(line),
        }

    def _indication(self, line: Line) -> Indication:
        """The amount with the figures it can be computed again from."""
        parts = [
            Figure(c.place, c.high.value, "CNY", c.high.formula, c.high.terms) for c in line.covers
        ]
        total = combined("lendable_total", "CNY", parts, lambda *w: sum(w, ZERO))
        figures = [*parts, total] if parts else []
        figures += [
            f for f in ceilings(line.candidate.product, self._basis) if f.number is not None
        ]
        spans = self._engine.matcher.spans(line.candidate.product.id, self._s.day)
        if stated := stated_share(line.candidate.product, self._basis, spans):
            figures.append(stated[2])
        want = given("need", self._s.wants[line.candidate.need].amount, "CNY")
        figures.append(want)
        formula = line.candidate.product.formula
        formula = "unsecured" if formula == "none" else formula
        return Indication(line.low, line.own, line.candidate.currency, formula, tuple(figures))

    def _cover(self, cover: Cover, product: Product) -> Json:
        item = (self._company.collateral or ())[int(cover.place[11:-1])]
        name = self.item(cover.place)
        spans = self._engine.matcher.spans(product.id, self._s.day)
        own = own_figure(self._basis, spans, cover.place)
        return {
            "place": cover.place,
            "trade": item.trade,
            "type": item.type,
            "label": show(name, self._language),
            "lends_low_cny": number(max(ZERO, (cover.low.number or ZERO) - cover.bound)),
            "lends_cny": number(cover.lent),
            "held_by_others_cny": number(cover.bound),
            "formula": text(own.formula, self._language),
            "terms": [
                {
                    "name": term.name,
                    "label": show(label(f"derived.term.{term.name}"), self._language),
                    "value": number(term.value) if isinstance(term.value, Decimal) else term.value,
                    "unit": term.unit,
                }
                for term in own.terms
            ],
        }

    def item(self, place: str) -> Label:
        """The name of an item of collateral or of a facility, by its place in the profile."""
        if place.startswith("facilities["):
            lender = (self._company.facilities or ())[int(place[11:-1])].lender or ""
            named = label("plan.existing_of")
            return Label(named.zh.format(lender=lender), named.en.format(lender=lender))
        return self._collateral_name(place)

    def named(self, place: str) -> Label:
        """The same with the trade it belongs to, which tells two of a kind apart."""
        item, trade = self.item(place), None
        if place.startswith("collateral["):
            trade = (self._company.collateral or ())[int(place[11:-1])].trade
        return item if trade is None else Label(f"{item.zh}（{trade}）", f"{item.en} ({trade})")

    def _collateral_name(self, place: str) -> Label:
        return codes.collateral_type((self._company.collateral or ())[int(place[11:-1])].type).label

    def _conditions(self, line: Line, match: Json) -> list[str]:
        found = [
            self._say("hangs", names=[self._name(name) for name in some]) for some in line.hangs
        ]
        found += [self._say(f"reason.{code}") for code in line.candidate.reasons]
        found += [item["question"] for item in match["unknowns"]]
        if line.candidate.product.fit_ceiling is not None:
            found.append(text("caution.ceiling", self._language))
        return found

    def _reason(self, line: Line) -> str:
        c = line.candidate
        if c.converts:
            return self._say("why.converted", currency=c.currency)
        if line.repaid:
            return self._say("why.takes_out", net=self._money(line.net))
        if line.covers:
            names = list(dict.fromkeys(self._collateral_name(c.place) for c in line.covers))
            return self._say("why.secured", items=names, amount=self._money(line.amount))
        return self._say("why.unsecured", amount=self._money(line.amount))

    def existing(self, drawn: Drawn) -> Json:
        """What is drawn under an existing facility."""
        facility = drawn.facility
        return {
            "place": facility.place,
            "lender": facility.lender,
            "need": drawn.need,
            "cny": number(drawn.amount),
            "free_cny": number(facility.free),
            "text": self._say(
                "existing",
                lender=facility.lender or label("common.unknown"),
                amount=self._money(drawn.amount),
                free=self._money(facility.free),
            ),
        }

    # --- currency --------------------------------------------------------------------------------

    def hedge(self, plan: Plan, hedged: Hedged) -> Json:
        """A hedge with its position, ratio and margin."""
        product = hedged.hedge.product
        position = plan.positions[hedged.hedge.spot]
        match = self._matches.match(product, 1, Indication(None, None, "CNY", "none"))
        notional = (hedged.amount * position.spot.rate).quantize(Decimal("0.01"))
        return {
            "product_id": product.id,
            "name_zh": product.name_zh,
            "name_en": product.name_en,
            "fit": hedged.hedge.standing,
            "fit_text": text(f"fit.{hedged.hedge.standing}", self._language),
            "currency": position.spot.currency,
            "bucket": position.spot.bucket,
            "side": hedged.side,
            "amount": number(hedged.amount),
            "cny": number(notional),
            "margin_cny": number((notional * self._s.margin_rate).quantize(Decimal("0.01"))),
            "text": self._say(
                f"hedge.{hedged.side}",
                amount=self._money(hedged.amount, position.spot.currency),
                bucket=self._bucket(position.spot.bucket),
                ratio=Percent(float(position.ratio or 0)),
            ),
            "conditions": [item["question"] for item in match["unknowns"]],
            "subject_to": match["subject_to"],
            "documents_missing": match["documents_missing"],
        }

    def _bucket(self, bucket: str) -> Label:
        return label(f"plan.bucket.{bucket.replace('-', '_').replace('+', '_more')}")

    def position(self, p: Position) -> Json:
        """A position after the plan, against the target."""
        said = "position.nothing_left"
        if p.position != 0:
            said = {None: "position.no_target", True: "position.within"}.get(
                p.within, "position.below" if (p.ratio or 0) < self._aim() else "position.above"
            )
        return {
            "currency": p.spot.currency,
            "bucket": p.spot.bucket,
            "documented_before_hedges": number(p.spot.before),
            "debt_of_plan": number(p.debt),
            "paid_by_plan": number(p.paid),
            "position": number(p.position),
            "hedges_held": number(p.held),
            "hedges_new": number(p.new),
            "side": p.side,
            "hedge_ratio": None if p.ratio is None else float(p.ratio),
            "within_target": p.within,
            "formula": self._say("position.formula"),
            "text": self._say(
                said,
                amount=self._money(abs(p.position), p.spot.currency),
                ratio=Percent(float(p.ratio or 0)),
                bucket=self._bucket(p.spot.bucket),
            ),
        }

    def _aim(self) -> Decimal:
        return self._s.target[0] if self._s.target else ZERO

    # --- beside them -----------------------------------------------------------------------------

    def arranged(self, plan: Plan, arranged: Arranged) -> Json:
        """What pays nothing out and has to be there."""
        product = arranged.helper.product
        key = product.covers or ("credit" if arranged.helper.margin else "service")
        margin = plan.margins.get(product.id, ZERO)
        params = {
            "amount": self._money(arranged.amount or ZERO),
            "secured": self._money((arranged.amount or ZERO) * self._s.guarantee_share),
            "margin": self._money(max(ZERO, margin)),
        }
        return {
            "product_id": product.id,
            "name_zh": product.name_zh,
            "name_en": product.name_en,
            "lane": product.lane,
            "fit": arranged.helper.standing,
            "fit_text": text(f"fit.{arranged.helper.standing}", self._language),
            "cny": number(arranged.amount),
            "margin_cny": number(max(ZERO, margin)),
            "serves": list(dict.fromkeys(arranged.serves)),
            "text": self._say(f"arranged.{key}", **params),
        }
