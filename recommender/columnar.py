"""One product against many packed companies: the gate, the similarities and the score as columns.

The readable reference in float64: every step is the one that `recommender.similarity` takes for one
company, in the same order, so that both give the same millionths. Nothing uses BLAS; sums over the
lists of a company are added from the first to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.affinities import CodeFits
from recommender.eligibility import NO, UNKNOWN, YES, Between
from recommender.encoding import Floats
from recommender.engine import Engine
from recommender.kinds import Firm
from recommender.packing import GOODS, OTHER_CURRENCY, PLEDGES, POSITIONS, TEXT
from recommender.population import Segment
from recommender.scoring import MICRO, Micros, micros
from recommender.similarity import FEATURES

Ints = NDArray[np.int64]
Verdicts = NDArray[np.int8]
Bools = NDArray[np.bool_]


class Rows:
    """Some rows of a segment. chosen: numbers in the segment (n,), ascending."""

    def __init__(self, segment: Segment, start: int, stop: int, kept: Ints | None = None) -> None:
        self.segment, self._start, self._stop = segment, start, stop
        self._kept = kept
        self.chosen: Ints = np.arange(start, stop) if kept is None else start + kept

    def __len__(self) -> int:
        return len(self.chosen)

    def among(self, mask: Bools) -> Rows:
        """The rows of a mask over these."""
        kept = np.flatnonzero(mask) if self._kept is None else self._kept[mask]
        return Rows(self.segment, self._start, self._stop, kept)

    def column(self, name: str) -> Any:
        """Values of one column (n,), as they were written."""
        found = self.segment.read(name, self._start, self._stop)
        return found if self._kept is None else found[self._kept]

    def known(self, mark: int) -> Bools:
        """Which companies state a list: goods, text, pledges or positions."""
        found: Bools = (self.column("flags") & mark) != 0
        return found

    def items(self, name: str) -> tuple[Ints, Ints]:
        """The items of lists: row of each among these rows, and its place in the columns."""
        starts = self.segment.starts(name)
        first, sizes = starts[self.chosen], starts[self.chosen + 1] - starts[self.chosen]
        owner = np.repeat(np.arange(len(self)), sizes)
        before = np.cumsum(sizes) - sizes
        place = np.arange(len(owner)) + np.repeat(first - before, sizes)
        return owner, place

    def at(self, name: str, place: Ints) -> Any:
        """Values of a column of items at some places."""
        if not len(place):
            return self.segment.read(name, 0, 0)
        low = int(place[0])
        return self.segment.read(name, low, int(place[-1]) + 1)[place - low]

    def sums(self, owner: Ints, values: Floats) -> Floats:
        """Sums by row (n,), each from its first item to its last."""
        found = np.bincount(owner, weights=values, minlength=len(self))
        return found.astype(np.float64)


class Lens:
    """One product of an engine's catalogue, ready to look at packed companies of one day."""

    def __init__(self, engine: Engine, product_id: str, as_of: Any) -> None:
        self.matcher, self.weights = engine.matcher, engine.weights
        self.product = engine.catalogue.product(product_id)
        self.at = self.matcher.index[product_id]
        self.offers = self.matcher.offers_on(as_of)
        ours, theirs, soft = self.matcher.parts[self.at]
        self._ours = list(dict.fromkeys(i for i, _ in ours))
        self._every = list(dict.fromkeys(i for i, _ in (*ours, *theirs)))
        self._soft = [i for i, _ in soft]
        self._mendable = engine.mendable

    def gate(self, rows: Rows) -> tuple[Verdicts, Bools]:
        """Fit (n,): 1 eligible, 0 conditional, -1 not; and which of the last might be near misses.

        Those whose hard rules that say no are all of a kind that a company can mend.
        """
        fit = np.full(len(rows), YES, dtype=np.int8)
        stuck = np.zeros(len(rows), dtype=np.bool_)
        ours = set(self._ours)
        for rule in self._every:
            verdict = self._verdict(rule, rows)
            no = verdict == NO
            if rule in ours:
                np.minimum(fit, verdict, out=fit)
            else:
                fit[no] = NO
            if not self._mendable[rule]:
                stuck |= no
        if self.matcher.ceilings[self.at]:
            np.minimum(fit, np.int8(UNKNOWN), out=fit)
        return fit, (fit == NO) & ~stuck

    def _verdict(self, rule: int, rows: Rows) -> Verdicts:
        found = np.full(len(rows), NO, dtype=np.int8)
        for sign, leaves in self.matcher.table.rules[rule]:
            part = np.full(len(rows), NO, dtype=np.int8)
            for leaf in leaves:
                np.maximum(part, self._leaf(leaf, rows), out=part)
            np.maximum(found, sign * part, out=found)
        return found

    def _leaf(self, leaf: Any, rows: Rows) -> Verdicts:
        if isinstance(leaf, Between):
            difference = self._number(leaf.left, rows) - self._number(leaf.right, rows)
            inside = (difference >= leaf.low) & (difference <= leaf.high)
            outside = (difference < leaf.low) | (difference > leaf.high)
            compared: Verdicts = inside.view(np.int8) - outside.view(np.int8)
            return compared
        mask = np.uint64(leaf.mask)
        has = (rows.column(f"has.{leaf.word}") & mask) != 0
        may = (rows.column(f"may.{leaf.word}") & mask) != 0
        found: Verdicts = has.view(np.int8) + may.view(np.int8) - np.int8(1)
        return found

    def _number(self, place: int, rows: Rows) -> Any:
        return rows.column(f"number.{self._names[place]}") if place else 0.0

    @cached_property
    def _names(self) -> dict[int, str]:
        return {place: name for name, place in self.matcher.layout.numbers.items()}

    def named(self, name: str, rows: Rows) -> Floats:
        """A numeric field by its id (n,)."""
        found: Floats = rows.column(f"number.{name}")
        return found

    def missing(self, rows: Rows) -> Ints:
        """How many required papers each company is not known to hold (n,)."""
        return int(self.offers.wanted[self.at]) - self._papers_held(rows)

    def _papers_held(self, rows: Rows) -> Ints:
        required = self.offers.required[:, self.at] > 0
        bits = [bit for bit, asked in zip(self.offers.papers, required, strict=True) if asked]
        found = np.zeros(len(rows), dtype=np.int64)
        for word, mask in merged(bits).items():
            found += np.bitwise_count(rows.column(f"has.{word}") & np.uint64(mask))
        return found

    def similarities(self, rows: Rows) -> Floats:
        """All similarities (n, K), NaN unknown, 0 where one does not apply to the lane."""
        found = np.zeros((len(rows), len(FEATURES)))
        for k, feature in enumerate(FEATURES):
            if self.product.lane in feature.lanes:
                found[:, k] = _SIMILARITIES[feature.name](self, rows)
        return found

    def scores(self, rows: Rows) -> Micros:
        """Scores in millionths (n,)."""
        values = self.similarities(rows)
        neutral = np.array([feature.neutral for feature in FEATURES])
        counted = np.where(np.isnan(values), neutral, values)
        total: Micros = micros(counted * self.weights.array).sum(axis=1)
        total += self.weights.points(self.matcher.ids)[self.at]
        return total + self._affinity(rows)

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
        if fits.fits.open[self.at]:
            return np.full(len(rows), fits.fits.none[self.at])
        own, every = fits.fits.rows[:, self.at], merged(fits.bits)
        has = {word: rows.column(f"has.{word}") for word in every}
        total = np.zeros(len(rows))
        for (word, mask), value in zip(fits.bits, own.tolist(), strict=True):
            if value:
                total += np.where(has[word] & np.uint64(mask), value, 0.0)
        count = np.zeros(len(rows), dtype=np.int64)
        maybe = np.zeros(len(rows), dtype=np.bool_)
        for word, mask in every.items():
            count += np.bitwise_count(has[word] & np.uint64(mask))
            maybe |= (rows.column(f"may.{word}") & np.uint64(mask)) != 0
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


