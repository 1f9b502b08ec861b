"""The conditions every product has by its nature: lane, direction, window, amount, tenor, scope.

They are ordinary rules with origin `gate`, so that one machine answers, words and changes them
(ruling 2 of the architecture). Scope lists gate only where a public source states them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from recommender.catalogue.product import Product
from recommender.rules import Rule
from recommender.vocabulary import BUCKET_DAYS

PUBLIC = ("article", "first_hand", "secondary")
NEVER = "0001-01-01"


def gates_of(product: Product) -> tuple[Rule, ...]:
    """The gates of one product, in a fixed order."""
    return tuple(rule for part in _PARTS for rule in part(product))


def _gate(code: str, src: str, f: str, op: str, v: object = None) -> Rule:
    raw = {"code": code, "f": f, "op": op, "v": v, "src": src, "origin": "gate"}
    return Rule.model_validate(raw)


def _window(product: Product) -> Iterator[Rule]:
    day = datetime.timedelta(days=1)
    if product.suspended:
        yield _gate("suspended", product.provenance_of("suspended"), "as_of", "before", NEVER)
    if product.valid_from not in (None, datetime.date.min):
        eve = (product.valid_from - day).isoformat()
        yield _gate("not_open_yet", product.provenance_of("valid_from"), "as_of", "after", eve)
    if product.valid_until not in (None, datetime.date.max):
        morrow = (product.valid_until + day).isoformat()
        yield _gate("closed", product.provenance_of("valid_until"), "as_of", "before", morrow)


def _scope(product: Product) -> Iterator[Rule]:
    if product.directions is not None:
        src = product.provenance_of("directions")
        yield _gate("direction", src, "trade.directions", "overlaps", product.directions)
    for code, field, scope in (
        ("route", "routes", product.routes),
        ("cargo", "hs", product.hs),
    ):
        src = product.provenance_of(field)
        if scope is not None and src in PUBLIC:
            yield _gate(code, src, f"trade.{field}", "overlaps", scope)


def _amount_and_tenor(product: Product) -> Iterator[Rule]:
    if product.lane not in ("financing", "lease", "equity"):
        return
    src = product.provenance_of("currencies")
    yield _gate("currency", src, "need.currency", "one_of", product.currencies)
    amount, tenor = product.amount, product.tenor_days
    if amount and amount.low is not None:
        low = product.provenance_of("amount.low")
        yield _gate("amount_below_minimum", low, "need_cny", "at_least", float(amount.low))
    if amount and amount.high is not None:
        high = product.provenance_of("amount.high")
        yield _gate("amount_above_ceiling", high, "need_cny", "at_most", float(amount.high))
    if tenor and tenor.high is not None:
        longest = product.provenance_of("tenor_days.high")
        yield _gate("tenor_too_long", longest, "need.tenor_days", "at_most", float(tenor.high))


def _hedge(product: Product) -> Iterator[Rule]:
    if product.lane == "hedge" or product.covers == "hedge_margin":
        tokens = sorted(f"{c}:{b}" for c in product.currencies for b in buckets_of(product))
        yield _gate("open_position", "illustrative", "documented_positions", "overlaps", tokens)


def buckets_of(product: Product) -> list[str]:
    """Buckets of days to settlement that the product's tenor reaches."""
    tenor = product.tenor_days
    low = float(tenor.low) if tenor and tenor.low is not None else 0.0
    high = float(tenor.high) if tenor and tenor.high is not None else float("inf")
    return [name for name, (first, last) in BUCKET_DAYS.items() if first <= high and last >= low]


def _cover(product: Product) -> Iterator[Rule]:
    if product.lane == "guarantee" and product.covers == "loan":
        yield _gate("collateral_gap", "illustrative", "collateral_gap_cny", "at_least", 1)
    if product.lane == "insurance" and product.covers == "receivables":
        src = product.provenance_of("currencies")
        yield _gate("receivables", src, "receivable_currencies", "overlaps", product.currencies)


_PARTS = (_window, _scope, _amount_and_tenor, _hedge, _cover)
