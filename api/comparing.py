"""Two catalogues side by side: what changed, and for which of the samples it matters."""

from __future__ import annotations

from typing import Any

from api.errors import plain
from recommender import Catalogue
from recommender.options import Options
from recommender.registry.differences import Comparison
from recommender.registry.impact import impact, sample_companies
from recommender.texts import Language


def compared(
    old: Catalogue, new: Catalogue, as_of: str | None, language: Language
) -> dict[str, Any]:
    """The differences as JSON has them. as_of: day for the samples, today by default."""
    day = as_of or Options().day.isoformat()
    comparison = Comparison(old, new)
    same = old.version == new.version
    moved = impact(old, new, {} if same else sample_companies(), day)
    names = {**_names(old, language), **_names(new, language)}
    return {
        "same": same,
        "old": old.version,
        "new": new.version,
        **comparison.counts(),
        "differences": [
            {
                "kind": d.kind,
                "section": d.section,
                "id": d.id,
                "field": d.field,
                "part": d.part,
                "old": _dumped(d.old),
                "new": _dumped(d.new),
                "text": comparison.sentence(d, language),
            }
            for d in comparison.found
        ],
        "samples": {
            "as_of": day,
            "total": moved.total,
            "changed": len(moved.companies),
            "unread": list(moved.unread),
            "changes": [
                {
                    "company": c.company,
                    "product_id": c.product_id,
                    "name": names[c.product_id],
                    "fit_before": c.before,
                    "fit_after": c.after,
                }
                for c in moved.changes
            ],
        },
    }


def _names(catalogue: Catalogue, language: Language) -> dict[str, str]:
    return {p.id: getattr(p, f"name_{language}") for p in catalogue.products.values()}


def _dumped(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json", exclude_defaults=True))
    return plain(value)