def clipped(values: Floats) -> Floats:
    """Within 0 and 1; NaN stays."""
    return np.minimum(np.maximum(values, 0.0), 1.0)


def _cargo(lens: Lens, rows: Rows) -> Floats:
    fits = lens.offers.cargo
    if fits.open[lens.at]:
        return np.full(len(rows), fits.none[lens.at])
    owner, place = rows.items("goods")
    total = rows.sums(owner, fits.rows[rows.at("goods", place), lens.at])
    count = np.bincount(owner, minlength=len(rows))
    return lens.mean(fits, total, count, rows.known(GOODS))


def _amount(lens: Lens, rows: Rows) -> Floats:
    need = lens.named("need_cny", rows)
    low, high = lens.offers.amount[:, lens.at]
    overlap = np.minimum(1.2 * need, high) - np.maximum(0.8 * need, low)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(need == 0, 0.0, clipped(overlap / (0.4 * need)))


def _tenor(lens: Lens, rows: Rows) -> Floats:
    days = lens.named("need.tenor_days", rows)
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
    owner, place = rows.items("exposure")
    worth = shares[rows.at("exposure.currency", place)] * rows.at("exposure.open", place)
    met = rows.sums(owner, worth)
    met[~rows.known(POSITIONS)] = np.nan
    open_ = total > 0
    share = np.minimum(met / np.where(open_, total, 1.0), 1.0)
    return np.where(open_, share, 0.0 * total)


