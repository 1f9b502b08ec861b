"""What is known of a company as named numbers, from which models learn sums.

A token reads `group=value` (`hs2=84`, `region=50`) and carries a number, mostly 1.0; how far a
token is held back is set by its group. A hierarchy is one token at each level: a narrow one then
only says how it differs from the wider ones, and is drawn to them while it is rare. What is not
known has no token, and so adds nothing to any score.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

LEAST_DIGIT_SHARE = 0.02


def group(token: str) -> str:
    """What stands before the first `=`."""
    return token.partition("=")[0]


def levels(name: str, code: str | None, widths: Iterable[int]) -> dict[str, float]:
    """A code as one token for each level, by its leading characters; none when not known.

    >>> levels("hs", "843230", (2, 4))
    {'hs2=84': 1.0, 'hs4=8432': 1.0}
    """
    return {f"{name}{width}={code[:width]}": 1.0 for width in widths if code and len(code) >= width}


def hats(name: str, value: float, knots: Sequence[float]) -> dict[str, float]:
    """A number on a piecewise-linear basis: shares of the two knots around it, adding up to 1.

    Weights of such tokens are the heights of a broken line at its knots; beyond the outer knots it
    is level (de Boor 1978, A practical guide to splines, chapter I).

    >>> hats("size", 2.25, [1.0, 2.0, 3.0])
    {'size=1': 0.75, 'size=2': 0.25}
    """
    inside = min(max(value, knots[0]), knots[-1])
    left = min(bisect_right(knots, inside) - 1, len(knots) - 2)
    share = (inside - knots[left]) / (knots[left + 1] - knots[left])
    found = {f"{name}={left}": 1.0 - share, f"{name}={left + 1}": share}
    return {token: weight for token, weight in found.items() if weight > 0}


def amount_tokens(
    amount: float | None,
    knots: Sequence[float],
    multiples: Iterable[int] = (),
    shares: Iterable[float] = (),
) -> dict[str, float]:
    """What an amount says: how large it is, and in which way it is a round number.

    People ask for round sums and products pay a fixed share of one, so that 450,000 may be 90 % of
    500,000. amount: in currency units, None not known; 0 or less is one token of its own. knots: of
    log10(amount). multiples: units it may be a whole number of. shares: parts of a round sum that
    products pay. Tokens: the hat basis; zeros at the end; digits before them, alone and with the
    length; the leading digits; the exact amount (rare ones are left out by Vocabulary.learned).
    """
    if amount is None or math.isnan(amount):
        return {}
    if amount <= 0:
        return {"amount_none=1": 1.0}
    digits, zeros = _digits(amount)
    found = hats("amount", math.log10(amount), knots)
    significant = min(len(digits), 7) if zeros >= 0 else 9
    found |= {
        f"amount_zeros={min(zeros, 6)}": 1.0,
        f"amount_digits={significant}": 1.0,
        f"amount_shape={len(str(round(amount)))}:{min(significant, 5)}": 1.0,
        f"amount_lead={digits[:2]}": 1.0,
        f"amount_exact={amount:.2f}": 1.0,
    }
    found |= {
        f"amount_unit={unit}": 1.0 for unit in multiples if round(amount * 100) % (unit * 100) == 0
    }
    for share in shares:
        found |= _share_tokens(amount, share)
    return found


def _digits(amount: float) -> tuple[str, int]:
    """Digits without the zeros at the end, and how many those are; -1 with cents."""
    whole = str(round(amount))
    digits = whole.rstrip("0") or "0"
    return digits, len(whole) - len(digits) if round(amount * 100) % 100 == 0 else -1


def _share_tokens(amount: float, share: float) -> dict[str, float]:
    """Whether an amount is this share of a whole sum, and how round that sum is."""
    name, base = f"share{round(share * 100)}", amount / share
    if abs(base - round(base)) >= LEAST_DIGIT_SHARE / share or round(base) < 1:
        return {f"{name}=no": 1.0}
    digits, zeros = _digits(float(round(base)))
    return {f"{name}=z{min(zeros, 6)}": 1.0, f"{name}_digits={min(len(digits), 5)}": 1.0}
