"""The pages of the analyst."""

from __future__ import annotations

from fastapi import APIRouter

from api.web.analyst import catalogues, editing, jobs, models, quality, training, weights

ROUTERS: tuple[APIRouter, ...] = (
    catalogues.router,
    editing.router,
    models.router,
    weights.router,
    training.router,
    jobs.router,
    quality.router,
)
