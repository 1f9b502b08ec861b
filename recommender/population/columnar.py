"""One product against many packed companies: the gate, the similarities and the score as columns.

The readable reference in float64: every step is the one that `recommender.matching.similarity`
takes for one company, in the same order, so that both give the same millionths. Nothing uses BLAS;
sums over the lists of a company are added from the first to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from recommender.engine import Engine
from recommender.matching.affinities import OPEN, CodeFits
from recommender.matching.eligibility import UNKNOWN
from recommender.matching.encoding import Floats
from recommender.matching.kinds import Firm
from recommender.matching.offers import EXACT
from recommender.matching.scoring import MICRO, Micros, micros
from recommender.matching.similarity import FEATURES
from recommender.population.columnar_gate import Gate
from recommender.population.packing import GOODS, OTHER_CURRENCY, PLEDGES, POSITIONS, TEXT
from recommender.population.population import BITS
from recommender.population.segment_rows import Bools, Ints, Rows

WIDEST = 12
KINDS = "kinds"
OF_ONE_NUMBER = {"amount": "need_cny", "tenor": "need.tenor_days"}
_STATED = {"cargo": GOODS, "collateral": PLEDGES, "fx": POSITIONS, "text": TEXT}
_NEUTRAL = {feature.name: feature.neutral for feature in FEATURES}


class Lens(Gate):
    """One product of an engine's catalogue, ready to look at packed companies of one day."""

    def __init__(self, engine: Engine, product_id: str, as_of: Any) -> None:
        super().__init__(engine, product_id)
        self.weights, self.offers = engine.weights, self.matcher.offers_on(as_of)
        self._tables: dict[int, Floats] = {}

    def named(self, name: str, rows: Rows) -> Floats:
        """A numeric field by its id (n,)."""
        found: Floats = rows.column(f"number.{name}")
        return found

    def missing(self, rows: Rows) -> Ints:
        """How many required papers each company is not known to hold (n,)."""
        return int(self.offers.wanted[self.at]) - rows.counted(self._required)

    @cached_property
    def _required(self) -> dict[int, int]:
        required = self.offers.required[:, self.at] > 0
        return merged(bit for bit, own in zip(self.offers.papers, required, strict=True) if own)

    def papers(self, rows: Any) -> tuple[Ints, Bools, Bools]:
        """How many required papers each company holds (n,); whether it holds any, or may."""
        held = np.zeros(len(rows), dtype=np.int64)
        any_held = np.zeros(len(rows), dtype=np.bool_)
        maybe = any_held.copy()
        for word, mask in merged(self.offers.papers).items():
            has, may = (rows.bits(f"{kind}.{word}", mask) for kind in BITS)
            held += np.bitwise_count(has & np.uint64(self._required.get(word, 0)))
            any_held |= has != 0
            maybe |= may != 0
        return held, any_held, maybe

    def scores(self, rows: Rows) -> Micros:
        """Scores in millionths (n,)."""
        total = np.full(len(rows), self.base, dtype=np.int64)
        for name in self.parts:
            total += self.part(name, rows)
        return total

    @cached_property
    def base(self) -> int:
        """What every company gets, in millionths: the baseline, and what the product is open to."""
        baseline = int(self.weights.points(self.matcher.ids)[self.at])
        return baseline + sum(self._worth(name, OPEN) for name in self._open)

    def _worth(self, name: str, value: float) -> int:
        return int(micros(np.array(value * self.weights.weights[name])))

    @cached_property
    def _open(self) -> frozenset[str]:
        """Similarities in which the product is open to all, so that they are the same for all."""
        own = [f.name for f in FEATURES if self.product.lane in f.lanes]
        fits = {name: codes.fits for name in own if (codes := self.fits_of(name)) is not None}
        fits |= {"cargo": self.offers.cargo}
        return frozenset(name for name in own if name in fits and fits[name].open[self.at])

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """What scores are added up from: similarities of the lane, and kinds of firms."""
        own = (feature.name for feature in FEATURES if self.product.lane in feature.lanes)
        return (*(name for name in own if name not in self._open), KINDS)

    def values(self, name: str, rows: Rows) -> Floats:
        """One similarity (n,), NaN where it is not known."""
        if name in self._open:
            return np.full(len(rows), OPEN)
        values, places = self._by_table(name, rows)
        return values if places is None else values[places]

    def part(self, name: str, rows: Any) -> Micros:
        """What a part adds to the score of each company or pattern, in millionths (n,)."""
        if name == KINDS:
            return self._affinity(rows)
        values, places = self._by_table(name, rows)
        found = self.worth(name, values)
        return found if places is None else found[places]

    def worth(self, name: str, values: Floats) -> Micros:
        """Similarities (n,) in millionths of the score; one that is not known is neutral."""
        counted = np.where(np.isnan(values), _NEUTRAL[name], values)
        return micros(counted * self.weights.weights[name])

    def adds_nothing(self, name: str) -> bool:
        """Whether a part is 0 for all."""
        if name == KINDS:
            return self.weights.learned(self.matcher.ids)[0] is None
        return not self.weights.weights[name]

    def fits_of(self, name: str) -> CodeFits | None:
        """The codes that a similarity is the mean fit of; None for another one."""
        offers = self.offers
        fits = {"route": offers.route, "stage": offers.stage, "settlement": offers.settlement,
                "size": offers.size}  # fmt: skip
        if self.product.lane != "hedge" and not offers.settles_in_cny[self.at]:
            fits["fx"] = offers.currency
        return fits.get(name)

    def _by_table(self, name: str, rows: Any) -> tuple[Floats, Any]:
        """Values by company, or of every number that companies have and the place of each."""
        column = OF_ONE_NUMBER.get(name)
        if column is None:
            return _SIMILARITIES[name](self, rows), None
        values, places = rows.distinct(f"number.{column}")
        of_one = _amount if name == "amount" else _tenor
        return of_one(self, values), places

    def most(self, name: str) -> int:
        """The most that a part adds to any score, in millionths."""
        if name != KINDS:
            return int(micros(np.array(self.weights.weights[name])))
        affinity = self.weights.learned(self.matcher.ids)[0]
        return 0 if affinity is None else int(affinity.high[self.at].sum())

    def ceiling(self, name: str, rows: Any) -> Any:
        """The most that a part may add to the score of each company, in millionths (n,).

        A list that a company does not state is neutral, and known to be, without a look at it.
        """
        most = self.most(name)
        unsecured = name == "collateral" and not self.offers.secured[self.at]
        if name not in _STATED or unsecured or (name == "fx" and self.product.lane != "hedge"):
            return most
        neutral = self.worth(name, np.array([np.nan]))[0]
        return np.where((rows.column("flags") & _STATED[name]) != 0, most, neutral)

    def _affinity(self, rows: Rows) -> Micros:
        """What kinds of firms add, in millionths (n,)."""
        affinity = self.weights.learned(self.matcher.ids)[0]
        if affinity is None:
            return np.zeros(len(rows), dtype=np.int64)
        tokens = rows.segment.dictionaries["tokens"]
        points = np.array([affinity.points_of(token, self.at) for token in tokens])
        owner, place = rows.items("token")
        worth = points[rows.at("token", place)] * rows.at("token.value", place) * MICRO
        return rows.sums(owner, np.rint(worth)).astype(np.int64)

    def codes(self, fits: CodeFits, rows: Rows) -> Floats:
        """Mean fit over the codes each company certainly has (n,)."""
        every = merged(fits.bits)
        if fits.fits.open[self.at]:
            return np.full(len(rows), fits.fits.rows[0, self.at])
        has, may = (
            {word: rows.bits(f"{kind}.{word}", mask) for word, mask in every.items()}
            for kind in BITS
        )
        width, low = _width(every)
        if len(rows) < 1 << width or width > WIDEST:
            return self._codes(fits, has, may)
        ((word, mask),) = every.items()
        place = ((has[word] & np.uint64(mask)) >> np.uint64(low)).astype(np.int64)
        place += ((may[word] & np.uint64(mask)) != 0).astype(np.int64) << width
        found: Floats = self._patterns(fits, word, mask)[place]
        return found

    def _patterns(self, fits: CodeFits, word: int, mask: int) -> Floats:
        """The mean fit of every pattern of bits, first where nothing is open, then where it is."""
        kept = self._tables.get(id(fits))
        if kept is None:
            width, low = _width({word: mask})
            has = np.arange(1 << width, dtype=np.uint64) << np.uint64(low)
            found = [
                self._codes(fits, {word: has}, {word: np.full(len(has), open_, dtype=np.uint64)})
                for open_ in (0, mask)
            ]
            kept = self._tables[id(fits)] = np.concatenate(found)
        return kept

    def _codes(self, fits: CodeFits, has: Mapping[int, Any], may: Mapping[int, Any]) -> Floats:
        total = np.zeros(len(next(iter(has.values()))))
        for (word, mask), value in zip(fits.bits, fits.fits.rows[:, self.at].tolist(), strict=True):
            if value:
                total += np.where(has[word] & np.uint64(mask), value, 0.0)
        count = np.zeros(len(total), dtype=np.int64)
        maybe = np.zeros(len(total), dtype=np.bool_)
        for word, mask in merged(fits.bits).items():
            count += np.bitwise_count(has[word] & np.uint64(mask))
            maybe |= (may[word] & np.uint64(mask)) != 0
        return self.mean(fits.fits, total, count, (count > 0) | ~maybe)

    def mean(self, fits: Any, total: Floats, count: Ints, known: Bools) -> Floats:
        """The mean of a sum over codes; a company without any has none, or does not say."""
        found = total / np.maximum(count, 1)
        found[count == 0] = fits.none[self.at]
        found[~known] = fits.unknown[self.at]
        return found

    def coverage(self, rows: Rows) -> Floats:
        """CNY the product would lend on each company's items (n,): see `similarity.coverage`."""
        advances, accepted = (t[:, self.at] for t in (self.offers.advance, self.offers.accepts))
        owner, place = rows.items("pledge")
        kind, group = rows.at("pledge.kind", place), rows.at("pledge.group", place)
        base, senior = rows.at("pledge.base", place), rows.at("pledge.senior", place)
        lent = np.minimum(advances[kind] * base, rows.at("pledge.cap", place))
        lent = np.where(senior == 0, lent, np.maximum(lent - senior, 0.0))
        vague = np.isnan(base) | np.isnan(senior)
        lent[vague] = np.where(accepted[kind[vague]], np.nan, 0.0)
        first = np.flatnonzero(np.diff(owner, prepend=-1) | np.diff(group.astype(int), prepend=-1))
        best = np.maximum.reduceat(lent, first) if len(first) else lent
        total = rows.sums(owner[first], best)
        total[~rows.known(PLEDGES)] = np.nan
        return total