def _documents(lens: Lens, rows: Rows) -> Floats:
    wanted, nothing = lens.offers.wanted[lens.at], float(lens.offers.wanted[lens.at] == 0)
    found = (lens._papers_held(rows) + nothing) / (wanted + nothing)
    any_held = np.zeros(len(rows), dtype=np.bool_)
    maybe = any_held.copy()
    for word, mask in merged(lens.offers.papers).items():
        any_held |= (rows.column(f"has.{word}") & np.uint64(mask)) != 0
        maybe |= (rows.column(f"may.{word}") & np.uint64(mask)) != 0
    return np.where(~any_held & maybe, np.nan, found)


def _preferences(lens: Lens, rows: Rows) -> Floats:
    if not lens._soft:
        return np.ones(len(rows))
    points, known = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.bool_)
    for rule in lens._soft:
        answer = lens._verdict(rule, rows)
        points += 0.5 + 0.5 * answer
        known |= answer != UNKNOWN
    return np.where(known, points / len(lens._soft), np.nan)


def _peers(lens: Lens, rows: Rows) -> Floats:
    peers = lens.weights.learned(lens.matcher.ids)[1]
    if peers is None:
        return np.full(len(rows), np.nan)
    segments = [tuple(part or ()) for part in rows.segment.dictionaries["segments"]]
    values = np.array([peers.value(Firm({}, segment))[lens.at] for segment in segments])
    found: Floats = values[rows.column("segment")]
    return found


def _text(lens: Lens, rows: Rows) -> Floats:
    owner, place = rows.items("text")
    shared = rows.sums(owner, lens.offers.text[rows.at("text", place), lens.at])
    total = rows.column("text.total")
    found = np.where(total > 0, shared / np.where(total > 0, total, 1.0), shared)
    return np.where(rows.known(TEXT), found, np.nan)


_SIMILARITIES: Mapping[str, Callable[[Lens, Rows], Floats]] = {
    "route": lambda lens, rows: lens.codes(lens.offers.route, rows),
    "cargo": _cargo,
    "collateral": _collateral,
    "fx": _fx,
    "amount": _amount,
    "tenor": _tenor,
    "stage": lambda lens, rows: lens.codes(lens.offers.stage, rows),
    "settlement": lambda lens, rows: lens.codes(lens.offers.settlement, rows),
    "documents": _documents,
    "size": lambda lens, rows: lens.codes(lens.offers.size, rows),
    "preferences": _preferences,
    "peers": _peers,
    "text": _text,
}
