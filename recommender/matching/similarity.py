"""How well each product fits, as named numbers in [0, 1]: one function per similarity.

Every function takes one encoded company and the compiled scope of m products and returns an array
(m,), NaN where the company does not say. Most are sums over the codes a company carries, looked up
in a small table per product (see `recommender.matching.affinities`); arrays may be shared, never
changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.matching.affinities import held
from recommender.matching.encoding import Companies, Exposure, Floats, Pledge
from recommender.matching.offers import Offers
from recommender.texts import Label, label
from recommender.vocabulary import LANES

INFINITE = float("inf")
FUNDING = ("financing", "lease", "equity")


class Applicant(NamedTuple):
    """One company as similarities see it.

    numbers, has, may: its columns as plain values, NaN and bits for unknown. hs, text: tokens, None
    when not known. pledges, positions: None when not known. coverage: CNY, NaN when not known.
    answers (rules,): to all rules.
    """

    numbers: list[float]
    has: list[int]
    may: list[int]
    hs: list[int] | None
    text: list[int] | None
    pledges: Sequence[Pledge] | None
    positions: Sequence[Exposure] | None
    coverage: float
    answers: NDArray[np.int8]


@dataclass(frozen=True)
class Situation:
    """What similarities look at: the companies and the answers to all rules (n, rules)."""

    companies: Companies
    verdicts: NDArray[np.int8]

    def applicants(self) -> Iterator[Applicant]:
        """The companies one by one."""
        companies = self.companies
        columns = companies.columns
        return map(
            Applicant,
            columns.numbers.tolist(),
            columns.has.tolist(),
            columns.may.tolist(),
            companies.hs,
            companies.text,
            companies.pledges,
            companies.positions,
            companies.coverage.tolist(),
            self.verdicts,
        )


def _route(a: Applicant, offers: Offers) -> Floats:
    return offers.route.mean(a.has, a.may)


def _stage(a: Applicant, offers: Offers) -> Floats:
    return offers.stage.mean(a.has, a.may)


def _settlement(a: Applicant, offers: Offers) -> Floats:
    return offers.settlement.mean(a.has, a.may)


def _size(a: Applicant, offers: Offers) -> Floats:
    return offers.size.mean(a.has, a.may)


def _cargo(a: Applicant, offers: Offers) -> Floats:
    return offers.cargo.mean(a.hs or (), known=a.hs is not None)


def _amount(a: Applicant, offers: Offers) -> Floats:
    need = a.numbers[offers.numbers["need_cny"]]
    if need == 0:
        return np.zeros(len(offers))
    low, high = offers.amount
    overlap = np.minimum(1.2 * need, high) - np.maximum(0.8 * need, low)
    return _clipped(overlap / (0.4 * need))


def _tenor(a: Applicant, offers: Offers) -> Floats:
    days = a.numbers[offers.numbers["need.tenor_days"]]
    if isnan(days):
        return _unknown(offers)
    low, high = offers.tenor
    with np.errstate(invalid="ignore", divide="ignore"):
        short = np.where(low > 0, days / low, 1.0)
        return _clipped(np.minimum(short, high / days if days else INFINITE))


def _clipped(values: Floats) -> Floats:
    return np.minimum(np.maximum(values, 0.0), 1.0)


def _unknown(offers: Offers) -> Floats:
    return np.full(len(offers), np.nan)


def _collateral(a: Applicant, offers: Offers) -> Floats:
    need = a.numbers[offers.numbers["need_cny"]]
    if isnan(need):
        return _unknown(offers)
    covered = coverage(a.pledges, offers)
    share: Floats = _clipped(covered / need) if need > 0 else 1.0 + 0.0 * covered
    gap = 1.0 - min(max(a.coverage / need, 0.0), 1.0) if need > 0 else 0.0 * a.coverage
    found: Floats = np.where(offers.lanes["guarantee"], gap, 0.5 + 0.5 * gap)
    np.copyto(found, share, where=offers.secured)
    return found


def coverage(pledges: Sequence[Pledge] | None, offers: Offers) -> Floats:
    """CNY each product would lend on a company's items (m,): of one trade only the best counts.

    practice.md 1: max(0, min(advance x value, cap) - senior claim), summed over trades. NaN where
    the items are not known, or an item the product accepts is not.
    """
    if pledges is None:
        return _unknown(offers)
    best: dict[str, Floats] = {}
    for item in sorted(pledges, key=value_order):
        lent = _lendable(item, offers)
        best[item.group] = np.maximum(best[item.group], lent) if item.group in best else lent
    total = np.zeros(len(offers))
    for amounts in best.values():
        total += amounts
    return total


def _lendable(item: Pledge, offers: Offers) -> Floats:
    kind = offers.kinds[item.kind]
    if isnan(item.base_cny) or isnan(item.senior_cny):
        return np.where(offers.accepts[kind], np.nan, 0.0)
    lent: Floats = offers.advance[kind] * item.base_cny
    if item.cap_cny < INFINITE:
        lent = np.minimum(lent, item.cap_cny)
    return np.maximum(lent - item.senior_cny, 0.0) if item.senior_cny else lent


def value_order(item: Pledge) -> tuple[str, str]:
    """An order that does not depend on where the item stands in its list."""
    return item.kind, f"{item.base_cny:.2f}|{item.senior_cny:.2f}|{item.cap_cny:.2f}"


def _fx(a: Applicant, offers: Offers) -> Floats:
    size, total = _exposures(a.positions, offers)
    share = np.minimum(size / total, 1.0) if total > 0 else np.full(len(offers), 0.0 * total)
    removed = total if isnan(total) else 1.0 if total > 0 else 0.2
    found = offers.currency.mean(a.has, a.may).copy()
    np.copyto(found, share, where=offers.lanes["hedge"])
    np.copyto(found, removed, where=offers.settles_in_cny)
    return found


def _exposures(positions: Sequence[Exposure] | None, offers: Offers) -> tuple[Floats, float]:
    """Open documented position in each product's currencies (m,), and in all; in CNY."""
    if positions is None:
        return _unknown(offers), float("nan")
    met, total = np.zeros(len(offers)), 0.0
    for position in sorted(positions, key=lambda item: (item.currency, item.bucket)):
        size = abs(position.open_cny)
        total += size
        row = offers.quoted.get(position.currency)
        met += 0.0 * size if row is None else row * size
    return met, total


