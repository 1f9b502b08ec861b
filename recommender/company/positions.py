"""Foreign-currency positions per currency and bucket; never summed across currencies.

net = receipts + balances (bucket 0-1m only) - payables - FX debt due + forwards bought - sold.
Two numbers: *documented*, the cap for forwards (实需), and *expected*, information only.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from recommender.company.figures import ONE, PIP, ZERO, Term, rounded
from recommender.company.profile import Company, Position
from recommender.vocabulary import BUCKET_DAYS

Side = Literal["sell", "buy"]
_FLOWS = ("receipts", "payables", "fx_debt")
_HEDGES = ("bought", "sold")
_SIGNS = {"receipts": 1, "payables": -1, "fx_debt": -1, "balances": 1, "bought": 1, "sold": -1}
_Amounts = dict[str, Decimal | None]


class OpenPosition(NamedTuple):
    """The position of one currency and bucket, in that currency; None: not known.

    documented: net position of documented flows after own forwards. expected: the same with every
    flow weighted by its probability. before_hedges, hedges: parts of `documented`.
    hedge_ratio: share of the documented position before hedges that forwards close; above 1 is
    over-hedged, below 0 hedged the wrong way; None also when there is nothing to hedge.
    side: `sell` (远期结汇) when long, `buy` (远期购汇) when short, None when closed or not known.
    terms: sums of the documented rows. missing: fields that would make what is None known.
    """

    currency: str
    bucket: str
    documented: Decimal | None
    expected: Decimal | None
    before_hedges: Decimal | None
    hedges: Decimal | None
    hedge_ratio: Decimal | None
    side: Side | None
    terms: tuple[Term, ...]
    missing: tuple[str, ...]


def positions(company: Company) -> tuple[OpenPosition, ...]:
    """Open positions by currency, then by bucket; rows of one currency and bucket add up.

    Empty for no positions and for unknown ones: ask `company.positions` which it is.
    """
    groups: dict[tuple[str, str], list[tuple[int, Position]]] = {}
    for index, row in enumerate(company.positions or ()):
        groups.setdefault((row.currency, row.bucket), []).append((index, row))
    order = list(BUCKET_DAYS)
    keys = sorted(groups, key=lambda key: (key[0], order.index(key[1])))
    return tuple(_open_position(*key, groups[key]) for key in keys)


def _open_position(
    currency: str, bucket: str, rows: Sequence[tuple[int, Position]]
) -> OpenPosition:
    """A row not known to be documented makes both numbers unknown."""
    proven = _documented(bucket, [row for _, row in rows])
    before = _net(proven, (*_FLOWS, "balances"))
    hedges = _net(proven, _HEDGES)
    net = None if before is None or hedges is None else before + hedges
    return OpenPosition(
        currency,
        bucket,
        net,
        _expected(bucket, [row for _, row in rows]),
        before,
        hedges,
        _ratio(before, hedges),
        _side(net),
        tuple(Term(name, amount, currency) for name, amount in proven.items()),
        tuple(field for index, row in rows for field in _missing(f"positions[{index}]", row)),
    )


def _documented(bucket: str, rows: Sequence[Position]) -> _Amounts:
    amounts: _Amounts = dict.fromkeys(_SIGNS, ZERO)
    if any(row.documented is None for row in rows):
        return dict.fromkeys(_SIGNS)
    for row in rows:
        for name, amount in (_parts(bucket, row) if row.documented else {}).items():
            total = amounts[name]
            amounts[name] = None if total is None or amount is None else total + amount
    return amounts


def _expected(bucket: str, rows: Sequence[Position]) -> Decimal | None:
    """Flows weighted by probability; balances and signed forwards are certain."""
    total = ZERO
    for row in rows:
        parts = _parts(bucket, row)
        flows, certain = _net(parts, _FLOWS), _net(parts, ("balances", *_HEDGES))
        chance = row.probability if row.probability is not None or not row.documented else ONE
        if row.documented is None or flows is None or certain is None or chance is None:
            return None
        total += flows * chance + certain
    return rounded(total)


def _parts(bucket: str, row: Position) -> _Amounts:
    stated: _Amounts = {name: getattr(row, name) for name in (*_FLOWS, *_HEDGES)}
    return {**stated, "balances": row.balances if bucket == "0-1m" else ZERO}


def _net(amounts: _Amounts, names: Sequence[str]) -> Decimal | None:
    total = ZERO
    for name in names:
        amount = amounts[name]
        if amount is None:
            return None
        total += _SIGNS[name] * amount
    return total


def _ratio(before: Decimal | None, hedges: Decimal | None) -> Decimal | None:
    if before is None or hedges is None or before == 0:
        return None
    return rounded(-hedges / before, PIP)


def _side(net: Decimal | None) -> Side | None:
    if net is None or net == 0:
        return None
    return "sell" if net > 0 else "buy"


def _missing(place: str, row: Position) -> list[str]:
    names = [name for name in (*_FLOWS, *_HEDGES, "documented") if getattr(row, name) is None]
    if row.documented is False and row.probability is None:
        names.append("probability")
    return [f"{place}.{name}" for name in names]
