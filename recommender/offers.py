"""The compiled scope of products: small tables over codes, one column per product.

A product without a scope list is open to all: it fits at OPEN, less than a product made for the
case and more than one that misses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import log
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from recommender import codes
from recommender.encoding import Columns, Companies, Floats, Ints, Layout, Words, ngrams
from recommender.product import Product
from recommender.vocabulary import LANES, Mode, SettlementMethod, SizeClass, Stage

OPEN = 0.7
Affinity = Callable[[str, str], float]
Spans = Mapping[str, tuple[Decimal, Decimal]]


@dataclass(frozen=True)
class Bits:
    """Where the codes of one field stand in the bitsets."""

    words: Ints
    masks: Words

    @classmethod
    def of(cls, layout: Layout, name: str, tokens: Sequence[str]) -> Bits:
        """Bits of tokens in the given order."""
        found = [layout.codes[name].bits[token] for token in tokens]
        words = np.array([word for word, _ in found], dtype=np.int64)
        return cls(words, np.array([mask for _, mask in found], dtype=np.uint64))

    def held(self, companies: Companies) -> NDArray[np.bool_]:
        """Which codes each company certainly has (n, tokens)."""
        found: NDArray[np.bool_] = (companies.columns.has[:, self.words] & self.masks) != 0
        return found

    def unknown(self, companies: Companies) -> NDArray[np.bool_]:
        """Companies that have none for certain but may have one (n,)."""
        possible = ((companies.columns.may[:, self.words] & self.masks) != 0).any(axis=1)
        unknown: NDArray[np.bool_] = possible & ~self.held(companies).any(axis=1)
        return unknown


@dataclass(frozen=True)
class CodeTable:
    """Fit of each code of a field with each product: table (tokens, m).

    open: products without a scope (m,), which fit at OPEN whatever the company says.
    """

    bits: Bits
    table: Floats
    open: NDArray[np.bool_]

    def means(self, companies: Companies) -> Floats:
        """Mean fit over the codes a company has; 0 when it has none; NaN when not known."""
        held = self.bits.held(companies)
        total = np.zeros((len(companies), self.table.shape[1]))
        for token in range(self.table.shape[0]):
            total += np.where(held[:, token, None], self.table[token], 0.0)
        means = total / np.maximum(held.sum(axis=1), 1)[:, None]
        means[self.bits.unknown(companies)] = np.nan
        return np.where(self.open, OPEN, means)


@dataclass(frozen=True)
class Offers:
    """The compiled scope of m products, in the catalogue's order.

    numbers: columns of numeric fields. route, stage, settlement, size, currency: fit by code.
    cargo (goods tokens, m), any_cargo: open to all goods (m,); text (m, n-grams) with weights;
    required (m, documents).
    amount, tenor: low and high (2, m), open ends as 0 and infinity.
    advance: share lent on each kind of collateral (kinds, m), NaN where not accepted; secured:
    products that accept any (m,). settles_in_cny: settlement in renminbi alone (m,).
    quoted: for each currency, which products are in it (m,). soft: indices of soft rules and
    the product of each, flat. lanes: which products are in each lane (m,).
    uptake: share of the company's segment that took each product; None without outcomes.
    """

    products: tuple[Product, ...]
    numbers: Mapping[str, int]
    route: CodeTable
    stage: CodeTable
    settlement: CodeTable
    size: CodeTable
    currency: CodeTable
    cargo: Floats
    any_cargo: NDArray[np.bool_]
    text: Floats
    text_weights: Floats
    papers: Bits
    required: Floats
    amount: Floats
    tenor: Floats
    kinds: Mapping[str, int]
    advance: Floats
    secured: NDArray[np.bool_]
    quoted: Mapping[str, Floats]
    settles_in_cny: NDArray[np.bool_]
    soft: tuple[Ints, Ints]
    lanes: Mapping[str, NDArray[np.bool_]]
    uptake: Floats | None = None

    def __len__(self) -> int:
        return len(self.products)

    def missing_papers(self, columns: Columns) -> Floats:
        """How many required papers one company is not known to hold (m,)."""
        held = (columns.has[0, self.papers.words] & self.papers.masks) != 0
        missing: Floats = self.required[:, ~held].sum(axis=1)
        return missing

    def lane_is(self, *lanes: str) -> NDArray[np.bool_]:
        """Which products are in one of the lanes (m,)."""
        found: NDArray[np.bool_] = np.logical_or.reduce([self.lanes[lane] for lane in lanes])
        return found


def _pairs(*groups: tuple[str, str, float]) -> Affinity:
    table = {frozenset(group[:2]): group[2] for group in groups}
    return lambda a, b: 1.0 if a == b else table.get(frozenset((a, b)), 0.0)


ROUTE_AFFINITY = _pairs(
    ("RSI", "XBR", 0.5),
    ("RSI", "IRT", 0.5),
    ("XBR", "IRT", 0.5),
    ("IRT", "CER", 0.4),
    ("RSI", "RIV", 0.4),
    ("RSI", "SEA", 0.4),
    ("RIV", "SEA", 0.4),
)
STAGE_AFFINITY = _pairs(
    ("pre_shipment", "before_departure", 0.4),
    ("before_departure", "in_transit", 0.4),
    ("in_transit", "post_shipment", 0.4),
    ("import_order", "in_transit", 0.4),
    ("in_transit", "import_payment", 0.4),
    ("import_payment", "stock", 0.4),
)
SETTLEMENT_AFFINITY = _pairs(("DP", "DA", 0.5), ("DA", "OA", 0.5), ("LC", "DP", 0.3))
SIZE_AFFINITY = _pairs(("micro", "small", 0.5), ("small", "medium", 0.5), ("medium", "large", 0.5))


def hs_affinity(code: str, scope: str) -> float:
    """Nearness of two HS codes: one within the other 1, chapter 0.8, section 0.3, else 0."""
    if code.startswith(scope):
        return 1.0
    if code[:2] == scope[:2]:
        return 0.8
    return 0.3 if codes.hs_section(code[:2]) == codes.hs_section(scope[:2]) else 0.0


def scope_table(
    tokens: Sequence[str], scopes: Sequence[Sequence[str] | None], affinity: Affinity
) -> Floats:
    """Fit of each token with each scope: the best affinity; 0 without a scope."""
    fits = [
        [max((affinity(token, s) for s in scope or ()), default=0.0) for scope in scopes]
        for token in tokens
    ]
    return np.array(fits)


VOCABULARY: Mapping[str, tuple[str, ...]] = {
    "trade.routes": get_args(Mode),
    "trade.stage": get_args(Stage),
    "trade.settlement_methods": get_args(SettlementMethod),
    "size_class": get_args(SizeClass),
}


class Tokens:
    """Vocabularies of goods and text that a catalogue gives rise to."""

    def __init__(self, products: Sequence[Product]) -> None:
        scoped = {code[:6] for product in products for code in product.hs or ()}
        self.hs = {code: i for i, code in enumerate(sorted(scoped | set(codes.hs_chapters())))}
        self.bags = [ngrams(product_text(product)) for product in products]
        self.text = {
            gram: i for i, gram in enumerate(sorted({g for bag in self.bags for g in bag}))
        }

    def hs_tokens(self, hs: Sequence[str]) -> list[int]:
        """The longest known prefix of each code, in canonical order."""
        found = (
            next((self.hs[c[:k]] for k in range(min(6, len(c)), 1, -1) if c[:k] in self.hs), None)
            for c in sorted(set(hs))
        )
        return [token for token in found if token is not None]

    def text_tokens(self, text: str) -> list[int]:
        """Known n-grams of a text."""
        return [self.text[gram] for gram in ngrams(text) if gram in self.text]

    def text_table(self) -> tuple[Floats, Floats]:
        """Which product holds which n-gram (m, V), and the weight of each n-gram (V,)."""
        table = np.zeros((len(self.bags), len(self.text)))
        for row, bag in enumerate(self.bags):
            table[row, [self.text[gram] for gram in bag]] = 1.0
        counts = table.sum(axis=0)
        weights = [log(1 + len(self.bags) / count) for count in counts]
        return table, np.array(weights)


def product_text(product: Product) -> str:
    """What the text similarity reads of a product, in both languages."""
    goods = [codes.hs_label(code) for code in product.hs or ()]
    words = (*product.keywords, product.summary.zh, product.summary.en, *product.name)
    return " ".join((*words, *(part for good in goods for part in good)))


def compile_offers(
    products: Sequence[Product],
    layout: Layout,
    tokens: Tokens,
    default_advances: Spans,
    soft: Sequence[Sequence[int]],
    documents: Sequence[str],
) -> Offers:
    """The scope tables of products.

    default_advances: low and high share per collateral type, for products without their own;
    the middle of a range is what counts.
    soft: indices of its soft rules. documents: ids of the dictionary, in order.
    """

    def table(name: str, scopes: Sequence[Sequence[str] | None], affinity: Affinity) -> CodeTable:
        codes_of = VOCABULARY.get(name) or tuple(layout.codes[name].bits)
        bits = Bits.of(layout, name, codes_of)
        unlimited = np.array([scope is None for scope in scopes])
        return CodeTable(bits, scope_table(codes_of, scopes, affinity), unlimited)

    kinds = {kind.type: i for i, kind in enumerate(codes.collateral_types())}
    advance = _advances(products, kinds, default_advances)
    text, text_weights = tokens.text_table()
    currencies = sorted({currency for product in products for currency in product.currencies})
    return Offers(
        products=tuple(products),
        numbers=layout.numbers,
        route=table("trade.routes", [p.routes for p in products], ROUTE_AFFINITY),
        stage=table("trade.stage", [p.stages for p in products], STAGE_AFFINITY),
        settlement=table(
            "trade.settlement_methods",
            [p.settlement_methods for p in products],
            SETTLEMENT_AFFINITY,
        ),
        size=table("size_class", [p.sizes for p in products], SIZE_AFFINITY),
        currency=table("receivable_currencies", [p.currencies for p in products], _pairs()),
        cargo=scope_table(list(tokens.hs), [p.hs for p in products], hs_affinity),
        any_cargo=np.array([p.hs is None for p in products]),
        text=text,
        text_weights=text_weights,
        papers=Bits.of(layout, "documents", documents),
        required=np.array([[float(d in p.documents) for d in documents] for p in products]),
        amount=_bounds(
            [(p.amount.low, p.amount.high) if p.amount else (None, None) for p in products]
        ),
        tenor=_bounds(
            [
                (p.tenor_days.low, p.tenor_days.high) if p.tenor_days else (None, None)
                for p in products
            ]
        ),
        kinds=kinds,
        advance=advance,
        secured=_secured(advance),
        quoted={c: np.array([float(c in p.currencies) for p in products]) for c in currencies},
        settles_in_cny=np.array(
            [p.lane == "settlement" and p.currencies == ("CNY",) for p in products]
        ),
        soft=_flat(soft),
        lanes={lane: np.array([p.lane == lane for p in products]) for lane in LANES},
    )


def _flat(lists: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    values = [x for part in lists for x in part]
    owners = [row for row, part in enumerate(lists) for _ in part]
    return np.array(values, dtype=np.int64), np.array(owners, dtype=np.int64)


def _bounds(ranges: Sequence[tuple[Decimal | None, Decimal | None]]) -> Floats:
    low = [0.0 if low is None else float(low) for low, _ in ranges]
    high = [np.inf if high is None else float(high) for _, high in ranges]
    return np.array([low, high])


def with_advances(offers: Offers, default_advances: Spans) -> Offers:
    """The same scopes with other dated advances."""
    advance = _advances(offers.products, offers.kinds, default_advances)
    return replace(offers, advance=advance, secured=_secured(advance))


def _secured(advance: Floats) -> NDArray[np.bool_]:
    accepts: NDArray[np.bool_] = ~np.isnan(advance)
    found: NDArray[np.bool_] = np.logical_or.reduce(accepts, axis=0)
    return found


def _advances(
    products: Sequence[Product], kinds: Mapping[str, int], default_advances: Spans
) -> Floats:
    """Middle of the share each product lends on each kind; NaN where it takes none."""
    advance = np.full((len(kinds), len(products)), np.nan)
    for column, product in enumerate(products):
        for kind, own in product.accepts.items():
            low, high = (own.low, own.high) if own else default_advances.get(kind, (None, None))
            if low is not None and high is not None:
                advance[kinds[kind], column] = float(low + high) / 2
    return advance
