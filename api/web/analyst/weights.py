"""Weights edited by hand: their effect on the sample companies, then a model that serves nobody."""

from __future__ import annotations

import math
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.bodies import language_of
from api.decisions import asked
from api.identity.caller import caller_of
from api.registry_answers import Versions
from api.web import access, forms, pages
from api.web.analyst import registry
from api.web.analyst.catalogues import called
from api.web.words import say
from recommender.catalogue.cells import number
from recommender.errors import InvalidInput, Problem
from recommender.matching.scoring import Weights
from recommender.matching.similarity import NAMES
from recommender.registry.impact import sample_companies
from recommender.texts import LANGUAGES, text

EFFECT = "api.jobs.weights:effect"
router = APIRouter(include_in_schema=False)
Json = dict[str, Any]


@router.get("/models/{version}/weights", dependencies=[access.needs("promote_model")])
async def weights(request: Request, version: str) -> Response:
    """The points of each similarity."""
    return await _page(request, version)


@router.post("/models/{version}/weights", dependencies=[access.needs("promote_model")])
async def edit(request: Request, version: str) -> Response:
    """See what other points change, or keep them as a new model."""
    form, language = await forms.received(request), language_of(request)
    before = await asked(request, lambda versions: _weights(versions, version))
    typed = {name: form.one(name) for name in NAMES}
    context: Json = {"typed": typed, "reason": form.one("reason")}
    try:
        changed = _changed(before, typed)
        if form.one("do") == "keep":
            reason = registry.reason_of(form).reason
    except InvalidInput as error:
        names = {name: text(f"feature.{name}.label", language) for name in NAMES}
        problems = forms.beside(error, language, names)
        return await _page(request, version, 422, problems=problems, **context)
    if not changed:
        problems = {"": [say(language, "Nothing was changed.")]}
        return await _page(request, version, 422, problems=problems, **context)
    if form.one("do") == "keep":
        kept = await asked(request, lambda v: v.registry.edit(before, changed, reason).version)
        return RedirectResponse(f"/models/{kept}", 303)
    state, own = request.app.state, caller_of(request).organisation_id
    found, wrong = await state.checks.run(EFFECT, state.settings, own, before.version, changed)
    if found is None:
        problems = {"": [registry.told(wrong, request)["detail"]]}
        return await _page(request, version, 422, problems=problems, **context)
    samples, at = sample_companies(), LANGUAGES.index(language)
    for move in found["moves"]:
        move["company"] = called(samples[move["company"]], move["company"], language)
        for side in ("before", "after"):
            move[side] = [found["names"][product][at] for product in move[side]]
    return await _page(request, version, effect=found, **context)


def _weights(versions: Versions, version: str) -> Weights:
    """The weights of a version; raises NotFound."""
    expert = registry.expert()
    return expert if version == expert.version else versions.registry.load(version)


def _changed(before: Weights, typed: dict[str, str]) -> dict[str, float]:
    """Points that were changed; raises InvalidInput with every one that is none."""
    changed, problems = {}, []
    for name, cell in typed.items():
        if cell == _shown(before.weights[name]):
            continue
        points = number(cell)
        if isinstance(points, str):
            problems.append(Problem("not_number" if cell else "missing", name, cell or None))
        elif not (math.isfinite(points) and points >= 0):
            problems.append(Problem("below_minimum", name, points, 0))
        else:
            changed[name] = float(points)
    if problems:
        raise InvalidInput(problems)
    return changed


async def _page(request: Request, version: str, status: int = 200, **context: Any) -> Response:
    before = await asked(request, lambda versions: _weights(versions, version))
    now = {name: _shown(before.weights[name]) for name in NAMES}
    empty: Json = {"problems": {}, "typed": {}, "reason": "", "effect": None}
    whole = {"version": before.version, "now": now, "names": NAMES, **empty, **context}
    return await pages.shown(request, "analyst/weights.html", status, **whole)


def _shown(points: float) -> str:
    """Points as the form has them; what stays as it is shown is not changed."""
    return f"{points:.4f}".rstrip("0").rstrip(".")
