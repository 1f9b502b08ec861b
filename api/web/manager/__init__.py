"""The pages of the manager."""

from __future__ import annotations

from fastapi import APIRouter

from api.web.manager import (
    application,
    board,
    companies,
    company,
    company_actions,
    company_import,
    prospects,
    reviews,
)

ROUTERS: tuple[APIRouter, ...] = (
    prospects.router,
    company_import.router,
    companies.router,
    company.router,
    company_actions.router,
    board.router,
    application.router,
    reviews.router,
)