def merged(bits: Any) -> dict[int, int]:
    """Bits of one word as one mask."""
    found: dict[int, int] = {}
    for word, mask in bits:
        found[word] = found.get(word, 0) | mask
    return found


def _width(every: Mapping[int, int]) -> tuple[int, int]:
    """From the lowest to the highest bit of codes that share a word, and the lowest; else too wide.

    >>> _width({3: 0b11000}), _width({3: 1, 4: 1})
    ((2, 3), (64, 0))
    """
    if len(every) != 1:
        return 64, 0
    (mask,) = every.values()
    low = (mask & -mask).bit_length() - 1
    return mask.bit_length() - low, low


def clipped(values: Floats) -> Floats:
    """Within 0 and 1; NaN stays."""
    return np.minimum(np.maximum(values, 0.0), 1.0)


def _cargo(lens: Lens, rows: Rows) -> Floats:
    fits = lens.offers.cargo
    if fits.open[lens.at]:
        return np.full(len(rows), fits.rows[0, lens.at])
    total = rows.table_sums("goods", np.ascontiguousarray(fits.rows[:, lens.at]))
    starts = rows.segment.starts("goods")
    count = starts[rows.chosen + 1] - starts[rows.chosen]
    return lens.mean(fits, total, count, rows.known(GOODS))


