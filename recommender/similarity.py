"""How well each product fits, as named numbers in [0, 1]: one function per similarity.

Every function takes n encoded companies and the compiled scope of m products and returns an
(n, m) array, NaN where the company does not say. Most are sums over the codes a company carries,
looked up in a small table per product (see `recommender.offers`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.encoding import Companies, Exposure, Floats, Pledge
from recommender.offers import OPEN, Offers
from recommender.texts import Label, label
from recommender.vocabulary import LANES

FUNDING = ("financing", "lease", "equity")


@dataclass(frozen=True)
class Situation:
    """What similarities look at: the companies and the answers to all rules (n, rules)."""

    companies: Companies
    verdicts: NDArray[np.int8]

    def number(self, offers: Offers, field: str) -> Floats:
        """A numeric field as a column (n, 1)."""
        return self.companies.columns.numbers[:, [offers.numbers[field]]]


def _route(s: Situation, offers: Offers) -> Floats:
    return offers.route.means(s.companies)


def _stage(s: Situation, offers: Offers) -> Floats:
    return offers.stage.means(s.companies)


def _settlement(s: Situation, offers: Offers) -> Floats:
    return offers.settlement.means(s.companies)


def _size(s: Situation, offers: Offers) -> Floats:
    return offers.size.means(s.companies)


def _cargo(s: Situation, offers: Offers) -> Floats:
    means = s.companies.hs.means(offers.cargo)
    none = s.companies.no_goods[:, None]
    return np.where(offers.any_cargo, OPEN, np.where(none, 0.0, means))


def _amount(s: Situation, offers: Offers) -> Floats:
    need = s.number(offers, "need_cny")
    low, high = offers.amount
    overlap = np.minimum(1.2 * need, high) - np.maximum(0.8 * need, low)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(need == 0, 0.0, np.clip(overlap / (0.4 * need), 0.0, 1.0))


def _tenor(s: Situation, offers: Offers) -> Floats:
    days = s.number(offers, "need.tenor_days")
    low, high = offers.tenor
    with np.errstate(invalid="ignore", divide="ignore"):
        short = np.where(low > 0, days / low, 1.0)
        fit: Floats = np.clip(np.minimum(short, high / days), 0.0, 1.0)
    return fit


def _collateral(s: Situation, offers: Offers) -> Floats:
    need = s.number(offers, "need_cny")
    covered = np.stack([coverage(pledges, offers) for pledges in s.companies.pledges])
    best = s.companies.coverage[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(need > 0, np.clip(covered / need, 0.0, 1.0), 1.0)
        gap = np.where(need > 0, 1.0 - np.clip(best / need, 0.0, 1.0), 0.0)
    unsecured = np.where(offers.lane_is("guarantee"), gap, 0.5 + 0.5 * gap)
    value = np.where(offers.secured, share, unsecured)
    return np.where(np.isnan(need) | np.isnan(value), np.nan, value)


def coverage(pledges: Sequence[Pledge] | None, offers: Offers) -> Floats:
    """CNY each product would lend on a company's items (m,): of one trade only the best counts.

    practice.md 1: max(0, min(advance x value, cap) - senior claim), summed over trades. NaN where
    the items are not known, or an item the product accepts is not.
    """
    if pledges is None:
        return np.full(len(offers), np.nan)
    best: dict[str, Floats] = {}
    for item in sorted(pledges, key=_value_order):
        advance = offers.advance[offers.kinds[item.kind]]
        lent = np.minimum(advance * item.base_cny, item.cap_cny)
        lendable = np.maximum(lent - item.senior_cny, 0.0)
        accepted = np.where(np.isnan(advance), 0.0, lendable)
        best[item.group] = np.maximum(best.get(item.group, 0.0), accepted)
    total = np.zeros(len(offers))
    for amounts in best.values():
        total += amounts
    return total


def _value_order(item: Pledge) -> tuple[str, str]:
    """An order that does not depend on where the item stands in its list."""
    return item.kind, f"{item.base_cny:.2f}|{item.senior_cny:.2f}|{item.cap_cny:.2f}"


def _fx(s: Situation, offers: Offers) -> Floats:
    exposures = [_exposures(positions, offers) for positions in s.companies.positions]
    size, total = np.stack([e[0] for e in exposures]), np.array([[e[1]] for e in exposures])
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, np.minimum(size / total, 1.0), 0.0 * total)
    removed = np.where(np.isnan(total), np.nan, np.where(total > 0, 1.0, 0.2))
    natural = offers.currency.means(s.companies)
    hedge, settlement = offers.lane_is("hedge"), offers.settles_in_cny
    return np.where(hedge, share, np.where(settlement, removed, natural))


def _exposures(positions: Sequence[Exposure] | None, offers: Offers) -> tuple[Floats, float]:
    """Open documented position in each product's currencies (m,), and in all; in CNY."""
    if positions is None:
        return np.full(len(offers), np.nan), float("nan")
    met, total = np.zeros(len(offers)), 0.0
    for position in sorted(positions, key=lambda item: (item.currency, item.bucket)):
        size = abs(position.open_cny)
        total += size
        row = offers.quoted.get(position.currency)
        met += 0.0 * size if row is None else row * size
    return met, total


