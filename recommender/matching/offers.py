"""The compiled scope of products: small tables over codes, one column per product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import log
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from recommender import codes
from recommender.catalogue.product import Product
from recommender.matching.affinities import (
    ROUTE_AFFINITY,
    SETTLEMENT_AFFINITY,
    SIZE_AFFINITY,
    STAGE_AFFINITY,
    Affinity,
    CodeFits,
    Fits,
    bits_of,
    held,
    hs_affinity,
    pairs,
    scope_table,
)
from recommender.matching.encoding import Bit, Columns, Floats, Ints, Layout, ngrams
from recommender.vocabulary import LANES, Mode, SettlementMethod, SizeClass, Stage

EXACT = 2**20
Spans = Mapping[str, tuple[Decimal, Decimal]]


@dataclass(frozen=True, eq=False)
class Offers:
    """The compiled scope of m products, in the catalogue's order.

    numbers: columns of numeric fields. route, stage, settlement, size, currency: fit by code;
    cargo: by goods. text (n-grams, m): what each shared n-gram weighs; text_weights (n-grams,).
    papers: the documents in the bitsets; required (documents, m); wanted (m,): how many.
    amount, tenor: low and high (2, m), open ends as 0 and infinity.
    advance: share lent on each kind of collateral (kinds, m), 0 where not accepted; accepts
    (kinds, m); secured: products that accept any (m,). settles_in_cny: settlement in renminbi
    alone (m,). quoted: for each currency, which products are in it (m,). soft: indices of soft
    rules and the product of each, flat; asked: how many each product has (m,).
    lanes: which products are in each lane (m,).
    """

    products: tuple[Product, ...]
    numbers: Mapping[str, int]
    route: CodeFits
    stage: CodeFits
    settlement: CodeFits
    size: CodeFits
    currency: CodeFits
    cargo: Fits
    text: Floats
    text_weights: Floats
    papers: tuple[Bit, ...]
    required: Floats
    wanted: Floats
    amount: Floats
    tenor: Floats
    kinds: Mapping[str, int]
    advance: Floats
    accepts: NDArray[np.bool_]
    secured: NDArray[np.bool_]
    quoted: Mapping[str, Floats]
    settles_in_cny: NDArray[np.bool_]
    soft: tuple[Ints, Ints]
    asked: Ints
    lanes: Mapping[str, NDArray[np.bool_]]

    def __len__(self) -> int:
        return len(self.products)

    def papers_held(self, has: Sequence[int]) -> Floats:
        """How many of its required papers a company holds, by product (m,)."""
        found = np.zeros(len(self))
        for paper in held(self.papers, has):
            found += self.required[paper]
        return found

    def missing_papers(self, columns: Columns) -> Floats:
        """How many required papers one company is not known to hold (m,)."""
        return self.wanted - self.papers_held(columns.has[0].tolist())

    def lane_is(self, *lanes: str) -> NDArray[np.bool_]:
        """Which products are in one of the lanes (m,)."""
        found: NDArray[np.bool_] = np.logical_or.reduce([self.lanes[lane] for lane in lanes])
        return found


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

    def goods(self, hs: Sequence[str] | None) -> list[int] | None:
        """Tokens of a list of goods; None when it is not known, or none of its codes is."""
        if hs is None:
            return None
        found = self.hs_tokens(hs)
        return found if found or not hs else None

    def words(self, text: str | None) -> list[int] | None:
        """Known n-grams of a text; None without one."""
        if text is None:
            return None
        return [self.text[gram] for gram in ngrams(text) if gram in self.text]

    def text_table(self) -> tuple[Floats, Floats]:
        """Which product holds which n-gram (m, V), and the weight of each n-gram (V,)."""
        table = np.zeros((len(self.bags), len(self.text)))
        for row, bag in enumerate(self.bags):
            table[row, [self.text[gram] for gram in bag]] = 1.0
        counts = table.sum(axis=0)
        # Multiples of 2^-20: their sums are exact, in whatever order they are taken.
        weights = [round(log(1 + len(self.bags) / n) * EXACT) / EXACT for n in counts]
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

    def table(name: str, scopes: Sequence[Sequence[str] | None], affinity: Affinity) -> CodeFits:
        codes_of = VOCABULARY.get(name) or tuple(layout.codes[name].bits)
        return CodeFits(bits_of(layout, name, codes_of), _fits(codes_of, scopes, affinity))

    kinds = {kind.type: i for i, kind in enumerate(codes.collateral_types())}
    text, text_weights = tokens.text_table()
    required = np.array([[float(d in p.documents) for p in products] for d in documents])
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
        currency=table("receivable_currencies", [p.currencies for p in products], pairs()),
        cargo=_fits(list(tokens.hs), [p.hs for p in products], hs_affinity),
        text=text.T * text_weights[:, None],
        text_weights=text_weights,
        papers=bits_of(layout, "documents", documents),
        required=required.reshape(len(documents), len(products)),
        wanted=np.array([float(len(p.documents)) for p in products]),
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
        **_advances(products, kinds, default_advances),
        quoted={c: np.array([float(c in p.currencies) for p in products]) for c in currencies},
        settles_in_cny=np.array(
            [p.lane == "settlement" and p.currencies == ("CNY",) for p in products]
        ),
        soft=_flat(soft),
        asked=np.array([len(part) for part in soft], dtype=np.int64),
        lanes={lane: np.array([p.lane == lane for p in products]) for lane in LANES},
    )


def _fits(
    tokens: Sequence[str], scopes: Sequence[Sequence[str] | None], affinity: Affinity
) -> Fits:
    unlimited = np.array([scope is None for scope in scopes])
    return Fits.of(scope_table(tokens, scopes, affinity), unlimited)


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
    return replace(offers, **_advances(offers.products, offers.kinds, default_advances))


def _advances(
    products: Sequence[Product], kinds: Mapping[str, int], default_advances: Spans
) -> dict[str, Any]:
    """The middle of the share each product lends on each kind, and what it accepts at all."""
    advance = np.zeros((len(kinds), len(products)))
    accepts = np.zeros(advance.shape, dtype=np.bool_)
    for column, product in enumerate(products):
        for kind, own in product.accepts.items():
            low, high = (own.low, own.high) if own else default_advances.get(kind, (None, None))
            if low is not None and high is not None:
                advance[kinds[kind], column] = float(low + high) / 2
                accepts[kinds[kind], column] = True
    return {"advance": advance, "accepts": accepts, "secured": accepts.any(axis=0)}