def _amount(lens: Lens, need: Floats) -> Floats:
    low, high = lens.offers.amount[:, lens.at]
    overlap = np.minimum(1.2 * need, high) - np.maximum(0.8 * need, low)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(need == 0, 0.0, clipped(overlap / (0.4 * need)))


def _tenor(lens: Lens, days: Floats) -> Floats:
    low, high = lens.offers.tenor[:, lens.at]
    with np.errstate(invalid="ignore", divide="ignore"):
        short = days / low if low > 0 else np.where(np.isnan(days), np.nan, 1.0)
        long = np.where(days == 0, np.inf, high / days)
        return clipped(np.minimum(short, long))


def _collateral(lens: Lens, rows: Rows) -> Floats:
    need = lens.named("need_cny", rows)
    wanted = need > 0
    safe = np.where(wanted, need, 1.0)
    if lens.offers.secured[lens.at]:
        covered = lens.coverage(rows)
        found = np.where(wanted, clipped(covered / safe), 1.0 + 0.0 * covered)
    else:
        cover = rows.column("coverage")
        gap = np.where(wanted, 1.0 - clipped(cover / safe), 0.0 * cover)
        found = gap if lens.product.lane == "guarantee" else 0.5 + 0.5 * gap
    return np.where(np.isnan(need), np.nan, found)


