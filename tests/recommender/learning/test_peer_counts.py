"""Counts of peers: each firm once, small segments left out, and nobody their own peer."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.learning.baselines import fit
from recommender.learning.peer_counts import FOLDS, out_of_fold, peer_counts
from recommender.matching.scoring import PEERS, expert_weights


def counted(lists):
    """Sets of firms shown and taking, by segment and product, one row at a time."""
    shown, taken, members = {}, {}, {}
    firms, ids = lists.pairs.firms, list(lists.catalogue.products)
    company = np.repeat(lists.company, lists.sizes).tolist()
    first = {}
    for who, j, at, took in zip(company, lists.product.tolist(), lists.firm.tolist(),
                                lists.taken.tolist(), strict=True):  # fmt: skip
        segment = first.setdefault((who, j), firms[at].segment)
        for depth in range(len(segment) + 1):
            name = "|".join(segment[:depth])
            shown.setdefault((name, ids[j]), set()).add(who)
            members.setdefault(name, set()).add(who)
            if took:
                taken.setdefault((name, ids[j]), set()).add(who)
    return {
        name: {
            p: (len(whom), len(taken.get((name, p), ())))
            for (own, p), whom in shown.items()
            if own == name
        }
        for name, all_ in members.items()
        if len(all_) >= 20
    }


def test_counts_are_those_of_plain_counting(drawn):
    lists = drawn.lists.some(np.arange(len(drawn.lists)) < 900)
    found = peer_counts(lists)["counts"]
    assert {s: {p: tuple(c) for p, c in row.items()} for s, row in found.items()} == counted(lists)
    assert "" in found


def test_nobody_is_their_own_peer(drawn):
    lists = drawn.lists
    before = out_of_fold(lists).pairs.values[:, :, PEERS]
    own = lists.company % FOLDS == 2
    changed = np.where(np.repeat(own, lists.sizes), ~lists.taken, lists.taken)
    after = out_of_fold(replace(lists, taken=changed)).pairs.values[:, :, PEERS]
    rows = np.repeat(own, lists.sizes)
    assert np.array_equal(before[lists.firm[rows]], after[lists.firm[rows]], equal_nan=True)
    others = before[lists.firm[~rows]], after[lists.firm[~rows]]
    assert not np.array_equal(*others, equal_nan=True)


def test_the_pairs_given_are_left_alone(drawn):
    out_of_fold(drawn.lists)
    assert np.isnan(drawn.lists.pairs.values[:, :, PEERS]).all()


def test_peers_count_where_segments_decide_and_not_elsewhere(apart, drawn):
    deciding = fit(out_of_fold(apart.lists), expert_weights())
    assert deciding.interval("peers")[0] > 0.5
    assert fit(out_of_fold(drawn.lists), expert_weights()).interval("peers")[0] == 0


@pytest.mark.parametrize("kept", [0, 1, 15])
def test_few_firms_make_no_segment(drawn, kept):
    lists = drawn.lists.some(np.arange(len(drawn.lists)) < kept)
    assert peer_counts(lists)["counts"] == {}
