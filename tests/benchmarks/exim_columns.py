"""Columns of the EXIM benchmark: company tokens, and the same as tables for the peers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack

from recommender.learning.tokens import Vocabulary
from recommender.matching.encoding import Floats, Ints
from recommender.matching.tokens import amount_tokens, group, levels
from tests.benchmarks.exim_data import FLAGS

KNOTS = np.linspace(4.0, 8.6, 13).tolist()
MULTIPLES = (1_000, 5_000, 10_000, 25_000, 45_000, 50_000, 100_000, 250_000)
SHARES = (0.9, 0.85, 0.95)
NAICS_LEVELS = (2, 3, 4, 6)
REGIONS = {
    "northeast": "CT ME MA NH RI VT NJ NY PA",
    "midwest": "IL IN MI OH WI IA KS MN MO NE ND SD",
    "south": "DE FL GA MD NC SC VA DC WV AL KY MS TN AR LA OK TX PR",
    "west": "AZ CO ID MT NV NM UT WY AK CA HI OR WA",
}
REGION = {state: region for region, states in REGIONS.items() for state in states.split()}
WORD = re.compile("[a-z]{2,}")
LEAST = 3
LEAST_DENSE = 20

# Programme, usual term, buyers: what a product never seen is described by. From the README of the
# data; INS-ASB, which it does not list, was read off the rows (one named buyer country each).
_BUYERS: Mapping[str, tuple[str, str, str]] = {
    **dict.fromkeys(("INS-ENB", "INS-ESC", "INS-EXP", "INS-ENV"), ("insurance", "short", "many")),
    **dict.fromkeys(("INS-ESS", "INS-ELC", "INS-ESP", "INS-ASB"), ("insurance", "short", "one")),
    "INS-FB": ("insurance", "short", "bank"),
    "INS-MTS": ("insurance", "medium", "one"),
    "INS-MTR": ("insurance", "medium", "repeat"),
    "INS-MSM": ("insurance", "medium", "many"),
    **dict.fromkeys(("WC-STD", "WC-GCE", "WC-SCF"), ("working capital", "short", "none")),
    "GTY-M": ("guarantee", "medium", "one"),
    "GTY-L": ("guarantee", "long", "one"),
    "LOAN-L": ("loan", "long", "one"),
}


def attributes(products: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What each product shares with others; one that is not described shares its family alone."""
    names = ("programme", "term", "buyers")
    found = {}
    for product in products:
        known = _BUYERS.get(product, (product.partition("-")[0],))
        found[product] = tuple(f"{n}={v}" for n, v in zip(names, known, strict=False))
    return found


def tokens(events: pd.DataFrame, *, amount: bool) -> list[dict[str, float]]:
    """What is known of the company at each event (n,)."""
    return [_tokens(event, amount=amount) for event in events.itertuples()]


def _tokens(event: Any, *, amount: bool) -> dict[str, float]:
    found = levels("naics", _text(event.code), NAICS_LEVELS)
    state = _text(event.state)
    if state:
        found |= {f"state={state}": 1.0, f"region={REGION.get(state, 'other')}": 1.0}
        found[f"city={state}:{_text(event.city)}"] = 1.0
    found |= {f"{flag}={int(getattr(event, flag))}": 1.0 for flag in FLAGS}
    found |= {f"held={product}": 1.0 for product in event.history}
    found[f"count_held={min(len(event.history), 3)}"] = 1.0
    found |= {f"word={word}": 1.0 for word in WORD.findall(event.name.lower().replace(".", ""))}
    if _text(event.country):
        found[f"country={event.country}"] = 1.0
    if event.kind != "naics":
        found[f"kind={event.kind}"] = 1.0
    for extra in ("idle", "last"):
        if hasattr(event, extra):
            found[f"{extra}={getattr(event, extra)}"] = 1.0
    if amount:
        found |= amount_tokens(event.amount, KNOTS, MULTIPLES, SHARES)
    return found


def _text(value: Any) -> str | None:
    """A cell, None where it is empty."""
    return value if isinstance(value, str) and value else None


@dataclass(frozen=True, eq=False)
class Sheet:
    """One table of columns for the peers. n events, of which those up to `until` teach.

    sparse (n, T): for linear models and neighbours. dense (n, F): for trees, NaN unknown, with the
    places of columns that are categories. segment (n,): 3-digit NAICS. year, taken (n,).
    """

    sparse: Any
    dense: Floats
    categories: tuple[int, ...]
    segment: tuple[str, ...]
    year: Ints
    taken: Ints
    products: tuple[str, ...]
    until: int

    @cached_property
    def taught(self) -> Any:
        """Which events teach (n,)."""
        return self.year <= self.until


