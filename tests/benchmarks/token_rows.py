"""Packed companies as sparse rows of the tokens that the score looks at, for peers of case B and C.

One column for each code that a company certainly has, each distinct need, tenor and segment of
peers, each group of goods and each n-gram of its text (as shares of the company's own). A product
is a vector of what its score gives each token: linear, without the gate, and without collateral and
exposures, which are no sums over tokens.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from recommender.matching.encoding import WORD
from recommender.population.columnar import OF_ONE_NUMBER, Lens
from recommender.population.population import Population, Segment

CODES = ("route", "stage", "settlement", "size", "fx")


def token_rows(population: Population, lens: Lens, rows: int | None = None) -> Any:
    """Companies (n, tokens) as float32 in CSR; rows: at most so many of each segment."""
    parts = [_segment(segment, lens, rows) for segment in population.segments]
    return vstack(parts, format="csr")


def text_rows(segment: Segment, lens: Lens, rows: int) -> Any:
    """The n-grams of the first companies of a segment (rows, n-grams)."""
    weights = lens.offers.text_weights
    total = np.maximum(segment.read("text.total", 0, rows), 1e-9)
    return _lists(segment, "text", rows, weights, total)


def token_vector(lens: Lens, width: int) -> Any:
    """What one product gives each token (tokens,), in points."""
    bits, goods = np.zeros(lens.matcher.layout.words * WORD), lens.offers.cargo.rows[:, lens.at]
    weight = lens.weights.weights
    fits = [(name, lens.fits_of(name)) for name in CODES]
    given = [
        (bit, weight[name] * value)
        for name, own in fits
        if own is not None
        for bit, value in zip(own.bits, own.fits.rows[:, lens.at], strict=True)
    ]
    required = lens.offers.required[:, lens.at] * weight["documents"]
    for (word, mask), points in [*given, *zip(lens.offers.papers, required, strict=True)]:
        bits[word * WORD + mask.bit_length() - 1] += points
    text = (lens.offers.text[:, lens.at] > 0) * weight["text"]
    found = np.concatenate([bits, goods * weight["cargo"], text]).astype(np.float32)
    return np.concatenate([found, np.full(width - len(found), 0.5, dtype=np.float32)])


def _segment(segment: Segment, lens: Lens, rows: int | None) -> Any:
    count = min(rows or segment.rows, segment.rows)
    words = range(lens.matcher.layout.words)
    has = np.stack([segment.read(f"has.{word}", 0, count) for word in words], axis=1)
    bits = np.unpackbits(has.view(np.uint8), axis=1, bitorder="little")
    goods = np.maximum(segment.read("goods.n", 0, count), 1).astype(np.float64)
    numbers = [segment.read(f"number.{name}", 0, count) for name in OF_ONE_NUMBER.values()]
    parts = [
        csr_matrix(bits, dtype=np.float32),
        _lists(segment, "goods", count, np.ones(len(lens.offers.cargo.rows)), goods),
        text_rows(segment, lens, count),
        *map(_distinct, numbers),
        _distinct(segment.read("segment", 0, count), len(segment.dictionaries["segments"])),
    ]
    return hstack(parts, format="csr", dtype=np.float32)


def _lists(segment: Segment, name: str, rows: int, weights: Any, total: Any) -> Any:
    starts = segment.starts(name)[: rows + 1]
    items = segment.read(name, 0, int(starts[-1])).astype(np.int32)
    values = weights[items] / np.repeat(total, np.diff(starts))
    shape = (rows, len(weights))
    return csr_matrix((values.astype(np.float32), items, starts), shape)


def _distinct(values: Any, most: int = 256) -> Any:
    """One column for each distinct value, by its place among `most`."""
    places = np.unique(values, return_inverse=True)[1] % most
    ones = np.ones(len(values), dtype=np.float32)
    return csr_matrix((ones, places, np.arange(len(values) + 1)), (len(values), most))
