"""The pages of a firm: profile, questions, results, plan, applications."""

from __future__ import annotations

from fastapi import APIRouter

from api.web.enterprise import applications, goods, home, plan, profile, questions, results, trying

ROUTERS: tuple[APIRouter, ...] = (
    home.router,
    profile.router,
    goods.router,
    questions.router,
    results.router,
    trying.router,
    plan.router,
    applications.router,
)
