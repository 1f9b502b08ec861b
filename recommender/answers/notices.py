"""What an answer says beside its matches: what it is, what it assumed, when nothing fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from recommender.answers.explain import Wording
from recommender.catalogue.product import Product
from recommender.company.readings import Codes
from recommender.matching.matcher import Case, Fit
from recommender.matching.similarity import FUNDING
from recommender.parameters import Rate
from recommender.texts import Language, Money, text
from recommender.vocabulary import LANES

RECOMMENDED = ("eligible", "conditional")
NOT_SERVED = "outward_investment"


def notices(
    case: Case, wording: Wording, language: Language, *, personalised: bool, learned: bool
) -> list[str]:
    """That it is no decision, that data are synthetic, how it was ranked, what was assumed."""
    keys = ["not_a_decision", *(["synthetic"] if case.company.synthetic else [])]
    if not personalised:
        keys.append("not_personalised")
    elif not learned:
        keys.append("expert_weights")
    said = [text(f"notice.{key}", language) for key in keys]
    return [*said, *_assumed(case, wording, language)]


def _assumed(case: Case, wording: Wording, language: Language) -> Iterator[str]:
    company, province = case.company, case.row["registered_province"]
    if company.registered_province is None and isinstance(province, Codes) and province.has:
        shown = [wording.code("registered_province", code) for code in province.has]
        yield text("notice.province_from_uscc", language, province=shown)
    wanted, sales = case.derived.need.number, company.revenue_cny
    if wanted is not None and sales is not None and wanted > sales:
        amounts = {"need": Money(wanted, "CNY"), "sales": Money(sales, "CNY")}
        yield text("notice.need_above_sales", language, **amounts)
    if case.derived.rates_missing:
        yield text("notice.rates_missing", language, currencies=list(case.derived.rates_missing))
    for rate in case.derived.rates:
        yield _rate(rate, language)


def _rate(rate: Rate, language: Language) -> str:
    key = "notice.rate_stale" if rate.stale else "notice.rate"
    price = f"{rate.cny_per_unit:.4f}"
    return text(key, language, currency=rate.currency, day=rate.date, rate=price)


def nothing_fits(
    case: Case,
    fit_of: Callable[[str], Fit],
    by_lane: Mapping[str, Sequence[Product]],
    language: Language,
) -> str | None:
    """Said when nothing in the lanes that answer the need can be recommended; else None."""
    need = case.profile.need
    wanted = FUNDING if need.amount else [lane for lane in LANES if lane != "service"]
    offered = [p for lane, products in by_lane.items() if lane in wanted for p in products]
    if not set(wanted) & set(by_lane) or any(fit_of(p.id) in RECOMMENDED for p in offered):
        return None
    if need.purpose == NOT_SERVED:
        return text("nothing_fits.outward_investment", language)
    near = [product.name for product in offered if fit_of(product.id) == "near_miss"]
    if near:
        return text("nothing_fits.near", language, products=near[:3])
    return text("nothing_fits.none", language)
