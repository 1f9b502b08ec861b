"""What to say to a company about a product: a few sentences from its figures, in both languages.

Every figure is one the profile states or `recommender.company.derived` computes; nothing is said of
what is not known, but what to ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from recommender import codes
from recommender.answers.explain import Wording, band
from recommender.answers.unanswered import open_fields
from recommender.catalogue import Catalogue
from recommender.catalogue.product import Product
from recommender.company.figures import ZERO, in_cny
from recommender.matching.matcher import Case
from recommender.matching.similarity import NAMES
from recommender.population.packing import first_loan
from recommender.texts import LANGUAGES, Label, Money, Percent, label, text

Json = dict[str, Any]
RECEIVABLES = ("receivable", "insured_receivable")
MOST, REASONS, PAPERS = 6, 2, 3
SAID_OTHERWISE = ("amount", "documents", "peers", "text")


def talking_points(
    case: Case, product: Product, match: Mapping[str, Any], catalogue: Catalogue
) -> list[Json]:
    """At most six points, the most telling first. match: of the pair, in any language."""
    found = [*_receivable(case), *_open_position(case, product), *_need(case)]
    found += [*_cover(case), *_amount(match), *_first(case), *_reasons(match)]
    asked = [*_papers(case, product, catalogue), *_question(case, match, catalogue)]
    return [*found[: MOST - len(asked)], *asked]


def _point(code: str, **params: Any) -> Json:
    said = {f"text_{lang}": text(f"talking.{code}", lang, **params) for lang in LANGUAGES}
    return {"code": code.partition(".")[0], **said}


def _receivable(case: Case) -> Iterator[Json]:
    """The largest receivable: how much, on which place, how much of it is open to the currency."""
    found = [
        (in_cny(amount, currency, case.rates) or ZERO, amount, currency)
        for amount, currency in _receipts(case)
    ]
    if not found:
        return
    _, amount, currency = max(found, key=lambda part: (part[0], part[1], part[2]))
    place, share = _abroad(case), _unhedged(case, currency)
    parts: Json = {"money": Money(amount, currency)}
    names = ["receivable"]
    if place is not None:
        parts, names = {**parts, "place": place}, [*names, "place"]
    if share is not None:
        parts, names = {**parts, "share": share}, [*names, "hedge"]
    key = ".".join(["receivable", "_".join(names[1:]) or "plain"])
    yield _point(key, **parts)


def _receipts(case: Case) -> Iterator[tuple[Decimal, str]]:
    """Receivables that are pledged or stated as receipts, by amount and currency."""
    for item in case.company.collateral or ():
        family = codes.collateral_type(item.type).family
        if family in RECEIVABLES and item.value and item.currency:
            yield item.value, item.currency
    totals: dict[str, Decimal] = {}
    for flow in case.company.positions or ():
        totals[flow.currency] = totals.get(flow.currency, ZERO) + (flow.receipts or ZERO)
    yield from ((amount, currency) for currency, amount in totals.items() if amount)


def _abroad(case: Case) -> Label | None:
    """The last place abroad of the first route that names one."""
    for route in case.profile.trade.routes or ():
        for leg in reversed(route.legs or ()):
            if not leg.startswith("CN"):
                return codes.locode_label(leg)
    return None


def _unhedged(case: Case, currency: str) -> Percent | None:
    """The share of the documented position that forwards leave open, over all buckets."""
    own = [p for p in case.derived.positions if p.currency == currency]
    if currency == "CNY" or not own:
        return None
    if any(p.documented is None or p.before_hedges is None for p in own):
        return None
    before = sum((abs(p.before_hedges or ZERO) for p in own), ZERO)
    open_ = sum((abs(p.documented or ZERO) for p in own), ZERO)
    return Percent(float(min(open_ / before, Decimal(1)))) if before else None


def _open_position(case: Case, product: Product) -> Iterator[Json]:
    """For a hedge: the largest open position in a currency of the product."""
    if product.lane != "hedge":
        return
    open_ = [p for p in case.derived.positions if p.documented and p.currency in product.currencies]
    if open_:
        worth = {id(p): in_cny(abs(p.documented or ZERO), p.currency, case.rates) for p in open_}
        most = max(open_, key=lambda p: (worth[id(p)] or ZERO, p.currency, p.bucket))
        yield _point(
            f"position.{most.side}",
            money=Money(abs(most.documented or ZERO), most.currency),
            bucket=label(f"bucket.{most.bucket}"),
        )


def _need(case: Case) -> Iterator[Json]:
    need = case.profile.need
    if need.amount and need.currency:
        money = Money(need.amount, need.currency)
        if need.tenor_days is None:
            yield _point("need.plain", money=money)
        else:
            yield _point("need.days", money=money, days=need.tenor_days)


def _cover(case: Case) -> Iterator[Json]:
    """What the collateral covers, where it leaves a gap."""
    cover, gap = case.derived.collateral_coverage.number, case.derived.collateral_gap.number
    if cover is not None and gap:
        shown = {"money": Money(cover, "CNY")} if cover else {}
        key = "cover.some" if cover else "cover.none"
        yield _point(key, gap=Money(gap, "CNY"), **shown)


def _amount(match: Mapping[str, Any]) -> Iterator[Json]:
    amount = match["indicative_amount"]
    if match["fit"] in ("eligible", "conditional") and amount["high"]:
        yield _point("amount", money=Money(amount["high"], amount["currency"]))


def _first(case: Case) -> Iterator[Json]:
    if first_loan(case):
        yield _point("first_loan")


def _reasons(match: Mapping[str, Any]) -> Iterator[Json]:
    """What fits best, in the words of the similarities."""
    said = 0
    for part in match["contributions"]:
        name, value = part["feature"], part["value"]
        sure = name in NAMES and part["known"] and not part["open"] and name not in SAID_OTHERWISE
        if sure and band(value) == "high" and said < REASONS:
            said += 1
            words = label(f"feature.{name}.high")
            yield {"code": name, "text_zh": words.zh, "text_en": words.en}


def _papers(case: Case, product: Product, catalogue: Catalogue) -> Iterator[Json]:
    if case.company.documents is None or not product.documents:
        return
    held = {paper.type for paper in case.company.documents}
    missing = sorted(set(product.documents) - held)
    count = len(set(product.documents)) - len(missing)
    if missing:
        names = [catalogue.documents[name].label.label for name in missing[:PAPERS]]
        more = [label("common.and_more")] if len(missing) > PAPERS else []
        yield _point("papers.some", held=count, all=count + len(missing), missing=[*names, *more])
    else:
        yield _point("papers.all", all=count)


def _question(case: Case, match: Mapping[str, Any], catalogue: Catalogue) -> Iterator[Json]:
    """The first question that is open."""
    for line in match["unknowns"][:1]:
        field = open_fields(case, tuple(line["field"].split("|")))[0]
        yield _point("ask", question=Wording(catalogue).question(field))
