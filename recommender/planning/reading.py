"""From a profile to the situation: which products could be lines, up to what, and on what terms."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from decimal import Decimal

from recommender.answers.matches import Assessment
from recommender.catalogue.gates import buckets_of
from recommender.catalogue.product import Product, Range
from recommender.company.figures import ZERO, in_cny, stated_number
from recommender.company.profile import Need
from recommender.engine import Engine
from recommender.matching.amounts import Basis, ceilings
from recommender.matching.scoring import MICRO
from recommender.plan_options import PlanOptions
from recommender.planning import lending
from recommender.planning.buckets import bucket_on, window_of
from recommender.planning.sales import sales_of
from recommender.planning.settings import Settings
from recommender.planning.situation import (
    Candidate,
    Cover,
    Dropped,
    Existing,
    Hedge,
    Helper,
    Situation,
    Spot,
    Want,
)
from recommender.planning.standing import Standings
from recommender.vocabulary import BUCKET_DAYS

LARGEST = Decimal(10) ** 13


class Reader:
    """Reads one assessed company into a situation."""

    def __init__(
        self, engine: Engine, assessment: Assessment, options: PlanOptions, settings: Settings
    ) -> None:
        self._engine, self._a, self._options, self._set = engine, assessment, options, settings
        self._case, self._company = assessment.case, assessment.case.company
        self._basis: Basis = engine.basis(self._case)
        self._day = options.day
        self._standings = Standings(engine.matcher, assessment, settings)
        self._dropped: list[Dropped] = []
        self._sales = sales_of(self._company, settings)
        self._bound = lending.bound_items(self._company, self._basis, settings, self._sales.groups)
        self._papers = engine.matcher.offers.missing_papers(self._case.columns)
        self._spots = tuple(self._positions())
        self._rooms: dict[str, Decimal] = {}
        self._usable: set[str] = set()

    def situation(self) -> Situation:
        """All of it."""
        wants = tuple(self._wants())
        candidates: list[Candidate] = []
        outstanding = lending.outstanding_of(self._company, self._basis, self._set)
        usable = [p for p in self._engine.matcher.products if self._standings.of(p) is not None]
        usable = [p for p in usable if self._allowed(p)]
        names = self._usable = {product.id for product in usable}
        for product in usable:
            if product.funded and not self._held_substitute(product, outstanding):
                for k, want in enumerate(wants):
                    candidates += self._lines(product, k, want, outstanding, names)
        spots = self._with_debts(candidates)
        day = self._day
        parameter = self._engine.parameters.value
        lc, cash = parameter("lc_margin", day), parameter("forward_margin", day)
        share = self._basis.guarantee_share.number
        limits = self._set.limits
        return Situation(
            day=day,
            wants=wants,
            candidates=tuple(candidates),
            helpers=tuple(self._helpers(usable, candidates)),
            existing=tuple(self._existing(wants)),
            spots=spots,
            hedges=tuple(self._hedges(usable, spots)),
            rooms=dict(sorted(self._rooms.items())),
            outstanding=outstanding,
            exclusive=self._exclusive(usable),
            one_sale=dict(self._sales.links),
            gap=self._case.derived.collateral_gap.number,
            guarantee_share=share or ZERO,
            target=self._target(),
            margin_rate=(cash.value if cash and cash.value is not None else ZERO),
            lc_margin=(lc.value if lc and lc.value is not None else ZERO),
            most_lines=self._options.most_lines or limits.lines,
            most_banks=self._options.most_banks or limits.banks,
            rates=self._case.rates,
            dropped=tuple(self._dropped),
            sales=self._sales,
        )

    def _target(self) -> tuple[Decimal, Decimal] | None:
        aim = self._options.hedge_target
        if aim is not None and aim.low is not None and aim.high is not None:
            return aim.low, aim.high
        return self._basis.target

    def _allowed(self, product: Product) -> bool:
        only, without = self._options.only, self._options.exclude
        if product.id in without or (only is not None and product.id not in only):
            return False
        return self._options.conditional or self._standings.of(product) == "eligible"

    def _wants(self) -> Iterator[Want]:
        needs = self._options.needs or ((self._company.need or Need()),)
        for need in needs:
            amount = in_cny(need.amount, need.currency, self._case.rates)
            if need.currency is None or not amount or need.amount is None:
                continue
            start = max(need.date or self._day, self._day)
            yield Want(
                amount.quantize(Decimal("0.01")), need.amount, need.currency, start, need.tenor_days
            )

    def _drop(self, product: Product, code: str, **params: object) -> None:
        line = Dropped(product, code, params)
        if line not in self._dropped:
            self._dropped.append(line)

    def _held_substitute(self, product: Product, outstanding: Mapping[str, Decimal]) -> bool:
        """An unsecured loan that is drawn already excludes the others of its kind."""
        held = {n for r in product.relations if r.kind == "substitutes" for n in r.any_of}
        found = sorted(held & set(outstanding))
        if found:
            self._drop(product, "substitute_held", other=self._name(found[0]))
        return bool(found)

    def _name(self, product_id: str) -> object:
        return self._engine.catalogue.products[product_id].name

    # --- lines that pay out ----------------------------------------------------------------------

    def _lines(
        self,
        product: Product,
        k: int,
        want: Want,
        outstanding: Mapping[str, Decimal],
        usable: set[str],
    ) -> Iterator[Candidate]:
        days = self._tenor(product, want)
        if days == 0:
            longest = int(product.tenor_days.high or 0) if product.tenor_days else 0
            self._drop(product, "tenor_too_long", days=longest)
            return
        spans = self._engine.matcher.spans(product.id, self._day)
        covers = lending.covers_of(product, self._basis, spans, self._bound, self._sales.groups)
        secured = product.formula in lending.SECURED
        inside, at_stage = self._standings.at_stage(product, covers if secured else None)
        if not inside:
            self._drop(product, "stage")
            return
        covers = at_stage if secured else ()
        repays = tuple(
            sorted(
                {n for r in product.relations if r.kind == "takes_out" for n in r.any_of}
                & set(outstanding)
            )
        )
        owed = sum((outstanding[name] for name in repays), ZERO)
        amount = product.amount or Range()
        low = amount.low or ZERO
        bounds = [amount.high or LARGEST, want.amount + owed + self._all_margins()]
        resources: list[str] = []
        modest = None
        if secured:
            bounds.append(sum((cover.lent for cover in covers), ZERO))
        elif stated := lending.stated_share(product, self._basis, spans):
            fact, least, most = stated
            resources.append(fact)
            modest = least.number
            if most.number is None:
                self._drop(product, "fact_unknown", fact=fact)
                return
            bounds.append(most.number)
        rooms = self._rooms_of(product, covers)
        bounds += [self._rooms[room] for room in rooms]
        high = min(bounds)
        if high < low or high <= 0:
            code = "nothing_accepted" if secured and not covers else "below_minimum"
            self._drop(product, code, low=low, high=max(high, ZERO))
            return
        window = window_of((want.start - self._day).days, days)
        for currency, converts in self._currencies(product, want, covers, window):
            bottom, top = lending.in_cents(low, high, currency, self._case.rates)
            if top < bottom or top <= 0:
                continue
            standing, reasons = self._standings.line(product, days, inside)
            hangs = self._standings.prerequisites(product, usable)
            yield Candidate(
                product=product,
                need=k,
                currency=currency,
                standing=standing,
                low=bottom,
                high=top,
                days=days,
                covers=covers,
                secured=secured,
                resources=tuple(resources),
                rooms=tuple(rooms),
                repays=repays,
                hangs=hangs,
                converts=converts,
                repaid_by_receipts=converts
                or lending.paid_in(product, self._company, covers) == {currency},
                bucket=self._due(want, days, currency, converts=converts),
                window=window,
                reasons=reasons,
                missing_papers=int(self._papers[self._engine.matcher.index[product.id]]),
                score=self._score(product),
                cost=self._cost(product),
                modest=modest,
            )

    def _all_margins(self) -> Decimal:
        """A bound on what margins could add to the need."""
        rate = self._basis.margin_rate.number if self._basis.margin_rate else None
        size = sum((abs(s.before) * s.rate for s in self._spots), ZERO)
        wanted = self._case.derived.need.number or ZERO
        return ((rate or ZERO) * (size + wanted) + wanted).quantize(Decimal("0.01"))

    def _tenor(self, product: Product, want: Want) -> int | None:
        """The tenor of a line: that of the need, not shorter than the product's; 0: too long."""
        span = product.tenor_days
        if want.days is None:
            return None
        if span is not None and span.high is not None and want.days > span.high:
            return 0
        return max(want.days, int(span.low or 0) if span else 0)

    def _currencies(
        self, product: Product, want: Want, covers: tuple[Cover, ...], window: tuple[str, ...]
    ) -> Iterator[tuple[str, bool]]:
        """The need's currency; or that of receipts that repay it, converted at once."""
        if want.currency in product.currencies:
            yield want.currency, False
        held = lending.paid_in(product, self._company, covers)
        open_ = (s.currency for s in self._spots if s.free > 0 and s.bucket in window)
        for spot in dict.fromkeys(open_):
            known = spot in product.currencies and spot in self._case.rates
            if known and held == {spot} and spot != want.currency and want.currency == "CNY":
                yield spot, True

    def _due(self, want: Want, days: int | None, currency: str, *, converts: bool) -> str | None:
        if currency == "CNY" or converts:
            return None
        ahead = (want.start - self._day).days
        return bucket_on(ahead + (days or 0))

    def _rooms_of(self, product: Product, covers: tuple[Cover, ...]) -> list[str]:
        """Names of the ceilings a line shares with others, after noting how large they are."""
        found = []
        for figure in ceilings(product, self._basis):
            if figure.number is not None:
                self._rooms[figure.name] = figure.number
                found.append(figure.name)
        for fact in lending.rooms_of(product, self._company, covers):
            room = in_cny(stated_number(self._company, fact), "USD", self._case.rates)
            if room is not None:
                self._rooms[fact] = room.quantize(Decimal("0.01"))
                found.append(fact)
        return found

    def _score(self, product: Product) -> float:
        scores = self._a.scores
        if scores is None:
            return 0.0
        places = [self._engine.matcher.index[name] for name in self._usable]
        top = max(int(scores.total[0, places].max()), MICRO)
        mine = int(scores.total[0, self._engine.matcher.index[product.id]])
        return round(max(0, mine) / top, 6)

    def _cost(self, product: Product) -> Decimal | None:
        return next((c.pct_a_year for c in self._options.costs if c.product == product.id), None)

    # --- beside them -----------------------------------------------------------------------------

    def _existing(self, wants: tuple[Want, ...]) -> Iterator[Existing]:
        if not self._options.existing:
            return
        kinds = {kind.lower() for kind in self._set.drawable}
        for i, facility in enumerate(self._company.facilities or ()):
            limit, drawn = facility.limit, facility.drawn
            drawable = facility.kind is not None and facility.kind.strip().lower() in kinds
            if limit is None or drawn is None or not drawable or facility.currency != "CNY":
                continue
            free = in_cny(limit - drawn, facility.currency, self._case.rates)
            lasts = tuple(k for k, want in enumerate(wants) if _lasts(facility.maturity, want))
            if free and lasts:
                yield Existing(
                    f"facilities[{i}]",
                    facility.lender or "",
                    free.quantize(Decimal("0.01")),
                    limit - drawn,
                    facility.currency,
                    lasts,
                )

    def _positions(self) -> Iterator[Spot]:
        for p in self._case.derived.positions:
            rate = self._case.rates.get(p.currency)
            if rate is None or p.before_hedges is None or p.hedges is None:
                continue
            terms = {term.name: term.value for term in p.terms}
            bought, sold = (
                value if isinstance(value, Decimal) else ZERO
                for value in (terms.get("bought"), terms.get("sold"))
            )
            yield Spot(p.currency, p.bucket, p.before_hedges, bought, sold, rate.cny_per_unit)

    def _with_debts(self, candidates: list[Candidate]) -> tuple[Spot, ...]:
        """Positions there are, and those a foreign-currency line would make."""
        known = {(s.currency, s.bucket) for s in self._spots}
        more = sorted({(c.currency, c.bucket) for c in candidates if c.bucket} - known)
        rates = self._case.rates
        made = [Spot(c, b, ZERO, ZERO, ZERO, rates[c].cny_per_unit) for c, b in more if b]
        order = list(BUCKET_DAYS)
        every = [*self._spots, *made]
        return tuple(sorted(every, key=lambda s: (s.currency, order.index(s.bucket))))

    def _hedges(self, usable: list[Product], spots: tuple[Spot, ...]) -> Iterator[Hedge]:
        experienced = self._standings.is_true("hedge_experience")
        for product in usable:
            plain = product.id in self._set.plain_hedges
            if product.lane != "hedge" or product.id in self._set.mismatch_hedges:
                continue
            if not plain and not experienced:
                self._drop(product, "hedge_experience")
                continue
            reach, amount = buckets_of(product), product.amount or Range()
            for i, spot in enumerate(spots):
                if spot.currency in product.currencies and spot.bucket in reach:
                    yield Hedge(
                        product=product,
                        spot=i,
                        standing=self._standings.of(product) or "conditional",
                        low=amount.low or ZERO,
                        high=amount.high or LARGEST,
                        missing_papers=int(self._papers[self._engine.matcher.index[product.id]]),
                        score=self._score(product),
                    )

    def _helpers(self, usable: list[Product], lines: list[Candidate]) -> Iterator[Helper]:
        """Products that prerequisites name, guarantees and support of margins."""
        named = {name for line in lines for some in line.hangs for name in some}
        for product in usable:
            backs = product.covers in ("loan", "hedge_margin")
            if product.funded or not (product.id in named or backs):
                continue
            amount = product.amount or Range()
            ties = product.lane == "settlement" and product.family == "margin_or_line"
            cash = self._engine.parameters.value("lc_margin", self._day) if ties else None
            yield Helper(
                product=product,
                standing=self._standings.of(product) or "conditional",
                low=amount.low or ZERO,
                high=amount.high or LARGEST,
                missing_papers=int(self._papers[self._engine.matcher.index[product.id]]),
                margin=(cash.value if cash and cash.value is not None else ZERO),
            )

    def _exclusive(self, usable: list[Product]) -> frozenset[tuple[str, str]]:
        """Pairs of which one plan uses one: substitutes, and a line with what it takes out."""
        names = {product.id for product in usable}
        return frozenset(
            (min(p.id, other), max(p.id, other))
            for p in usable
            for relation in p.relations
            if relation.kind in ("substitutes", "takes_out")
            for other in relation.any_of
            if other in names and other != p.id and self._engine.catalogue.products[other].funded
        )


def _lasts(maturity: datetime.date | None, want: Want) -> bool:
    if maturity is None or want.days is None:
        return False
    return maturity >= want.start + datetime.timedelta(days=want.days)