def _documents(s: Situation, offers: Offers) -> Floats:
    held = offers.papers.held(s.companies).astype(np.float64)
    wanted = offers.required.sum(axis=1)
    found = held @ offers.required.T
    share = np.where(wanted > 0, found / np.maximum(wanted, 1), 1.0)
    share[offers.papers.unknown(s.companies)] = np.nan
    return share


def _preferences(s: Situation, offers: Offers) -> Floats:
    rules, owners = offers.soft
    n, m = len(s.companies), len(offers)
    yes, known, all_ = np.zeros((n, m)), np.zeros((n, m)), np.bincount(owners, minlength=m)
    answers = s.verdicts[:, rules]
    for row in range(n):
        yes[row] = np.bincount(owners, weights=answers[row] == 1, minlength=m)
        known[row] = np.bincount(owners, weights=answers[row] != 0, minlength=m)
    share = np.where(known > 0, yes / np.maximum(known, 1), np.nan)
    return np.where(all_ == 0, 1.0, share)


def _text(s: Situation, offers: Offers) -> Floats:
    rows = []
    for i in range(len(s.companies)):
        tokens = s.companies.text[i]
        weights = offers.text_weights[tokens]
        total = weights.sum()
        shared = (offers.text[:, tokens] * weights).sum(axis=1)
        fit = np.minimum(shared / total, 1.0) if total > 0 else np.zeros(len(offers))
        rows.append(fit if s.companies.described[i] else np.full(len(offers), np.nan))
    return np.stack(rows)


def _peers(s: Situation, offers: Offers) -> Floats:
    if offers.uptake is None:
        return np.full((len(s.companies), len(offers)), np.nan)
    return np.broadcast_to(offers.uptake, (len(s.companies), len(offers)))


@dataclass(frozen=True)
class Feature:
    """One similarity. lanes: where it applies; elsewhere it is 0 and not shown.

    neutral: what an unknown value counts as (ruling 5). formula and source: for the notice and
    the documentation; texts `feature.<name>.*` hold label, meaning and sentences.
    """

    name: str
    compute: Callable[[Situation, Offers], Floats]
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
        "preferences", _preferences, "share", "soft rules met / soft rules answered", "ruling 2"
    ),
    Feature("peers", _peers, "share", "uptake in the company's segment", "architecture.md"),
    Feature(
        "text", _text, "containment", "idf of shared n-grams / idf of the company's", "Broder 1997"
    ),
)
NAMES = tuple(feature.name for feature in FEATURES)
NEUTRAL = np.array([feature.neutral for feature in FEATURES])


def similarities(situation: Situation, offers: Offers) -> Floats:
    """All similarities (n, m, K), NaN unknown, 0 where a similarity does not apply to the lane."""
    n, m = len(situation.companies), len(offers)
    values = np.zeros((n, m, len(FEATURES)))
    for k, feature in enumerate(FEATURES):
        applies = offers.lane_is(*feature.lanes)
        values[:, :, k] = np.where(applies, feature.compute(situation, offers), 0.0)
    return values


def applies(offers: Offers) -> NDArray[np.bool_]:
    """Which similarities apply to which products (m, K)."""
    return np.stack([offers.lane_is(*feature.lanes) for feature in FEATURES], axis=1)
