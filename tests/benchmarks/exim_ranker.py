"""The ranker of the EXIM benchmark: AffinityRanker with the settings chosen for these columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from recommender.learning.affinity import AffinityRanker
from recommender.learning.metrics import temperature
from recommender.matching.encoding import Floats
from tests.benchmarks.exim_columns import attributes, tokens
from tests.benchmarks.exim_data import Decisions

# Tuned on FY2009-12 -> FY2013-14 and chosen among few on FY2009-14 -> FY2015-16 (exim_tuning.py
# repeats it). 1 / points^2: a token of precision 1 may move a product by a point or so.
PRECISION = {
    "baseline": 0.3,
    "since": 3.0,
    "naics2": 10.0,
    "naics3": 10.0,
    "naics4": 10.0,
    "naics6": 10.0,
    "region": 10.0,
    "state": 30.0,
    "city": 40.0,
    "country": 3.0,
    "kind": 1.0,
    "small_business": 0.3,
    "woman_owned": 3.0,
    "minority_owned": 3.0,
    "held": 1.0,
    "count_held": 1.0,
    "word": 20.0,
    "amount": 0.1,
    "amount_none": 0.1,
    "amount_zeros": 1.0,
    "amount_digits": 0.3,
    "amount_shape": 2.0,
    "amount_lead": 2.0,
    "amount_exact": 2.0,
    "amount_unit": 1.0,
    **{f"share{part}{more}": 1.0 for part in (85, 90, 95) for more in ("", "_digits")},
}
DEFAULT = 10.0
SHARED = {**dict.fromkeys(PRECISION, 5.0), "baseline": 1 / 3, "since": 5.0}
NEWCOMER = {False: 2.0, True: 4.0}  # without and with the amount, which spreads products further
HALF_LIFE = 3.0
VALIDATED = 2


def ranker(products: tuple[str, ...], *, amount: bool, **changed: Any) -> AffinityRanker:
    """The estimator with its settings."""
    settings = {
        "precision": PRECISION,
        "default": DEFAULT,
        "shared": SHARED,
        "newcomer": NEWCOMER[amount],
        "half_life": HALF_LIFE,
        **changed,
    }
    return AffinityRanker(attributes(products), **settings)


def fitted(
    decisions: Decisions,
    events: pd.DataFrame,
    until: int,
    *,
    amount: bool,
    unseen: str | None = None,
    **changed: Any,
) -> AffinityRanker:
    """Fitted on the events up to a fiscal year, with what was on offer in each of them.

    unseen: a product whose events were left out, and which nobody can have been offered.
    """
    products = decisions.products
    known = events[(events["year"] <= until) & (events["product"] != unseen)]
    years = known["year"].to_numpy()
    offered = decisions.offered(years, products)
    offered &= np.array(products) != unseen
    model = ranker(products, amount=amount, **changed)
    rows = tokens(known, amount=amount)
    return model.fit(rows, known["product"].tolist(), when=years, offered=offered)


def scaled(
    decisions: Decisions, events: pd.DataFrame, until: int, *, amount: bool
) -> tuple[AffinityRanker, float]:
    """Fitted up to a fiscal year, with the temperature found on its last two years; and that."""
    early = fitted(decisions, events, until - VALIDATED, amount=amount)
    later = events[events["year"].between(until - VALIDATED + 1, until)]
    place = {product: column for column, product in enumerate(early.products_)}
    scores: Floats = early.decision_function(tokens(later, amount=amount))
    found = temperature(scores, later["product"].map(place).to_numpy())
    return fitted(decisions, events, until, amount=amount, temperature=found), found
