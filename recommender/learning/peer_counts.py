"""How many firms of each segment were shown a product, and how many took it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from recommender.learning.lists import Lists
from recommender.matching.learned import FEWEST_FIRMS, Peers
from recommender.matching.scoring import PEERS

STRENGTH, FOLDS = 20.0, 5


def peer_counts(lists: Lists) -> dict[str, Any]:
    """What `Peers` counts: each firm once for a product; segments of at least twenty firms."""
    return _described(lists, _long(lists))


def out_of_fold(lists: Lists) -> Lists:
    """The same lists with uptake among peers that leaves out the firm's own fifth.

    Weights fitted on uptake that counts the firm itself would trust it far too much. All events of
    a firm fall into one fifth.
    """
    long, ids = _long(lists), tuple(lists.catalogue.products)
    values = lists.pairs.values.copy()
    owner = np.zeros(len(lists.pairs.firms), dtype=np.int64)
    owner[lists.firm] = np.repeat(lists.company, lists.sizes)
    for fold in range(FOLDS):
        others = Peers(product_ids=ids, **_described(lists, long[long["company"] % FOLDS != fold]))
        for at in np.flatnonzero(owner % FOLDS == fold).tolist():
            values[at, :, PEERS] = others.value(lists.pairs.firms[at])
    return replace(lists, pairs=replace(lists.pairs, values=values))


def _long(lists: Lists) -> pd.DataFrame:
    """A row for each firm, product and segment the firm stands in, narrowest included."""
    frame = pd.DataFrame(
        {
            "company": np.repeat(lists.company, lists.sizes),
            "product": lists.product,
            "firm": lists.firm,
            "taken": lists.taken,
        }
    )
    once = frame.groupby(["company", "product"], sort=True).agg(
        firm=("firm", "first"), taken=("taken", "max")
    )
    once = once.reset_index()
    chains = {
        at: ["|".join(segment[:depth]) for depth in range(len(segment) + 1)]
        for at in once["firm"].unique().tolist()
        for segment in [lists.pairs.firms[at].segment]
    }
    once["segment"] = once["firm"].map(chains)
    return once.explode("segment", ignore_index=True)


def _described(lists: Lists, long: pd.DataFrame) -> dict[str, Any]:
    ids = list(lists.catalogue.products)
    lanes = {product.id: product.lane for product in lists.catalogue.products.values()}
    firms = long.groupby("segment")["company"].nunique()
    kept = long[long["segment"].isin(firms.index[firms >= FEWEST_FIRMS])]
    table = kept.groupby(["segment", "product"])["taken"].agg(["size", "sum"])
    counts: dict[str, dict[str, list[int]]] = {}
    for (segment, product), shown, taken in table.itertuples():
        counts.setdefault(segment, {})[ids[product]] = [int(shown), int(taken)]
    return {"counts": counts, "lanes": lanes, "strength": STRENGTH}
