"""What other weights would change for the sample companies, in the worker of a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from api.jobs.training import weights_named
from api.jobs.work import told_of
from api.loading import load_engine
from api.settings import Settings
from api.store.registry import StoreShelf
from api.store.store import Store
from recommender import Company, Engine
from recommender.errors import CorridorError
from recommender.registry.impact import sample_companies
from recommender.registry.registry import Registry

FIRST = 3
Json = dict[str, Any]
Order = dict[str, list[str]]


def effect(
    settings: Settings, organisation_id: str, version: str, changed: Mapping[str, float]
) -> tuple[Json | None, Any]:
    """Whose lists a change of weights reorders, on the catalogue that serves; or errors.

    changed: points by similarity. Fits do not change with weights; `moves` holds for each sample
    company and lane the first three products before and after, where they differ; `names` holds
    both names by id.
    """
    store = Store(settings.store)
    try:
        registry = Registry(StoreShelf(store, organisation_id))
        before = weights_named(registry, version)
        after = replace(before, weights={**before.weights, **changed}, uptake={})
        engine = load_engine(settings, registry)
        named = {p.id: [p.name_zh, p.name_en] for p in engine.catalogue.products.values()}
        found = _moves(engine.serving(before), engine.serving(after))
        return {**found, "names": named}, None
    except CorridorError as error:
        return None, told_of(error, settings)
    finally:
        store.close()


def _moves(before: Engine, after: Engine) -> Json:
    samples, moves = sample_companies(), []
    for name, raw in samples.items():
        company = Company.parse(raw)
        sides = [_order(engine, company) for engine in (before, after)]
        moves += [
            {"company": name, "lane": lane, "before": order, "after": sides[1].get(lane, [])}
            for lane, order in sides[0].items()
            if order != sides[1].get(lane, [])
        ]
    companies = {move["company"] for move in moves}
    first = {m["company"] for m in moves if m["before"][:1] != m["after"][:1]}
    return {"total": len(samples), "changed": len(companies), "first": len(first), "moves": moves}


def _order(engine: Engine, company: Company) -> Order:
    answer = engine.recommend(company, engine.options({"language": "en"}))
    return {
        lane["lane"]: [match["product_id"] for match in lane["matches"][:FIRST]]
        for lane in answer["lanes"]
    }
