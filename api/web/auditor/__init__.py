"""The pages of the auditor."""

from __future__ import annotations

from fastapi import APIRouter

from api.web.auditor import chain, log, runs

ROUTERS: tuple[APIRouter, ...] = (runs.router, log.router, chain.router)