def sheet(
    events: pd.DataFrame, products: tuple[str, ...], until: int, *, amount: bool, engineered: bool
) -> Sheet:
    """The events as raw columns, or as raw columns and the ranker's own."""
    year = events["year"].to_numpy()
    taught = year <= until
    category_rows = [_categories(event) for event in events.itertuples()]
    numbers = _numbers(events, products, until, amount=amount)
    known = _codes(category_rows, taught)
    if engineered:
        rows = [
            {**row, **_steps(int(y), year.min(), until)}
            for row, y in zip(tokens(events, amount=amount), year, strict=True)
        ]
        vocabulary = _vocabulary(rows, taught, LEAST)
        sparse = vocabulary.encode(rows)
        dense = np.hstack(
            [known, numbers, _dense(sparse, vocabulary, taught), _sizes(events, taught, amount)]
        )
    else:
        sparse = hstack(
            [
                _vocabulary(category_rows, taught, LEAST).encode(category_rows),
                csr_matrix(_scaled(numbers, taught)),
            ],
            format="csr",
        )
        dense = np.hstack([known, numbers])
    place = {product: column for column, product in enumerate(products)}
    return Sheet(
        sparse=sparse,
        dense=dense,
        categories=tuple(range(known.shape[1])),
        segment=tuple(row.get("naics3", "") for row in map(_by_group, category_rows)),
        year=year,
        taken=events["product"].map(place).to_numpy(dtype=np.int64),
        products=products,
        until=until,
    )


def _vocabulary(rows: Sequence[Mapping[str, float]], taught: Any, least: int) -> Vocabulary:
    return Vocabulary.learned((row for row, kept in zip(rows, taught, strict=True) if kept), least)


def _steps(year: int, first: int, until: int) -> dict[str, float]:
    """The steps of the ranker's baseline as columns; later years stand at the last step."""
    return {f"since={step}": 1.0 for step in range(int(first) + 1, min(year, until) + 1)}


def _categories(event: Any) -> dict[str, float]:
    """Raw columns that are categories."""
    found = levels("naics", _text(event.code), NAICS_LEVELS)
    pairs = {"state": event.state, "city": event.city, "country": event.country}
    found |= {f"{name}={value}": 1.0 for name, value in pairs.items() if _text(value)}
    return found if event.kind == "naics" else {**found, f"kind={event.kind}": 1.0}


def _by_group(row: Mapping[str, float]) -> dict[str, str]:
    return {group(token): token.partition("=")[2] for token in row}


def _codes(rows: Sequence[Mapping[str, float]], taught: Any) -> Floats:
    """Categories as numbers (n, C), NaN where unknown or rare; columns in order of name."""
    split = pd.DataFrame([_by_group(row) for row in rows])
    columns = []
    for name in sorted(split.columns):
        seen = split.loc[taught, name].value_counts()
        levels_kept = sorted(seen[seen >= LEAST].index)
        codes = pd.Categorical(split[name], categories=levels_kept).codes.astype(np.float64)
        columns.append(np.where(codes < 0, np.nan, codes))
    return np.column_stack(columns)


def _numbers(
    events: pd.DataFrame, products: tuple[str, ...], until: int, *, amount: bool
) -> Floats:
    """Raw columns that are numbers (n, D)."""
    columns = [events[flag].to_numpy(dtype=np.float64) for flag in FLAGS]
    columns += [np.array([p in held for held in events["history"]], float) for p in products]
    columns += [events["history"].map(len).to_numpy(float)]
    columns += [np.minimum(events["year"].to_numpy(float), until)]
    columns += [events["idle"].to_numpy(float)] if "idle" in events else []
    columns += [events["amount"].to_numpy(float)] if amount else []
    return np.column_stack(columns)


def _scaled(numbers: Floats, taught: Any) -> Floats:
    """For linear models: amounts by their logarithm, everything in units of its own spread."""
    filled = np.nan_to_num(numbers)
    large = filled.max(axis=0) > 1e4
    filled[:, large] = np.log10(np.maximum(filled[:, large], 1.0))
    spread = filled[taught].std(axis=0)
    scaled: Floats = (filled - filled[taught].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled


def _dense(sparse: Any, vocabulary: Vocabulary, taught: Any) -> Floats:
    """Tokens common enough for a tree to split on (n, kept), less those that raw columns hold."""
    count = np.asarray((sparse[taught] != 0).sum(axis=0)).ravel()
    held = {"state", "held", "since", "country", "kind", *FLAGS}
    held |= {f"naics{width}" for width in NAICS_LEVELS}
    kept = [
        column
        for column, name in enumerate(vocabulary.names)
        if count[column] >= LEAST_DENSE and group(name) not in held
    ]
    table: Floats = sparse[:, kept].toarray()
    return table


def _sizes(events: pd.DataFrame, taught: Any, amount: bool) -> Floats:
    """For trees: the logarithm of the amount, and how often the very same amount was taught."""
    if not amount:
        return np.empty((len(events), 0))
    amounts = events["amount"]
    often = amounts.map(amounts[taught].value_counts()).fillna(0.0)
    return np.column_stack([np.log10(amounts.clip(lower=1.0).fillna(1.0)), often])