def _documents(a: Applicant, offers: Offers) -> Floats:
    if not held(offers.papers, a.has) and held(offers.papers, a.may):
        return _unknown(offers)
    asks_nothing = offers.wanted == 0
    found: Floats = offers.papers_held(a.has) + asks_nothing
    found /= offers.wanted + asks_nothing
    return found


def _preferences(a: Applicant, offers: Offers) -> Floats:
    rules, owners = offers.soft
    answers = a.answers[rules]
    points = np.bincount(owners, weights=0.5 + 0.5 * answers, minlength=len(offers))
    known = np.bincount(owners, weights=answers != 0, minlength=len(offers))
    share = points / np.maximum(offers.asked, 1)
    share[known == 0] = np.nan
    share[offers.asked == 0] = 1.0
    return share


def _text(a: Applicant, offers: Offers) -> Floats:
    if a.text is None:
        return _unknown(offers)
    total = offers.text_weights[a.text].sum()
    shared: Floats = offers.text[a.text].sum(axis=0)
    return shared / total if total > 0 else shared


def _peers(_: Applicant, offers: Offers) -> Floats:
    """Not known here: a model that learned it fills it in (`recommender.matching.learned`)."""
    return _unknown(offers)


@dataclass(frozen=True)
class Feature:
    """One similarity. lanes: where it applies; elsewhere it is 0 and not shown.

    neutral: what an unknown value counts as (ruling 5). formula and source: for the notice and
    the documentation; texts `feature.<name>.*` hold label, meaning and sentences.
    """

    name: str
    compute: Callable[[Applicant, Offers], Floats]
    unit: str
    formula: str
    source: str
    neutral: float = 0.5
    lanes: tuple[str, ...] = LANES

    @property
    def label(self) -> Label:
        """Its name in both languages."""
        return label(f"feature.{self.name}.label")


FEATURES: tuple[Feature, ...] = (
    Feature("route", _route, "mean affinity", "mean over modes of max affinity", "domain.md 5"),
    Feature(
        "cargo", _cargo, "mean affinity", "HS: same 1, chapter 0.8, section 0.3", "domain.md 5"
    ),
    Feature(
        "collateral",
        _collateral,
        "share of need",
        "coverage / need; unsecured: 0.5 + 0.5 x gap / need; guarantee: gap / need",
        "practice.md 1",
        lanes=("financing", "guarantee"),
    ),
    Feature(
        "fx",
        _fx,
        "share",
        "hedge: share of open position in its currencies; others: fit of currency",
        "practice.md 1-2",
        lanes=("financing", "hedge", "settlement", "lease"),
    ),
    Feature(
        "amount",
        _amount,
        "overlap",
        "overlap of need +-20 % with the product's range",
        "domain.md 5",
        lanes=(*FUNDING, "guarantee"),
    ),
    Feature(
        "tenor",
        _tenor,
        "ratio",
        "1 inside the range; days / shortest or longest / days outside",
        "domain.md 5",
        lanes=(*FUNDING, "guarantee"),
    ),
    Feature("stage", _stage, "affinity", "same stage 1, neighbouring 0.4", "domain.md 5"),
    Feature(
        "settlement", _settlement, "mean affinity", "same method 1, related 0.3-0.5", "domain.md 5"
    ),
    Feature("documents", _documents, "share", "papers held / papers required", "domain.md 3"),
    Feature("size", _size, "affinity", "same class 1, neighbouring 0.5", "domain.md 2.4"),
    Feature(
        "preferences", _preferences, "share", "(soft rules met + open / 2) / soft rules", "ruling 2"
    ),
    Feature(
        "peers", _peers, "ratio", "r / (r + lane's mean), r: uptake among peers", "Cestnik 1990"
    ),
    Feature(
        "text", _text, "containment", "idf of shared n-grams / idf of the company's", "Broder 1997"
    ),
)
NAMES = tuple(feature.name for feature in FEATURES)
NEUTRAL = np.array([feature.neutral for feature in FEATURES])


def similarities(situation: Situation, offers: Offers) -> Floats:
    """All similarities (n, m, K), NaN unknown, 0 where a similarity does not apply to the lane."""
    values = np.empty((len(situation.companies), len(FEATURES), len(offers)))
    beside = ~applies(offers).T
    for row, applicant in zip(values, situation.applicants(), strict=True):
        for k, feature in enumerate(FEATURES):
            row[k] = feature.compute(applicant, offers)
        row[beside] = 0.0
    return values.transpose(0, 2, 1)


@lru_cache(maxsize=16)
def applies(offers: Offers) -> NDArray[np.bool_]:
    """Which similarities apply to which products (m, K)."""
    return np.stack([offers.lane_is(*feature.lanes) for feature in FEATURES], axis=1)
