"""By how much an answer to each question is expected to change the top three of the lists.

The change of a list is half the number of products that leave its first three places or come
into them; lanes are added up. Its mean over the possible answers, each with its chance, is what a
question is worth. Exact for the answers compiled, as deep as the lists given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.matching.compiled import Bools
from recommender.matching.eligibility import NO, UNKNOWN, Verdicts
from recommender.matching.encoding import Floats, Ints
from recommender.matching.scoring import Micros, micros
from recommender.questions.answer_effects import Effects, Possible

TOP = 3
_GONE = np.int64(-(2**62))
Singles = NDArray[np.float32]
TIES = 1_024


def change(before: Sequence[str], after: Sequence[str]) -> float:
    """How far the first three places of one list changed; 0 to 3.

    >>> change("abcd", "abcx"), change("abc", "bax"), change("ab", "")
    (0.0, 1.0, 1.0)
    """
    return len(set(before[:TOP]) ^ set(after[:TOP])) / 2


@dataclass(frozen=True)
class Lists:
    """The products that fit, lane after lane and best first.

    products (n,): indices in the catalogue; starts (L,): where each lane begins; sizes (L,): how
    many fit in each, those that were left out here included. keys (n,): larger is better.
    """

    products: Ints
    starts: Ints
    sizes: Ints
    keys: Micros

    def __len__(self) -> int:
        return len(self.products)


@dataclass(frozen=True)
class State:
    """What is known of a company, as far as answers can change it.

    open (Q,): questions not answered yet. verdicts (rules,), rests: answers to the rests.
    unknown (n, K): similarities not known, of the listed products. tastes: soft rules there are,
    met and answered so far (3, n); taste: what the weight of preferences is.
    """

    lists: Lists
    open: Bools
    verdicts: Verdicts
    rests: Verdicts
    unknown: Bools
    tastes: Floats
    taste: float


def expected_changes(p: Possible, s: State) -> Floats:
    """The expected change of each question (Q,); 0 for those that are answered."""
    n = len(s.lists)
    if not n or not len(p.answers):
        return np.zeros(len(p.names))
    column = np.full(p.products, -1)
    column[s.lists.products] = np.arange(n)
    gates, tastes = _live(p, p.gates, s, column), _live(p, p.tastes, s, column)
    used = np.zeros(len(p.answers), dtype=bool)
    used[gates.answer] = True
    used[tastes.answer] = True
    settling = len(p.settles)
    unsettled: Bools = np.logical_or.reduce(s.unknown, axis=0)
    used[:settling] |= s.open[p.question[:settling]] & unsettled[p.settles]
    rows = np.flatnonzero(used)
    place = np.cumsum(used) - 1
    keys = np.repeat(s.lists.keys[:, None], len(rows), axis=1)
    _settle(p, s, rows, keys)
    _add_tastes(s, place[tastes.answer], column[tastes.product], tastes.yes, keys)
    keys[column[gates.product], place[gates.answer]] = _GONE
    expected = _changes(keys, s.lists) * p.prior[rows]
    found = np.bincount(p.question[rows], weights=expected, minlength=len(p.names))
    return np.asarray(found, dtype=np.float64)


def _live(p: Possible, effects: Effects, s: State, column: Ints) -> Effects:
    """The effects on listed products of answers to open questions."""
    live: Bools = (s.verdicts[effects.rule] == UNKNOWN) & (column[effects.product] >= 0)
    live &= s.open[p.question[effects.answer]]
    if len(s.rests):
        live &= (effects.rest < 0) | (s.rests[effects.rest] == NO)
    return effects.of(live)


def _settle(p: Possible, s: State, rows: Ints, keys: Micros) -> None:
    """Move scores by the similarities that answers settle."""
    settling = rows[: np.searchsorted(rows, len(p.settles))]
    moved = p.moved[s.lists.products].take(settling, axis=1)
    moved *= s.unknown.take(p.settles[settling], axis=1)
    keys[:, : len(settling)] += moved * TIES


def _add_tastes(s: State, rows: Ints, columns: Ints, yes: Bools, keys: Micros) -> None:
    """Move scores by the soft rules that answers decide."""
    if not len(rows) or not s.taste:
        return
    flat, at = np.unique(columns * keys.shape[1] + rows, return_inverse=True)
    product = flat // keys.shape[1]
    asked, met, known = s.tastes[:, product]
    before = (met + (asked - known) / 2) / asked
    more = np.bincount(at, minlength=len(flat))
    yeses = np.bincount(at, weights=yes, minlength=len(flat))
    after = (met + yeses + (asked - known - more) / 2) / asked
    keys.ravel()[flat] += (micros(after * s.taste) - micros(before * s.taste)) * TIES


def _changes(keys: Micros, lists: Lists) -> Floats:
    """The change of the lists for each answer (U,), from keys (n, U) after it.

    Of the first three before, `stay` are among the first three after; as many come in as are left
    to fill the places.
    """
    shown = np.diff(lists.starts, append=len(keys))
    lane = np.repeat(np.arange(len(shown)), shown)
    lanes = (lane == np.arange(len(shown))[:, None]).astype(np.float32)
    gone = keys == _GONE
    left = lists.sizes[:, None] - _counted(lanes, gone)
    total: Floats = np.minimum(left, TOP) + np.minimum(lists.sizes, float(TOP))[:, None]
    for place in range(min(TOP, int(shown.max()))):
        top = lists.starts + np.minimum(place, shown - 1)
        ahead = _counted(lanes, keys > keys[top][lane])
        stays = (ahead < TOP) & ~gone[top] & (shown > place)[:, None]
        total = total - 2.0 * stays
    found: Floats = total.sum(axis=0) / 2
    return found


def _counted(lanes: Singles, flags: Bools) -> Singles:
    """How many flags are set in each lane; whole numbers this small are exact as floats."""
    return lanes @ flags.astype(np.float32)