def _fx(lens: Lens, rows: Rows) -> Floats:
    if lens.product.lane != "hedge" and not lens.offers.settles_in_cny[lens.at]:
        return lens.codes(lens.offers.currency, rows)
    total = rows.column("exposure.total")
    if lens.offers.settles_in_cny[lens.at]:
        return np.where(np.isnan(total), np.nan, np.where(total > 0, 1.0, 0.2))
    quoted = [row[lens.at] for row in lens.offers.quoted.values()]
    shares = np.zeros(OTHER_CURRENCY + 1)
    shares[: len(quoted)] = quoted
    met = rows.table_products("exposure", "exposure.currency", shares, "exposure.open")
    met[~rows.known(POSITIONS)] = np.nan
    open_ = total > 0
    share = np.minimum(met / np.where(open_, total, 1.0), 1.0)
    return np.where(open_, share, 0.0 * total)


def _documents(lens: Lens, rows: Rows) -> Floats:
    return documents(lens, *lens.papers(rows))


def documents(lens: Lens, held: Ints, any_held: Bools, maybe: Bools) -> Floats:
    """Share of the required papers (n,); NaN for who holds none of any sort, but may."""
    wanted, nothing = lens.offers.wanted[lens.at], float(lens.offers.wanted[lens.at] == 0)
    return np.where(~any_held & maybe, np.nan, (held + nothing) / (wanted + nothing))


def _preferences(lens: Lens, rows: Rows) -> Floats:
    points, known = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.bool_)
    for rule in lens.soft:
        answer = lens.verdict(rule, rows)
        points += 0.5 + 0.5 * answer
        known |= answer != UNKNOWN
    return preferences(lens, points, known)


def preferences(lens: Lens, points: Floats, known: Bools) -> Floats:
    """Share of the soft rules (n,) from their points; NaN where no answer is known."""
    if not lens.soft:
        return np.ones(len(points))
    return np.where(known, points / len(lens.soft), np.nan)


def _peers(lens: Lens, rows: Rows) -> Floats:
    peers = lens.weights.learned(lens.matcher.ids)[1]
    if peers is None:
        return np.full(len(rows), np.nan)
    segments = [tuple(part or ()) for part in rows.segment.dictionaries["segments"]]
    values = np.array([peers.value(Firm({}, segment))[lens.at] for segment in segments])
    found: Floats = values[rows.column("segment")]
    return found


def _text(lens: Lens, rows: Rows) -> Floats:
    whole = np.rint(lens.offers.text[:, lens.at] * EXACT).astype(np.int64)
    shared = rows.table_sums("text", whole) / EXACT
    total = rows.column("text.total")
    found = np.where(total > 0, shared / np.where(total > 0, total, 1.0), shared)
    return np.where(rows.known(TEXT), found, np.nan)


_SIMILARITIES: Mapping[str, Callable[[Lens, Rows], Floats]] = {
    "route": lambda lens, rows: lens.codes(lens.offers.route, rows),
    "cargo": _cargo,
    "collateral": _collateral,
    "fx": _fx,
    "stage": lambda lens, rows: lens.codes(lens.offers.stage, rows),
    "settlement": lambda lens, rows: lens.codes(lens.offers.settlement, rows),
    "documents": _documents,
    "size": lambda lens, rows: lens.codes(lens.offers.size, rows),
    "preferences": _preferences,
    "peers": _peers,
    "text": _text,
}
